//! The trials of a plan: what each run of a sweep has in the fields that vary.

use super::{MOST_RUNS, Method, SweepPlan, SweptValues};
use crate::domain::recipe::{Field, FieldErrors, FieldType, Values};
use serde_json::Value;

/// Draws for each run that is asked for, before one gives up on finding combinations that are not there yet.
const ATTEMPTS: usize = 50;
/// A range whose ends lie further apart than this is drawn on a logarithmic scale.
const FAR_APART: f64 = 10.0;

/// What each run has in the fields that vary, no two alike, by number. The same plan gives the same.
///
/// # Errors
/// The plan makes no sense, or has more runs than one sweep may have.
pub fn trials(plan: &SweepPlan) -> Result<Vec<Values>, FieldErrors> {
    plan.check()?;
    match plan.method {
        Method::Grid => grid(plan),
        Method::Random | Method::Halving => Ok(draws(plan)),
    }
}

fn grid(plan: &SweepPlan) -> Result<Vec<Values>, FieldErrors> {
    let mut trials = vec![Values::new()];
    for (field, values) in plan.fields_in_order() {
        // A range is no part of a grid; the plan is checked.
        let SweptValues::List(values) = values else { continue };
        let mut distinct: Vec<&Value> = Vec::new();
        for value in values {
            if !distinct.contains(&value) {
                distinct.push(value);
            }
        }
        if trials.len() * distinct.len() > MOST_RUNS {
            let why =
                format!("There are more than {MOST_RUNS} combinations: leave values out, or draw at random");
            return Err(FieldErrors::from([("sweep".to_owned(), why)]));
        }
        let with = |trial: &Values, value: &Value| {
            let mut trial = trial.clone();
            trial.insert(field.name.into(), value.clone());
            trial
        };
        trials = trials.iter().flat_map(|trial| distinct.iter().map(|value| with(trial, value))).collect();
    }
    Ok(trials)
}

fn draws(plan: &SweepPlan) -> Vec<Values> {
    let wanted = plan.drawn_runs();
    let mut trials: Vec<Values> = Vec::with_capacity(wanted);
    for attempt in 0..wanted * ATTEMPTS {
        let value = |(field, values): (&'static Field, &SweptValues)| {
            let share = share(plan.seed, attempt, field.name);
            (field.name.to_owned(), pick(field, values, share))
        };
        let trial: Values = plan.fields_in_order().map(value).collect();
        if !trials.contains(&trial) {
            trials.push(trial);
        }
        if trials.len() == wanted {
            break;
        }
    }
    trials
}

/// The value at `share` (0 to 1) of what a field may be.
fn pick(field: &Field, values: &SweptValues, share: f64) -> Value {
    match values {
        SweptValues::List(values) => {
            let at = (share * values.len() as f64) as usize;
            values.get(at.min(values.len().saturating_sub(1))).cloned().unwrap_or_default()
        }
        SweptValues::Range { min, max } if *min > 0.0 && max / min >= FAR_APART => {
            number(field, (min.ln() + share * (max / min).ln()).exp().clamp(*min, *max))
        }
        SweptValues::Range { min, max } => number(field, min + share * (max - min)),
    }
}

/// A number as the field has it: whole, or with three digits, which a person can read and type again.
pub(super) fn number(field: &Field, value: f64) -> Value {
    match field.field_type {
        FieldType::Integer { .. } if value >= 0.0 => Value::from(value.round() as u64),
        _ => Value::from(format!("{value:.2e}").parse::<f64>().unwrap_or(value)),
    }
}

/// A number from 0 (included) to 1 (excluded), keyed by what it is for.
fn share(seed: u64, attempt: usize, field: &str) -> f64 {
    let hash = blake3::hash(format!("sweep {seed} {attempt} {field}").as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    (u64::from_le_bytes(first) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plan(value: Value) -> SweepPlan {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_grid_has_every_combination_once() {
        let fields =
            json!({"learning_rate": [0.1, 0.01, 0.1], "optimizer": ["sgd", "adamw"], "seed": [1, 2]});
        let trials = trials(&plan(json!({"method": "grid", "fields": fields}))).unwrap();
        assert_eq!(trials.len(), 8);
        assert_eq!(json!(trials[0]), json!({"optimizer": "sgd", "learning_rate": 0.1, "seed": 1}));
        assert_eq!(json!(trials[7]), json!({"optimizer": "adamw", "learning_rate": 0.01, "seed": 2}));
        let many: Vec<u64> = (0..400).collect();
        let many = plan(json!({"method": "grid", "fields": {"seed": many, "flip": ["on", "off"]}}));
        assert!(super::trials(&many).unwrap_err()["sweep"].contains("more than 500"));
    }

    #[test]
    fn draws_repeat_differ_and_stay_within_their_range() {
        let of = |seed: u64| {
            let fields =
                json!({"learning_rate": {"min": 1e-4, "max": 0.1}, "batch_size": {"min": 16, "max": 24}});
            trials(&plan(json!({"method": "random", "runs": 200, "seed": seed, "fields": fields}))).unwrap()
        };
        let drawn = of(1);
        assert_eq!(drawn.len(), 200);
        assert_eq!(drawn, of(1));
        assert_ne!(drawn, of(2));
        let rates: Vec<f64> = drawn.iter().map(|trial| trial["learning_rate"].as_f64().unwrap()).collect();
        assert!(rates.iter().all(|rate| (1e-4..=0.1).contains(rate)));
        // On a logarithmic scale a third lies in each decade.
        let below = rates.iter().filter(|rate| **rate < 1e-3).count();
        assert!((45..=90).contains(&below), "{below}");
        let sizes: Vec<u64> = drawn.iter().map(|trial| trial["batch_size"].as_u64().unwrap()).collect();
        assert!(
            sizes.contains(&16) && sizes.contains(&24) && sizes.iter().all(|size| (16..=24).contains(size))
        );
    }

    #[test]
    fn where_there_are_fewer_combinations_than_runs_each_comes_once() {
        let two = plan(json!({"method": "random", "runs": 9, "fields": {"flip": ["on", "off"]}}));
        assert_eq!(trials(&two).unwrap().len(), 2);
    }
}
