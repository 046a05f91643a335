//! `tintype share`: makes a link to a view, lists links, revokes one.
#![expect(clippy::print_stdout, reason = "a command line speaks by printing")]

use super::client::Client;
use anyhow::Context as _;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde_json::{Value, json};

/// What the server takes as a name.
const LONGEST_NAME: usize = 100;

pub(super) fn command() -> Command {
    Command::new("share")
        .about("Make a link to a page of a server that other machines reach, read-only unless --full; or list or revoke links")
        .after_help(
            "Examples: tintype share \"/runs/3/predictions?split=test\" --name \"Mistakes of run 3\"\n          \
             tintype share --list\n          tintype share --revoke 5",
        )
        .arg(Arg::new("view").value_name("VIEW").default_value("/").help("Path and query of the page that it opens"))
        .arg(Arg::new("name").long("name").value_name("NAME").help("What to call it; its reader sees it too"))
        .arg(
            Arg::new("days")
                .long("days")
                .default_value("7")
                .value_parser(value_parser!(i64))
                .help("How many days it is good for; 0: until it is revoked"),
        )
        .arg(Arg::new("full").long("full").action(ArgAction::SetTrue).help("Its holder may do everything"))
        .arg(Arg::new("list").long("list").action(ArgAction::SetTrue).help("List links and keys instead"))
        .arg(
            Arg::new("revoke")
                .long("revoke")
                .value_name("ID")
                .conflicts_with("list")
                .value_parser(value_parser!(i64))
                .help("Revoke this one instead"),
        )
}

pub(super) fn share(client: &Client, arguments: &ArgMatches, json: bool) -> anyhow::Result<()> {
    if arguments.get_flag("list") {
        let list = client.get("/api/v1/access-keys")?;
        if json {
            println!("{list}");
            return Ok(());
        }
        for key in list["items"].as_array().into_iter().flatten() {
            println!("{}", line(key));
        }
        return Ok(());
    }
    if let Some(id) = arguments.get_one::<i64>("revoke") {
        client.delete(&format!("/api/v1/access-keys/{id}"))?;
        if json {
            println!("{}", json!({"revoked": id}));
        }
        return Ok(());
    }
    let view = arguments.get_one::<String>("view").context("VIEW has a default")?;
    let days = arguments.get_one::<i64>("days").copied().filter(|days| *days != 0);
    let role = if arguments.get_flag("full") { "full" } else { "read-only" };
    // A view is longer than a name may be where it has many filters.
    let name = arguments
        .get_one::<String>("name")
        .cloned()
        .unwrap_or_else(|| view.chars().take(LONGEST_NAME).collect());
    let made = client
        .post("/api/v1/access-keys", &json!({"name": name, "view": view, "days": days, "role": role}))?;
    if json {
        println!("{made}");
        return Ok(());
    }
    for url in made["urls"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        println!("{url}");
    }
    Ok(())
}

/// Number, state, role, name, page; apart by tabs.
fn line(key: &Value) -> String {
    let text = |name: &str| key[name].as_str().unwrap_or_default();
    format!("{}\t{}\t{}\t{}\t{}", key["id"], text("state"), text("role"), text("name"), text("view"))
}
