//! What a run would cost, by the speed that was measured in an earlier one. Nothing measured: no estimate.

use super::super::format::{counted, duration, number, thousands};
use crate::domain::dataset::DatasetFacts;
use crate::domain::ids::DatasetId;
use crate::domain::recipe::Values;
use crate::domain::run::RunState;
use crate::store::runs::Run;
use crate::web::{AppState, Result};
use protocol::sample::Split;
use protocol::spec::Training;
use serde_json::{Value, json};

/// The share of the training images that a run holds out where there is no validation split.
const HELD_OUT: f64 = 0.1;
/// How long an evaluated image takes, as a share of a trained one, where the earlier run does not tell: the forward pass is
/// a third of the arithmetic, and loading takes as long.
const EVALUATED: f64 = 0.4;
/// Beyond these the earlier run's clock tells something else, such as a start that took long.
const EVALUATED_RANGE: [f64; 2] = [0.2, 1.0];

/// What stands beside *Start*.
#[derive(Default)]
pub(super) struct Cost {
    /// `About 51 s`.
    pub(super) time: Option<String>,
    /// `460 steps: 20 epochs of 23`.
    pub(super) steps: String,
    /// Where the figure comes from, or why there is none.
    pub(super) source: String,
    /// The run that was measured: address and name.
    pub(super) run: Option<(String, String)>,
    /// What the time holds beside training.
    pub(super) included: &'static str,
}

/// How many images a run handles.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Work {
    epochs: f64,
    train: f64,
    val: f64,
    test: f64,
}

impl Work {
    fn of(facts: &DatasetFacts, epochs: f64) -> Work {
        let count = |split| facts.count(split) as f64;
        let (train, val, test) = (count(Split::Train), count(Split::Val), count(Split::Test));
        if val > 0.0 || epochs == 0.0 {
            return Work { epochs, train, val, test };
        }
        Work { epochs, train: train * (1.0 - HELD_OUT), val: train * HELD_OUT, test }
    }

    fn trained(self) -> f64 {
        self.epochs * self.train
    }

    fn evaluated(self) -> f64 {
        self.epochs.max(1.0) * self.val + self.test
    }

    /// Seconds at so many trained images a second, where an evaluated one takes this share of a trained one.
    fn seconds(self, speed: f64, share: f64) -> f64 {
        (self.trained() + share * self.evaluated()) / speed
    }

    /// The share that makes this work take so many seconds.
    fn share(self, speed: f64, seconds: f64) -> Option<f64> {
        let share = (seconds * speed - self.trained()) / self.evaluated();
        share.is_finite().then(|| share.clamp(EVALUATED_RANGE[0], EVALUATED_RANGE[1]))
    }
}

impl Cost {
    /// Of a run with these values; all fields are among them.
    pub(super) async fn load(
        app: &AppState,
        dataset: DatasetId,
        facts: &DatasetFacts,
        values: &Values,
    ) -> Result<Cost> {
        let amount = |name: &str| values.get(name).and_then(Value::as_f64).unwrap_or(0.0);
        let model = values.get("model").and_then(Value::as_str).unwrap_or_default();
        let is_none = values.get("training").is_some_and(|training| training == "none");
        let work = Work::of(facts, if is_none { 0.0 } else { amount("epochs") });
        let training = values.get("training").and_then(Value::as_str).unwrap_or_default();
        let steps = match training {
            "none" => "No training steps: the initial weights are evaluated.".to_owned(),
            _ => steps(work, amount("batch_size"), amount("accumulate")),
        };
        let mut runs = app.store.list_timed_runs(model, amount("image_size") as i64).await?;
        runs.retain(|run| is_comparable(run, training));
        if training == "head" {
            return Ok(Cost::of_head(dataset, facts, &steps, runs));
        }
        // 0: as many as there are cores.
        let threads = match values.get("threads").and_then(Value::as_u64) {
            Some(0) => std::thread::available_parallelism().ok().map(|cores| cores.get() as u64),
            threads => threads,
        };
        // The one that is most like it; of equals the newest, which comes first.
        let likeness = |run: &Run| {
            let same = |name: &str, own: &Value| values.get(name) == Some(own);
            let (spec, asked) = (&run.spec, &run.asked);
            [
                // Of what is left open, the trainer makes the same again.
                same("device", &json!(spec.device)) || same("device", &json!(asked.device)),
                same("precision", &json!(spec.precision)) || same("precision", &json!(asked.precision)),
                threads == Some(u64::from(spec.threads)),
                run.dataset_id == dataset,
                same("batch_size", &Value::from(spec.batch_size)),
            ]
            .iter()
            .filter(|same| **same)
            .count()
        };
        let Some(run) = runs.into_iter().rev().max_by_key(likeness) else {
            return Ok(Cost {
                steps,
                source: "No estimate: this model has not been timed at this image size here. \
                         The run's page shows the time left after its first steps."
                    .to_owned(),
                ..Cost::default()
            });
        };
        let points = app.store.list_points(run.id, "images_per_second").await?;
        let Some(speed) = median(points.into_iter().filter_map(|(_, speed)| speed)) else {
            return Ok(Cost { steps, ..Cost::default() });
        };
        // Time at work: what lies between pauses and resumes is none.
        let is_told = run.state == RunState::Completed && run.dataset_id == dataset;
        let took = is_told.then(|| run.worked_ms as f64 / 1000.0);
        let earlier = Work::of(facts, f64::from(run.spec.epochs));
        let share = took.and_then(|took| earlier.share(speed, took)).unwrap_or(EVALUATED);
        Ok(Cost {
            time: Some(format!("About {}", duration(work.seconds(speed, share)))),
            steps,
            source: format!("By the median speed, {} images/s, of", number(Some(speed))),
            run: Some((format!("/runs/{}", run.id), run.name)),
            included: match facts.count(Split::Test) {
                0 => "Validation is included.",
                _ => "Validation and test are included.",
            },
        })
    }
}

impl Cost {
    /// Of the last layer alone: nearly all of its time goes into what the other layers make of each image, once.
    fn of_head(dataset: DatasetId, facts: &DatasetFacts, steps: &str, runs: Vec<Run>) -> Cost {
        let images: u64 = Split::ALL.iter().map(|split| facts.count(*split)).sum();
        let is_told =
            |run: &Run| run.dataset_id == dataset && run.state == RunState::Completed && run.worked_ms > 0;
        let steps =
            format!("{steps}, after the features of {} are computed", counted(images, "image", "images"));
        match runs.into_iter().find(is_told) {
            Some(run) => Cost {
                time: Some(format!("About {} or less", duration(run.worked_ms as f64 / 1000.0))),
                steps,
                source: "As long as it took".to_owned(),
                run: Some((format!("/runs/{}", run.id), run.name)),
                included: "Features that were computed before are kept and used again.",
            },
            None => Cost {
                steps,
                source: "No estimate: the last layer alone has not learned from this data set here with this model and \
                         image size. It is a matter of seconds for some hundred images."
                    .to_owned(),
                ..Cost::default()
            },
        }
    }
}

/// Whether a run's speed tells something of one that learns in this way: the last layer alone takes a fraction of the time of all.
fn is_comparable(run: &Run, training: &str) -> bool {
    let is_head = run.spec.trains() && matches!(run.spec.training, Training::Head { .. });
    is_head == (training == "head")
}

fn steps(work: Work, batch_size: f64, accumulate: f64) -> String {
    if work.epochs == 0.0 || batch_size < 1.0 {
        return "No training steps.".to_owned();
    }
    let an_epoch = ((work.train / batch_size).ceil() / accumulate.max(1.0)).ceil();
    let steps = counted((an_epoch * work.epochs) as i64, "step", "steps");
    let epochs = counted(work.epochs as i64, "epoch", "epochs");
    format!("{steps}: {epochs} of {}", thousands(an_epoch as i64))
}

fn median(speeds: impl Iterator<Item = f64>) -> Option<f64> {
    let mut speeds: Vec<f64> = speeds.filter(|speed| *speed > 0.0).collect();
    speeds.sort_unstable_by(f64::total_cmp);
    speeds.get(speeds.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_all_steps_counts_and_not_the_last() {
        assert_eq!(median([1700.0, 1690.0, 60.6].into_iter()), Some(1690.0));
        assert_eq!(median([0.0].into_iter()), None);
    }

    #[test]
    fn validation_and_test_take_their_time_as_they_did_before() {
        let work = Work { epochs: 10.0, train: 1000.0, val: 200.0, test: 500.0 };
        assert_eq!(work.seconds(100.0, 0.4), (10_000.0 + 0.4 * 2500.0) / 100.0);
        let took = work.seconds(100.0, 0.7);
        assert!(work.share(100.0, took).is_some_and(|share| (share - 0.7).abs() < 1e-9));
        // A clock that stood still for a night tells nothing of it.
        assert_eq!(work.share(100.0, 40_000.0), Some(1.0));
        let twice = Work { epochs: 20.0, ..work };
        assert!(twice.seconds(100.0, 0.7) > 1.9 * took);
    }

    #[test]
    fn steps_are_counted_as_the_trainer_takes_them() {
        let work = Work { epochs: 4.0, train: 65.0, val: 0.0, test: 0.0 };
        assert_eq!(steps(work, 32.0, 1.0), "12 steps: 4 epochs of 3");
        assert_eq!(steps(work, 32.0, 2.0), "8 steps: 4 epochs of 2");
        assert!(steps(Work { epochs: 0.0, ..work }, 32.0, 1.0).starts_with("No training steps"));
    }
}
