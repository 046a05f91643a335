//! Runs that differ by nothing but their seed: the same experiment done again, so that their spread is chance.

use protocol::spec::RunSpec;
use std::collections::BTreeSet;

/// A run, as far as it is looked at: what it does, and what it learns from.
#[derive(Clone, Copy, Debug)]
pub struct Experiment<'a> {
    /// Its settings.
    pub spec: &'a RunSpec,
    /// Its data set's number and version.
    pub data: (i64, i64),
}

/// The places of runs that differ by their seed alone, two or more seeds a group, in the order in which they come.
pub fn group_by_seed(runs: &[Experiment<'_>]) -> Vec<Vec<usize>> {
    let mut groups: Vec<(RunSpec, (i64, i64), Vec<usize>)> = Vec::new();
    for (at, run) in runs.iter().enumerate() {
        let spec = without_seed(run.spec);
        match groups.iter_mut().find(|(other, data, _)| *data == run.data && *other == spec) {
            Some((_, _, members)) => members.push(at),
            None => groups.push((spec, run.data, vec![at])),
        }
    }
    let has_seeds = |members: &Vec<usize>| {
        members.iter().map(|at| runs[*at].spec.seed).collect::<BTreeSet<_>>().len() > 1
    };
    groups.into_iter().map(|(.., members)| members).filter(has_seeds).collect()
}

/// What is left of a spec without its seed, and without what changes nothing in what is learned.
fn without_seed(spec: &RunSpec) -> RunSpec {
    RunSpec { seed: 0, threads: 0, capture_every_steps: 0, ..spec.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn spec(seed: u64, learning_rate: f64) -> RunSpec {
        serde_json::from_value(json!({
            "dataset": "photos", "fingerprint": "", "classes": ["a", "b"], "model": "small-cnn", "weights": null,
            "image_size": 32, "epochs": 5, "batch_size": 4, "optimizer": "adamw", "learning_rate": learning_rate,
            "weight_decay": 0.0, "schedule": "constant", "warmup_epochs": 0.0, "train_transforms": [],
            "eval_transforms": [], "seed": seed, "device": "auto", "precision": "auto", "threads": seed,
            "capture_every_steps": 0, "evaluate_splits": ["val"],
        }))
        .unwrap()
    }

    #[test]
    fn only_runs_of_several_seeds_and_one_recipe_on_the_same_data_are_a_group() {
        let specs = [spec(0, 0.1), spec(1, 0.1), spec(0, 0.2), spec(2, 0.1), spec(0, 0.2), spec(3, 0.1)];
        let data = [(1, 1), (1, 1), (1, 1), (1, 1), (1, 1), (1, 2)];
        let runs: Vec<Experiment<'_>> =
            specs.iter().zip(data).map(|(spec, data)| Experiment { spec, data }).collect();
        // 2 and 4 are the same run twice; 5 learned from another version.
        assert_eq!(group_by_seed(&runs), [[0, 1, 3]]);
        assert!(group_by_seed(&runs[2..3]).is_empty());
    }
}
