//! `/api/v1/runs/{id}/evaluation` and the three maps, as JSON and CSV.

use super::{chosen_split, find_run};
use crate::domain::metrics::{Evaluation, evaluate, wilson};
use crate::runs::predictions_file::PredictionsFile;
use crate::store::predictions::{Filter, Order, Prediction};
use crate::store::runs::Run;
use crate::web::extract::{Path, Query};
use crate::web::{AppState, Error, Result};
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use protocol::sample::Split;
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EvaluationQuery {
    pub(crate) split: Option<String>,
    pub(crate) format: Option<String>,
}

pub(crate) async fn show(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<EvaluationQuery>,
) -> Result<Json<Value>> {
    let (run, split, evaluation) = evaluated(&app, id, &query).await?;
    Ok(Json(evaluation_json(&run, split, &evaluation)))
}

/// The figures of the predictions that galleries show; `None` where the split was not evaluated yet.
pub(crate) async fn find_evaluation(app: &AppState, run: &Run, split: Split) -> Result<Option<Evaluation>> {
    let files = app.store.list_prediction_files(run.id, split).await?;
    let Some(best) = files.into_iter().find(|file| file.best) else { return Ok(None) };
    let path = app.runs.directory(run.id).file(&best.path).ok_or(Error::NotFound("predictions file"))?;
    let evaluation = tokio::task::spawn_blocking(move || {
        PredictionsFile::read(&path).map(|file| evaluate(&file.logits, &file.labels, file.classes))
    });
    Ok(Some(evaluation.await??))
}

fn evaluation_json(run: &Run, split: Split, evaluation: &Evaluation) -> Value {
    let per_class: Vec<Value> = run
        .spec
        .classes
        .iter()
        .zip(&evaluation.per_class)
        .map(|(name, class)| {
            json!({
                "class": name,
                "precision": class.precision,
                "recall": class.recall,
                "recall_interval": wilson(class.correct, class.support),
                "f1": class.f1,
                "support": class.support,
                "correct": class.correct,
                "predicted": class.predicted,
            })
        })
        .collect();
    let calibration: Vec<Value> = evaluation
        .calibration
        .iter()
        .map(|bin| {
            json!({"lower": bin.lower, "upper": bin.upper, "count": bin.count, "confidence": bin.confidence, "accuracy": bin.accuracy})
        })
        .collect();
    json!({
        "run": run.id,
        "split": split.as_str(),
        "total": evaluation.total,
        "correct": evaluation.correct,
        "accuracy": evaluation.accuracy,
        "top5": evaluation.top5,
        "balanced_accuracy": evaluation.balanced_accuracy,
        "macro_f1": evaluation.macro_f1,
        "log_loss": evaluation.log_loss,
        "ece": evaluation.ece,
        "classes": run.spec.classes,
        "per_class": per_class,
        "confusion": evaluation.confusion.rows().collect::<Vec<_>>(),
        "calibration": calibration,
    })
}

/// What a map holds for each class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MapKind {
    /// Of each image of the class, its path.
    Paths,
    /// Of each image of the class that was evaluated right, the prediction.
    Correct,
    /// Of each image of the class, the prediction.
    All,
}

impl MapKind {
    pub(crate) const ALL: [MapKind; 3] = [MapKind::Paths, MapKind::Correct, MapKind::All];

    /// The last part of its address.
    pub(crate) fn slug(self) -> &'static str {
        match self {
            MapKind::Paths => "category-to-paths",
            MapKind::Correct => "category-to-correct-predictions",
            MapKind::All => "category-to-predictions",
        }
    }

    /// What people call it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            MapKind::Paths => "Paths",
            MapKind::Correct => "Correct predictions",
            MapKind::All => "All predictions",
        }
    }
}

/// The images of a map, by class and path.
pub(crate) async fn list_map(
    app: &AppState,
    run: &Run,
    split: Split,
    kind: MapKind,
) -> Result<Vec<Prediction>> {
    let correct = (kind == MapKind::Correct).then_some(true);
    let filter = Filter { correct, ..Filter::of(split) };
    let mut items = app.store.list_predictions(run.id, &filter, Order::Confidence, None, i64::MAX).await?;
    items.sort_by(|a, b| (a.actual, &a.path).cmp(&(b.actual, &b.path)));
    Ok(items)
}

/// `/api/v1/runs/{id}/{map}`, with `.json` or `.csv` behind it where wanted.
pub(crate) async fn map(
    State(app): State<AppState>,
    Path((id, name)): Path<(i64, String)>,
    Query(query): Query<EvaluationQuery>,
) -> Result<Response> {
    let (slug, ending) = name.split_once('.').unwrap_or((&name, ""));
    let kind = MapKind::ALL.into_iter().find(|kind| kind.slug() == slug).ok_or(Error::NotFound("page"))?;
    let run = find_run(&app, id).await?;
    let split = chosen_split(&app, &run, query.split.as_deref()).await?;
    let items = list_map(&app, &run, split, kind).await?;
    let class = |label: i64| {
        usize::try_from(label).ok().and_then(|label| run.spec.classes.get(label)).map_or("", String::as_str)
    };
    match (ending, query.format.as_deref()) {
        ("csv", _) | ("", Some("csv")) => {
            Ok(csv_file(&format!("run-{id}-{split}-{slug}.csv"), list_csv(&items, kind, class)?))
        }
        ("", None | Some("json")) | ("json", _) => {
            let mut categories: Map<String, Value> =
                run.spec.classes.iter().map(|name| (name.clone(), json!([]))).collect();
            for item in &items {
                let entry = match kind {
                    MapKind::Paths => json!(item.path),
                    MapKind::Correct | MapKind::All => {
                        json!({"path": item.path, "predicted": class(item.predicted), "confidence": item.confidence})
                    }
                };
                if let Some(Value::Array(list)) = categories.get_mut(class(item.actual)) {
                    list.push(entry);
                }
            }
            Ok(Json(categories).into_response())
        }
        ("", Some(other)) => Err(Error::field("format", format!("“{other}” is neither json nor csv"))),
        _ => Err(Error::NotFound("page")),
    }
}

fn list_csv<'a>(
    items: &[Prediction],
    kind: MapKind,
    class: impl Fn(i64) -> &'a str,
) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv_writer();
    let columns = if kind == MapKind::Paths { 2 } else { 4 };
    writer.write_record(&["category", "path", "predicted", "confidence"][..columns])?;
    for item in items {
        let confidence = item.confidence.to_string();
        let record = [class(item.actual), &item.path, class(item.predicted), &confidence];
        writer.write_record(&record[..columns])?;
    }
    Ok(writer.into_inner()?)
}

/// As RFC 4180 wants it.
fn csv_writer() -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new())
}

/// A table as a file to keep.
fn csv_file(name: &str, bytes: Vec<u8>) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, &disposition)];
    (headers, bytes).into_response()
}

/// `/api/v1/runs/{id}/evaluation.csv`: the figures by class, a line a class.
pub(crate) async fn table(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<EvaluationQuery>,
) -> Result<Response> {
    let (run, split, evaluation) = evaluated(&app, id, &query).await?;
    let bytes = table_csv(&run.spec.classes, &evaluation)?;
    Ok(csv_file(&format!("run-{id}-{split}-evaluation.csv"), bytes))
}

/// A figure that there is not is an empty cell.
fn table_csv(classes: &[String], evaluation: &Evaluation) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv_writer();
    writer.write_record([
        "class",
        "images",
        "correct",
        "predicted",
        "precision",
        "recall",
        "recall_lower",
        "recall_upper",
        "f1",
    ])?;
    let share = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    for (class, figures) in classes.iter().zip(&evaluation.per_class) {
        let interval = wilson(figures.correct, figures.support);
        writer.write_record([
            class.clone(),
            figures.support.to_string(),
            figures.correct.to_string(),
            figures.predicted.to_string(),
            share(figures.precision),
            share(figures.recall),
            share(interval.map(|(lower, _)| lower)),
            share(interval.map(|(_, upper)| upper)),
            share(figures.f1),
        ])?;
    }
    Ok(writer.into_inner()?)
}

/// `/api/v1/runs/{id}/confusion.csv`: the confusion matrix, a line a true class, a column a predicted one.
pub(crate) async fn confusion(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<EvaluationQuery>,
) -> Result<Response> {
    let (run, split, evaluation) = evaluated(&app, id, &query).await?;
    let bytes = confusion_csv(&run.spec.classes, &evaluation)?;
    Ok(csv_file(&format!("run-{id}-{split}-confusion.csv"), bytes))
}

fn confusion_csv(classes: &[String], evaluation: &Evaluation) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv_writer();
    writer.write_record(std::iter::once("true \\ predicted").chain(classes.iter().map(String::as_str)))?;
    for (class, counts) in classes.iter().zip(evaluation.confusion.rows()) {
        let counts = counts.iter().map(u64::to_string);
        writer.write_record(std::iter::once(class.clone()).chain(counts))?;
    }
    Ok(writer.into_inner()?)
}

/// What an address asks the evaluation of.
async fn evaluated(app: &AppState, id: i64, query: &EvaluationQuery) -> Result<(Run, Split, Evaluation)> {
    let run = find_run(app, id).await?;
    let split = chosen_split(app, &run, query.split.as_deref()).await?;
    let evaluation = find_evaluation(app, &run, split)
        .await?
        .ok_or(Error::NotFound("evaluation: nothing was evaluated there yet"))?;
    Ok((run, split, evaluation))
}
