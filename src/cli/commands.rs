//! The commands. The one place that prints.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks by printing")]

use super::client::Client;
use super::progress::{finish, finish_job, wait_for_import};
use crate::app::App;
use crate::domain::recipe::{FIELDS, values_from_text};
use anyhow::{Context as _, bail};
use clap::ArgMatches;
use protocol::weights::WeightsEntry;
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use tokio::signal::unix::{SignalKind, signal};

/// Says why a command failed.
pub(super) fn complain(error: &anyhow::Error) {
    eprintln!("tintype: {error:#}");
}

pub(super) fn serve(runtime: &tokio::runtime::Runtime, app: &mut App) -> anyhow::Result<()> {
    // Listened to before the address is known to anybody, so that whoever ends it at once ends it in order too.
    let (mut interrupt, mut terminate) = runtime.block_on(async {
        std::io::Result::Ok((signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
    })?;
    for url in &app.urls {
        println!("{url}");
    }
    std::io::stdout().flush()?;
    if app.own.key.is_some() {
        eprintln!(
            "Whoever has this address may do everything; “Share” in the top bar makes links that only read.\n\
             What goes over the network is not encrypted: use it in a network that you trust."
        );
        match app.further_keys {
            0 => {}
            1 => eprintln!(
                "1 key of an earlier start or of a link is good as well; “Share” lists and revokes it."
            ),
            count => eprintln!(
                "{count} keys of earlier starts and of links are good as well; “Share” lists and revokes them."
            ),
        }
    }
    runtime.block_on(async {
        tokio::select! {
            _ = interrupt.recv() => Ok(()),
            _ = terminate.recv() => Ok(()),
            // Better a program that ends than one that is there and does not answer: whoever started it sees that.
            error = app.ended() => Err(error),
        }
    })
}

pub(super) fn import(client: &Client, arguments: &ArgMatches, json: bool) -> anyhow::Result<()> {
    let name = arguments.get_one::<String>("name").context("--name is required")?;
    let format = arguments.get_one::<String>("format").context("--format has a default")?;
    let mut body = json!({"name": name, "source": {"format": format}});
    if let Some(entry) = arguments.get_one::<String>("catalogue") {
        body["source"]["catalogue"] = json!(entry);
    } else {
        let path = arguments.get_one::<PathBuf>("path").context("PATH is required")?;
        let path = path.canonicalize().with_context(|| format!("{} can't be read", path.display()))?;
        body["source"]["path"] = json!(path);
    }
    let share = |name: &str| arguments.get_one::<f64>(name).copied();
    let seed = arguments.get_one::<u64>("split-seed").copied();
    if share("val").is_some() || share("test").is_some() || seed.is_some() {
        body["split"] = json!({"val": share("val").unwrap_or(0.2), "test": share("test").unwrap_or(0.0), "seed": seed.unwrap_or(0)});
    }
    let made = client.post("/api/v1/datasets", &body)?;
    let dataset = wait_for_import(client, &made["id"])?;
    if json {
        println!("{dataset}");
    } else {
        let splits = &dataset["splits"];
        println!(
            "“{name}” is ready: {} for training, {} for validation, {} for the test; {} files were skipped.",
            splits["train"], splits["val"], splits["test"], dataset["rejected_count"]
        );
    }
    Ok(())
}

/// Does the demo; true where its dashboard is to be served from here on.
pub(super) fn demo(client: &Client, data: &Path, arguments: &ArgMatches, url: &str) -> anyhow::Result<bool> {
    let once = arguments.get_flag("once");
    let summary = super::demo::prepare(client, data)?;
    if once || arguments.get_flag("json") {
        println!("{summary}");
    } else {
        println!("{}", super::demo::words(&summary, url));
    }
    Ok(!once)
}

pub(super) fn train(client: &Client, arguments: &ArgMatches, json: bool) -> anyhow::Result<()> {
    let body = recipe(arguments)?;
    let started = client.post("/api/v1/runs", &body)?;
    let ended = finish(client, &started);
    print_findings(client, &started["id"])?;
    let run = ended?;
    if json {
        println!("{run}");
    } else {
        println!(
            "Run {} is {}: validation accuracy {}.",
            run["id"],
            run["state"].as_str().unwrap_or_default(),
            percent(&run["summary"]["best_val_accuracy"])
        );
    }
    Ok(())
}

/// What wants a look in a run, a line each, on standard error; so also where it did not end well.
fn print_findings(client: &Client, run: &Value) -> anyhow::Result<()> {
    let findings = client.get(&format!("/api/v1/runs/{run}/findings"))?;
    for finding in findings["items"].as_array().into_iter().flatten() {
        let text = |key: &str| finding[key].as_str().unwrap_or_default();
        eprintln!("{}: {}", text("title"), text("sentence"));
    }
    Ok(())
}

pub(super) fn evaluate(client: &Client, arguments: &ArgMatches, json: bool) -> anyhow::Result<()> {
    let split = arguments.get_one::<String>("split").context("--split has a default")?;
    let mut body = recipe(arguments)?;
    body["epochs"] = json!(0);
    body["evaluate_on"] = json!(split);
    let run = finish(client, &client.post("/api/v1/runs", &body)?)?;
    let evaluation = client.get(&format!("/api/v1/runs/{}/evaluation?split={split}", run["id"]))?;
    if json {
        println!("{evaluation}");
    } else {
        println!(
            "{} of {} right ({}).",
            evaluation["correct"],
            evaluation["total"],
            percent(&evaluation["accuracy"])
        );
    }
    Ok(())
}

pub(super) fn predict(client: &Client, arguments: &ArgMatches, json: bool) -> anyhow::Result<()> {
    let run = arguments.get_one::<i64>("run").context("RUN is required")?;
    let paths: Vec<&PathBuf> = arguments.get_many::<PathBuf>("paths").unwrap_or_default().collect();
    let absolute = |path: &&PathBuf| absolute(path.to_str().context("a path is not Unicode")?);
    let images: Vec<String> = paths.iter().map(absolute).collect::<anyhow::Result<_>>()?;
    let body = json!({"task": "predict", "images": images});
    let job = finish_job(client, &client.post(&format!("/api/v1/runs/{run}/jobs"), &body)?)?;
    let items = job["items"].as_array().context("the job has no predictions")?;
    // As they were named, and in that order.
    let items = paths.iter().zip(items);
    if json {
        let item = |(path, item): (&&PathBuf, &Value)| json!({"path": path, "predicted": item["predicted"], "probabilities": item["probabilities"]});
        println!("{}", json!({"run": run, "items": items.map(item).collect::<Vec<_>>()}));
        return Ok(());
    }
    for (path, item) in items {
        let class = item["predicted"].as_str().unwrap_or("unknown");
        println!("{}\t{class}\t{:.4}", path.display(), item["confidence"].as_f64().unwrap_or(0.0));
    }
    Ok(())
}

pub(super) fn export(client: &Client, arguments: &ArgMatches) -> anyhow::Result<()> {
    let run = arguments.get_one::<i64>("run").context("RUN is required")?;
    let map = arguments.get_one::<String>("map").context("a map is required")?;
    let format = arguments.get_one::<String>("format").context("--format has a default")?;
    let split =
        arguments.get_one::<String>("split").map(|split| format!("&split={split}")).unwrap_or_default();
    print!("{}", client.get_text(&format!("/api/v1/runs/{run}/{map}?format={format}{split}"))?);
    Ok(())
}

/// The body of a new run from the options of a command.
fn recipe(arguments: &ArgMatches) -> anyhow::Result<Value> {
    let mut pairs = Vec::new();
    for field in FIELDS {
        if let Ok(Some(text)) = arguments.try_get_one::<String>(field.name) {
            let is_file = field.name == "weights" && !text.is_empty() && WeightsEntry::find(text).is_none();
            let text = if is_file { absolute(text)? } else { text.clone() };
            pairs.push((field.name, text));
        }
    }
    let (mut values, errors) = values_from_text(pairs.iter().map(|(name, text)| (*name, text.as_str())));
    if let Some((field, why)) = errors.into_iter().next() {
        bail!("--{}: {why}", field.replace('_', "-"));
    }
    if let Some(dataset) = arguments.get_one::<String>("dataset") {
        values.insert("dataset".into(), json!(dataset));
    }
    if let Ok(Some(like)) = arguments.try_get_one::<i64>("like") {
        values.insert("like".into(), json!(like));
    }
    Ok(Value::Object(values))
}

fn absolute(path: &str) -> anyhow::Result<String> {
    let whole = Path::new(path).canonicalize().with_context(|| format!("{path} can't be read"))?;
    Ok(whole.to_str().context("the path is not Unicode")?.to_owned())
}

fn percent(value: &Value) -> String {
    value.as_f64().map_or_else(|| "unknown".to_owned(), |share| format!("{:.1} %", share * 100.0))
}
