//! What this program is and can do, as JSON, for the server and for people.

use crate::{environment, models};
use protocol::spec::Model;
use serde::Serialize;
use tch::Device;

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
    /// Trainable numbers with two classes at 64 pixels.
    parameters: u64,
    min_image_size: u32,
}

/// Describes this program on this machine.
pub fn describe() -> Result<Description, crate::fault::Fault> {
    let mut devices = vec!["cpu".to_owned()];
    devices.extend((0..tch::Cuda::device_count()).map(|index| format!("cuda:{index}")));
    let mut described = Vec::new();
    for name in Model::ALL {
        let network = models::build(name, 64, 2, Device::Cpu)?;
        described.push(ModelDescription {
            name,
            parameters: network.flat.numel() as u64,
            min_image_size: name.min_image_size(),
        });
    }
    Ok(Description {
        protocol: protocol::PROTOCOL,
        trainer: env!("CARGO_PKG_VERSION"),
        torch: environment::TORCH,
        devices,
        cores: environment::cores(),
        models: described,
        optimizers: ["sgd", "adamw"],
        schedules: ["constant", "cosine", "one-cycle"],
        precisions: ["auto", "f32", "bf16"],
    })
}
