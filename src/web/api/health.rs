//! `/api/v1/datasets/{id}/health` and `/overview`: what an examination found, and how the images are spread.

use super::find_dataset;
use crate::actions::health as actions;
use crate::domain::dataset::{DatasetState, class_of};
use crate::domain::health::{Group, IssueKind, Marks, Report};
use crate::domain::ids::SampleId;
use crate::jobs::health::Examined;
use crate::store::samples::Sample;
use crate::web::extract::{Json, Path};
use crate::web::{AppState, Error, Result};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;

/// The report of the newest version; 202 with how far it is while it is being made.
pub(crate) async fn show(
    State(app): State<AppState>,
    Path(id): Path<i64>,
) -> Result<(StatusCode, Json<Value>)> {
    let dataset = find_dataset(&app, id).await?;
    if dataset.state != DatasetState::Ready {
        return Err(Error::Conflict(format!("“{}” is not ready to be examined", dataset.name)));
    }
    Ok(match app.health.of(&dataset).await? {
        Examined::Ready(kept) => (
            StatusCode::OK,
            Json(json!({
                "version": kept.version,
                "made_at_ms": kept.made_at_ms,
                "seconds": kept.seconds,
                "unreadable": app.store.count_rejected(dataset.id).await?,
                "marks": marks_json(&app.health.marks(dataset.id).await?),
                "ignored": kept.ignored,
                "report": with_earlier_names(json!(kept.report)),
            })),
        ),
        Examined::Failed(why) => return Err(Error::Conflict(format!("the examination failed: {why}"))),
        Examined::UnderWay { measured: (done, total) } => {
            (StatusCode::ACCEPTED, Json(json!({"measured": done, "to_measure": total})))
        }
    })
}

/// What the data set is marked by on its tabs and in a run's rail.
fn marks_json(marks: &Marks) -> Value {
    json!({
        "leaked": marks.leaked,
        "conflicting_labels": marks.conflicting_labels,
        "without_training": marks.without_training,
        "without_validation": marks.without_validation,
        "without_test": marks.without_test,
        "missing_splits": marks.missing_splits,
        "similar_names": marks.similar_names,
    })
}

/// Sends what scripts of earlier versions ask for beside what it is called now.
fn with_earlier_names(mut report: Value) -> Value {
    for shortcut in report["shortcuts"].as_array_mut().into_iter().flatten() {
        shortcut["cue"] = shortcut["feature"].clone();
        shortcut["grade"] = shortcut["severity"].clone();
    }
    report
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IgnoreBody {
    finding: String,
}

/// `POST …/health/ignored`: a finding that a person has decided to live with.
pub(crate) async fn ignore(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Json(body): Json<IgnoreBody>,
) -> Result<StatusCode> {
    let dataset = find_dataset(&app, id).await?;
    actions::set_ignored(&app.health, &dataset, &body.finding, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE …/health/ignored/{finding}`: it counts again.
pub(crate) async fn restore(
    State(app): State<AppState>,
    Path((id, finding)): Path<(i64, String)>,
) -> Result<StatusCode> {
    let dataset = find_dataset(&app, id).await?;
    actions::set_ignored(&app.health, &dataset, &finding, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `…/health/dark.csv`, or `duplicates.csv`: the samples that a check found, for scripts and for people.
pub(crate) async fn export(
    State(app): State<AppState>,
    Path((id, file)): Path<(i64, String)>,
) -> Result<Response> {
    let dataset = find_dataset(&app, id).await?;
    let word = file.strip_suffix(".csv").ok_or(Error::NotFound("list; there are such as dark.csv"))?;
    let Examined::Ready(kept) = app.health.of(&dataset).await? else {
        return Err(Error::Conflict("the data set is being examined; try again in a moment".to_owned()));
    };
    let found = listed(&kept.report, word)
        .ok_or(Error::NotFound("list; there are duplicates.csv, leaked.csv, dark.csv and so on"))?;
    let ids: Vec<SampleId> = found.iter().map(|row| SampleId(row.id)).collect();
    let samples: HashMap<i64, Sample> =
        app.store.find_samples(&ids).await?.into_iter().map(|sample| (sample.id.0, sample)).collect();
    let classes = app.store.list_classes(dataset.id).await?;
    let mut text = String::from("sample_id,path,class,split,set,value\n");
    for row in &found {
        let Some(sample) = samples.get(&row.id) else { continue };
        let set = row.set.map(|set| set.to_string()).unwrap_or_default();
        let fields = [
            row.id.to_string(),
            csv_field(&sample.path),
            csv_field(class_of(sample.label, &classes)),
            sample.split.clone(),
            set,
            row.value.to_string(),
        ];
        text += &(fields.join(",") + "\n");
    }
    let name = format!("attachment; filename=\"{word}.csv\"");
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, text).into_response())
}

/// A sample of a list.
struct Listed {
    id: i64,
    /// The set of copies that it is in, from 1 up.
    set: Option<usize>,
    /// What was measured; of copies, their similarity.
    value: f64,
}

/// What a check found; `None` where there is no such check.
fn listed(report: &Report, word: &str) -> Option<Vec<Listed>> {
    let sets = |wanted: &dyn Fn(&Group) -> bool| {
        let groups = report.groups.iter().filter(|group| wanted(group)).zip(1..);
        let rows = groups.flat_map(|(group, set)| {
            group.ids.iter().map(move |id| Listed { id: *id, set: Some(set), value: group.score })
        });
        rows.collect()
    };
    Some(match word {
        "duplicates" => sets(&|_| true),
        "leaked" => sets(&|group| group.across_splits),
        "mislabelled" => sets(&|group| group.across_classes),
        word => match IssueKind::from_word(word)? {
            kind @ (IssueKind::ExactDuplicate | IssueKind::NearDuplicate) => {
                sets(&|group| group.kind == kind)
            }
            kind => {
                let found = report.found(kind).iter();
                found.map(|sample| Listed { id: sample.id, set: None, value: sample.value }).collect()
            }
        },
    })
}

/// As RFC 4180 quotes it.
fn csv_field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// How the images of the newest version are spread; 202 while the examination is under way.
pub(crate) async fn overview(
    State(app): State<AppState>,
    Path(id): Path<i64>,
) -> Result<(StatusCode, Json<Value>)> {
    let dataset = find_dataset(&app, id).await?;
    match app.store.find_overview(dataset.id).await? {
        Some(overview) => Ok((StatusCode::OK, Json(json!(overview)))),
        // Begins the examination that makes it, or says why there is none.
        None => show(State(app), Path(id)).await.map(|(_, told)| (StatusCode::ACCEPTED, told)),
    }
}
