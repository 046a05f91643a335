//! Lists by class: of each class the paths, the correct predictions or all predictions.

use super::format::{self, counted, link, thousands};
use super::frame::{Frame, page};
use super::gallery::class;
use super::run_view::RunView;
use crate::web::api::evaluation::{MapKind, list_map};
use crate::web::api::{chosen_split, find_run};
use crate::web::extract::{Path, Query};
use crate::web::{AppState, Result};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

/// Paths that a page lists of a class; the files hold all.
const LISTED: usize = 500;
/// Up to this many paths a page lists them all; beyond, a class is read when it is unfolded.
const LISTED_UNFOLDED: usize = 400;

/// What the page's address chooses.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MapQuery {
    split: String,
    /// This class alone.
    class: String,
    /// `1`: mistakes alone.
    wrong: String,
    /// As the files have it; a page is a page.
    format: String,
}

#[derive(Template)]
#[template(path = "runs/map.html")]
struct Map {
    frame: Frame,
    view: RunView,
    page: &'static str,
    split: String,
    kind: MapKind,
    query: MapQuery,
    categories: Vec<Category>,
}

struct Category {
    class: String,
    count: usize,
    /// How many of them are predicted as another class.
    wrong: usize,
    /// The page of this class alone.
    href: String,
    /// None where the class is read when it is unfolded.
    entries: Option<Vec<Entry>>,
    open: bool,
}

impl Category {
    /// `153 images, 40 wrong`; where mistakes alone are listed, `40 wrong`.
    fn summary(&self) -> String {
        let images = counted(self.count, "image", "images");
        match self.wrong {
            0 => images,
            wrong if wrong == self.count => format!("{} wrong", thousands(wrong as i64)),
            wrong => format!("{images}, {} wrong", thousands(wrong as i64)),
        }
    }

    fn left_out(&self) -> usize {
        self.entries.as_ref().map_or(0, |entries| self.count - entries.len())
    }
}

struct Entry {
    path: String,
    hash: String,
    href: String,
    /// `✗ dog 0.93` or `✓ 0.98`; empty on the list of paths.
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

    /// Whether mistakes can be asked for alone.
    fn has_mistakes(&self) -> bool {
        self.kind != MapKind::Correct
    }

    fn classes(&self) -> &[String] {
        &self.view.run.spec.classes
    }

    fn wrong_only(&self) -> bool {
        !self.query.wrong.is_empty()
    }
}

/// `/runs/{id}/maps`, which is what people type.
pub(crate) async fn redirect(Path(id): Path<i64>) -> Response {
    Redirect::permanent(&format!("/runs/{id}/{}", MapKind::Paths.slug())).into_response()
}

pub(crate) async fn paths(app: State<AppState>, id: Path<i64>, query: Query<MapQuery>) -> Result<Response> {
    show(app, id, query, MapKind::Paths).await
}

pub(crate) async fn correct(app: State<AppState>, id: Path<i64>, query: Query<MapQuery>) -> Result<Response> {
    show(app, id, query, MapKind::Correct).await
}

pub(crate) async fn all(app: State<AppState>, id: Path<i64>, query: Query<MapQuery>) -> Result<Response> {
    show(app, id, query, MapKind::All).await
}

async fn show(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(mut query): Query<MapQuery>,
    kind: MapKind,
) -> Result<Response> {
    let run = find_run(&app, id).await?;
    let split = chosen_split(&app, &run, Some(query.split.as_str())).await?;
    split.as_str().clone_into(&mut query.split);
    let mut items = list_map(&app, &run, split, kind).await?;
    if !query.wrong.is_empty() {
        items.retain(|item| item.actual != item.predicted);
    }
    let view = RunView::load(&app, run).await?.showing(split);
    let (base, classes) = (view.href(), &view.run.spec.classes);
    let here = format!("{base}/{}", kind.slug());
    let lists_all = items.len() <= LISTED_UNFOLDED;
    let mut categories: Vec<Category> = classes
        .iter()
        .map(|class| {
            let chosen = *class == query.class;
            let listed = lists_all || chosen;
            Category {
                class: class.clone(),
                count: 0,
                wrong: 0,
                href: link(&here, &[("split", &query.split), ("class", class), ("wrong", &query.wrong)]),
                entries: listed.then(Vec::new),
                open: chosen || classes.len() <= 3,
            }
        })
        .collect();
    for item in items {
        let Some(category) = usize::try_from(item.actual).ok().and_then(|label| categories.get_mut(label))
        else {
            continue;
        };
        category.count += 1;
        category.wrong += usize::from(item.actual != item.predicted);
        let Some(entries) = category.entries.as_mut().filter(|entries| entries.len() < LISTED) else {
            continue;
        };
        let prediction = match kind {
            MapKind::Paths => String::new(),
            _ if item.actual == item.predicted => format!("✓ {:.2}", item.confidence),
            _ => format!("✗ {} {:.2}", class(classes, item.predicted), item.confidence),
        };
        let href = link(&format!("{base}/samples/{}", item.sample_id), &[("split", split.as_str())]);
        entries.push(Entry { path: item.path, hash: item.hash, href, prediction });
    }
    categories.retain(|category| {
        (query.class.is_empty() || category.class == query.class)
            && (category.count > 0 || query.wrong.is_empty())
    });
    page(&Map {
        frame: Frame::load(
            &app,
            format!("{} by class", kind.title()),
            &[("Runs", "/runs"), (&view.title(), &base)],
        )
        .await?,
        page: "maps",
        split: query.split.clone(),
        kind,
        query,
        categories,
        view,
    })
}
