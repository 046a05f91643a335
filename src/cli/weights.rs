//! `tintype weights`: the catalogue of published weights, and fetching them.
#![expect(clippy::print_stdout, reason = "a command line speaks by printing")]

use super::client::Client;
use super::progress::wait_for_weights;
use anyhow::Context as _;
use clap::{Arg, ArgMatches, Command};
use protocol::weights::WEIGHTS;
use serde_json::{Value, json};

pub(super) fn command() -> Command {
    Command::new("weights")
        .about("List published weights and whether they are on this machine, or fetch some")
        .after_help("Example: tintype weights fetch efficientnet-lite0-imagenet")
        .subcommand(
            Command::new("fetch").about("Fetch them, and wait until they are there").arg(
                Arg::new("name")
                    .required(true)
                    .value_name("NAME")
                    .value_parser(WEIGHTS.iter().map(|entry| entry.name).collect::<Vec<_>>())
                    .help("Their name"),
            ),
        )
}

pub(super) fn weights(client: &Client, arguments: &ArgMatches, json: bool) -> anyhow::Result<()> {
    if let Some(("fetch", arguments)) = arguments.subcommand() {
        let name = arguments.get_one::<String>("name").context("NAME is required")?;
        client.post(&format!("/api/v1/weights/{name}/fetch"), &json!({}))?;
        let item = wait_for_weights(client, name)?;
        if json {
            println!("{item}");
        } else {
            println!("{name} is there.");
        }
        return Ok(());
    }
    let list = client.get("/api/v1/weights")?;
    if json {
        println!("{list}");
        return Ok(());
    }
    for item in list["items"].as_array().into_iter().flatten() {
        println!("{}", line(item));
    }
    Ok(())
}

/// Name, whether it is here, size, ImageNet figure, licence; apart by tabs.
fn line(item: &Value) -> String {
    let text = |key: &str| item[key].as_str().unwrap_or_default();
    let state = if item["present"] == true { "here" } else { "not here" };
    let megabytes = item["bytes"].as_f64().unwrap_or(0.0) / 1e6;
    let top1 = item["imagenet_top1"].as_f64().unwrap_or(0.0) * 100.0;
    format!("{}\t{state}\t{megabytes:.1} MB\tImageNet {top1:.1} %\t{}", text("name"), text("licence"))
}
