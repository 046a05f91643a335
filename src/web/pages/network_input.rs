//! What a network gets of one image of a data set: by the newest run's evaluation or, where none has been made, by that of a run
//! with the defaults.

use super::format::{link, run_title};
use crate::domain::recipe::Values;
use crate::lab::{self, Subject};
use crate::store::datasets::Dataset;
use crate::store::run_list::RunSelection;
use crate::store::samples::Sample;
use crate::web::api::runs::{find_facts, find_recipe};
use crate::web::{AppState, Result};
use protocol::spec::RunSpec;
use std::path::Path;

/// The input beside its original.
pub(super) struct NetworkInput {
    /// The image; empty where it could not be made.
    pub(super) src: String,
    pub(super) width: u32,
    pub(super) height: u32,
    /// Why there is none.
    pub(super) problem: Option<String>,
    /// The run that it is of, with its page; `None`: of the defaults.
    pub(super) run: Option<(String, String)>,
    /// This image in the loading lab, by the transforms of training and of evaluation.
    pub(super) lab: String,
}

impl NetworkInput {
    /// `None` where nothing can be trained on the data set yet, so that there is no input either.
    pub(super) async fn load(
        app: &AppState,
        dataset: &Dataset,
        sample: &Sample,
    ) -> Result<Option<NetworkInput>> {
        let newest = app.store.list_run_rows(RunSelection::NewestOfDataset(dataset.id)).await?;
        let (spec, run) = match newest.runs.into_iter().next() {
            Some(listed) => {
                let run = listed.run;
                let title = run_title(run.id, &run.name);
                (run.spec, Some((title, format!("/runs/{}", run.id))))
            }
            None => match default_spec(app, dataset).await? {
                Some(spec) => (spec, None),
                None => return Ok(None),
            },
        };
        let subject = Subject {
            key: sample.draw_key(spec.sample_keys),
            path: Path::new(dataset.root.as_deref().unwrap_or_default()).join(&sample.path),
            hash: sample.hash.clone(),
            seed: spec.seed,
            // An evaluation belongs to no epoch.
            epoch: 0,
        };
        let lab = link(
            &format!("/datasets/{}/lab", dataset.id),
            &[
                ("a", &serde_json::to_string(&spec.train_transforms).unwrap_or_default()),
                ("b", &serde_json::to_string(&spec.eval_transforms).unwrap_or_default()),
                ("samples", &sample.id.to_string()),
                ("seed", &spec.seed.to_string()),
            ],
        );
        let (room, pipeline) = (app.lab.clone(), spec.eval_transforms);
        let made = tokio::task::spawn_blocking(move || {
            let input = room.preprocess(&[subject], &pipeline).pop()?;
            Some(input.map(|input| {
                let image = lab::image(&input.tensor, &pipeline, None);
                (room.publish_exact(&image), image.width(), image.height())
            }))
        })
        .await?;
        let (src, width, height, problem) = match made {
            Some(Ok((key, width, height))) => (format!("/lab/images/{key}"), width, height, None),
            Some(Err(why)) => (String::new(), 0, 0, Some(why)),
            None => return Ok(None),
        };
        Ok(Some(NetworkInput { src, width, height, problem, run, lab }))
    }
}

/// What a run with nothing chosen would be.
pub(super) async fn default_spec(app: &AppState, dataset: &Dataset) -> Result<Option<RunSpec>> {
    let values = Values::new();
    let facts = find_facts(app, dataset, &values, None).await?;
    Ok(find_recipe(&values, &facts).await?.ok().map(|recipe| recipe.spec))
}
