//! The three maps of a run as pages: category → paths, → correct predictions, → predictions.

use super::format::{counted, link};
use super::frame::{Frame, page};
use super::gallery::class;
use super::run_view::RunView;
use crate::web::api::evaluation::{EvaluationQuery, MapKind, list_map};
use crate::web::api::{chosen_split, find_run};
use crate::web::extract::{Path, Query};
use crate::web::{AppState, Result};
use askama::Template;
use axum::extract::State;
use axum::response::Response;

/// Paths that a page lists of a class; the files hold all.
const LISTED: usize = 500;

#[derive(Template)]
#[template(path = "runs/map.html")]
struct Map {
    frame: Frame,
    view: RunView,
    page: &'static str,
    split: String,
    kind: MapKind,
    categories: Vec<Category>,
}

struct Category {
    class: String,
    count: usize,
    entries: Vec<Entry>,
}

impl Category {
    fn summary(&self) -> String {
        counted(self.count as i64, "image", "images")
    }

    fn left_out(&self) -> usize {
        self.count - self.entries.len()
    }
}

struct Entry {
    path: String,
    href: String,
    /// `→ dog 0.93` or `✓ 0.98`; empty on the map of paths.
    prediction: String,
}

impl Map {
    /// Label, address and whether it is this one.
    fn kinds(&self) -> Vec<(&'static str, String, bool)> {
        MapKind::ALL
            .into_iter()
            .map(|kind| {
                let href = link(&format!("{}/{}", self.view.href(), kind.slug()), &[("split", &self.split)]);
                (kind.title(), href, kind == self.kind)
            })
            .collect()
    }

    fn here(&self) -> String {
        format!("{}/{}", self.view.href(), self.kind.slug())
    }

    fn file(&self, format: &str) -> String {
        link(&format!("/api/v1{}.{format}", self.here()), &[("split", &self.split)])
    }
}

pub(crate) async fn paths(
    app: State<AppState>,
    id: Path<i64>,
    query: Query<EvaluationQuery>,
) -> Result<Response> {
    show(app, id, query, MapKind::Paths).await
}

pub(crate) async fn correct(
    app: State<AppState>,
    id: Path<i64>,
    query: Query<EvaluationQuery>,
) -> Result<Response> {
    show(app, id, query, MapKind::Correct).await
}

pub(crate) async fn all(
    app: State<AppState>,
    id: Path<i64>,
    query: Query<EvaluationQuery>,
) -> Result<Response> {
    show(app, id, query, MapKind::All).await
}

async fn show(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<EvaluationQuery>,
    kind: MapKind,
) -> Result<Response> {
    let run = find_run(&app, id).await?;
    let split = chosen_split(&app, &run, query.split.as_deref()).await?;
    let items = list_map(&app, &run, split, kind).await?;
    let view = RunView::load(&app, run).await?;
    let (base, classes) = (view.href(), &view.run.spec.classes);
    let mut categories: Vec<Category> = classes
        .iter()
        .map(|class| Category { class: class.clone(), count: 0, entries: Vec::new() })
        .collect();
    for item in items {
        let Some(category) = usize::try_from(item.actual).ok().and_then(|label| categories.get_mut(label))
        else {
            continue;
        };
        category.count += 1;
        if category.count > LISTED {
            continue;
        }
        let prediction = match kind {
            MapKind::Paths => String::new(),
            _ if item.actual == item.predicted => format!("✓ {:.2}", item.confidence),
            _ => format!("→ {} {:.2}", class(classes, item.predicted), item.confidence),
        };
        let href = link(&format!("{base}/samples/{}", item.sample_id), &[("split", split.as_str())]);
        category.entries.push(Entry { path: item.path, href, prediction });
    }
    page(&Map {
        frame: Frame::load(
            &app,
            format!("{} – {}", kind.title(), view.run.name),
            &[("Runs", "/runs"), (&view.run.name, &base)],
        )
        .await?,
        page: "maps",
        split: split.as_str().to_owned(),
        kind,
        categories,
        view: view.showing(split),
    })
}
