//! The architectures, one a file, and what each asks of its input.

mod convnext;
mod efficientnet;
mod efficientnet_lite;
mod inverted_residual;
mod mobilenet;
mod resnet;
mod resnet_cifar;
mod small_cnn;
mod vit;

use crate::fault::Fault;
use crate::layers::{Builder, Network};
use protocol::spec::Model;
use tch::Device;

/// Builds `model` for square images of `image_size` pixels, its weights initialised by libtorch's generator.
pub fn build(model: Model, image_size: u32, classes: usize, device: Device) -> Result<Network, Fault> {
    let least = model.min_image_size();
    if image_size < least {
        return Err(Fault::new(format!(
            "Images of {image_size} pixels are too small for {}.",
            model.entry().name
        ))
        .advice(format!("Use an image size of {least} pixels or more.")));
    }
    let step = model.entry().image_size_step;
    if !image_size.is_multiple_of(step) {
        let near = image_size / step * step;
        return Err(Fault::new(format!(
            "{} cuts images in patches of {step} pixels, and {image_size} is no multiple of that.",
            model.entry().name
        ))
        .advice(format!("Use an image size of {} or {} pixels.", near.max(least), near + step)));
    }
    let builder = Builder::new(device);
    let classes = classes as i64;
    Ok(match model {
        Model::SmallCnn => small_cnn::build(builder, classes),
        Model::Resnet20Cifar => resnet_cifar::build(builder, 3, classes),
        Model::Resnet56Cifar => resnet_cifar::build(builder, 9, classes),
        Model::Resnet18 => resnet::build(builder, resnet::RESNET18, image_size, classes),
        Model::Resnet34 => resnet::build(builder, resnet::RESNET34, image_size, classes),
        Model::Resnet50 => resnet::build(builder, resnet::RESNET50, image_size, classes),
        Model::EfficientnetLite0 => efficientnet_lite::build(builder, efficientnet_lite::LITE0, classes),
        Model::EfficientnetLite1 => efficientnet_lite::build(builder, efficientnet_lite::LITE1, classes),
        Model::MobilenetV3Small => mobilenet::build(builder, mobilenet::SMALL, classes),
        Model::MobilenetV3Large => mobilenet::build(builder, mobilenet::LARGE, classes),
        Model::ConvnextTiny => convnext::build(builder, classes),
        Model::VitTiny => vit::build(builder, vit::TINY, image_size, classes),
        Model::VitB16 => vit::build(builder, vit::B16, image_size, classes),
        Model::EfficientnetB0 => efficientnet::build(builder, classes),
        Model::EfficientnetLite2 => efficientnet_lite::build(builder, efficientnet_lite::LITE2, classes),
    })
}
