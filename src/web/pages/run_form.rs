//! `/runs/new`: the form, made from the table of fields; and what comes of sending it.

use super::describe_pipeline::describe_pipeline;
use super::format::{counted, duration, link};
use super::frame::{Frame, Section, page_with};
use crate::domain::dataset::{DatasetFacts, DatasetState};
use crate::domain::recipe::{
    FIELDS, Field, FieldErrors, FieldType, Group, REPLACED, Values, defaults, recipe_from_values,
    values_from_text,
};
use crate::store::datasets::Dataset;
use crate::web::api::runs::{find_facts, start};
use crate::web::extract::Query;
use crate::web::{AppState, Error, Result};
use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use protocol::sample::Split;
use protocol::transform::Pipeline;
use std::collections::BTreeMap;

/// Field name → what was typed.
type Typed = BTreeMap<String, String>;

#[derive(Template)]
#[template(path = "runs/new.html")]
struct New {
    frame: Frame,
    datasets: Vec<Dataset>,
    chosen: Option<Chosen>,
    groups: Vec<Fieldset>,
    /// A way of loading that was brought along, usually from the loading lab.
    loading: Option<Loading>,
    /// What is wrong with the whole, beside no field.
    complaints: Vec<String>,
    estimate: String,
}

/// The data set that the form is for.
struct Chosen {
    dataset: Dataset,
    facts: DatasetFacts,
}

impl Chosen {
    fn summary(&self) -> String {
        let count = |split| self.facts.count(split) as i64;
        let (train, val, test) = (count(Split::Train), count(Split::Val), count(Split::Test));
        let val = match val {
            0 => "a tenth of them held out for validation".to_owned(),
            val => format!("{val} for validation"),
        };
        format!(
            "{} of {}: {train} for training, {val}, {test} for the test",
            counted(train + count(Split::Val) + test, "image", "images"),
            counted(self.facts.classes.len() as i64, "class", "classes"),
        )
    }
}

/// A way of loading that takes the place of the augmentation's fields.
struct Loading {
    /// Step by step.
    words: Vec<String>,
    /// Where it can be looked at and changed.
    lab: String,
    /// The form without it.
    without: String,
}

impl Loading {
    fn read(typed: &Typed, dataset: &Dataset) -> Option<Loading> {
        let text = typed.get("train_transforms").filter(|text| !text.trim().is_empty())?;
        let steps: Pipeline = serde_json::from_str(text).ok()?;
        let rest: Vec<(&str, &str)> = typed
            .iter()
            .filter(|(name, _)| *name != "train_transforms")
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        Some(Loading {
            words: describe_pipeline(&steps),
            lab: link(&format!("/datasets/{}/lab", dataset.id), &[("b", text)]),
            without: link("/runs/new", &rest),
        })
    }
}

/// Fields under one heading.
struct Fieldset {
    group: Group,
    folded: bool,
    inputs: Vec<Input>,
}

/// A field with what stands in it.
struct Input {
    field: &'static Field,
    value: String,
    default: String,
    error: Option<String>,
}

impl Input {
    /// Value, label, whether it is chosen.
    fn choices(&self) -> Vec<(&'static str, &'static str, bool)> {
        match self.field.field_type {
            FieldType::Choice(choices) => {
                choices.iter().map(|(value, label)| (*value, *label, *value == self.value)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn is_choice(&self) -> bool {
        matches!(self.field.field_type, FieldType::Choice(_))
    }

    fn is_json(&self) -> bool {
        matches!(self.field.field_type, FieldType::Json)
    }

    /// What a phone's keyboard should offer.
    fn input_mode(&self) -> &'static str {
        match self.field.field_type {
            FieldType::Integer { .. } => "numeric",
            FieldType::Number { .. } => "decimal",
            _ => "text",
        }
    }
}

/// `GET /runs/new?dataset=3&epochs=5`: fields given in the query are filled in.
pub(crate) async fn show(State(app): State<AppState>, Query(typed): Query<Typed>) -> Result<Response> {
    form(&app, StatusCode::OK, &typed, FieldErrors::new()).await
}

/// `POST /runs`: starts the run, or brings the form back with what is wrong beside each field.
pub(crate) async fn create(State(app): State<AppState>, Form(typed): Form<Typed>) -> Result<Response> {
    let Some(dataset) = find_chosen(&app, &typed).await? else {
        let errors = FieldErrors::from([("dataset".to_owned(), "choose a data set".to_owned())]);
        return form(&app, StatusCode::UNPROCESSABLE_ENTITY, &typed, errors).await;
    };
    let pairs = typed.iter().filter(|(name, _)| *name != "dataset");
    let (mut values, mut errors) = values_from_text(pairs.map(|(name, text)| (name.as_str(), text.as_str())));
    let facts = find_facts(&app, &dataset, &values).await?;
    // A form sends every field. What still has its default was not asked for, so that it gives way to what was.
    let defaults = defaults(&facts);
    values.retain(|name, value| defaults.get(name) != Some(value));
    if let Err(more) = recipe_from_values(&values, &facts) {
        for (field, why) in more {
            errors.entry(field).or_insert(why);
        }
    }
    if !errors.is_empty() {
        return form(&app, StatusCode::UNPROCESSABLE_ENTITY, &typed, errors).await;
    }
    match start(&app, &dataset, &values).await {
        Ok(id) => Ok(Redirect::to(&format!("/runs/{id}")).into_response()),
        Err(Error::Invalid(errors)) => form(&app, StatusCode::UNPROCESSABLE_ENTITY, &typed, errors).await,
        Err(other) => Err(other),
    }
}

/// The data set that was chosen, else the newest that is ready.
async fn find_chosen(app: &AppState, typed: &Typed) -> Result<Option<Dataset>> {
    let ready: Vec<Dataset> = list_ready(app).await?;
    let chosen = typed.get("dataset").filter(|text| !text.is_empty());
    Ok(match chosen {
        None => ready.into_iter().next(),
        Some(chosen) => {
            ready.into_iter().find(|dataset| dataset.id.to_string() == *chosen || dataset.name == *chosen)
        }
    })
}

async fn list_ready(app: &AppState) -> Result<Vec<Dataset>> {
    let datasets = app.store.list_datasets().await?;
    Ok(datasets.into_iter().filter(|dataset| dataset.state == DatasetState::Ready).collect())
}

async fn form(
    app: &AppState,
    status: StatusCode,
    typed: &Typed,
    mut errors: FieldErrors,
) -> Result<Response> {
    let chosen = match find_chosen(app, typed).await? {
        Some(dataset) => Some(Chosen { facts: app.store.dataset_facts(&dataset).await?, dataset }),
        None => None,
    };
    let defaults = chosen.as_ref().map_or_else(Values::new, |chosen| defaults(&chosen.facts));
    let text_of = |name: &str| match defaults.get(name) {
        None | Some(serde_json::Value::Null) => String::new(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string().trim_end_matches(".0").to_owned(),
    };
    let loading = chosen.as_ref().and_then(|chosen| Loading::read(typed, &chosen.dataset));
    let mut groups = Vec::new();
    for group in Group::ALL {
        let mut inputs = Vec::new();
        for field in FIELDS.iter().filter(|field| field.group == group) {
            let error = errors.remove(field.name);
            // What a pipeline takes over is shown only where it is in its way.
            if loading.is_some() && REPLACED.contains(&field.name) && error.is_none() {
                continue;
            }
            let default = text_of(field.name);
            let value = typed.get(field.name).cloned().unwrap_or_else(|| default.clone());
            inputs.push(Input { field, value, default, error });
        }
        let folded = group == Group::Advanced
            && inputs.iter().all(|input: &Input| input.error.is_none() && input.value == input.default);
        groups.push(Fieldset { group, folded, inputs });
    }
    let estimate = match &chosen {
        Some(chosen) => estimate(app, chosen, &defaults, typed).await?,
        None => String::new(),
    };
    let new = New {
        loading,
        frame: Frame::load(app, "New run", &[("Runs", "/runs")]).await?.in_section(Section::NewRun),
        datasets: list_ready(app).await?,
        chosen,
        groups,
        complaints: errors.into_iter().map(|(field, why)| format!("{field}: {why}")).collect(),
        estimate,
    };
    page_with(status, &new)
}

/// How long it will take, by the speed of the latest run with the same network on the same image size.
async fn estimate(app: &AppState, chosen: &Chosen, defaults: &Values, typed: &Typed) -> Result<String> {
    let value = |name: &str| {
        let typed = typed.get(name).and_then(|text| text.trim().parse::<f64>().ok());
        typed.or_else(|| defaults.get(name).and_then(serde_json::Value::as_f64)).unwrap_or(0.0)
    };
    let model = typed.get("model").cloned().or_else(|| defaults.get("model")?.as_str().map(str::to_owned));
    let images = value("epochs") * chosen.facts.count(Split::Train) as f64;
    let speed = app.store.list_runs().await?.into_iter().find_map(|run| {
        let same = serde_json::to_value(run.spec.model).ok()?.as_str() == model.as_deref()
            && f64::from(run.spec.image_size) == value("image_size");
        run.summary.get("images_per_second").copied().flatten().filter(|speed| same && *speed > 0.0)
    });
    Ok(match speed {
        Some(speed) => format!(
            "About {}, by the speed of your latest run of this network on images of this size ({speed:.0} images/s).",
            duration(images / speed)
        ),
        None => "No run of this network on images of this size has been timed on this machine yet; \
                 the run's page shows the time left as soon as it has taken its first steps."
            .to_owned(),
    })
}
