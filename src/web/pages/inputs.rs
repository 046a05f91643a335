//! `/runs/{id}/inputs`: captured batches, exactly as the network got them, beside the untouched originals.

use super::frame::{Frame, page};
use super::gallery::class;
use super::pipeline_words::{drawn_words, pipeline_words};
use super::run_view::RunView;
use super::words::{self, link, thousands};
use crate::domain::ids::SampleId;
use crate::runs::batch_file::read_item;
use crate::web::api::find_run;
use crate::web::extract::{Path, Query};
use crate::web::{Error, Result, State};
use askama::Template;
use axum::extract::State as Held;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use protocol::event::{Batch, BatchItem, ChannelStats};
use protocol::transform::TransformSpec;
use serde::Deserialize;

/// What of a tensor is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::web) enum View {
    /// All channels, the normalisation undone.
    #[default]
    Picture,
    /// One channel as grey, from its least to its greatest value.
    Red,
    /// As above.
    Green,
    /// As above.
    Blue,
}

impl View {
    pub(in crate::web) const ALL: [View; 4] = [View::Picture, View::Red, View::Green, View::Blue];

    pub(in crate::web) fn as_str(self) -> &'static str {
        match self {
            View::Picture => "picture",
            View::Red => "red",
            View::Green => "green",
            View::Blue => "blue",
        }
    }

    /// The channel that is shown alone.
    pub(in crate::web) fn channel(self) -> Option<usize> {
        match self {
            View::Picture => None,
            View::Red => Some(0),
            View::Green => Some(1),
            View::Blue => Some(2),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Asked {
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
    steps: Vec<i64>,
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

impl Inputs {
    fn channels(&self) -> Vec<(&'static str, ChannelStats)> {
        self.batch.iter().flat_map(|batch| ["Red", "Green", "Blue"].into_iter().zip(batch.channels)).collect()
    }

    fn shape(&self) -> String {
        let side = self.view.run.spec.image_size;
        self.batch.as_ref().map_or_else(String::new, |batch| format!("{} × 3 × {side} × {side}", batch.size))
    }

    fn href(&self, step: i64, view: View) -> String {
        let view = if view == View::Picture { "" } else { view.as_str() };
        link(&format!("{}/inputs", self.view.href()), &[("step", &step.to_string()), ("view", view)])
    }

    fn step(&self) -> i64 {
        self.batch.as_ref().map_or(0, |batch| batch.step as i64)
    }

    fn views(&self) -> Vec<(&'static str, String, bool)> {
        View::ALL.map(|view| (view.as_str(), self.href(self.step(), view), view == self.shown)).into()
    }

    /// The captured steps before and behind this one.
    fn beside(&self) -> (Option<String>, Option<String>) {
        let at = self.steps.iter().position(|step| *step == self.step());
        let go =
            |at: Option<usize>| at.and_then(|at| self.steps.get(at)).map(|step| self.href(*step, self.shown));
        (go(at.and_then(|at| at.checked_sub(1))), go(at.map(|at| at + 1)))
    }
}

pub(in crate::web) async fn show(
    Held(state): Held<State>,
    Path(id): Path<i64>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let run = find_run(&state, id).await?;
    let steps = state.store.list_batch_steps(run.id).await?;
    let batch = match asked.step.or(steps.last().copied()) {
        Some(step) => match state.store.find_batch(run.id, step).await? {
            None if asked.step.is_some() => return Err(Error::NotFound("captured batch")),
            found => found,
        },
        None => None,
    };
    let view = RunView::load(&state, run).await?;
    let base = view.href();
    let mut items = Vec::new();
    for (at, item) in batch.iter().flat_map(|batch| batch.items.iter().enumerate()) {
        // A data set that was deleted leaves its runs' tensors behind.
        let Some(sample) = state.store.find_sample(SampleId(item.sample_id)).await? else { continue };
        let step = batch.as_ref().map_or(0, |batch| batch.step);
        items.push(Item {
            href: format!("/datasets/{}/samples/{}", sample.dataset_id, sample.id),
            fed: link(&format!("{base}/batches/{step}/{at}"), &[("view", asked.view.as_str())]),
            hash: sample.hash,
            class: class(&view.run.spec.classes, i64::from(item.label)).to_owned(),
            path: sample.path,
            drawn: item
                .drawn
                .iter()
                .map(drawn_words)
                .chain(mixed_words(&view.run.spec.classes, item))
                .collect(),
        });
    }
    let pipeline = pipeline_words(&view.run.spec.train_transforms);
    page(&Inputs {
        frame: Frame::load(
            &state,
            format!("Inputs of {}", view.run.name),
            &[("Runs", "/runs"), (&view.run.name, &base)],
        )
        .await?,
        page: "inputs",
        steps,
        batch,
        items,
        shown: asked.view,
        pipeline,
        view,
    })
}

/// `MixUp: 0.31 of a dog`.
fn mixed_words(classes: &[String], item: &BatchItem) -> Option<String> {
    let mixed = item.mixed.as_ref()?;
    let by = if mixed.by == "mixup" { "MixUp" } else { "CutMix" };
    Some(format!(
        "{by}: {:.2} of “{}”, sample {}",
        mixed.share,
        class(classes, i64::from(mixed.label)),
        mixed.sample_id
    ))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Channel {
    #[serde(default)]
    view: View,
}

/// `/runs/{id}/batches/{step}/{item}`: one sample of a captured batch as a PNG, a pixel a tensor element.
pub(in crate::web) async fn picture(
    Held(state): Held<State>,
    Path((id, step, item)): Path<(i64, i64, usize)>,
    Query(asked): Query<Channel>,
) -> Result<Response> {
    let run = find_run(&state, id).await?;
    let batch = state.store.find_batch(run.id, step).await?.ok_or(Error::NotFound("captured batch"))?;
    if item >= batch.items.len() {
        return Err(Error::NotFound("picture in this batch"));
    }
    let file = state.runs.directory(run.id).file(&batch.path).ok_or(Error::NotFound("captured batch"))?;
    let normalize = run.spec.train_transforms.iter().find_map(|step| match step {
        TransformSpec::Normalize { mean, std } => Some((*mean, *std)),
        _ => None,
    });
    let png = tokio::task::spawn_blocking(move || -> anyhow::Result<Vec<u8>> {
        let tensor = read_item(&file, item)?;
        let image = match asked.view.channel() {
            None => vision::picture_from_tensor(&tensor.data, tensor.height, tensor.width, normalize),
            Some(channel) => vision::channel_picture(&tensor, channel),
        };
        Ok(vision::png(&image))
    })
    .await??;
    let headers =
        [(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, png).into_response())
}

impl Inputs {
    fn count(&self) -> String {
        thousands(self.steps.len() as i64)
    }
}
