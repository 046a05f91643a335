//! The settings of the compared runs as a table: a row a setting, a column a run.

use super::super::describe_pipeline::describe_pipeline;
use super::super::run_differences::word;
use super::super::run_settings::{Setting, found};
use crate::domain::recipe::{FieldType, Values};
use crate::store::run_list::ListedRun;
use crate::web::api::compare::settings::{ComparedField, compare_settings};
use crate::web::{AppState, Result};

/// A setting, in the words of the form.
pub(crate) struct Row {
    pub(crate) label: String,
    pub(crate) cells: Vec<Cell>,
}

/// What a run has of a setting.
pub(crate) struct Cell {
    /// Of a pipeline a line a step.
    pub(crate) lines: Vec<String>,
    /// Whether it is another than the first run's.
    pub(crate) differs: bool,
}

impl Row {
    /// Whether it is not the same in all runs.
    fn is_different(&self) -> bool {
        self.cells.iter().any(|cell| cell.differs)
    }

    fn new(label: &str, values: Vec<Vec<String>>) -> Row {
        let first = values.first().cloned().unwrap_or_default();
        let cells = values.into_iter().map(|lines| Cell { differs: lines != first, lines });
        Row { label: label.to_owned(), cells: cells.collect() }
    }
}

/// The table: what differs, or everything.
pub(crate) struct Settings {
    pub(crate) rows: Vec<Row>,
    /// Settings that are the same everywhere and not shown.
    pub(crate) same: usize,
}

impl Settings {
    pub(crate) async fn load(app: &AppState, runs: &[ListedRun], all: bool) -> Result<Settings> {
        let mut rows = vec![
            Row::new("Data set", of_each(runs, |run| run.dataset.clone())),
            Row::new("Data set version", of_each(runs, version)),
        ];
        rows.extend(compare_settings(app, runs).await?.iter().map(field_row));
        rows.extend(found_rows(runs));
        if all {
            // What the fields above come to.
            let evaluated = |run: &ListedRun| describe_pipeline(&run.run.spec.eval_transforms);
            rows.push(Row::new("Evaluated images", runs.iter().map(evaluated).collect()));
        }
        let (shown, hidden): (Vec<Row>, Vec<Row>) =
            rows.into_iter().partition(|row| all || row.is_different());
        Ok(Settings { rows: shown, same: hidden.len() })
    }
}

fn version(run: &ListedRun) -> String {
    match run.run.event_origin {
        Some(_) => "–".to_owned(),
        None => run.run.dataset_version.to_string(),
    }
}

fn of_each(runs: &[ListedRun], value: impl Fn(&ListedRun) -> String) -> Vec<Vec<String>> {
    runs.iter().map(|run| vec![value(run)]).collect()
}

fn field_row(compared: &ComparedField) -> Row {
    let field = compared.field;
    let lines = |value: &Option<serde_json::Value>| match (field.field_type, value) {
        (_, None) => vec!["–".to_owned()],
        (FieldType::Json, Some(steps)) => match serde_json::from_value::<Vec<_>>(steps.clone()) {
            Ok(steps) => describe_pipeline(&steps),
            Err(_) => vec![steps.to_string()],
        },
        (_, Some(value)) => vec![word(field, &Values::from_iter([(field.name.to_owned(), value.clone())]))],
    };
    let cells = compared.values.iter().zip(&compared.differs);
    let cells = cells.map(|(value, differs)| Cell { lines: lines(value), differs: *differs });
    Row { label: field.label.to_owned(), cells: cells.collect() }
}

/// What was found at the start of each run; `–` where a run has not begun.
fn found_rows(runs: &[ListedRun]) -> Vec<Row> {
    let all: Vec<_> = runs.iter().map(|listed| found(&listed.run)).collect();
    let mut labels: Vec<&str> = Vec::new();
    // Why a precision was chosen is measured anew by each run, and says nothing of what it is.
    for setting in all.iter().flatten().filter(|setting| setting.label != "Precision chosen") {
        if !labels.contains(&setting.label.as_str()) {
            labels.push(&setting.label);
        }
    }
    let value = |settings: &Vec<Setting>, label: &str| {
        let setting = settings.iter().find(|setting| setting.label == label);
        vec![setting.map_or_else(|| "–".to_owned(), |setting| setting.value.clone())]
    };
    labels.iter().map(|label| Row::new(label, all.iter().map(|run| value(run, label)).collect())).collect()
}
