//! The first images of the run that the form describes, as its network would get them: tensor for tensor what a run feeds,
//! by the same order, pipeline and draws.

use super::super::describe_pipeline::describe_sampled;
use super::super::format::counted;
use crate::domain::dataset::{DatasetFacts, class_of};
use crate::domain::ids::SampleId;
use crate::domain::recipe::{Field, FieldErrors, Recipe, Values};
use crate::lab::{EXACT_SIDE, FirstBatch, Mixed, Subject, Tile};
use crate::store::datasets::Dataset;
use crate::store::runs::Run;
use crate::store::samples::Sample;
use crate::web::api::runs::{find_facts, find_recipe};
use crate::web::{AppState, Result};
use protocol::event::MixMethod;
use protocol::sample::Split;
use protocol::spec::{Mixing, RunSpec, Sampling, Task};
use protocol::weights::WEIGHTS;
use std::path::Path as FilePath;
use std::sync::Arc;

/// Images in the strip.
const SHOWN: usize = 8;

/// What the form shows beneath its first fields.
#[derive(Default)]
pub(super) struct Strip {
    pub(super) items: Vec<Item>,
    /// Which images these are.
    pub(super) note: String,
    /// Why there are none, or what was left out.
    pub(super) problem: Option<String>,
}

pub(super) struct Item {
    pub(super) sample: Sample,
    pub(super) class: String,
    /// Where the network input is as an image; empty where there is none.
    pub(super) input: String,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) is_small: bool,
    /// What the random steps drew, and what it was mixed with.
    pub(super) sampled: Vec<String>,
    pub(super) error: Option<String>,
}

impl Item {
    pub(super) fn sampled_line(&self) -> String {
        if self.sampled.is_empty() { "no random transforms".to_owned() } else { self.sampled.join("; ") }
    }
}

impl Strip {
    /// `values` are what was typed, without what is the default; `errors` what could not be read of it.
    pub(super) async fn load(
        app: &AppState,
        dataset: &Dataset,
        images_of: Option<&Run>,
        mut values: Values,
        mut errors: FieldErrors,
        redraws: u32,
    ) -> Result<Strip> {
        let mut facts = find_facts(app, dataset, &values, images_of).await?;
        // What a network gets does not depend on whether its weights are here yet.
        facts.weights = WEIGHTS.iter().map(|entry| entry.name).collect();
        let mut found = find_recipe(&values, &facts).await?;
        if let Err(wrong) = found {
            // What is wrong is left out, so that a half-typed number does not take the images away.
            values.retain(|name, _| !wrong.contains_key(name));
            errors.extend(wrong);
            found = find_recipe(&values, &facts).await?;
        }
        let problem = problem(&errors);
        let recipe = match found {
            Ok(recipe) => recipe,
            Err(errors) => return Ok(Strip { problem: self::problem(&errors), ..Strip::default() }),
        };
        let batch = FirstSamples::load(app, dataset, images_of, &facts, &recipe).await?;
        let epoch = batch.epoch + if batch.is_training { redraws } else { 0 };
        let note = batch.note(&recipe.spec, redraws);
        let items = batch.items(app, dataset, &facts, &recipe.spec, epoch).await?;
        Ok(Strip { items, note, problem })
    }
}

fn problem(errors: &FieldErrors) -> Option<String> {
    let (name, why) = errors.iter().next()?;
    let label = Field::find(name).map_or(name.as_str(), |field| field.label);
    Some(match errors.len() {
        1 => format!("Without {label}, which needs attention: {why}."),
        count => format!(
            "Without {}, which need attention; the first is {label}: {why}.",
            counted(count as i64, "field", "fields")
        ),
    })
}

/// Which samples a run meets first.
struct FirstSamples {
    /// Those that are shown, and behind them the last of a longer batch.
    ids: Vec<i64>,
    shown: usize,
    is_training: bool,
    epoch: u32,
}

impl FirstSamples {
    async fn load(
        app: &AppState,
        dataset: &Dataset,
        images_of: Option<&Run>,
        facts: &DatasetFacts,
        recipe: &Recipe,
    ) -> Result<FirstSamples> {
        let spec = &recipe.spec;
        let is_training = spec.trains();
        // All that the order depends on.
        let splits = match &spec.task {
            Task::Evaluate { splits } => splits.clone(),
            Task::Train | Task::Predict | Task::FindLearningRate { .. } => vec![Split::Train],
        };
        let run = images_of.map(|run| run.id);
        let key =
            format!("{} {} {} {splits:?} {is_training} {run:?}", dataset.id, facts.fingerprint, spec.seed);
        let order = match app.lab.order(&key) {
            Some(order) => order,
            None => {
                let samples = app.runs.samples(dataset, spec, images_of).await?.samples;
                let split =
                    splits.into_iter().find(|split| samples.iter().any(|sample| sample.split == *split));
                let of_split: Vec<i64> = samples
                    .iter()
                    .filter(|sample| Some(sample.split) == split)
                    .map(|sample| sample.id)
                    .collect();
                let order = match is_training {
                    true => {
                        let order = vision::shuffled(of_split.len(), spec.seed, 1);
                        order.into_iter().map(|place| of_split[place]).collect()
                    }
                    false => of_split,
                };
                app.lab.keep_order(&key, order)
            }
        };
        let size = order.len().min(spec.batch_size as usize);
        let shown = size.min(SHOWN);
        let mut ids = order[..shown].to_vec();
        // The partner of the first, where images are mixed.
        ids.extend((size > shown).then(|| order[size - 1]));
        Ok(FirstSamples { ids, shown, is_training, epoch: u32::from(is_training) })
    }

    fn note(&self, spec: &RunSpec, redraws: u32) -> String {
        let count = counted(self.shown as i64, "image", "images");
        match (self.is_training, redraws) {
            (false, _) => format!("The first {count} to be evaluated, exactly as the network gets them."),
            (true, 0) if spec.sampling == Sampling::Balanced => format!(
                "{count} of the training images, exactly as the network gets them. An epoch is made of as many of each \
                 class, so its first batch holds others."
            ),
            (true, 0) => format!(
                "The first {count} of this run’s first batch (seed {}, epoch 1), exactly as the network gets them.",
                spec.seed
            ),
            (true, redraws) => {
                format!(
                    "The same {count} with the random values of epoch {} (seed {}).",
                    redraws + 1,
                    spec.seed
                )
            }
        }
    }

    async fn items(
        &self,
        app: &AppState,
        dataset: &Dataset,
        facts: &DatasetFacts,
        spec: &RunSpec,
        epoch: u32,
    ) -> Result<Vec<Item>> {
        let ids: Vec<SampleId> = self.ids.iter().copied().map(SampleId).collect();
        let samples = app.store.find_samples(&ids).await?;
        let root = dataset.root.clone().unwrap_or_default();
        let subjects = samples.iter().map(|sample| Subject {
            key: sample.draw_key(spec.sample_keys),
            path: FilePath::new(&root).join(&sample.path),
            hash: sample.hash.clone(),
            seed: spec.seed,
            epoch,
        });
        let (pipeline, mixing) = match self.is_training {
            true => (spec.train_transforms.clone(), spec.mixing),
            false => (spec.eval_transforms.clone(), Mixing::default()),
        };
        let batch = FirstBatch { subjects: subjects.collect(), pipeline, mixing };
        let (lab, fed) = (app.lab.clone(), batch.clone());
        let (tiles, mixed) = tokio::task::spawn_blocking(move || lab.first_batch(&fed)).await?;
        let class = |sample: &Sample| class_of(sample.label, &facts.classes).to_owned();
        let items = samples.iter().zip(tiles).enumerate().take(self.shown).map(|(at, (sample, tile))| {
            let partner = samples.get(batch.partner(at)).map(class);
            item(sample.clone(), class(sample), tile, mixed.zip(partner))
        });
        Ok(items.collect())
    }
}

fn item(
    sample: Sample,
    class: String,
    tile: Result<Arc<Tile>, String>,
    mixed: Option<(Mixed, String)>,
) -> Item {
    let tile = match tile {
        Ok(tile) => tile,
        Err(why) => {
            return Item {
                sample,
                class,
                input: String::new(),
                width: 1,
                height: 1,
                is_small: false,
                sampled: Vec::new(),
                error: Some(why),
            };
        }
    };
    let mixed = mixed.map(|(mixed, partner)| {
        let by = match mixed.method {
            MixMethod::Mixup => "MixUp",
            MixMethod::Cutmix => "CutMix",
        };
        format!("{by}: {:.0} % of a “{partner}”", mixed.share * 100.0)
    });
    Item {
        sample,
        class,
        input: format!("/lab/images/{}", tile.key),
        width: tile.width,
        height: tile.height,
        is_small: tile.width.max(tile.height) <= EXACT_SIDE,
        sampled: tile.sampled.iter().map(describe_sampled).chain(mixed).collect(),
        error: None,
    }
}
