//! The command line. Every command speaks HTTP to the server that holds the data directory; where nobody holds it,
//! the command serves it itself for as long as it runs. So there is one way in which things are done.
#![expect(clippy::disallowed_methods, reason = "a command may wait")]

mod client;
mod commands;
mod demo;
mod events;
mod progress;
mod runs;
mod share;
mod weights;

use crate::app::{App, Endpoint, Holder, hold};
use crate::domain::recipe::{FIELDS, FieldType};
use crate::import::catalogue::CATALOGUE;
use anyhow::Context as _;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use client::Client;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// Where a server listens unless told otherwise.
const ADDRESS: &str = "127.0.0.1:8431";

/// Runs the command line to its end.
pub fn run() -> ExitCode {
    let matches = command().get_matches();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("TINTYPE_LOG").unwrap_or_else(|_| {
            if matches.subcommand_name() == Some("serve") { "info" } else { "warn" }.into()
        }))
        .init();
    crate::watch::log_panics();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome = runtime.context("starting the runtime").and_then(|runtime| dispatch(&runtime, &matches));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            commands::complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn dispatch(runtime: &tokio::runtime::Runtime, matches: &ArgMatches) -> anyhow::Result<()> {
    let (name, arguments) = matches.subcommand().context("a command is required")?;
    let data: PathBuf = arguments.get_one::<PathBuf>("data").cloned().context("--data has a default")?;
    let json = arguments.get_flag("json");
    let serving = name == "serve";
    let address = match arguments.try_get_one::<SocketAddr>("address") {
        Ok(Some(address)) => *address,
        _ => SocketAddr::from(([127, 0, 0, 1], 0)),
    };
    let max_concurrent = arguments.try_get_one::<usize>("runs-at-once").ok().flatten().copied().unwrap_or(1);
    let names: Vec<String> = match arguments.try_get_many::<String>("host") {
        Ok(Some(names)) => names.cloned().collect(),
        _ => Vec::new(),
    };
    let (endpoint, mut app) = match hold(&data)? {
        Holder::Server(Endpoint { url, .. }) if serving => {
            anyhow::bail!("{} is already served, at {url}", data.display())
        }
        Holder::Server(endpoint) => (endpoint, None),
        Holder::Us(lock) => {
            let app = runtime.block_on(App::start(&data, lock, address, max_concurrent, &names))?;
            (app.own.clone(), Some(app))
        }
    };
    let outcome = if let Some(app) = app.as_mut().filter(|_| serving) {
        commands::serve(runtime, app)
    } else {
        let client = Client::new(&endpoint);
        match name {
            "import" => commands::import(&client, arguments, json),
            "train" => commands::train(&client, arguments, json),
            "runs" => runs::runs(&client, arguments, json),
            "open-events" => events::open(&client, arguments, json),
            "weights" => weights::weights(&client, arguments, json),
            "share" => share::share(&client, arguments, json),
            "evaluate" => commands::evaluate(&client, arguments, json),
            "predict" => commands::predict(&client, arguments, json),
            "export" => commands::export(&client, arguments),
            // Where another process serves the data directory, its dashboard is there already.
            "demo" => match (commands::demo(&client, &data, arguments, &endpoint.url), &mut app) {
                (Ok(true), Some(app)) => commands::serve(runtime, app),
                (done, _) => done.map(drop),
            },
            other => anyhow::bail!("there is no command {other}"),
        }
    };
    if let Some(app) = app {
        runtime.block_on(app.stop());
    }
    outcome
}

/// Every command and option.
pub fn command() -> Command {
    let data = Arg::new("data")
        .long("data")
        .env("TINTYPE_DATA")
        .default_value("data")
        .global(true)
        .value_name("DIR")
        .value_parser(value_parser!(PathBuf))
        .help("The data directory");
    let json = Arg::new("json")
        .long("json")
        .global(true)
        .action(ArgAction::SetTrue)
        .help("Print one JSON object and nothing else; progress goes to standard error");
    let dataset = Arg::new("dataset").required(true).value_name("DATASET").help("The data set's name");
    let run = Arg::new("run")
        .required(true)
        .value_name("RUN")
        .help("The run's number")
        .value_parser(value_parser!(i64));
    Command::new("tintype")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A dashboard in which you make an image classifier and see every stage of it")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(data)
        .arg(json)
        .subcommand(
            Command::new("serve")
                .about("Serve the dashboard; the first line printed is its address")
                .after_help(
                    "Examples: tintype serve --address 127.0.0.1:8431\n          tintype serve --address 0.0.0.0:8431\n\n\
                     At an address that other machines reach, or with --host NAME, a key is needed: a new one is in the address that is printed, or\n\
                     the environment variable TINTYPE_KEY chooses one.",
                )
                .arg(
                    Arg::new("address")
                        .long("address")
                        .default_value(ADDRESS)
                        .value_parser(value_parser!(SocketAddr))
                        .help("Address and port to listen at; port 0 takes a free one"),
                )
                .arg(
                    Arg::new("host")
                        .long("host")
                        .env("TINTYPE_HOST")
                        .action(ArgAction::Append)
                        .value_delimiter(',')
                        .value_name("NAME")
                        .help("Answer to this name too, such as that of a proxy; a key is then needed; may be given more than once"),
                )
                .arg(
                    Arg::new("runs-at-once")
                        .long("runs-at-once")
                        .default_value("1")
                        .value_parser(value_parser!(usize))
                        .help("How many runs may run at a time; the rest wait in order"),
                ),
        )
        .subcommand(
            Command::new("demo")
                .about("Draw images with faults planted on purpose, train on them, and serve the dashboard where they show")
                .after_help("Example: tintype demo --once --json")
                .arg(Arg::new("once").long("once").action(ArgAction::SetTrue).help("Print the summary as JSON and end"))
                .arg(
                    Arg::new("address")
                        .long("address")
                        .default_value("127.0.0.1:0")
                        .value_parser(value_parser!(SocketAddr))
                        .help("Address and port to listen at; port 0 takes a free one"),
                ),
        )
        .subcommand(
            Command::new("import")
                .about("Import images – folders, archives, or files of a usual format – and wait until it is done")
                .after_help("Example: tintype import ~/photos.zip --name pets")
                .arg(
                    Arg::new("path")
                        .required_unless_present("catalogue")
                        .value_name("PATH")
                        .value_parser(value_parser!(PathBuf)),
                )
                .arg(
                    Arg::new("catalogue")
                        .long("catalogue")
                        .conflicts_with("path")
                        .value_parser(CATALOGUE.iter().map(|entry| entry.name).collect::<Vec<_>>())
                        .help("Fetch a well-known data set instead"),
                )
                .arg(Arg::new("name").long("name").required(true).help("What to call the data set"))
                .arg(
                    Arg::new("format")
                        .long("format")
                        .default_value("auto")
                        .value_parser(formats())
                        .help("What lies there; by itself it is recognised"),
                )
                .arg(Arg::new("val").long("val").value_parser(value_parser!(f64)).help("Share held out for validation"))
                .arg(Arg::new("test").long("test").value_parser(value_parser!(f64)).help("Share held out for the test"))
                .arg(Arg::new("split-seed").long("split-seed").value_parser(value_parser!(u64)).help("Another seed, another draw")),
        )
        .subcommand(
            Command::new("train")
                .about("Train a run, and wait until it has ended")
                .after_help(
                    "Examples: tintype train pets --model small-cnn --epochs 3\n          tintype train --like 7 --learning-rate 0.001",
                )
                .arg(dataset.clone().required_unless_present("like").required(false))
                .arg(
                    Arg::new("like")
                        .long("like")
                        .value_name("RUN")
                        .value_parser(value_parser!(i64))
                        .help("Take the settings of this run where none are given; without DATASET its images too, labelled and split as they were then"),
                )
                .args(FIELDS.iter().map(option)),
        )
        .subcommand(
            Command::new("runs")
                .about("List the runs, newest first, or delete some")
                .after_help("Examples: tintype runs --state failed\n          tintype runs delete 3 4 --yes")
                .arg(Arg::new("state").long("state").value_name("STATE").help("Only those in this state"))
                .arg(Arg::new("tag").long("tag").value_name("TAG").help("Only those with this tag"))
                .subcommand(
                    Command::new("delete")
                        .about("Delete runs with their files")
                        .arg(
                            Arg::new("runs")
                                .required(true)
                                .num_args(1..)
                                .value_name("RUN")
                                .value_parser(value_parser!(i64))
                                .help("Their numbers"),
                        )
                        .arg(
                            Arg::new("yes")
                                .long("yes")
                                .action(ArgAction::SetTrue)
                                .help("Really; without it they are only named"),
                        ),
                ),
        )
        .subcommand(share::command())
        .subcommand(weights::command())
        .subcommand(events::command())
        .subcommand(
            Command::new("evaluate")
                .about("Evaluate weights on a split, without training")
                .after_help("Example: tintype evaluate cifar --model resnet20-cifar --weights resnet20.safetensors --split test")
                .arg(dataset)
                .arg(
                    Arg::new("split")
                        .long("split")
                        .default_value("test")
                        .value_parser(["train", "val", "test"])
                        .help("The split to evaluate"),
                )
                .args(FIELDS.iter().filter(|field| !["epochs", "evaluate_on"].contains(&field.name)).map(option)),
        )
        .subcommand(
            Command::new("predict")
                .about("Say what a run sees in images, one line an image")
                .after_help("Example: tintype predict 3 cat.jpg dog.jpg")
                .arg(run.clone())
                .arg(
                    Arg::new("paths")
                        .required(true)
                        .num_args(1..)
                        .value_name("PATH")
                        .value_parser(value_parser!(PathBuf)),
                ),
        )
        .subcommand(
            Command::new("export")
                .about("Print one of a run's maps")
                .after_help("Example: tintype export 3 category-to-predictions --split val --format csv > val.csv")
                .arg(run)
                .arg(Arg::new("map").required(true).value_parser([
                    "category-to-paths",
                    "category-to-correct-predictions",
                    "category-to-predictions",
                ]))
                .arg(Arg::new("split").long("split").value_parser(["train", "val", "test"]).help("The split"))
                .arg(Arg::new("format").long("format").default_value("json").value_parser(["json", "csv"])),
        )
}

/// The words for what a source may be.
fn formats() -> Vec<&'static str> {
    std::iter::once("auto")
        .chain(crate::import::DatasetFormat::ALL.map(crate::import::DatasetFormat::as_str))
        .collect()
}

/// A field of the form as an option.
fn option(field: &crate::domain::recipe::Field) -> Arg {
    let choices = match field.field_type {
        FieldType::Choice(choices) => {
            let names: Vec<&str> = choices.iter().map(|(value, _)| *value).collect();
            format!(" [{}]", names.join(", "))
        }
        _ => String::new(),
    };
    Arg::new(field.name)
        .long(field.name.replace('_', "-"))
        .aliases(field.former_name())
        .allow_hyphen_values(true)
        .value_name(field.name.to_uppercase())
        .help(format!("{}{choices}", field.hint()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_command_and_option_is_well_formed() {
        super::command().debug_assert();
    }

    #[test]
    fn a_former_name_of_an_option_is_read() {
        let read = |option: &str| {
            let matches = super::command().try_get_matches_from(["tintype", "train", "pets", option, "test"]);
            let matches = matches.expect("the option is known");
            let (_, arguments) = matches.subcommand().expect("there is a command");
            arguments.get_one::<String>("evaluate_on").cloned()
        };
        assert_eq!(read("--judge").as_deref(), Some("test"));
        assert_eq!(read("--evaluate-on"), read("--judge"));
    }
}
