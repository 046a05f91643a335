//! `tintype open-events`: event files of other tools as runs.
#![expect(clippy::print_stdout, reason = "a command line speaks by printing")]

use super::client::Client;
use super::progress::finish;
use anyhow::Context as _;
use clap::{Arg, ArgMatches, Command, value_parser};
use serde_json::{Value, json};
use std::path::PathBuf;

pub(super) fn command() -> Command {
    Command::new("open-events")
        .about("Read event files of another tool, as TensorBoard shows them, as runs to look at and compare")
        .after_help("Example: tintype open-events ~/experiment/runs")
        .arg(
            Arg::new("path")
                .required(true)
                .value_name("PATH")
                .value_parser(value_parser!(PathBuf))
                .help("An event file, or a folder with such files in it or in its folders: each is a run"),
        )
        .arg(Arg::new("name").long("name").default_value("").help("What to call it; by itself as the folder"))
}

pub(super) fn open(client: &Client, arguments: &ArgMatches, json: bool) -> anyhow::Result<()> {
    let path = arguments.get_one::<PathBuf>("path").context("PATH is required")?;
    let path = path.canonicalize().with_context(|| format!("{} can't be read", path.display()))?;
    let name = arguments.get_one::<String>("name").context("--name has a default")?;
    let opened = client.post("/api/v1/runs/events", &json!({"path": path, "name": name}))?;
    let items = opened["items"].as_array().context("the answer has no runs")?;
    let runs: Vec<Value> = items.iter().map(|run| finish(client, run)).collect::<anyhow::Result<_>>()?;
    if json {
        println!("{}", json!({"items": runs}));
        return Ok(());
    }
    for run in &runs {
        let name = run["name"].as_str().unwrap_or_default();
        println!("Run {} “{name}”: {} scalars.", run["id"], run["event_origin"]["scalars"]);
    }
    Ok(())
}
