//! `/api/v1/runs/{id}/evaluation` and the three maps, as JSON and CSV.

use super::{chosen_split, find_run};
use crate::domain::metrics::{Evaluation, evaluate, wilson};
use crate::runs::predictions_file::PredictionsFile;
use crate::store::predictions::{Filter, Order, Prediction};
use crate::store::runs::Run;
use crate::web::{Error, Result, State};
use axum::Json;
use axum::extract::{Path, Query, State as Held};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use protocol::sample::Split;
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Asked {
    pub(in crate::web) split: Option<String>,
    pub(in crate::web) format: Option<String>,
}

pub(in crate::web) async fn show(
    Held(state): Held<State>,
    Path(id): Path<i64>,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>> {
    let run = find_run(&state, id).await?;
    let split = chosen_split(&state, &run, asked.split.as_deref()).await?;
    let evaluation = find_evaluation(&state, &run, split)
        .await?
        .ok_or(Error::NotFound("evaluation: nothing was judged there yet"))?;
    Ok(Json(evaluation_json(&run, split, &evaluation)))
}

/// The figures of the verdicts that galleries show; `None` where the split was not judged yet.
pub(in crate::web) async fn find_evaluation(
    state: &State,
    run: &Run,
    split: Split,
) -> Result<Option<Evaluation>> {
    let files = state.store.list_prediction_files(run.id, split).await?;
    let Some(best) = files.into_iter().find(|file| file.best) else { return Ok(None) };
    let path = state.runs.directory(run.id).file(&best.path).ok_or(Error::NotFound("predictions file"))?;
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
#[derive(Clone, Copy)]
enum Kind {
    /// Of each picture of the class, its path.
    Paths,
    /// Of each picture of the class that was judged right, the verdict.
    Correct,
    /// Of each picture of the class, the verdict.
    All,
}

pub(in crate::web) async fn category_to_paths(
    held: Held<State>,
    path: Path<i64>,
    query: Query<Asked>,
) -> Result<Response> {
    map(held, path, query, Kind::Paths).await
}

pub(in crate::web) async fn category_to_correct(
    held: Held<State>,
    path: Path<i64>,
    query: Query<Asked>,
) -> Result<Response> {
    map(held, path, query, Kind::Correct).await
}

pub(in crate::web) async fn category_to_predictions(
    held: Held<State>,
    path: Path<i64>,
    query: Query<Asked>,
) -> Result<Response> {
    map(held, path, query, Kind::All).await
}

async fn map(
    Held(state): Held<State>,
    Path(id): Path<i64>,
    Query(asked): Query<Asked>,
    kind: Kind,
) -> Result<Response> {
    let run = find_run(&state, id).await?;
    let split = chosen_split(&state, &run, asked.split.as_deref()).await?;
    let correct = matches!(kind, Kind::Correct).then_some(true);
    let filter = Filter { split, actual: None, predicted: None, correct };
    let mut items = state.store.list_predictions(run.id, &filter, Order::Confidence, None, i64::MAX).await?;
    items.sort_by(|a, b| (a.actual, &a.path).cmp(&(b.actual, &b.path)));
    let class = |label: i64| {
        usize::try_from(label).ok().and_then(|label| run.spec.classes.get(label)).map_or("", String::as_str)
    };
    match asked.format.as_deref() {
        None | Some("json") => {
            let mut categories: Map<String, Value> =
                run.spec.classes.iter().map(|name| (name.clone(), json!([]))).collect();
            for item in &items {
                let entry = match kind {
                    Kind::Paths => json!(item.path),
                    Kind::Correct | Kind::All => {
                        json!({"path": item.path, "predicted": class(item.predicted), "confidence": item.confidence})
                    }
                };
                if let Some(Value::Array(list)) = categories.get_mut(class(item.actual)) {
                    list.push(entry);
                }
            }
            Ok(Json(categories).into_response())
        }
        Some("csv") => {
            let text = csv(&items, kind, class);
            Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response())
        }
        Some(other) => Err(Error::field("format", format!("“{other}” is neither json nor csv"))),
    }
}

fn csv<'a>(items: &[Prediction], kind: Kind, class: impl Fn(i64) -> &'a str) -> String {
    let mut text = String::from(match kind {
        Kind::Paths => "category,path\r\n",
        Kind::Correct | Kind::All => "category,path,predicted,confidence\r\n",
    });
    for item in items {
        let mut cells = vec![quoted(class(item.actual)), quoted(&item.path)];
        if !matches!(kind, Kind::Paths) {
            cells.push(quoted(class(item.predicted)));
            cells.push(item.confidence.to_string());
        }
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

/// A cell as RFC 4180 wants it.
fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}
