//! Changes of runs: stopping and resuming, what a person says of them, more epochs, a run like another, removal.

use super::{Error, Result};
use crate::domain::dataset::{DatasetFacts, DatasetState};
use crate::domain::ids::{DatasetId, RunId};
use crate::domain::recipe::{
    Field, FieldErrors, FieldType, Normalization, Recipe, Values, recipe_from_values, values_from_spec,
};
use crate::domain::run::RunState;
use crate::jobs::health::Health;
use crate::runs::{ImagesChanged, MoveError, Runs};
use crate::store::Store;
use crate::store::datasets::Dataset;
use crate::store::runs::Run;
use crate::weights::Weights;
use protocol::spec::RunSpec;

/// The longest name.
pub const NAME_CHARS: usize = 200;
/// The longest note.
pub const NOTE_CHARS: usize = 2000;
/// The longest tag.
pub const TAG_CHARS: usize = 40;
/// Tags that a run can have.
const TAGS: usize = 20;

impl From<MoveError> for Error {
    fn from(error: MoveError) -> Error {
        match error {
            MoveError::NotFound(id) => Error::NotFound(if id.is_own() { "run" } else { "job" }),
            illegal @ (MoveError::Illegal { .. } | MoveError::JobUnderWay) => {
                Error::Conflict(illegal.to_string())
            }
            MoveError::Store(error) => Error::Internal(error.into()),
        }
    }
}

/// Gives a run another name.
pub async fn rename(store: &Store, id: RunId, name: &str) -> Result<()> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() || name.chars().count() > NAME_CHARS {
        return Err(Error::field("name", format!("Give the run a name of 1 to {NAME_CHARS} characters")));
    }
    known(store.set_run_name(id, &name).await?)
}

/// Keeps what a person notes of a run; an empty note takes the old one away.
pub async fn set_note(store: &Store, id: RunId, note: &str) -> Result<()> {
    let note = note.trim();
    if note.chars().count() > NOTE_CHARS {
        return Err(Error::field("note", format!("A note has at most {NOTE_CHARS} characters")));
    }
    known(store.set_run_note(id, note).await?)
}

/// Marks a run with a star, or takes it away.
pub async fn set_starred(store: &Store, id: RunId, starred: bool) -> Result<()> {
    known(store.set_run_starred(id, starred).await?)
}

/// Leaves a run out of lists unless they ask for it, or brings it back.
pub async fn set_archived(store: &Store, id: RunId, archived: bool) -> Result<()> {
    known(store.set_run_archived(id, archived).await?)
}

/// Gives a run these tags and no others.
pub async fn set_tags(store: &Store, id: RunId, tags: &[String]) -> Result<()> {
    let mut clean: Vec<String> = Vec::new();
    for tag in tags.iter().map(|tag| tag.trim()).filter(|tag| !tag.is_empty()) {
        if tag.chars().count() > TAG_CHARS || tag.contains([',', '\n']) {
            let why = format!("A tag has at most {TAG_CHARS} characters, and no comma: “{tag}”");
            return Err(Error::field("tags", why));
        }
        if !clean.iter().any(|known| known == tag) {
            clean.push(tag.to_owned());
        }
    }
    if clean.len() > TAGS {
        return Err(Error::field("tags", format!("A run has at most {TAGS} tags")));
    }
    known(store.set_run_tags(id, &clean).await?)
}

/// Adds a tag to those that a run has.
pub async fn add_tag(store: &Store, id: RunId, tag: &str) -> Result<()> {
    if tag.trim().is_empty() {
        return Err(Error::field("tag", "Type a tag first"));
    }
    let mut tags = find(store, id).await?.tags;
    tags.extend(tag.split(',').map(str::to_owned));
    set_tags(store, id, &tags).await
}

/// Takes a tag from those that a run has.
pub async fn remove_tag(store: &Store, id: RunId, tag: &str) -> Result<()> {
    let mut tags = find(store, id).await?.tags;
    tags.retain(|known| known != tag.trim());
    set_tags(store, id, &tags).await
}

/// Lets a completed run go on until it has had so many epochs.
pub async fn raise_epochs(store: &Store, runs: &Runs, id: RunId, epochs: u64) -> Result<()> {
    let run = find(store, id).await?;
    if run.state != RunState::Completed {
        let why =
            format!("A run that is {} can't be given more epochs; it must be completed", run.state.as_str());
        return Err(Error::Conflict(why));
    }
    if !run.spec.trains() {
        return Err(Error::Conflict(
            "This run evaluated weights and trained nothing; start a new one".into(),
        ));
    }
    let most = match Field::find("epochs").map(|field| field.field_type) {
        Some(FieldType::Integer { max, .. }) => max,
        _ => u64::from(u32::MAX),
    };
    let least = u64::from(run.spec.epochs) + 1;
    match u32::try_from(epochs) {
        Ok(more) if (least..=most).contains(&epochs) => Ok(runs.raise_epochs(&run, more).await?),
        _ => Err(Error::field("epochs", format!("Enter a whole number from {least} to {most}"))),
    }
}

/// Removes a run with its files.
pub async fn delete(runs: &Runs, id: RunId) -> Result<()> {
    runs.delete(id).await.map_err(in_words)
}

/// Removes every run of a data set; refused where one of them waits or works.
pub async fn delete_all_of(store: &Store, runs: &Runs, dataset: DatasetId) -> Result<()> {
    let ids = store.list_run_ids_of(dataset).await?;
    for id in &ids {
        let run = find(store, *id).await?;
        if run.state.is_active() {
            let why = format!("Run {id} “{}” is {}; cancel it first", run.name, run.state.as_str());
            return Err(Error::Conflict(why));
        }
    }
    for id in ids {
        delete(runs, id).await?;
    }
    Ok(())
}

/// The run that a new one is made like.
#[derive(Clone, Debug)]
pub struct Origin {
    /// It gives the settings.
    pub run: Run,
    /// Whether it gives the images too, labelled and split as they were then; else they are those of the newest version.
    pub same_images: bool,
}

impl Origin {
    /// The run that gives the images, if one does.
    pub fn images_of(origin: Option<&Origin>) -> Option<&Run> {
        origin.filter(|origin| origin.same_images).map(|origin| &origin.run)
    }
}

/// Checks the values and puts a run into the queue.
pub async fn start(
    store: &Store,
    health: &Health,
    runs: &Runs,
    weights: &Weights,
    dataset: &Dataset,
    values: &Values,
    origin: Option<&Origin>,
) -> Result<RunId> {
    ready(dataset)?;
    let images_of = Origin::images_of(origin);
    let facts = find_facts(store, health, runs, weights, dataset, values, images_of).await?;
    let recipe = find_recipe(values, &facts).await?.map_err(Error::Invalid)?;
    runs.add(dataset, &recipe, images_of, origin.map(|origin| origin.run.id)).await.map_err(in_words)
}

/// Puts a run into the queue that does the same again: settings, images, labels, splits, seed, precision and threads are those of
/// `run`, whatever was edited since.
pub async fn repeat(store: &Store, runs: &Runs, run: &Run) -> Result<RunId> {
    let dataset = store.find_dataset(run.dataset_id).await?.ok_or(Error::NotFound("data set"))?;
    ready(&dataset)?;
    // One that paused by itself did so for the sake of its sweep.
    let spec = RunSpec { pause_after_epoch: None, ..run.spec.clone() };
    let recipe = Recipe { name: run.name.clone(), spec };
    runs.add(&dataset, &recipe, Some(run), Some(run.id)).await.map_err(in_words)
}

pub(super) fn ready(dataset: &Dataset) -> Result<()> {
    if dataset.state == DatasetState::Ready {
        return Ok(());
    }
    let why = format!("“{}” is {}, not ready", dataset.name, dataset.state.as_str());
    Err(Error::field("dataset", why))
}

/// The run that the values describe, or what is wrong with them. Looks for the file of the weights, so it may block.
pub async fn find_recipe(
    values: &Values,
    facts: &DatasetFacts,
) -> Result<std::result::Result<Recipe, FieldErrors>> {
    let (values, facts) = (values.clone(), facts.clone());
    let found = tokio::task::spawn_blocking(move || recipe_from_values(&values, &facts)).await;
    found.map_err(|error| Error::Internal(error.into()))
}

/// What the values are checked against. The data set's own figures are waited for where they are asked for. With `images_of`
/// classes and counts are those of that run.
pub async fn find_facts(
    store: &Store,
    health: &Health,
    runs: &Runs,
    weights: &Weights,
    dataset: &Dataset,
    values: &Values,
    images_of: Option<&Run>,
) -> Result<DatasetFacts> {
    if values.get("normalization").is_some_and(|word| word == Normalization::Dataset.as_str()) {
        health.wait(dataset).await?;
    }
    let mut facts = store.dataset_facts(dataset, weights.list_present().await).await?;
    if let Some(run) = images_of {
        facts.fingerprint.clone_from(&run.spec.fingerprint);
        facts.classes = runs.class_counts_of(run).await?;
    }
    Ok(facts)
}

/// The values of a run's settings with some of them changed, to be started on a data set: the way a run like another
/// is made. The name is that of the run only where it is not made of model and data set.
pub async fn values_like(
    store: &Store,
    weights: &Weights,
    run: &Run,
    dataset: &Dataset,
    changes: Values,
) -> Result<Values> {
    let facts = store.dataset_facts(dataset, weights.list_present().await).await?;
    let mut values = values_from_spec(&run.spec, &facts);
    let name = run.name.as_str();
    let by_itself = values["model"].as_str().map(|model| format!("{model} on {}", run.spec.dataset));
    if by_itself.as_deref() != Some(name) {
        values.insert("name".into(), name.into());
    }
    // Of the two kinds of crop only one can be; the one that is asked for now counts.
    for (asked, other) in [("crop_padding", "random_resized_crop"), ("random_resized_crop", "crop_padding")] {
        if changes.get(asked).is_some_and(|value| value.as_f64() != Some(0.0)) && !changes.contains_key(other)
        {
            values.remove(other);
        }
    }
    // A change may mean another way to learn than that of the run: then it is the usual one beside what is asked for.
    if !changes.contains_key("training") {
        let evaluates = values.get("training").is_some_and(|training| training == "none");
        let is_other = match changes.get("epochs").and_then(serde_json::Value::as_u64) {
            Some(epochs) => evaluates == (epochs > 0),
            None => values.get("training").is_some_and(|training| training == "scratch"),
        };
        if is_other && (changes.contains_key("epochs") || changes.contains_key("weights")) {
            values.remove("training");
        }
    }
    for (name, value) in changes {
        let name = Field::find(&name).map_or(name.clone(), |field| field.name.to_owned());
        values.insert(name, value);
    }
    Ok(values)
}

async fn find(store: &Store, id: RunId) -> Result<Run> {
    store.find_run(id).await?.ok_or(Error::NotFound("run"))
}

fn known(done: bool) -> Result<()> {
    if done { Ok(()) } else { Err(Error::NotFound("run")) }
}

/// What changed under somebody's hands is theirs to read; all else is our fault.
pub(super) fn in_words(error: anyhow::Error) -> Error {
    let error = match error.downcast::<ImagesChanged>() {
        Ok(changed) => return Error::Conflict(changed.to_string()),
        Err(other) => other,
    };
    error.downcast::<MoveError>().map_or_else(Error::Internal, Error::from)
}
