//! `tintype runs`: the list, and removal.
#![expect(clippy::print_stdout, reason = "a command line speaks by printing")]

use super::client::Client;
use anyhow::{Context as _, bail};
use clap::ArgMatches;
use serde_json::{Value, json};

pub(super) fn runs(client: &Client, arguments: &ArgMatches, json: bool) -> anyhow::Result<()> {
    if let Some(("delete", arguments)) = arguments.subcommand() {
        return delete(client, arguments, json);
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    for name in ["state", "tag"] {
        if let Some(value) = arguments.get_one::<String>(name) {
            query.append_pair(name, value);
        }
    }
    let list = client.get(&format!("/api/v1/runs?{}", query.finish()))?;
    if json {
        println!("{list}");
        return Ok(());
    }
    for run in list["items"].as_array().into_iter().flatten() {
        println!("{}", line(run));
    }
    Ok(())
}

/// Number, state, best validation accuracy, test accuracy, name; apart by tabs.
fn line(run: &Value) -> String {
    let share = |key: &str| match run["summary"][key].as_f64() {
        Some(share) => format!("{:.1} %", share * 100.0),
        None => "-".to_owned(),
    };
    let text = |key: &str| run[key].as_str().unwrap_or_default().to_owned();
    let (val, test) = (share("best_val_accuracy"), share("test_accuracy"));
    format!("{}\t{}\t{val}\t{test}\t{}", run["id"], text("state"), text("name"))
}

fn delete(client: &Client, arguments: &ArgMatches, json: bool) -> anyhow::Result<()> {
    let ids: Vec<i64> = arguments.get_many::<i64>("runs").context("RUN is required")?.copied().collect();
    // All are looked up first, so that a typo removes nothing.
    let find = |id: &i64| client.get(&format!("/api/v1/runs/{id}")).with_context(|| format!("run {id}"));
    let runs: Vec<Value> = ids.iter().map(find).collect::<anyhow::Result<_>>()?;
    if !arguments.get_flag("yes") {
        let names: Vec<String> = runs.iter().map(line).collect();
        bail!("this would delete, with all files:\n{}\nAdd --yes to do it", names.join("\n"));
    }
    for id in &ids {
        client.delete(&format!("/api/v1/runs/{id}")).with_context(|| format!("deleting run {id}"))?;
    }
    if json {
        println!("{}", json!({"deleted": ids}));
    }
    Ok(())
}
