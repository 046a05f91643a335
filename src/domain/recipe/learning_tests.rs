//! What optimisers, losses and stopping do to the values beside them.

use super::tests::{facts, photos, refusal};
use super::*;
use protocol::optimizer::OPTIMIZERS;
use protocol::spec::DecayScope;
use serde_json::json;

#[test]
fn an_optimiser_brings_its_learning_rate_and_weight_decay() {
    for entry in &OPTIMIZERS {
        for (training, facts) in [("scratch", facts()), ("head", photos()), ("fine-tune", photos())] {
            let given = json!({"optimizer": entry.name, "training": training});
            let spec = recipe_from_values(given.as_object().unwrap(), &facts).unwrap().spec;
            let rate = if training == "fine-tune" { entry.fine_tune_rate } else { entry.rate };
            assert_eq!((spec.learning_rate, spec.weight_decay), (rate, entry.weight_decay), "{}", entry.name);
            assert_eq!((spec.optimizer, spec.decay_scope), (entry.optimizer, DecayScope::Weights));
            // What follows from the optimiser was not chosen beside it.
            let values = values_from_spec(&spec, &facts);
            let changed = list_changed(&values, &facts);
            let is_listed = |name: &str| changed.iter().any(|field| field.name == name);
            assert_eq!(is_listed("optimizer"), entry.name != "adamw");
            assert!(!is_listed("learning_rate") && !is_listed("weight_decay"), "{}", entry.name);
        }
    }
    let given = json!({"optimizer": "sgd", "learning_rate": 0.1});
    assert_eq!(recipe_from_values(given.as_object().unwrap(), &facts()).unwrap().spec.learning_rate, 0.1);
    let hint = Field::find("learning_rate").unwrap().hint();
    assert!(hint.contains("0.01 to 0.2 for SGD,"), "{hint}");
}

#[test]
fn a_run_of_before_keeps_the_decay_of_everything_when_it_is_done_again() {
    let mut spec = recipe_from_values(&Values::new(), &facts()).unwrap().spec;
    spec.decay_scope = DecayScope::All;
    let again = recipe_from_values(&values_from_spec(&spec, &facts()), &facts()).unwrap().spec;
    assert_eq!(again, spec);
}

#[test]
fn losses_and_stopping_without_effect_are_refused() {
    let said = refusal(&[("sampling", "balanced"), ("class_weights", "inverse")]);
    assert!(said.len() == 1 && said[0].starts_with("class_weights: "), "{said:?}");
    assert_eq!(refusal(&[("sampling", "balanced")]), [""; 0]);
    let said = refusal(&[("epochs", "5"), ("patience", "5")]);
    assert_eq!(said, ["patience: The run has no more epochs than this, so it would never end early"]);
    assert_eq!(refusal(&[("epochs", "5"), ("patience", "4"), ("best_by", "accuracy")]), [""; 0]);
    let said = refusal(&[("weight_decay", "0"), ("decay_scope", "all")]);
    assert_eq!(said, ["decay_scope: This counts only beside weight decay: leave it out"]);
}
