//! `/runs/{id}/further`: before a completed run is given more epochs, the learning rate that will follow, drawn behind what it was.

use super::format::counted;
use super::frame::{Frame, Section, page};
use super::run_view::RunView;
use crate::domain::run::total_steps;
use crate::store::runs::Run;
use crate::web::api::find_run;
use crate::web::extract::{Path, Query};
use crate::web::{AppState, Error, Result};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use protocol::event::Started;
use protocol::schedule::{learning_rate, warmup_steps};
use protocol::spec::RunSpec;
use serde::Deserialize;

/// Points of a line.
const POINTS: usize = 300;
/// Of the drawing, without what stands around it.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 200.0;

#[derive(Template)]
#[template(path = "runs/further.html")]
struct Further {
    frame: Frame,
    view: RunView,
    page: &'static str,
    /// What stands in the field.
    epochs: String,
    error: Option<String>,
    plan: Plan,
}

#[derive(Deserialize)]
pub(crate) struct FurtherQuery {
    epochs: Option<String>,
}

pub(crate) async fn show(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<FurtherQuery>,
) -> Result<Response> {
    let run = find_run(&app, id).await?;
    let past = app.store.list_points_thinned(run.id, "learning_rate", POINTS).await?;
    let past: Vec<(u64, f64)> = past.into_iter().filter_map(|(step, rate)| Some((step, rate?))).collect();
    let view = RunView::load(&app, run).await?;
    let Some(started) = view.run.started.as_ref().filter(|_| view.can_raise_epochs()) else {
        let why = format!("A run that is {} can't be given more epochs; it must be completed", view.state());
        return Err(Error::Conflict(why));
    };
    let (asked, error) = match query.epochs.as_deref().map(|text| text.trim().parse::<u32>()) {
        None => (view.double_epochs(), None),
        Some(Ok(epochs)) if (view.next_epochs()..=1000).contains(&epochs) => (epochs, None),
        Some(_) => {
            let why = format!("Enter a whole number from {} to 1000", view.next_epochs());
            (view.double_epochs(), Some(why))
        }
    };
    let plan = Plan::new(&view.run, started, &past, asked);
    let frame =
        Frame::load(&app, "Train further", &[("Runs", "/runs"), (&view.title(), &view.href())]).await?;
    page(&Further {
        frame: frame.in_section(Section::Runs),
        epochs: query.epochs.filter(|_| error.is_some()).unwrap_or_else(|| asked.to_string()),
        error,
        plan,
        view,
        page: "further",
    })
}

/// A mark on an axis.
struct Tick {
    at: f64,
    label: String,
}

/// What was and what will follow.
struct Plan {
    /// Epochs that the run has had.
    had: i64,
    /// Epochs that it would have in all.
    epochs: u32,
    /// Path of what the learning rate was.
    past: String,
    /// Path of what it will be.
    future: String,
    /// Where the one ends and the other begins.
    now_x: f64,
    across: Vec<Tick>,
    up: Vec<Tick>,
    words: String,
}

impl Plan {
    fn new(run: &Run, started: &Started, past: &[(u64, f64)], epochs: u32) -> Plan {
        let done = run.step.max(0).cast_unsigned();
        let future = follow(&run.spec, started, done, epochs);
        let most = past.iter().chain(&future).map(|(_, rate)| *rate).fold(f64::MIN_POSITIVE, f64::max);
        let per_epoch = started.steps_per_epoch.max(1) as f64;
        let x = |step: f64| (step / per_epoch / f64::from(epochs) * WIDTH).min(WIDTH);
        let path = |points: &[(u64, f64)]| -> String {
            let point = |(at, (step, rate)): (usize, &(u64, f64))| {
                // A point stands where its step ends.
                let (x, y) = (x(*step as f64 + 1.0), HEIGHT - rate / most * HEIGHT);
                format!("{}{x:.1} {y:.1}", if at == 0 { "M" } else { "L" })
            };
            points.iter().enumerate().map(point).collect()
        };
        Plan {
            had: run.epoch,
            epochs,
            past: path(past),
            future: path(&future),
            now_x: x(done as f64),
            across: across(epochs),
            up: [0.0, 0.5, 1.0]
                .map(|share| Tick { at: HEIGHT - share * HEIGHT, label: rate_label(share * most) })
                .into(),
            words: words(run, past.last(), &future, epochs),
        }
    }

    /// What the drawing shows, for who does not see it.
    fn label(&self) -> String {
        format!(
            "Learning rate by epoch: {} so far, and what will follow up to epoch {}. {}",
            counted(self.had, "epoch", "epochs"),
            self.epochs,
            self.words
        )
    }
}

/// Step and learning rate of what will follow after `done` steps, as the trainer will work them out.
fn follow(spec: &RunSpec, started: &Started, done: u64, epochs: u32) -> Vec<(u64, f64)> {
    let total = total_steps(started, epochs);
    let warmup = warmup_steps(spec.warmup_epochs, started.steps_per_epoch, total);
    let left = total.saturating_sub(done);
    let points = left.min(POINTS as u64);
    // Evenly spread, the first and the last among them.
    let step = |at: u64| done + if points > 1 { at * (left - 1) / (points - 1) } else { 0 };
    (0..points)
        .map(step)
        .map(|step| (step, learning_rate(spec.schedule, spec.learning_rate, step, total, warmup)))
        .collect()
}

fn words(run: &Run, last: Option<&(u64, f64)>, future: &[(u64, f64)], epochs: u32) -> String {
    let more = counted(i64::from(epochs) - run.epoch, "epoch", "epochs");
    let (Some((_, next)), Some((_, end))) = (future.first(), future.last()) else {
        return "There is nothing left to do up to there.".to_owned();
    };
    let mut words = format!(
        "{more} more. The schedule is then that of all {epochs}, of which {} are over: the next step has a learning rate of {}, \
         the last one of {}.",
        run.epoch,
        rate_label(*next),
        rate_label(*end)
    );
    if let Some((_, last)) = last.filter(|(_, last)| *next > 1.5 * last) {
        let jump = format!(
            " The last step so far had {}: weights that had settled are moved again, so expect the loss to rise at first.",
            rate_label(*last)
        );
        words.push_str(&jump);
    }
    if run.spec.selection.patience > 0 {
        let patience = counted(i64::from(run.spec.selection.patience), "epoch", "epochs");
        words.push_str(&format!(" It may end earlier: after {patience} without a better one."));
    }
    words
}

/// About six whole epochs, at round numbers.
fn across(epochs: u32) -> Vec<Tick> {
    let wanted = f64::from(epochs) / 6.0;
    let magnitude = 10_f64.powf(wanted.max(1.0).log10().floor());
    let round = [1.0, 2.0, 5.0, 10.0].map(|part: f64| part * magnitude);
    let every = round.into_iter().find(|every| *every >= wanted).unwrap_or(wanted).max(1.0) as u32;
    let tick =
        |epoch: u32| Tick { at: f64::from(epoch) / f64::from(epochs) * WIDTH, label: epoch.to_string() };
    (0..=epochs).step_by(every as usize).map(tick).collect()
}

/// A learning rate in three digits at most.
fn rate_label(rate: f64) -> String {
    let short = format!("{rate:.2e}");
    let short: f64 = short.parse().unwrap_or(rate);
    if short == 0.0 || short >= 1e-4 { short.to_string() } else { format!("{short:e}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn spec(schedule: &str) -> RunSpec {
        serde_json::from_value(json!({
            "dataset": "d", "fingerprint": "f", "classes": ["a", "b"], "model": "small-cnn", "weights": null,
            "image_size": 32, "epochs": 4, "batch_size": 4, "optimizer": "adamw", "learning_rate": 0.1,
            "weight_decay": 0.0, "schedule": schedule, "warmup_epochs": 0.0, "train_transforms": [],
            "eval_transforms": [], "seed": 0, "device": "cpu", "precision": "f32", "threads": 1,
            "capture_every_steps": 0,
        }))
        .unwrap()
    }

    fn started() -> Started {
        Started { step: 0, steps_per_epoch: 50, parameters: 9, layers: Vec::new() }
    }

    #[test]
    fn what_follows_is_the_schedule_of_all_epochs_from_the_next_step_on() {
        let future = follow(&spec("cosine"), &started(), 200, 8);
        let at = |step| (step, learning_rate(protocol::spec::Schedule::Cosine, 0.1, step, 400, 0));
        assert_eq!((future[0], *future.last().unwrap()), (at(200), at(399)));
        assert!((future[0].1 - 0.05).abs() < 1e-9, "half of it is over");
        assert_eq!(future.len(), 200);
        // A long run has no more points than are drawn.
        let long = follow(&spec("one-cycle"), &started(), 200, 1000);
        assert_eq!((long.len(), long[0].0, long[POINTS - 1].0), (POINTS, 200, 49_999));
        assert!(follow(&spec("constant"), &started(), 200, 4).is_empty());
    }

    #[test]
    fn an_axis_has_a_few_round_epochs() {
        let labels = |epochs| across(epochs).into_iter().map(|tick| tick.label).collect::<Vec<_>>().join(" ");
        assert_eq!(labels(4), "0 1 2 3 4");
        assert_eq!(labels(40), "0 10 20 30 40");
        assert_eq!(labels(60), "0 10 20 30 40 50 60");
        assert_eq!(labels(1000), "0 200 400 600 800 1000");
        assert_eq!(
            (rate_label(0.0), rate_label(0.0015), rate_label(1.234e-8)),
            ("0".into(), "0.0015".into(), "1.23e-8".into())
        );
    }
}
