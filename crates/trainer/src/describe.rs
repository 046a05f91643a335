//! What this program is and can do, as JSON, for the server and for people.

use crate::environment;
use protocol::model::{MODELS, Model, ModelEntry};
use serde::Serialize;

/// The whole description.
#[derive(Serialize)]
pub struct Description {
    protocol: u32,
    trainer: &'static str,
    torch: &'static str,
    devices: Vec<String>,
    cores: u32,
    models: Vec<ModelDescription>,
    optimizers: [&'static str; 2],
    schedules: [&'static str; 3],
    precisions: [&'static str; 3],
}

#[derive(Serialize)]
struct ModelDescription {
    name: Model,
    /// Numbers that learn, with two classes.
    parameters: u64,
    min_image_size: u32,
}

/// Describes this program on this machine.
pub fn describe() -> Description {
    let mut devices = vec!["cpu".to_owned()];
    devices.extend((0..tch::Cuda::device_count()).map(|index| format!("cuda:{index}")));
    let describe = |entry: &ModelEntry| ModelDescription {
        name: entry.model,
        parameters: entry.parameters,
        min_image_size: entry.min_image_size,
    };
    Description {
        protocol: protocol::PROTOCOL,
        trainer: env!("CARGO_PKG_VERSION"),
        torch: environment::TORCH,
        devices,
        cores: environment::cores(),
        models: MODELS.iter().map(describe).collect(),
        optimizers: ["sgd", "adamw"],
        schedules: ["constant", "cosine", "one-cycle"],
        precisions: ["auto", "f32", "bf16"],
    }
}
