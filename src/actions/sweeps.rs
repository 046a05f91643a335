//! Changes of sweeps: starting one, giving its runs up, forgetting it.

use super::runs::{NAME_CHARS, Origin, find_facts, in_words, ready};
use super::{Error, Result};
use crate::domain::dataset::DatasetFacts;
use crate::domain::ids::SweepId;
use crate::domain::recipe::{FieldErrors, Recipe, Values, recipe_from_values};
use crate::domain::sweep::{Method, SweepPlan, rung_epochs, trial_title, trials};
use crate::jobs::health::Health;
use crate::runs::Runs;
use crate::runs::sweeps::NewSweep;
use crate::store::Store;
use crate::store::datasets::Dataset;
use crate::store::sweeps::Sweep;
use crate::weights::Weights;

/// Checks every run of a sweep and puts them into the queue, or none of them.
#[expect(clippy::too_many_arguments, reason = "the same as of one run, and the plan")]
pub async fn start(
    store: &Store,
    health: &Health,
    runs: &Runs,
    weights: &Weights,
    dataset: &Dataset,
    values: &Values,
    plan: &SweepPlan,
    origin: Option<&Origin>,
) -> Result<SweepId> {
    ready(dataset)?;
    let images_of = Origin::images_of(origin);
    let facts = find_facts(store, health, runs, weights, dataset, values, images_of).await?;
    let trials = find_trials(values, plan, &facts).await?.map_err(Error::Invalid)?;
    let name = match values.get("name").and_then(serde_json::Value::as_str).map(str::trim) {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => trials.first().map_or_else(String::new, |(_, recipe)| base_name(recipe)),
    };
    let sweep = NewSweep { name: &name, plan, base: values, trials: &trials };
    let origin = origin.map(|origin| origin.run.id);
    runs.add_sweep(dataset, sweep, images_of, origin).await.map_err(in_words)
}

fn base_name(recipe: &Recipe) -> String {
    recipe.name.split(": ").next().unwrap_or(&recipe.name).to_owned()
}

/// The runs of a sweep – what varies, and what comes of it –, or what is wrong with it.
pub async fn find_trials(
    values: &Values,
    plan: &SweepPlan,
    facts: &DatasetFacts,
) -> Result<std::result::Result<Vec<(Values, Recipe)>, FieldErrors>> {
    let (values, plan, facts) = (values.clone(), plan.clone(), facts.clone());
    // It looks for files of weights, so it may wait for the disk.
    let found = tokio::task::spawn_blocking(move || read_trials(&values, &plan, &facts)).await;
    found.map_err(|error| Error::Internal(error.into()))
}

fn read_trials(
    values: &Values,
    plan: &SweepPlan,
    facts: &DatasetFacts,
) -> std::result::Result<Vec<(Values, Recipe)>, FieldErrors> {
    let drawn = trials(plan)?;
    let count = drawn.len();
    let mut found = Vec::with_capacity(count);
    for settings in drawn {
        let mut of_trial = values.clone();
        of_trial.extend(settings.clone());
        let mut recipe = recipe_from_values(&of_trial, facts).map_err(|errors| blame(errors, &settings))?;
        if !recipe.spec.trains() {
            let why = "A sweep is of runs that train: choose what learns";
            return Err(FieldErrors::from([("sweep".to_owned(), why.to_owned())]));
        }
        recipe.name =
            format!("{}: {}", recipe.name, trial_title(&settings)).chars().take(NAME_CHARS).collect();
        if plan.method == Method::Halving {
            let epochs = recipe.spec.epochs;
            recipe.spec.pause_after_epoch =
                rung_epochs(count, epochs).first().copied().filter(|first| *first < epochs);
        }
        found.push((settings, recipe));
    }
    Ok(found)
}

/// What is wrong with one combination is said with the combination, under the field that varies where it is one of these.
fn blame(errors: FieldErrors, settings: &Values) -> FieldErrors {
    let title = trial_title(settings);
    let with = |(field, why): (String, String)| (field, format!("With {title}: {why}"));
    errors.into_iter().map(with).collect()
}

/// Gives up its runs that are not at their end.
pub async fn cancel(store: &Store, runs: &Runs, id: SweepId) -> Result<()> {
    find(store, id).await?;
    runs.cancel_sweep(id).await.map_err(in_words)
}

/// Forgets a sweep; its runs stay.
pub async fn delete(store: &Store, id: SweepId) -> Result<()> {
    find(store, id).await?;
    if store.delete_sweep(id).await? {
        return Ok(());
    }
    Err(Error::Conflict("a run of this sweep waits or works; cancel what is left first".into()))
}

/// One sweep.
pub async fn find(store: &Store, id: SweepId) -> Result<Sweep> {
    store.find_sweep(id).await?.ok_or(Error::NotFound("sweep"))
}
