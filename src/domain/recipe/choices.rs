//! What the choices of the table of fields are made of: the catalogues, in their order.

use super::{FieldType, Normalization};
use protocol::model::{MODELS, Model};
use protocol::optimizer::OPTIMIZERS;
use protocol::schedule::SCHEDULES;

const fn normalization(normalization: Normalization) -> (&'static str, &'static str) {
    (normalization.as_str(), normalization.label())
}

pub(super) const NORMALIZATIONS: [(&str, &str); 5] = [
    normalization(Normalization::ImageNet),
    normalization(Normalization::EfficientNetLite),
    normalization(Normalization::Dataset),
    normalization(Normalization::MinusOneToOne),
    normalization(Normalization::ZeroToOne),
];

pub(super) const ON_OFF: FieldType = FieldType::Choice(&[("off", "Off"), ("on", "On")]);

/// The least image size that any model takes; what the chosen one takes is checked with all fields together.
pub(super) const MIN_IMAGE_SIZE: u64 = {
    let (mut least, mut at) = (Model::ALL[0].min_image_size(), 1);
    while at < Model::ALL.len() {
        let own = Model::ALL[at].min_image_size();
        if own < least {
            least = own;
        }
        at += 1;
    }
    least as u64
};

pub(super) const MODEL_CHOICES: [(&str, &str); MODELS.len()] = {
    let mut choices = [("", ""); MODELS.len()];
    let mut at = 0;
    while at < MODELS.len() {
        choices[at] = (MODELS[at].name, MODELS[at].label);
        at += 1;
    }
    choices
};

pub(super) const OPTIMIZER_CHOICES: [(&str, &str); OPTIMIZERS.len()] = {
    let mut choices = [("", ""); OPTIMIZERS.len()];
    let mut at = 0;
    while at < OPTIMIZERS.len() {
        choices[at] = (OPTIMIZERS[at].name, OPTIMIZERS[at].label);
        at += 1;
    }
    choices
};

pub(super) const SCHEDULE_CHOICES: [(&str, &str); SCHEDULES.len()] = {
    let mut choices = [("", ""); SCHEDULES.len()];
    let mut at = 0;
    while at < SCHEDULES.len() {
        choices[at] = (SCHEDULES[at].name, SCHEDULES[at].label);
        at += 1;
    }
    choices
};
