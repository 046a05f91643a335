//! Which precision is taken where a run leaves it open: decided once for machine, model and shape, and kept in a file
//! that people can read, because another choice would give other bits.

use crate::environment::TORCH;
use crate::fault::Fault;
use crate::features;
use crate::precision::{Measured, Work};
use protocol::event::{ComputeDevice, Dtype};
use protocol::spec::{Model, RunSpec, Training};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a processor must have for bfloat16 to be worth measuring.
const FLAGS: [&str; 3] = ["amx_bf16", "amx_tile", "avx512_bf16"];

/// One line of the file's list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Decision {
    #[serde(flatten)]
    question: Question,
    /// What was chosen.
    precision: Dtype,
    /// Why.
    measured: Measured,
}

/// All that the choice depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Question {
    /// The processor's name.
    processor: String,
    /// Those of its instructions that matter here.
    instructions: Vec<String>,
    /// libtorch's version.
    torch: String,
    device: ComputeDevice,
    model: Model,
    image_size: u32,
    batch_size: u32,
    /// What the network does with a batch; absent where decisions of earlier versions were of training.
    #[serde(default)]
    work: Work,
}

/// The whole file.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    decisions: Vec<Decision>,
}

/// The precision for a run, with a sentence that says why: by `file` where it was decided before, else measured, and then
/// kept there. Two trainers never measure at the same time where they share the file.
pub fn decide(spec: &RunSpec, device: ComputeDevice, file: Option<&Path>) -> Result<(Dtype, String), Fault> {
    let (processor, instructions) = processor_here();
    if device == ComputeDevice::Cpu && instructions.is_empty() {
        return Ok((Dtype::F32, "f32: this processor has no instructions for bf16.".to_owned()));
    }
    let question = Question {
        processor,
        instructions,
        torch: TORCH.to_owned(),
        device,
        model: spec.model,
        image_size: spec.image_size,
        batch_size: match spec.training {
            Training::Head { .. } => features::BATCH as u32,
            Training::Scratch | Training::FineTune(_) => spec.batch_size,
        },
        work: match spec.training {
            Training::Head { .. } => Work::Embed,
            Training::Scratch | Training::FineTune(_) => Work::Train,
        },
    };
    // libtorch names no graphics card, so an answer could be that of another one: it is measured for each run.
    let file = file.filter(|_| device == ComputeDevice::Cpu);
    let _lock = file.map(lock).transpose()?;
    let mut kept = file.map(read).unwrap_or_default();
    let found =
        kept.decisions.iter().find(|decision| decision.question == question).map(|found| found.measured);
    if let Some(measured) = found {
        return Ok((measured.precision(), measured.reason()));
    }
    let measured = measure_apart(&question)?;
    kept.decisions.push(Decision { question, precision: measured.precision(), measured });
    let mut reason = measured.reason();
    if let Some(file) = file
        && let Err(fault) = write(file, &kept)
    {
        // The run itself keeps what was chosen; only the next one has to measure again.
        reason = format!("{reason} It could not be kept for other runs: {fault}");
    }
    Ok((measured.precision(), reason))
}

/// Measures in a process of its own, on one thread, so that nothing of it is left in the one that trains.
fn measure_apart(question: &Question) -> Result<Measured, Fault> {
    let fault = |why: String| Fault::new(format!("Could not measure which precision is quicker: {why}."));
    let program = std::env::current_exe().map_err(|error| fault(error.to_string()))?;
    let model = serde_json::to_value(question.model).map_err(|error| fault(error.to_string()))?;
    let output = Command::new(program)
        .arg("measure")
        .args(["--model", model.as_str().unwrap_or_default()])
        .args(["--image-size", &question.image_size.to_string()])
        .args(["--batch-size", &question.batch_size.to_string()])
        .args((question.work == Work::Embed).then_some(["--work", "embed"]).into_iter().flatten())
        .args((question.device == ComputeDevice::Cuda).then_some("--cuda"))
        // Not the run's lock, which may be this process's own.
        .stdin(Stdio::null())
        .output()
        .map_err(|error| fault(error.to_string()))?;
    if !output.status.success() {
        return Err(fault(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| fault(error.to_string()))
}

/// Held while the file is read, a measurement taken and the file written.
fn lock(file: &Path) -> Result<File, Fault> {
    let path = file.with_extension("lock");
    let fault = |error| Fault::file("lock", &path, error);
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(|error| Fault::file("create", folder, error))?;
    }
    let lock = File::options().create(true).append(true).open(&path).map_err(fault)?;
    lock.lock().map_err(fault)?;
    Ok(lock)
}

/// What was kept; a file that is not there or can't be read counts as empty and is written anew.
fn read(file: &Path) -> Kept {
    fs::read(file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

fn write(file: &Path, kept: &Kept) -> Result<(), Fault> {
    let fault = |error: std::io::Error| Fault::file("write", file, error);
    let mut text = serde_json::to_vec_pretty(kept).map_err(|error| fault(error.into()))?;
    text.push(b'\n');
    let staged = file.with_extension("part");
    File::create(&staged)
        .and_then(|mut part| part.write_all(&text).and_then(|()| part.sync_all()))
        .and_then(|()| fs::rename(&staged, file))
        .map_err(fault)
}

/// This machine's processor, by its name and those of its instructions that matter.
pub fn processor_here() -> (String, Vec<String>) {
    processor(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default())
}

/// A processor's name and those of its instructions that matter, as Linux tells them; both empty elsewhere.
fn processor(text: &str) -> (String, Vec<String>) {
    let value = |name: &str| {
        let line = text.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name));
        line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim()).unwrap_or_default()
    };
    let all: Vec<&str> = value("flags").split_whitespace().collect();
    let found = FLAGS.into_iter().filter(|flag| all.contains(flag)).map(str::to_owned).collect();
    (value("model name").to_owned(), found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_is_known_by_its_name_and_the_instructions_that_matter() {
        let text = "processor\t: 0\nmodel name\t: Fast One\nflags\t\t: sse2 avx512_bf16 amx_tile amx_bf16 x\n\nprocessor\t: 1\n";
        let (name, found) = processor(text);
        assert_eq!((name.as_str(), found.len()), ("Fast One", 3));
        assert_eq!(processor("model name\t: Plain\nflags\t: sse2 amx_bf16x\n"), ("Plain".to_owned(), vec![]));
        assert_eq!(processor(""), (String::new(), vec![]));
    }

    #[test]
    fn what_was_decided_is_read_again_and_a_damaged_file_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("precision.json");
        fs::write(&file, "{\"decisions\": [{").unwrap();
        assert!(read(&file).decisions.is_empty());
        let question = Question {
            processor: "Fast One".to_owned(),
            instructions: vec!["avx512_bf16".to_owned()],
            torch: TORCH.to_owned(),
            device: ComputeDevice::Cpu,
            model: Model::SmallCnn,
            image_size: 64,
            batch_size: 32,
            work: Work::Embed,
        };
        let measured = Measured { images: 16, image_size: 64, f32_ms: 10.25, bf16_ms: 4.5 };
        let decision = Decision { question, precision: Dtype::Bf16, measured };
        write(&file, &Kept { decisions: vec![decision.clone()] }).unwrap();
        assert_eq!(read(&file).decisions, [decision]);
    }
}
