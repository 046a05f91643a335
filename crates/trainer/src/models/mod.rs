//! The architectures, one a file, and what each asks of its input.

mod resnet18;
mod resnet_cifar;
mod small_cnn;

use crate::fault::Fault;
use crate::nn::{Builder, Network};
use protocol::spec::Model;
use tch::Device;

/// Every architecture there is.
pub const ALL: [Model; 4] = [Model::SmallCnn, Model::Resnet20Cifar, Model::Resnet56Cifar, Model::Resnet18];

/// The least side of an input image, pixels: below it the last feature map would be a single pixel, over which
/// a batch of one sample cannot be normalised.
pub const MIN_IMAGE_SIZE: u32 = 16;

/// Builds `model` for square images of `image_size` pixels, its weights initialised by libtorch's generator.
pub fn build(model: Model, image_size: u32, classes: usize, device: Device) -> Result<Network, Fault> {
    if image_size < MIN_IMAGE_SIZE {
        return Err(Fault::new(format!("Images of {image_size} pixels are too small for the models here."))
            .advice(format!("Use an image size of {MIN_IMAGE_SIZE} pixels or more.")));
    }
    let builder = Builder::new(device);
    let classes = classes as i64;
    Ok(match model {
        Model::SmallCnn => small_cnn::build(builder, classes),
        Model::Resnet20Cifar => resnet_cifar::build(builder, 3, classes),
        Model::Resnet56Cifar => resnet_cifar::build(builder, 9, classes),
        Model::Resnet18 => resnet18::build(builder, image_size, classes),
    })
}
