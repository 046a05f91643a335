//! `/api/v1/runs/{id}/findings`: what wants a look in a run.

use super::find_run;
use crate::actions::findings as actions;
use crate::domain::dataset::class_of;
use crate::domain::findings::Finding;
use crate::domain::ids::SampleId;
use crate::store::samples::Sample;
use crate::web::extract::{Json, Path};
use crate::web::pages::finding_links::{evidence_url, fix_url};
use crate::web::{AppState, Result};
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;

/// The most important first; those that a person dismissed come too, and say so.
pub(crate) async fn list(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Json<Value>> {
    let run = find_run(&app, id).await?;
    let findings = app.runs.findings(&run).await?;
    let dismissed = app.store.list_dismissed_findings(run.id).await?;
    let ids: Vec<SampleId> = findings.iter().flat_map(|finding| finding.samples.iter().copied()).collect();
    let samples: HashMap<SampleId, Sample> =
        app.store.find_samples(&ids).await?.into_iter().map(|sample| (sample.id, sample)).collect();
    let classes = app.store.list_classes(run.dataset_id).await?;
    let sample = |id: &SampleId| -> Option<Value> {
        let sample = samples.get(id)?;
        Some(json!({
            "sample_id": sample.id,
            "path": sample.path,
            "class": class_of(sample.label, &classes),
            "image_url": format!("/thumbnails/{}/320", sample.hash),
        }))
    };
    let item = |finding: &Finding| {
        let mut item = json!({
            "kind": finding.kind.as_str(),
            "alarm": finding.alarm,
            "title": finding.title,
            "sentence": finding.sentence,
            "stake": finding.stake,
            "certainty": finding.certainty,
            "evidence_url": evidence_url(&finding.evidence, &run),
            "dismissed": dismissed.contains(&finding.alarm),
        });
        if let Some(fix) = &finding.fix {
            item["fix"] = json!(fix.label);
            item["fix_url"] = json!(fix_url(fix, &run));
        }
        if !finding.samples.is_empty() {
            item["samples"] = finding.samples.iter().filter_map(sample).collect();
        }
        item
    };
    Ok(Json(json!({"items": findings.iter().map(item).collect::<Vec<_>>()})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dismissed {
    /// The name of a finding, its `alarm`.
    finding: String,
}

/// Dismisses a finding.
pub(crate) async fn dismiss(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Json(body): Json<Dismissed>,
) -> Result<StatusCode> {
    let run = find_run(&app, id).await?;
    actions::set_dismissed(&app.store, run.id, &body.finding, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Brings a dismissed finding back.
pub(crate) async fn restore(
    State(app): State<AppState>,
    Path((id, finding)): Path<(i64, String)>,
) -> Result<StatusCode> {
    let run = find_run(&app, id).await?;
    actions::set_dismissed(&app.store, run.id, &finding, false).await?;
    Ok(StatusCode::NO_CONTENT)
}
