//! `/datasets/{id}/lab`: two ways of loading side by side, on the data set's own images, tensor for tensor.

mod preview;
mod query;

use super::dataset_head::DatasetHead;
use super::describe_pipeline::describe_pipeline;
use super::format::{self, link};
use super::frame::{Frame, page};
use super::network_input::default_spec;
use crate::domain::dataset::class_of;
use crate::domain::dataset::{ClassCount, DatasetState};
use crate::domain::recipe::{Normalization, Preset, defaults, standard_evaluation};
use crate::store::datasets::Dataset;
use crate::store::samples::Sample;
use crate::web::api::samples::{find_label, find_split};
use crate::web::api::{dataset_facts, find_dataset};
use crate::web::extract::{Path, Query};
use crate::web::pages::batch_image::View;
use crate::web::{AppState, Error, Result, can_edit};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use preview::{ComparisonTile, DetailView, PreviewView};
use protocol::transform::catalogue::{Group, TRANSFORMS};
use protocol::transform::{Pipeline, TransformSpec};
use query::LabQuery;
use serde_json::json;

/// How many samples may stand side by side.
const COUNTS: [usize; 4] = [4, 8, 12, 16];

#[derive(Template)]
#[template(path = "datasets/lab/show.html")]
struct Lab {
    frame: Frame,
    dataset: Dataset,
    head: DatasetHead,
    classes: Vec<ClassCount>,
    query: LabQuery,
    count: usize,
    sides: [Side; 2],
    tiles: Vec<ComparisonTile>,
    detail: Option<DetailView>,
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
    /// Why it can't be taken in a run as it is.
    warning: Option<String>,
    /// In words, one a transform.
    steps: Vec<String>,
    use_href: Option<String>,
    /// What of it a run would also do in evaluation, in words.
    evaluation: String,
    /// Whether it is how a run loads unless told otherwise, in words.
    mark: &'static str,
}

impl Lab {
    fn href(&self) -> String {
        format!("/datasets/{}/lab", self.dataset.id)
    }

    fn views(&self) -> [&'static str; 4] {
        View::ALL.map(View::as_str)
    }

    fn view(&self) -> &'static str {
        self.query.view.as_str()
    }

    fn counts(&self) -> [usize; 4] {
        COUNTS
    }

    fn sample_list(&self) -> String {
        let ids: Vec<String> = self.tiles.iter().map(|tile| tile.sample.id.to_string()).collect();
        ids.join(",")
    }
}

pub(crate) async fn show(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<LabQuery>,
) -> Result<Response> {
    let dataset = find_dataset(&app, id).await?;
    if dataset.state != DatasetState::Ready {
        return Err(Error::Conflict(format!("“{}” is not ready yet", dataset.name)));
    }
    let facts = dataset_facts(&app, &dataset).await?;
    let classes = facts.classes.clone();
    let size =
        defaults(&facts)["image_size"].as_u64().and_then(|size| u32::try_from(size).ok()).unwrap_or(64);
    let count = query.count.unwrap_or(8).clamp(1, COUNTS[3]);
    let samples = find_samples(&app, &dataset, &classes, &query, count).await?;
    // A begins as images are evaluated, B as they are learned from, where nobody says otherwise.
    let usual = match default_spec(&app, &dataset).await? {
        Some(spec) => Usual { training: spec.train_transforms, evaluation: spec.eval_transforms },
        None => Usual { training: Preset::Standard.pipeline(size), evaluation: Preset::None.pipeline(size) },
    };
    let read = [("A", &query.a, &usual.evaluation), ("B", &query.b, &usual.training)]
        .map(|(letter, text, steps)| read_side(letter, text, steps, &usual, dataset.id.0));
    let base = format!("/datasets/{}/lab", dataset.id);
    let chosen = samples.iter().position(|sample| Some(sample.id.0) == query.sample).unwrap_or(0);
    let preview = PreviewView {
        lab: app.lab.clone(),
        root: dataset.root.clone().unwrap_or_default(),
        pipelines: [read[0].1.clone(), read[1].1.clone()],
        view: query.view,
        seed: query.seed,
        epoch: query.epoch.unwrap_or(1).max(1),
        by_epoch: query.vary != "seed",
    };
    let (tiles, detail) = {
        let (query, classes) = (query.clone(), classes.clone());
        let base = base.clone();
        tokio::task::spawn_blocking(move || {
            let tiles = || {
                preview.comparisons(&samples, &classes, chosen, |sample| {
                    query.with(&base, "sample", &sample.to_string())
                })
            };
            let detail = || {
                let sample = samples.get(chosen)?;
                let vary = if preview.by_epoch { "seed" } else { "" };
                Some(preview.detail(
                    sample,
                    class_of(sample.label, &classes),
                    query.with(&base, "vary", vary),
                ))
            };
            rayon::join(tiles, detail)
        })
        .await?
    };
    let normalizations: Vec<_> = Normalization::ALL
        .into_iter()
        .filter_map(|normalization| Some((normalization.label(), normalization.step(facts.channels)?)))
        .collect();
    let saved: Vec<_> = app.store.list_pipelines().await?;
    let editor = json!({
        "transforms": TRANSFORMS,
        "groups": Group::ALL.map(|group| (group, group.label())),
        "presets": presets(size, &usual),
        "saved": saved.iter().map(|saved| (&saved.name, &saved.steps)).collect::<Vec<_>>(),
        "normalizations": normalizations,
        "size": size,
        "can_save": can_edit(),
    })
    .to_string()
    // The only thing that could end a script element early.
    .replace('<', "\\u003c");
    let [a, b] = read;
    let crumbs = [("Data sets", "/datasets"), (dataset.name.as_str(), &*format!("/datasets/{}", dataset.id))];
    page(&Lab {
        frame: Frame::load(&app, "Loading lab", &crumbs).await?,
        head: DatasetHead::load(&app, &dataset, "lab").await?,
        classes,
        count,
        sides: [a.0, b.0],
        tiles,
        detail,
        editor,
        query,
        dataset,
    })
}

/// The samples that the address names, else some drawn by its `pick`.
async fn find_samples(
    app: &AppState,
    dataset: &Dataset,
    classes: &[ClassCount],
    query: &LabQuery,
    count: usize,
) -> Result<Vec<Sample>> {
    if !query.samples.is_empty() {
        let mut samples = Vec::new();
        for text in query.samples.split(',').take(COUNTS[3]) {
            let id: i64 = text
                .trim()
                .parse()
                .map_err(|_| Error::field("samples", format!("“{text}” is not a sample's number")))?;
            // One that is gone (or of another data set) is skipped: an address outlives what it shows.
            let found = app.store.find_sample(crate::domain::ids::SampleId(id)).await?;
            samples.extend(found.filter(|sample| sample.dataset_id == dataset.id));
        }
        return Ok(samples);
    }
    let (label, split) = (find_label(&query.class, classes)?, find_split(&query.split)?);
    Ok(app.store.pick_samples(dataset.id, label, split, query.pick, count as i64).await?)
}

/// How a run loads images unless a person says otherwise.
struct Usual {
    training: Pipeline,
    evaluation: Pipeline,
}

impl Usual {
    /// What a side is marked with.
    fn mark(&self, steps: &[TransformSpec]) -> &'static str {
        match (steps == self.training, steps == self.evaluation) {
            (true, true) => "default in a run",
            (true, false) => "default for training",
            (false, true) => "default for evaluation",
            (false, false) => "",
        }
    }
}

/// The editor's presets: word and steps; the default is one of them, whatever the data set.
fn presets(size: u32, usual: &Usual) -> Vec<(&'static str, Pipeline)> {
    let mut presets: Vec<_> =
        Preset::ALL.map(|preset| (preset.as_str(), preset.pipeline(size))).into_iter().collect();
    presets.insert(1, ("default", usual.training.clone()));
    presets
}

fn read_side(
    letter: &'static str,
    text: &str,
    preset: &Pipeline,
    usual: &Usual,
    dataset: i64,
) -> (Side, Option<Pipeline>) {
    let parsed = match text {
        "" => Ok(preset.clone()),
        text => serde_json::from_str::<Pipeline>(text).map_err(|error| error.to_string()),
    };
    let checked = parsed.and_then(|steps| {
        vision::check_transforms(&steps).map_err(|error| error.to_string())?;
        Ok(steps)
    });
    let mut side = Side {
        letter,
        text: text.to_owned(),
        error: None,
        warning: None,
        steps: Vec::new(),
        use_href: None,
        evaluation: String::new(),
        mark: "",
    };
    match checked {
        Err(why) => {
            side.error = Some(why);
            (side, None)
        }
        Ok(steps) => {
            side.text = serde_json::to_string(&steps).unwrap_or_default();
            side.steps = describe_pipeline(&steps);
            side.mark = usual.mark(&steps);
            match vision::check(&steps).map(|()| vision::output_side(&steps)) {
                Ok(Some(size)) => {
                    side.evaluation = evaluation_line(&steps, size);
                    side.use_href = can_edit().then(|| {
                        link(
                            "/runs/new",
                            &[
                                ("dataset", &dataset.to_string()),
                                ("image_size", &size.to_string()),
                                ("train_transforms", &side.text),
                            ],
                        )
                    });
                }
                Ok(None) => {}
                Err(why) => side.warning = Some(format!("Can’t be used in a run yet: {why}")),
            }
            (side, Some(steps))
        }
    }
}

/// What a run that takes these transforms does in evaluation. Steps of theirs that are not in it are left out there.
fn evaluation_line(steps: &[TransformSpec], size: u32) -> String {
    let kept = standard_evaluation(size, steps);
    let words = describe_pipeline(&kept).join(", ").to_lowercase();
    if steps.iter().all(|step| kept.contains(step)) {
        format!("In evaluation: the same ({words}).")
    } else {
        format!("In evaluation: {words}; every other step is left out.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_way_of_loading_is_marked() {
        let usual = Usual { training: Preset::Light.pipeline(32), evaluation: Preset::None.pipeline(32) };
        let mark = |preset: Preset| usual.mark(&preset.pipeline(32));
        assert_eq!(mark(Preset::Light), "default for training");
        assert_eq!(mark(Preset::None), "default for evaluation");
        assert_eq!((mark(Preset::Standard), usual.mark(&[])), ("", ""));
        assert_eq!(presets(32, &usual)[1], ("default", Preset::Light.pipeline(32)));
    }

    #[test]
    fn what_of_a_pipeline_applies_in_evaluation_is_said() {
        let plain = Preset::None.pipeline(32);
        let line = evaluation_line(&plain, 32);
        assert!(line.starts_with("In evaluation: the same (resize: size 32 px, centre crop"), "{line}");
        let line = evaluation_line(&Preset::Strong.pipeline(32), 32);
        assert!(line.contains("resize: size 32 px") && line.contains("normalise"), "{line}");
        assert!(!line.contains("flip") && line.ends_with("every other step is left out."), "{line}");
    }
}
