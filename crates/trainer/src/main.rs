//! The command line of `tintype-trainer`.

use clap::{Parser, Subcommand};
use protocol::spec::{self, Model};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::ExitCode;
use tintype_trainer::directory::SharedFiles;
use tintype_trainer::{describe, environment, precision, run};

/// Trains an image classifier in a run directory and writes down all that happens in its journal.
#[derive(Parser)]
#[command(version, name = "tintype-trainer")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Do all that is left to do in a run directory: train from the start or from its last checkpoint, or evaluate.
    ///
    /// SIGTERM or Ctrl-C ends the run at the next step with a checkpoint; the same command goes on from there.
    Train {
        /// The run directory; holds spec.json and samples.jsonl.
        directory: PathBuf,
        /// Standard input is the directory's lock file, locked by the parent already.
        #[arg(long)]
        lock_inherited: bool,
        #[command(flatten)]
        files: SharedFiles,
    },
    /// Measure a training step with f32 and with bf16, on one thread, and print the times as JSON.
    Measure {
        /// The architecture, such as small-cnn.
        #[arg(long, value_parser = model)]
        model: Model,
        /// Side of the square images, pixels.
        #[arg(long)]
        image_size: u32,
        /// Images a step; of large ones fewer are measured.
        #[arg(long)]
        batch_size: u32,
        /// What the network does with a batch.
        #[arg(long, value_enum, default_value_t)]
        work: precision::Work,
        /// Measure all images of the batch, also where fewer would do.
        #[arg(long)]
        whole_batch: bool,
        /// On the first CUDA device, not on the processor.
        #[arg(long)]
        cuda: bool,
    },
    /// Print versions, devices and models as JSON.
    Describe,
}

fn main() -> ExitCode {
    settle_surroundings();
    let fault = match Cli::parse().command {
        Command::Train { directory, lock_inherited, files } => {
            run::run(&directory, lock_inherited, &files).err().map(Into::into)
        }
        Command::Measure { model, image_size, batch_size, work, whole_batch, cuda } => {
            let images = if whole_batch { batch_size } else { precision::enough_of(batch_size, image_size) };
            print_measured(model, image_size, images, work, cuda).err()
        }
        Command::Describe => print_description().err(),
    };
    match fault {
        None => ExitCode::SUCCESS,
        Some(fault) => {
            // Nobody reads it where standard error is closed.
            let _ = writeln!(std::io::stderr(), "{fault}");
            ExitCode::FAILURE
        }
    }
}

/// Starts this program again, in its own place, with the surroundings that libtorch works best in, where the
/// environment does not set them: OpenMP waits without spinning for long, and freed memory is kept for the next layer.
///
/// By default libtorch's threads spin while they wait for each other. With as many loader threads beside them as
/// there are cores, one that spins keeps the one that it waits for from running: on two cores a step took six times as
/// long. Never to spin costs a fifth where nothing else runs; about 10,000 turns (some 20 µs) cost nothing in either case. The
/// library reads the settings when it is loaded, which is before `main`; hence the second start, 0.1 s. It keeps process
/// id, standard input and the lock.
///
/// glibc gives large blocks back to the system and asks for them anew, all pages blank: every layer of every batch. Kept, they
/// made a forward pass of EfficientNet-Lite0, 16 × 224 × 224 in f32, 1.5 times as quick.
fn settle_surroundings() {
    const KEPT: &str = "8589934592";
    const SETTINGS: [(&str, &str); 4] = [
        ("OMP_WAIT_POLICY", "passive"),
        ("GOMP_SPINCOUNT", "10000"),
        ("MALLOC_MMAP_THRESHOLD_", KEPT),
        ("MALLOC_TRIM_THRESHOLD_", KEPT),
    ];
    if SETTINGS.iter().all(|(name, _)| std::env::var_os(name).is_none())
        && let Ok(program) = std::env::current_exe()
    {
        let mut again = std::process::Command::new(program);
        again.args(std::env::args_os().skip(1)).envs(SETTINGS);
        // `exec` returns only where it failed; then the run is slow, but goes on.
        let _ = again.exec();
    }
}

/// The architecture of this name.
fn model(name: &str) -> Result<Model, String> {
    serde_json::from_value(name.into()).map_err(|_| {
        let names: Vec<String> =
            Model::ALL.iter().filter_map(|model| serde_json::to_string(model).ok()).collect();
        format!("there is no model of this name; choose one of {}", names.join(", "))
    })
}

fn print_measured(
    model: Model,
    image_size: u32,
    images: u32,
    work: precision::Work,
    cuda: bool,
) -> Result<(), Box<dyn std::error::Error>> {
    // One thread's own time is not moved by what else the machine does.
    tch::set_num_threads(1);
    let device = environment::device(if cuda { spec::Device::Cuda } else { spec::Device::Cpu })?;
    let measured = precision::measure(model, image_size, images, work, device)?;
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, &measured)?;
    writeln!(out)?;
    Ok(())
}

fn print_description() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &describe::describe())?;
    writeln!(out)?;
    Ok(())
}
