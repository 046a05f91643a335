//! What is in a folded part of the form, in a line.

use super::super::format::counted;
use super::super::run_differences::{setting, word};
use crate::domain::dataset::DatasetFacts;
use crate::domain::recipe::{Field, Group, Values, counts, list_changed};
use serde_json::Value;

/// The line of a group: what a practitioner would say of these values.
pub(super) fn summary(group: Group, values: &Values) -> String {
    match group {
        Group::Basics => String::new(),
        Group::Recipe => recipe(values),
        Group::Loss => loss(values),
        Group::Augmentation => augmentation(values),
        Group::Advanced => advanced(values),
    }
}

/// What was chosen otherwise than by default, in the order of the form. `words` are the values with weights named for people.
pub(super) fn differences(values: &Values, words: &Values, facts: &DatasetFacts) -> Vec<String> {
    list_changed(values, facts).into_iter().map(|field| setting(field, words)).collect()
}

fn text<'a>(values: &'a Values, name: &str) -> &'a str {
    values.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Whether a field has a say beside the others.
fn has(values: &Values, name: &str) -> bool {
    Field::find(name).is_some_and(|field| counts(field, values))
}

fn amount(values: &Values, name: &str) -> f64 {
    values.get(name).and_then(Value::as_f64).unwrap_or(0.0)
}

/// The label of what is chosen, without what is explained behind it.
fn chosen(values: &Values, name: &str) -> String {
    Field::find(name).map_or_else(String::new, |field| word(field, values))
}

/// `AdamW 0.003, one-cycle, batches of 32, weight decay 0.05`.
fn recipe(values: &Values) -> String {
    if text(values, "training") == "none" {
        return format!("batches of {}", amount(values, "batch_size"));
    }
    let mut parts = vec![
        format!("{} {}", chosen(values, "optimizer"), amount(values, "learning_rate")),
        chosen(values, "schedule").to_lowercase(),
    ];
    if amount(values, "warmup_epochs") > 0.0 {
        parts.push(format!("warm-up {} epochs", amount(values, "warmup_epochs")));
    }
    parts.push(format!("batches of {}", amount(values, "batch_size")));
    if amount(values, "weight_decay") > 0.0 {
        parts.push(format!("weight decay {}", amount(values, "weight_decay")));
    }
    match text(values, "training") {
        "head" if amount(values, "draws") > 0.0 => {
            parts.push(format!(
                "each image drawn {}",
                counted(amount(values, "draws") as i64, "time", "times")
            ));
        }
        "fine-tune" => parts.extend(fine_tuning(values)),
        _ => {}
    }
    parts.join(", ")
}

/// `cross-entropy, label smoothing 0.1, best by validation loss`, and when the run ends early.
fn loss(values: &Values) -> String {
    if text(values, "training") == "none" {
        return "nothing learns".to_owned();
    }
    let mut parts = vec![match amount(values, "focal_gamma") {
        0.0 => "cross-entropy".to_owned(),
        gamma => format!("focal loss {gamma}"),
    }];
    let on = |name: &str| amount(values, name) > 0.0;
    if on("label_smoothing") {
        parts.push(format!("label smoothing {}", amount(values, "label_smoothing")));
    }
    if text(values, "class_weights") == "inverse" || text(values, "sampling") == "balanced" {
        let name = if text(values, "sampling") == "balanced" { "sampling" } else { "class_weights" };
        parts.push(lower_first(&chosen(values, name)));
    }
    if amount(values, "accumulate") > 1.0 {
        parts.push(format!("{} batches a step", amount(values, "accumulate")));
    }
    if on("clip_norm") {
        parts.push(format!("gradients clipped at {}", amount(values, "clip_norm")));
    }
    if on("average_decay") {
        parts.push(format!("average of the weights {}", amount(values, "average_decay")));
    }
    parts.push(format!("best epoch by {}", lower_first(&chosen(values, "best_by"))));
    if on("patience") {
        let epochs = counted(amount(values, "patience") as i64, "epoch", "epochs");
        parts.push(format!("ends after {epochs} without a better one"));
    }
    parts.join(", ")
}

/// `last layer alone for 1 epoch`, and so on: how the other layers are let go.
fn fine_tuning(values: &Values) -> Vec<String> {
    let mut parts = Vec::new();
    let epochs = |name| counted(amount(values, name) as i64, "epoch", "epochs");
    if amount(values, "head_epochs") > 0.0 {
        parts.push(format!("last layer alone for {}", epochs("head_epochs")));
    }
    if amount(values, "unfreeze_epochs") > 0.0 {
        parts.push(format!("unfreezing over {}", epochs("unfreeze_epochs")));
    }
    if amount(values, "rate_decay") < 1.0 {
        parts.push(format!("rate × {} a block", amount(values, "rate_decay")));
    }
    parts
}

/// `64 × 64, random resized crop from 0.35, flip`.
fn augmentation(values: &Values) -> String {
    let size = amount(values, "image_size");
    let mut parts = vec![format!("{size} × {size}")];
    if let Some(steps) = values.get("train_transforms").and_then(Value::as_array) {
        parts.push(format!("a pipeline of {}", counted(steps.len() as i64, "transform", "transforms")));
    } else {
        for (name, words) in [
            ("random_resized_crop", "random resized crop from"),
            ("crop_padding", "crop with padding"),
            ("rotation", "rotation up to"),
            ("color_jitter", "colour jitter"),
        ] {
            if has(values, name) && amount(values, name) > 0.0 {
                let unit = if name == "rotation" { "°" } else { "" };
                parts.push(format!("{words} {}{unit}", amount(values, name)));
            }
        }
        if has(values, "flip") && text(values, "flip") == "on" {
            parts.push("flip".to_owned());
        }
        if text(values, "normalization") != "imagenet" {
            parts.push(format!("normalised by {}", lower_first(&chosen(values, "normalization"))));
        }
    }
    for (name, label) in [("mixup", "MixUp"), ("cutmix", "CutMix")] {
        if has(values, name) && amount(values, name) > 0.0 {
            parts.push(format!("{label} {}", amount(values, name)));
        }
    }
    if values.get("eval_transforms").is_some_and(Value::is_array) {
        parts.push("evaluation transforms of its own".to_owned());
    }
    parts.join(", ")
}

/// `seed 0, device and precision automatic`.
fn advanced(values: &Values) -> String {
    let mut parts = vec![format!("seed {}", amount(values, "seed"))];
    match (text(values, "device"), text(values, "precision")) {
        ("auto", "auto") => parts.push("device and precision automatic".to_owned()),
        _ => parts.extend(["device", "precision"].map(|name| format!("{name} {}", text(values, name)))),
    }
    if amount(values, "threads") > 0.0 {
        parts.push(format!("{} threads", amount(values, "threads")));
    }
    if text(values, "training") == "none" {
        parts.push(format!("evaluated on: {}", lower_first(&chosen(values, "evaluate_on"))));
    }
    parts.join(", ")
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if !text.starts_with("ImageNet") => first.to_lowercase().chain(letters).collect(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn line(group: Group, values: &Value) -> String {
        summary(group, values.as_object().expect("an object"))
    }

    #[test]
    fn what_differs_from_the_defaults_is_named() {
        let facts = DatasetFacts {
            name: "pets".into(),
            fingerprint: String::new(),
            classes: Vec::new(),
            median_side: 400,
            channels: None,
            weights: vec!["efficientnet-lite0-imagenet"],
        };
        let named = |changed: Value| {
            let changed = changed.as_object().expect("an object");
            let mut all = crate::domain::recipe::defaults_beside(changed, &facts);
            all.extend(changed.clone());
            differences(&all, &all, &facts)
        };
        assert_eq!(named(json!({"name": "mine", "rotation": 0.0})), [""; 0]);
        assert_eq!(
            named(json!({"training": "scratch", "epochs": 5, "optimizer": "sgd", "flip": "off"})),
            ["What learns All layers from nothing", "Epochs 5", "Optimiser SGD", "Horizontal flip Off"]
        );
        assert_eq!(
            named(json!({"training": "fine-tune", "weights": "efficientnet-lite1-imagenet"})),
            ["What learns All layers from weights", "Initial weights efficientnet-lite1-imagenet"],
            "the model and the image size follow from the weights"
        );
    }

    #[test]
    fn a_line_says_what_is_in_a_group_and_leaves_out_what_is_off() {
        let recipe = json!({
            "training": "scratch", "optimizer": "adamw", "learning_rate": 0.003, "schedule": "one-cycle", "batch_size": 32,
            "warmup_epochs": 0.0, "weight_decay": 0.05, "weights": "",
        });
        assert_eq!(line(Group::Recipe, &recipe), "AdamW 0.003, one-cycle, batches of 32, weight decay 0.05");
        let plain =
            json!({"training": "scratch", "best_by": "loss", "sampling": "shuffled", "accumulate": 1});
        assert_eq!(line(Group::Loss, &plain), "cross-entropy, best epoch by validation loss");
        let rich = json!({
            "training": "head", "best_by": "accuracy", "class_weights": "inverse", "focal_gamma": 2.0, "patience": 5,
            "label_smoothing": 0.1, "average_decay": 0.99,
        });
        assert_eq!(
            line(Group::Loss, &rich),
            "focal loss 2, label smoothing 0.1, rare classes count more, average of the weights 0.99, best epoch by \
             validation accuracy, ends after 5 epochs without a better one"
        );
        let augmentation = json!({
            "image_size": 64, "random_resized_crop": 0.35, "flip": "on", "rotation": 10.0, "mixup": 0.2,
            "normalization": "dataset",
        });
        assert_eq!(
            line(Group::Augmentation, &augmentation),
            "64 × 64, random resized crop from 0.35, rotation up to 10°, flip, normalised by the data set’s own, MixUp 0.2"
        );
        let own = json!({"image_size": 32, "train_transforms": [{"name": "resize_exact"}], "flip": "on"});
        assert_eq!(line(Group::Augmentation, &own), "32 × 32, a pipeline of 1 transform");
        let advanced = json!({"seed": 3, "device": "auto", "precision": "auto", "epochs": 4});
        assert_eq!(line(Group::Advanced, &advanced), "seed 3, device and precision automatic");
    }
}
