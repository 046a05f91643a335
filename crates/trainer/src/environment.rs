//! What this process computes with: device, threads, precision; chosen once for a run and kept for its resumes,
//! because another choice would give other bits.

use crate::decisions;
use crate::directory::Directory;
use crate::fault::Fault;
use protocol::event::{ComputeDevice, Dtype, Hello};
use protocol::files::{ENVIRONMENT, SPEC};
use protocol::spec::{self, Precision, RunSpec};
use std::path::Path;
use tch::{Device, Kind};

/// libtorch's version: `torch-sys` builds against no other.
pub const TORCH: &str = "2.11.0";

/// The device of a run.
pub fn device(asked: spec::Device) -> Result<Device, Fault> {
    match (asked, tch::Cuda::is_available()) {
        (spec::Device::Cpu, _) | (spec::Device::Auto, false) => Ok(Device::Cpu),
        (spec::Device::Auto | spec::Device::Cuda, true) => Ok(Device::Cuda(0)),
        (spec::Device::Cuda, false) => Err(Fault::new(
            "This run asks for a GPU, and libtorch can use none here.",
        )
        .advice(
            "Start a run like it with the device set to auto or cpu. For a GPU, LIBTORCH must point at a libtorch with CUDA and the \
                 driver must be installed.",
        )),
    }
}

/// `device` in a journal.
pub fn compute_device(device: Device) -> ComputeDevice {
    if device.is_cuda() { ComputeDevice::Cuda } else { ComputeDevice::Cpu }
}

/// What the journal's first event reports, with the precision chosen. A run that was started before keeps what it was
/// started with. What the spec left open is written into it, so that it tells what the run did and a run like it does the same.
///
/// `decisions` is the file of this machine's choices of precision.
pub fn settle(
    directory: &Directory,
    spec: &mut RunSpec,
    device: Device,
    decisions: Option<&Path>,
) -> Result<Hello, Fault> {
    let before = earlier(directory).filter(|before| before.device == compute_device(device));
    let threads = match (spec.threads, &before) {
        (0, Some(before)) => before.threads,
        (0, None) => cores(),
        (threads, _) => threads,
    };
    // Before the first tensor: libtorch's pool takes its size then.
    tch::set_num_threads(i32::try_from(threads).unwrap_or(i32::MAX));
    let (precision, precision_reason) = match (spec.precision, before) {
        (Precision::F32, Some(before)) if before.precision == Dtype::F32 => {
            (Dtype::F32, before.precision_reason)
        }
        (Precision::Bf16, Some(before)) if before.precision == Dtype::Bf16 => {
            (Dtype::Bf16, before.precision_reason)
        }
        (Precision::F32, _) => (Dtype::F32, "The run asks for f32.".to_owned()),
        (Precision::Bf16, _) => (Dtype::Bf16, "The run asks for bf16.".to_owned()),
        (Precision::Auto, _) if !spec.trains() => {
            (Dtype::F32, "f32: evaluating alone is quick, and this way it is exact.".to_owned())
        }
        (Precision::Auto, Some(before)) => (before.precision, before.precision_reason),
        (Precision::Auto, None) => decisions::decide(spec, compute_device(device), decisions)?,
    };
    let hello = Hello { threads, precision, precision_reason, device: compute_device(device), ..unchosen() };
    let text =
        serde_json::to_vec_pretty(&hello).map_err(|error| Fault::new(format!("{ENVIRONMENT}: {error}")))?;
    directory.write(ENVIRONMENT, &text)?;
    let resolved = hello.resolve(spec);
    if resolved != *spec {
        let text =
            serde_json::to_vec_pretty(&resolved).map_err(|error| Fault::new(format!("{SPEC}: {error}")))?;
        directory.write(SPEC, &text)?;
        *spec = resolved;
    }
    Ok(hello)
}

/// What is known before anything was chosen: what an earlier start chose.
pub fn before(directory: &Directory) -> Hello {
    let this = unchosen();
    match earlier(directory) {
        Some(Hello { device, threads, precision, precision_reason, .. }) => {
            Hello { device, threads, precision, precision_reason, ..this }
        }
        None => this,
    }
}

fn unchosen() -> Hello {
    Hello {
        protocol: protocol::PROTOCOL,
        trainer: env!("CARGO_PKG_VERSION").to_owned(),
        torch: TORCH.to_owned(),
        device: ComputeDevice::Cpu,
        threads: cores(),
        precision: Dtype::F32,
        precision_reason: "The run ended before a precision was chosen.".to_owned(),
        pid: std::process::id(),
    }
}

/// Cores that this process may use.
pub fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX))
}

/// The number format in libtorch's words.
pub fn tensor_dtype(dtype: Dtype) -> Kind {
    match dtype {
        Dtype::F32 => Kind::Float,
        Dtype::Bf16 => Kind::BFloat16,
    }
}

/// What an earlier start of this run reported; a file that can't be read is written anew.
fn earlier(directory: &Directory) -> Option<Hello> {
    serde_json::from_slice(&std::fs::read(directory.path(ENVIRONMENT)).ok()?).ok()
}
