//! The address of a page in words, for those who read it in a list: `Predictions of #12 small-cnn (test, true class: cat)`.

use super::format::run_title;
use super::predictions::words_of;
use crate::domain::edits::split_title;
use crate::domain::ids::RunId;
use crate::store::search::Names;
use crate::web::api::compare::query::CompareQuery;
use crate::web::api::predictions::PredictionsQuery;
use crate::web::api::samples::GalleryQuery;
use axum::extract::Query;
use axum::http::Uri;
use protocol::sample::Split;
use std::collections::BTreeMap;

/// A page and what is chosen on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ViewWords {
    pub(super) place: String,
    pub(super) filters: Vec<String>,
}

impl ViewWords {
    pub(super) fn new(view: &str, names: &Names) -> ViewWords {
        let (path, query) = view.split_once('?').unwrap_or((view, ""));
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let filters = match parts.as_slice() {
            ["runs", _, "predictions" | "samples", ..] => filters_of_predictions(view),
            ["datasets", _] | ["datasets", _, "samples", ..] => filters_of_gallery(query),
            _ => None,
        };
        let place = match parts.as_slice() {
            ["runs", "compare", page @ ..] => page_of_comparison(page, query),
            parts => place(parts, names),
        };
        ViewWords { place, filters: filters.unwrap_or_else(|| other_filters(query)) }
    }

    /// Both in one line.
    pub(super) fn line(&self) -> String {
        if self.filters.is_empty() {
            return self.place.clone();
        }
        format!("{} ({})", self.place, self.filters.join(", "))
    }

    /// Both in at most so many characters.
    pub(super) fn line_up_to(&self, most: usize) -> String {
        let line = self.line();
        match line.char_indices().nth(most) {
            None => line,
            Some(_) => line.chars().take(most - 1).chain(['…']).collect(),
        }
    }
}

/// The page, by the name of what it shows.
fn place(parts: &[&str], names: &Names) -> String {
    let known =
        |names: &BTreeMap<i64, String>, id: &str| id.parse().ok().and_then(|id: i64| names.get(&id).cloned());
    match parts {
        ["runs"] => "Runs".to_owned(),
        ["runs", "new"] => "New run".to_owned(),
        ["datasets"] => "Data sets".to_owned(),
        ["datasets", "new"] => "Import".to_owned(),
        ["search"] => "Search".to_owned(),
        ["runs", id, page @ ..] => {
            let run = match (id.parse(), known(&names.runs, id)) {
                (Ok(number), Some(name)) => run_title(RunId(number), &name),
                _ => format!("deleted run #{id}"),
            };
            page_of_run(page, &run)
        }
        ["datasets", id, page @ ..] => {
            let dataset = known(&names.datasets, id).unwrap_or_else(|| format!("deleted data set {id}"));
            page_of_dataset(page, &dataset)
        }
        _ => "All of Tintype".to_owned(),
    }
}

fn page_of_run(page: &[&str], run: &str) -> String {
    match page {
        [] => run.to_owned(),
        ["samples", image, ..] => format!("Image {image} in {run}"),
        ["jobs", number, ..] => format!("Job {number} of {run}"),
        ["category-to-paths", ..] => format!("Paths by class of {run}"),
        ["category-to-correct-predictions", ..] => format!("Correct predictions by class of {run}"),
        ["category-to-predictions", ..] => format!("All predictions by class of {run}"),
        [page, ..] => format!("{} of {run}", title(page)),
    }
}

fn page_of_comparison(page: &[&str], query: &str) -> String {
    let runs = CompareQuery::read(query).map(|query| query.runs).unwrap_or_default();
    let which = match runs.as_slice() {
        [] => "runs".to_owned(),
        [run] => format!("run {run}"),
        [first, second] => format!("runs {first} and {second}"),
        more => format!("{} runs", more.len()),
    };
    match page {
        ["samples", image, ..] => format!("Image {image} in a comparison of {which}"),
        ["churn", ..] => format!("Images on which {which} differ"),
        _ => format!("Comparison of {which}"),
    }
}

fn page_of_dataset(page: &[&str], dataset: &str) -> String {
    match page {
        [] => format!("Images of {dataset}"),
        ["samples", image, ..] => format!("Image {image} of {dataset}"),
        ["lab", ..] => format!("Loading lab of {dataset}"),
        ["skipped", ..] => format!("Skipped files of {dataset}"),
        ["runs", ..] => format!("Runs on {dataset}"),
        ["versions", "compare", ..] => format!("Two versions of {dataset}"),
        ["versions", number, ..] => format!("Version {number} of {dataset}"),
        [page, ..] => format!("{} of {dataset}", title(page)),
    }
}

/// `Predictions`.
fn title(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    (first + letters.as_str()).replace('-', " ")
}

/// `None` where the address is none that the page reads.
fn filters_of_predictions(view: &str) -> Option<Vec<String>> {
    let uri: Uri = view.parse().ok()?;
    let Query(query) = Query::<PredictionsQuery>::try_from_uri(&uri).ok()?;
    let split = query.split.parse::<Split>().ok().map(|split| split_title(split).to_owned());
    Some(split.into_iter().chain(words_of(&query).into_iter().map(|(_, words)| words)).collect())
}

fn filters_of_gallery(query: &str) -> Option<Vec<String>> {
    GalleryQuery::parse(query).ok().map(|query| query.words())
}

/// What other pages are asked for; how they look (a chart's zoom, the columns of a table) is left out.
fn other_filters(query: &str) -> Vec<String> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    pairs.filter_map(|(key, value)| other_filter(&key, value.trim())).collect()
}

fn other_filter(key: &str, value: &str) -> Option<String> {
    Some(match (key, value) {
        (_, "") => return None,
        ("split", value) => match value.parse::<Split>() {
            Ok(split) => split_title(split).to_owned(),
            Err(_) => value.to_owned(),
        },
        ("q", value) => format!("“{value}”"),
        ("starred", _) => "starred".to_owned(),
        ("archived", "only") => "archived".to_owned(),
        ("archived", _) => "archived too".to_owned(),
        ("wrong", _) => "wrong only".to_owned(),
        ("dataset", value) => format!("data set: {value}"),
        ("class" | "model" | "tag" | "state", value) => format!("{key}: {value}"),
        ("sort", value) => format!("sorted by {}", value.replace('_', " ")),
        ("step" | "epoch" | "page" | "from" | "to", value) => format!("{key} {value}"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(view: &str) -> String {
        let name = |id: i64, name: &str| [(id, name.to_owned())].into();
        ViewWords::new(view, &Names { runs: name(3, "small-cnn"), datasets: name(2, "pets") }).line()
    }

    #[test]
    fn a_view_is_worded_by_its_page_its_thing_and_its_filters() {
        for (view, expected) in [
            ("/", "All of Tintype"),
            ("/runs", "Runs"),
            (
                "/runs?q=cnn&state=completed&model=&sort=val_accuracy&order=desc",
                "Runs (“cnn”, state: completed, sorted by val accuracy)",
            ),
            ("/runs/3", "#3 small-cnn"),
            ("/runs/3?smoothing=0.6&x=time", "#3 small-cnn"),
            ("/runs/4", "deleted run #4"),
            (
                "/runs/3/predictions?split=val&actual=black+cat&predicted=&correct=false&order=&from=50&to=&search=",
                "Predictions of #3 small-cnn (validation, true class: black cat, wrong only, confidence 50–100\u{a0}%)",
            ),
            ("/runs/3/samples/17?split=test", "Image 17 in #3 small-cnn (test)"),
            (
                "/runs/3/category-to-paths?class=cat&wrong=1",
                "Paths by class of #3 small-cnn (class: cat, wrong only)",
            ),
            ("/runs/compare?runs=3,7&axis=time&settings=all", "Comparison of runs 3 and 7"),
            (
                "/runs/compare/churn?runs=3,7,9&class=cat&split=test",
                "Images on which 3 runs differ (class: cat, test)",
            ),
            ("/runs/compare/samples/17?runs=3,7", "Image 17 in a comparison of runs 3 and 7"),
            ("/datasets/2", "Images of pets"),
            (
                "/datasets/2?class=cat&split=train&q=&order=brightness",
                "Images of pets (class: cat, training, darkest first)",
            ),
            ("/datasets/2/versions/4", "Version 4 of pets"),
            ("/datasets/2/health", "Health of pets"),
        ] {
            assert_eq!(words(view), expected, "{view}");
        }
    }

    #[test]
    fn what_cannot_be_read_still_has_a_name_and_a_long_one_is_cut() {
        assert_eq!(
            words("/runs/3/predictions?split=val&nonsense=1"),
            "Predictions of #3 small-cnn (validation)"
        );
        assert_eq!(words("/elsewhere"), "All of Tintype");
        let long = ViewWords { place: "é".repeat(120), filters: Vec::new() };
        assert_eq!(long.line_up_to(100).chars().count(), 100);
        assert!(long.line_up_to(100).ends_with('…') && !long.line_up_to(120).ends_with('…'));
    }
}
