//! `/runs/{id}/inputs`: captured batches, exactly as the network got them, beside the untouched originals.

use super::batch_image::{View, content_name};
use super::describe_pipeline::{describe_pipeline, describe_sampled};
use super::format::{self, link, thousands};
use super::frame::{Frame, page};
use super::gallery::class;
use super::run_view::RunView;
use crate::domain::ids::SampleId;
use crate::store::samples::Sample;
use crate::web::api::find_run;
use crate::web::extract::{Path, Query};
use crate::web::{AppState, Error, Result};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use protocol::event::{Batch, BatchItem, ChannelStats};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Images of a batch that the loading lab begins with.
const LAB_IMAGES: usize = 8;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InputsQuery {
    step: Option<i64>,
    #[serde(default)]
    view: View,
}

#[derive(Template)]
#[template(path = "runs/inputs.html")]
struct Inputs {
    frame: Frame,
    view: RunView,
    page: &'static str,
    captured: Captured,
}

/// A captured batch, as the page shows it and asks for it anew.
#[derive(Template)]
#[template(path = "runs/batch.html")]
struct Captured {
    view: RunView,
    steps: Vec<i64>,
    /// The step that was asked for; `None`: the newest.
    asked: Option<i64>,
    /// `None` before the first was captured.
    batch: Option<Batch>,
    items: Vec<Item>,
    shown: View,
    /// The loading, step by step.
    pipeline: Vec<String>,
}

struct Item {
    href: String,
    fed: String,
    hash: String,
    class: String,
    path: String,
    drawn: Vec<String>,
}

impl askama::filters::HtmlSafe for Captured {}

impl Captured {
    /// Where this part is asked for anew.
    fn address(&self) -> String {
        let step = self.asked.map_or_else(String::new, |step| step.to_string());
        let view = if self.shown == View::Image { "" } else { self.shown.as_str() };
        link(&format!("/live{}/inputs", self.view.href()), &[("step", &step), ("view", view)])
    }

    /// Whether the page moves on to each new batch.
    fn follows(&self) -> bool {
        self.asked.is_none() && self.view.is_active()
    }

    /// This batch, also when newer ones come.
    fn href_here(&self) -> String {
        self.href(self.step(), self.shown)
    }

    /// The same view, moving on to each new batch.
    fn href_newest(&self) -> String {
        let view = if self.shown == View::Image { "" } else { self.shown.as_str() };
        link(&format!("{}/inputs", self.view.href()), &[("view", view)])
    }

    fn channels(&self) -> Vec<(&'static str, ChannelStats)> {
        self.batch.iter().flat_map(|batch| ["Red", "Green", "Blue"].into_iter().zip(batch.channels)).collect()
    }

    fn shape(&self) -> String {
        let side = self.view.run.spec.image_size;
        self.batch.as_ref().map_or_else(String::new, |batch| format!("{} × 3 × {side} × {side}", batch.size))
    }

    fn href(&self, step: i64, view: View) -> String {
        let view = if view == View::Image { "" } else { view.as_str() };
        link(&format!("{}/inputs", self.view.href()), &[("step", &step.to_string()), ("view", view)])
    }

    fn step(&self) -> i64 {
        self.batch.as_ref().map_or(0, |batch| batch.step as i64)
    }

    /// The loading lab with the run's ways of loading, its seed, the epoch and the images of this batch.
    fn lab(&self) -> Option<String> {
        let (batch, spec) = (self.batch.as_ref()?, &self.view.run.spec);
        let steps = |pipeline| serde_json::to_string(pipeline).unwrap_or_default();
        let ids = batch.items.iter().take(LAB_IMAGES).map(|item| item.sample_id.to_string());
        let samples = ids.collect::<Vec<_>>().join(",");
        Some(link(
            &format!("{}/lab", self.view.dataset_href()),
            &[
                ("a", &steps(&spec.train_transforms)),
                ("b", &steps(&spec.eval_transforms)),
                ("samples", &samples),
                ("seed", &spec.seed.to_string()),
                ("epoch", &batch.epoch.to_string()),
            ],
        ))
    }

    /// What of the tensor can be shown; whoever follows the newest batch goes on following.
    fn views(&self) -> Vec<(&'static str, String, bool)> {
        let base = format!("{}/inputs", self.view.href());
        let step = self.asked.map_or_else(String::new, |step| step.to_string());
        View::ALL
            .map(|view| {
                let word = if view == View::Image { "" } else { view.as_str() };
                (view.as_str(), link(&base, &[("step", &step), ("view", word)]), view == self.shown)
            })
            .into()
    }

    /// The captured steps before and behind this one.
    fn beside(&self) -> (Option<String>, Option<String>) {
        let at = self.steps.iter().position(|step| *step == self.step());
        let go =
            |at: Option<usize>| at.and_then(|at| self.steps.get(at)).map(|step| self.href(*step, self.shown));
        (go(at.and_then(|at| at.checked_sub(1))), go(at.map(|at| at + 1)))
    }
}

pub(crate) async fn show(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<InputsQuery>,
) -> Result<Response> {
    let captured = Captured::load(&app, id, &query).await?;
    let view = RunView::load(&app, find_run(&app, id).await?).await?;
    let crumbs = [("Runs", "/runs"), (&view.title(), &view.href())];
    let frame = Frame::load(&app, "Inputs", &crumbs).await?;
    page(&Inputs { frame, page: "inputs", captured, view })
}

/// `/live/runs/{id}/inputs`: the batch alone.
pub(crate) async fn part(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<InputsQuery>,
) -> Result<Response> {
    page(&Captured::load(&app, id, &query).await?)
}

impl Captured {
    async fn load(app: &AppState, id: i64, query: &InputsQuery) -> Result<Captured> {
        let run = find_run(app, id).await?;
        let steps = app.store.list_batch_steps(run.id).await?;
        let batch = match query.step.or(steps.last().copied()) {
            Some(step) => match app.store.find_batch(run.id, step).await? {
                None if query.step.is_some() => return Err(Error::NotFound("captured batch")),
                found => found,
            },
            None => None,
        };
        let view = RunView::load(app, run).await?;
        let base = view.href();
        let ids = batch.iter().flat_map(|batch| &batch.items).map(|item| SampleId(item.sample_id));
        let samples = app.store.find_samples(&ids.collect::<Vec<_>>()).await?;
        let samples: BTreeMap<i64, &Sample> = samples.iter().map(|sample| (sample.id.0, sample)).collect();
        let content = batch.as_ref().map(|batch| content_name(&view.run, batch)).unwrap_or_default();
        let mut items = Vec::new();
        for (at, item) in batch.iter().flat_map(|batch| batch.items.iter().enumerate()) {
            // A data set that was deleted leaves its runs' tensors behind.
            let Some(sample) = samples.get(&item.sample_id) else { continue };
            let step = batch.as_ref().map_or(0, |batch| batch.step);
            items.push(Item {
                href: format!("/datasets/{}/samples/{}", sample.dataset_id, sample.id),
                fed: link(
                    &format!("{base}/batches/{step}/{at}"),
                    &[("view", query.view.as_str()), ("of", content.as_str())],
                ),
                hash: sample.hash.clone(),
                class: class(&view.run.spec.classes, i64::from(item.label)).to_owned(),
                path: sample.path.clone(),
                drawn: item
                    .sampled
                    .iter()
                    .map(describe_sampled)
                    .chain(describe_mix(&view.run.spec.classes, item))
                    .collect(),
            });
        }
        let pipeline = describe_pipeline(&view.run.spec.train_transforms);
        Ok(Captured { steps, asked: query.step, batch, items, shown: query.view, pipeline, view })
    }
}

/// `MixUp: 0.31 of a dog`.
fn describe_mix(classes: &[String], item: &BatchItem) -> Option<String> {
    let mixed = item.mixed.as_ref()?;
    Some(format!(
        "{}: {:.2} of “{}”, sample {}",
        mixed.method.label(),
        mixed.share,
        class(classes, i64::from(mixed.label)),
        mixed.sample_id
    ))
}

impl Captured {
    fn count(&self) -> String {
        thousands(self.steps.len() as i64)
    }
}
