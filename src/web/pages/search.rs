//! `/search?q=`: what a name is found in. A page of links, so that it works without scripts.

use super::format::link;
use super::frame::{Frame, page};
use super::gallery::Tile;
use super::samples_view::tile;
use crate::domain::dataset::ClassCount;
use crate::domain::ids::DatasetId;
use crate::store::samples::Sample;
use crate::store::search::{FoundClass, FoundRun};
use crate::web::extract::Query;
use crate::web::{AppState, Result};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Runs, data sets and classes that are listed.
const LISTED: usize = 20;
/// Images that are shown.
const SHOWN: usize = 60;

#[derive(Default, Deserialize)]
pub(crate) struct SearchQuery {
    #[serde(default)]
    q: String,
}

/// What was found of one kind, and whether there is more of it.
struct Found<T> {
    items: Vec<T>,
    more: bool,
}

impl<T> Found<T> {
    /// Of one item more than is listed.
    fn first(mut items: Vec<T>, listed: usize) -> Found<T> {
        let more = items.len() > listed;
        items.truncate(listed);
        Found { items, more }
    }

    fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// `3`, or `the first 20`.
    fn count(&self) -> String {
        if self.more { format!("the first {}", self.items.len()) } else { self.items.len().to_string() }
    }
}

#[derive(Template)]
#[template(path = "search.html")]
struct Search {
    frame: Frame,
    words: String,
    runs: Found<FoundRun>,
    datasets: Found<FoundClass>,
    classes: Found<FoundClass>,
    images: Found<Tile>,
}

impl Search {
    fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.datasets.is_empty() && self.classes.is_empty() && self.images.is_empty()
    }
}

impl FoundClass {
    /// The data set's page, filtered by the class where one was meant.
    pub(crate) fn href(&self) -> String {
        link(&format!("/datasets/{}", self.dataset_id), &[("class", &self.class)])
    }
}

pub(crate) async fn show(State(app): State<AppState>, Query(query): Query<SearchQuery>) -> Result<Response> {
    let words = query.q.trim().to_owned();
    let title = if words.is_empty() { "Search".to_owned() } else { format!("Search: {words}") };
    let frame = Frame { search: words.clone(), ..Frame::load(&app, title, &[]).await? };
    let one_more = |listed: usize| if words.is_empty() { 0 } else { listed as i64 + 1 };
    let store = &app.store;
    let images = store.search_samples(&words, one_more(SHOWN)).await?;
    page(&Search {
        runs: Found::first(store.search_runs(&words, one_more(LISTED)).await?, LISTED),
        datasets: Found::first(store.search_datasets(&words, one_more(LISTED)).await?, LISTED),
        classes: Found::first(store.search_classes(&words, one_more(LISTED)).await?, LISTED),
        images: Found::first(tiles(&app, &images).await?, SHOWN),
        frame,
        words,
    })
}

/// Images of several data sets, captioned by class; here nothing can be selected.
async fn tiles(app: &AppState, samples: &[Sample]) -> Result<Vec<Tile>> {
    let mut classes: HashMap<DatasetId, Vec<ClassCount>> = HashMap::new();
    let mut tiles = Vec::new();
    for sample in samples {
        let known = match classes.entry(sample.dataset_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(app.store.list_classes(sample.dataset_id).await?),
        };
        tiles.push(Tile { sample: None, ..tile(sample, known) });
    }
    Ok(tiles)
}
