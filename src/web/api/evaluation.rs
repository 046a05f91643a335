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
    let run = find_run(&app, id).await?;
    let split = chosen_split(&app, &run, query.split.as_deref()).await?;
    let evaluation = find_evaluation(&app, &run, split)
        .await?
        .ok_or(Error::NotFound("evaluation: nothing was evaluated there yet"))?;
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
            MapKind::Paths => "Category → paths",
            MapKind::Correct => "Category → correct predictions",
            MapKind::All => "Category → predictions",
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
    let filter = Filter { split, actual: None, predicted: None, correct };
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
            let name = format!("attachment; filename=\"run-{id}-{split}-{slug}.csv\"");
            let headers =
                [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, &name)];
            Ok((headers, csv(&items, kind, class)).into_response())
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

fn csv<'a>(items: &[Prediction], kind: MapKind, class: impl Fn(i64) -> &'a str) -> String {
    let mut text = String::from(match kind {
        MapKind::Paths => "category,path\r\n",
        MapKind::Correct | MapKind::All => "category,path,predicted,confidence\r\n",
    });
    for item in items {
        let mut cells = vec![quoted(class(item.actual)), quoted(&item.path)];
        if !matches!(kind, MapKind::Paths) {
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
