//! `/datasets/{id}/lab`: two ways of loading side by side, on the data set's own pictures, tensor for tensor.

mod asked;
mod look;

use super::frame::{Frame, page};
use super::inputs::View;
use super::pipeline_words::pipeline_words;
use super::words::{self, link};
use crate::domain::dataset::class_of;
use crate::domain::dataset::{ClassCount, DatasetState};
use crate::domain::recipe::{Normalization, Preset, defaults};
use crate::store::datasets::{Dataset, Sample};
use crate::web::api::find_dataset;
use crate::web::api::samples::{find_label, find_split};
use crate::web::extract::{Path, Query};
use crate::web::{Error, Result, State};
use askama::Template;
use asked::Asked;
use axum::extract::State as Held;
use axum::response::Response;
use look::{Close, Look, Triple};
use protocol::transform::Pipeline;
use protocol::transform::catalogue::{Group, TRANSFORMS};
use serde_json::json;

/// How many samples may stand side by side.
const COUNTS: [usize; 4] = [4, 8, 12, 16];

#[derive(Template)]
#[template(path = "datasets/lab.html")]
struct Lab {
    frame: Frame,
    dataset: Dataset,
    tab: &'static str,
    classes: Vec<ClassCount>,
    asked: Asked,
    count: usize,
    sides: [Side; 2],
    triples: Vec<Triple>,
    close: Option<Close>,
    /// The catalogue, the presets and the saved pipelines, as JSON for the editor.
    editor: String,
}

/// One of the two pipelines.
struct Side {
    letter: &'static str,
    /// As JSON, the way it stands in the address.
    text: String,
    /// Why it can't be carried out.
    error: Option<String>,
    /// Why it could not be used in a run as it is.
    warning: Option<String>,
    words: Vec<String>,
    use_href: Option<String>,
}

impl Lab {
    fn href(&self) -> String {
        format!("/datasets/{}/lab", self.dataset.id)
    }

    fn views(&self) -> [&'static str; 4] {
        View::ALL.map(View::as_str)
    }

    fn view(&self) -> &'static str {
        self.asked.view.as_str()
    }

    fn counts(&self) -> [usize; 4] {
        COUNTS
    }

    fn sample_list(&self) -> String {
        let ids: Vec<String> = self.triples.iter().map(|triple| triple.sample.id.to_string()).collect();
        ids.join(",")
    }
}

pub(in crate::web) async fn show(
    Held(state): Held<State>,
    Path(id): Path<i64>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let dataset = find_dataset(&state, id).await?;
    if dataset.state != DatasetState::Ready {
        return Err(Error::Conflict(format!("“{}” has no pictures to look at yet", dataset.name)));
    }
    let facts = state.store.dataset_facts(&dataset).await?;
    let classes = facts.classes.clone();
    let size =
        defaults(&facts)["image_size"].as_u64().and_then(|size| u32::try_from(size).ok()).unwrap_or(64);
    let count = asked.count.unwrap_or(8).clamp(1, COUNTS[3]);
    let samples = find_samples(&state, &dataset, &classes, &asked, count).await?;
    let read = [("A", &asked.a, Preset::None), ("B", &asked.b, Preset::Standard)]
        .map(|(letter, text, preset)| read_side(letter, text, preset.pipeline(size), dataset.id.0));
    let base = format!("/datasets/{}/lab", dataset.id);
    let chosen = samples.iter().position(|sample| Some(sample.id.0) == asked.sample).unwrap_or(0);
    let look = Look {
        lab: state.lab.clone(),
        root: dataset.root.clone().unwrap_or_default(),
        pipelines: [read[0].1.clone(), read[1].1.clone()],
        view: asked.view,
        seed: asked.seed,
        epoch: asked.epoch.unwrap_or(1).max(1),
        by_epoch: asked.vary != "seed",
    };
    let (triples, close) = {
        let (asked, classes) = (asked.clone(), classes.clone());
        let base = base.clone();
        tokio::task::spawn_blocking(move || {
            let triples = || {
                look.triples(&samples, &classes, chosen, |sample| {
                    asked.with(&base, "sample", &sample.to_string())
                })
            };
            let close = || {
                let sample = samples.get(chosen)?;
                let vary = if look.by_epoch { "seed" } else { "" };
                Some(look.close(sample, class_of(sample.label, &classes), asked.with(&base, "vary", vary)))
            };
            rayon::join(triples, close)
        })
        .await?
    };
    let normalizations: Vec<_> = Normalization::ALL
        .into_iter()
        .filter_map(|normalization| Some((normalization.label(), normalization.step(facts.channels)?)))
        .collect();
    let saved: Vec<_> = state.store.list_pipelines().await?;
    let editor = json!({
        "transforms": TRANSFORMS,
        "groups": Group::ALL.map(|group| (group, group.label())),
        "presets": Preset::ALL.map(|preset| (preset.as_str(), preset.pipeline(size))),
        "saved": saved.iter().map(|saved| (&saved.name, &saved.steps)).collect::<Vec<_>>(),
        "normalizations": normalizations,
        "size": size,
    })
    .to_string()
    // The only thing that could end a script element early.
    .replace('<', "\\u003c");
    let [a, b] = read;
    let crumbs = [("Data sets", "/"), (dataset.name.as_str(), &*format!("/datasets/{}", dataset.id))];
    page(&Lab {
        frame: Frame::load(&state, "Loading lab", &crumbs).await?,
        tab: "lab",
        classes,
        count,
        sides: [a.0, b.0],
        triples,
        close,
        editor,
        asked,
        dataset,
    })
}

/// The samples that the address names, else some drawn by its `pick`.
async fn find_samples(
    state: &State,
    dataset: &Dataset,
    classes: &[ClassCount],
    asked: &Asked,
    count: usize,
) -> Result<Vec<Sample>> {
    if !asked.samples.is_empty() {
        let mut samples = Vec::new();
        for text in asked.samples.split(',').take(COUNTS[3]) {
            let id: i64 = text
                .trim()
                .parse()
                .map_err(|_| Error::field("samples", format!("“{text}” is not a sample's number")))?;
            // One that is gone (or of another data set) is passed over: an address outlives what it shows.
            let found = state.store.find_sample(crate::domain::ids::SampleId(id)).await?;
            samples.extend(found.filter(|sample| sample.dataset_id == dataset.id));
        }
        return Ok(samples);
    }
    let (label, split) = (find_label(&asked.class, classes)?, find_split(&asked.split)?);
    Ok(state.store.pick_samples(dataset.id, label, split, asked.pick, count as i64).await?)
}

fn read_side(letter: &'static str, text: &str, preset: Pipeline, dataset: i64) -> (Side, Option<Pipeline>) {
    let parsed = match text {
        "" => Ok(preset),
        text => serde_json::from_str::<Pipeline>(text).map_err(|error| error.to_string()),
    };
    let checked = parsed.and_then(|steps| {
        vision::check_steps(&steps).map_err(|error| error.to_string())?;
        Ok(steps)
    });
    let mut side =
        Side { letter, text: text.to_owned(), error: None, warning: None, words: Vec::new(), use_href: None };
    match checked {
        Err(why) => {
            side.error = Some(why);
            (side, None)
        }
        Ok(steps) => {
            side.text = serde_json::to_string(&steps).unwrap_or_default();
            side.words = pipeline_words(&steps);
            match vision::check(&steps).map(|()| vision::output_side(&steps)) {
                Ok(Some(size)) => {
                    side.use_href = Some(link(
                        "/runs/new",
                        &[
                            ("dataset", &dataset.to_string()),
                            ("image_size", &size.to_string()),
                            ("train_transforms", &side.text),
                        ],
                    ));
                }
                Ok(None) => {}
                Err(why) => side.warning = Some(format!("Not for a run yet: {why}.")),
            }
            (side, Some(steps))
        }
    }
}
