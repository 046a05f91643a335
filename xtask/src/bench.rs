//! `cargo xtask bench TOPIC`: figures beside a peer, measured in one run. What is measured is the topic's script in `bench/`.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use crate::checkout::Checkout;
use crate::shell::{run, say, step, succeeds};
use crate::{Result, build, weights};

/// The topics that are measured beside a peer of Python's.
const TOPICS: [&str; 1] = ["embed"];
/// Where the photos of cats and dogs are; see CONTRIBUTING.md.
const REAL_DATA: &str = "TINTYPE_REAL_DATA";

/// Measures a topic; the figures go to `bench/results/TOPIC.json` and to standard output.
pub fn run_topic(checkout: &Checkout, topic: &str) -> Result<ExitCode> {
    if !TOPICS.contains(&topic) {
        return Err(format!("there is no topic `{topic}`; there is: {}", TOPICS.join(", ")));
    }
    let archive = std::env::var_os(REAL_DATA)
        .map(|folder| Path::new(&folder).join("cats-dogs.zip"))
        .filter(|archive| archive.is_file())
        .ok_or_else(|| {
            format!("the photos are not there: {REAL_DATA} must name the folder of cats-dogs.zip")
        })?;
    build::programs(checkout)?;
    weights::fetch(checkout, &[])?;
    let python = checkout.workshop().join("bench/bin/python");
    let requirements = checkout.root.join("bench/requirements.txt");
    if !succeeds(
        Command::new(&python)
            .args(["-c", "import torch, torchvision, efficientnet_lite_pytorch, safetensors"]),
    ) {
        step("making a Python environment with PyTorch, to compare with (some GB)", || {
            run(Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(checkout.workshop().join("bench")))?;
            run(Command::new(&python)
                .args(["-m", "pip", "install", "--quiet", "--requirement"])
                .arg(&requirements))
        })?;
    }
    let scratch = checkout.workshop().join("bench-data");
    let _ = fs::remove_dir_all(&scratch);
    let results = checkout.root.join("bench/results");
    [&scratch, &results]
        .into_iter()
        .try_for_each(fs::create_dir_all)
        .map_err(|error| format!("could not write: {error}"))?;
    say(&format!("measuring {topic}: leave the machine alone meanwhile"));
    let output = Command::new(&python)
        .arg(checkout.root.join("bench").join(format!("{topic}.py")))
        .arg(checkout.target.join("release/tintype"))
        .arg(checkout.root.join("data/weights"))
        .args([&archive, &scratch])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("could not start {}: {error}", python.display()))?;
    if !output.status.success() {
        return Err(format!("measuring {topic} failed; what it said stands above"));
    }
    let target = results.join(format!("{topic}.json"));
    fs::write(&target, &output.stdout)
        .map_err(|error| format!("could not write {}: {error}", target.display()))?;
    print!("{}", String::from_utf8_lossy(&output.stdout));
    Ok(ExitCode::SUCCESS)
}
