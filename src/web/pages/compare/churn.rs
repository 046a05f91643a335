//! `/runs/compare/churn`: the images that one run gets right and the other wrong, and those that both get wrong, each in its own way.

use super::super::edited_since::EditedSince;
use super::super::format::{counted, thousands};
use super::super::frame::{Frame, Section, page};
use super::super::gallery::Tile;
use super::pair::older;
use super::tiles::{ChurnWords, churn_tiles};
use crate::domain::edits::split_title;
use crate::domain::paired::Churn;
use crate::web::api::compare::find_churn;
use crate::web::api::compare::pair::ComparedPair;
use crate::web::api::compare::query::CompareQuery;
use crate::web::{AppState, Result};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;

/// Tiles that a page brings at a time.
const PAGE_TILES: i64 = 60;
/// Tiles that a page brings at most, so that the tile one comes back to is there.
const MOST_TILES: i64 = 600;

#[derive(Template)]
#[template(path = "runs/compare_churn.html")]
struct ChurnGallery {
    frame: Frame,
    query: CompareQuery,
    heading: String,
    summary: String,
    /// Every way of differing: label with count, address, whether it is the one shown.
    ways: Vec<(String, String, bool)>,
    /// Splits that both evaluated.
    splits: Vec<(&'static str, String, bool)>,
    /// Classes to choose from: name, how many images, whether it is chosen.
    classes: Vec<(String, i64, bool)>,
    tiles: Vec<Tile>,
    empty: String,
    next: Option<String>,
    back: String,
    without_class: Option<String>,
}

impl ChurnGallery {
    /// What the filter's form keeps beside the class.
    fn hidden(&self) -> Vec<(&'static str, String)> {
        self.query.pairs().into_iter().filter(|(key, value)| *key != "class" && !value.is_empty()).collect()
    }
}

pub(crate) async fn show(State(app): State<AppState>, RawQuery(text): RawQuery) -> Result<Response> {
    let query = CompareQuery::read(&text.unwrap_or_default())?;
    let (found, pair) = ComparedPair::need(&app, &query).await?;
    let churn = query.churn.unwrap_or(Churn::OnlySecond);
    let query = CompareQuery { churn: Some(churn), ..query.with_pair(pair.of.first, pair.of.second) };
    let limit = reach(&app, &pair, &query, churn).await?;
    let shown = find_churn(&app, &pair, &query, churn, limit).await?;
    let class = pair.class_number(&query.class)?;
    let edited = EditedSince::load(&app, older(&found, &pair)).await?;
    let words = ChurnWords { pair: &pair, churn };
    let here = "/runs/compare/churn";
    let ways = Churn::ALL.map(|other| {
        let label = ChurnWords { pair: &pair, churn: other }.heading();
        let label = format!("{label} ({})", thousands(pair.count(other, class)));
        (label, query.address(here, &[("churn", other.as_str())]), other == churn)
    });
    let classes = pair.classes.iter().filter_map(|row| {
        let name = pair.first_classes.get(usize::try_from(row.class).ok()?)?.clone();
        let count = pair.count(churn, Some(row.class));
        let chosen = name == query.class;
        (count > 0 || chosen).then_some((name, count, chosen))
    });
    let back = query.address("/runs/compare", &[("churn", ""), ("class", "")]) + "#churn";
    let crumbs = [("Runs", "/runs"), ("Compare", back.as_str())];
    page(&ChurnGallery {
        frame: Frame::load(&app, words.heading(), &crumbs).await?.in_section(Section::Runs),
        heading: words.heading(),
        summary: format!(
            "{} on {}, most confident mistake first",
            counted(shown.total, "image", "images"),
            split_title(pair.of.split)
        ),
        ways: ways.to_vec(),
        splits: (pair.splits.iter())
            .map(|other| {
                (
                    split_title(*other),
                    query.address(here, &[("split", other.as_str())]),
                    *other == pair.of.split,
                )
            })
            .collect(),
        classes: classes.collect(),
        tiles: churn_tiles(&query, words, &shown.rows, &edited),
        empty: words.empty(),
        next: shown.next_cursor.map(|cursor| query.address(here, &[("cursor", &cursor)])),
        without_class: (!query.class.is_empty()).then(|| query.address(here, &[("class", "")])),
        back,
        query,
    })
}

/// How many tiles to bring: a page, or as many as it takes to reach the tile that one comes back to.
async fn reach(app: &AppState, pair: &ComparedPair, query: &CompareQuery, churn: Churn) -> Result<i64> {
    let usual = query.limit.unwrap_or(PAGE_TILES);
    let Some(sample) = query.at else { return Ok(usual) };
    let class = pair.class_number(&query.class)?;
    let row = app.store.find_churn_row(&pair.of, churn, class, sample).await?;
    Ok(row.map_or(usual, |(_, before)| (before + PAGE_TILES / 2).clamp(usual.min(MOST_TILES), MOST_TILES)))
}
