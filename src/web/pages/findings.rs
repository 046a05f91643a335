//! What wants a look in a run: the block of its page, each finding with its evidence, what helps, and its images.

use super::finding_links::{evidence_label, evidence_url, fix_url};
use super::frame::page;
use super::gallery::Tile;
use crate::actions::findings as actions;
use crate::domain::dataset::{ClassCount, class_of};
use crate::domain::findings::Finding;
use crate::domain::ids::SampleId;
use crate::store::runs::Run;
use crate::store::samples::Sample;
use crate::web::api::find_run;
use crate::web::extract::{Fields, Path};
use crate::web::{AppState, Result};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use std::collections::HashMap;

/// Images that a finding shows here; all of them are in JSON.
const TILES: usize = 12;

/// The findings of a run, as a block of a page.
#[derive(Template)]
#[template(path = "partials/findings.html")]
pub(crate) struct Findings {
    /// Where one is dismissed and brought back.
    action: String,
    open: Vec<FindingView>,
    dismissed: Vec<FindingView>,
}

impl askama::filters::HtmlSafe for Findings {}

/// A finding as a page words it.
struct FindingView {
    alarm: String,
    title: String,
    sentence: String,
    evidence: (String, &'static str),
    fix: Option<(String, String)>,
    tiles: Vec<Tile>,
    /// How many more images it has.
    more: usize,
}

impl Findings {
    pub(crate) async fn load(app: &AppState, run: &Run) -> Result<Findings> {
        let findings = app.runs.findings(run).await?;
        let dismissed = app.store.list_dismissed_findings(run.id).await?;
        let ids: Vec<SampleId> =
            findings.iter().flat_map(|finding| finding.samples.iter().take(TILES).copied()).collect();
        let mut images = Images::default();
        if !ids.is_empty() {
            images.classes = app.store.list_classes(run.dataset_id).await?;
            let samples = app.store.find_samples(&ids).await?;
            images.samples = samples.into_iter().map(|sample| (sample.id, sample)).collect();
        }
        let view = |finding: Finding| FindingView::new(finding, run, &images);
        let (dismissed, open): (Vec<_>, Vec<_>) =
            findings.into_iter().partition(|finding| dismissed.contains(&finding.alarm));
        Ok(Findings {
            action: format!("/runs/{}/findings", run.id),
            open: open.into_iter().map(view).collect(),
            dismissed: dismissed.into_iter().map(view).collect(),
        })
    }
}

/// What the images of findings are.
#[derive(Default)]
struct Images {
    samples: HashMap<SampleId, Sample>,
    classes: Vec<ClassCount>,
}

impl FindingView {
    fn new(finding: Finding, run: &Run, images: &Images) -> FindingView {
        let shown = finding.samples.iter().take(TILES).filter_map(|id| images.samples.get(id));
        let tiles: Vec<Tile> =
            shown.map(|sample| tile(sample, class_of(sample.label, &images.classes))).collect();
        FindingView {
            evidence: (evidence_url(&finding.evidence, run), evidence_label(&finding.evidence)),
            fix: finding.fix.as_ref().map(|fix| (fix_url(fix, run), fix.label.clone())),
            more: finding.samples.len().saturating_sub(TILES),
            alarm: finding.alarm,
            title: finding.title,
            sentence: finding.sentence,
            tiles,
        }
    }
}

fn tile(sample: &Sample, class: &str) -> Tile {
    Tile {
        href: format!("/datasets/{}/samples/{}", sample.dataset_id, sample.id),
        id: sample.id.0,
        hash: sample.hash.clone(),
        width: sample.width,
        height: sample.height,
        alt: format!("{class}: {}", sample.path),
        caption: class.to_owned(),
        ..Tile::default()
    }
}

/// `/live/runs/{id}/findings`: the block alone.
pub(crate) async fn part(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Response> {
    page(&Findings::load(&app, &find_run(&app, id).await?).await?)
}

/// `POST /runs/{id}/findings`: dismisses a finding, or with `restore` brings it back; back to the block.
pub(crate) async fn act(State(app): State<AppState>, Path(id): Path<i64>, typed: Fields) -> Result<Response> {
    let run = find_run(&app, id).await?;
    let is_dismissed = typed.get("restore").is_empty();
    actions::set_dismissed(&app.store, run.id, typed.get("finding"), is_dismissed).await?;
    Ok(Redirect::to(&format!("/runs/{id}#findings")).into_response())
}
