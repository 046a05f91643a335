//! `/api/v1/datasets/{id}/health` and `/overview`: what an examination found, and how the images are spread.

use super::find_dataset;
use crate::domain::dataset::DatasetState;
use crate::jobs::health::Examined;
use crate::web::extract::Path;
use crate::web::{AppState, Error, Result};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

/// The report of the newest version; 202 with how far it is while it is being made.
pub(crate) async fn show(
    State(app): State<AppState>,
    Path(id): Path<i64>,
) -> Result<(StatusCode, Json<Value>)> {
    let dataset = find_dataset(&app, id).await?;
    if dataset.state != DatasetState::Ready {
        return Err(Error::Conflict(format!("“{}” is not ready to be examined", dataset.name)));
    }
    Ok(match app.health.of(&dataset).await? {
        Examined::Ready(kept) => (
            StatusCode::OK,
            Json(json!({
                "version": kept.version,
                "made_at_ms": kept.made_at_ms,
                "seconds": kept.seconds,
                "unreadable": app.store.count_rejected(dataset.id).await?,
                "report": kept.report,
            })),
        ),
        Examined::Failed(why) => return Err(Error::Conflict(format!("the examination failed: {why}"))),
        Examined::UnderWay { measured: (done, total) } => {
            (StatusCode::ACCEPTED, Json(json!({"measured": done, "to_measure": total})))
        }
    })
}

/// How the images of the newest version are spread; 202 while the examination is under way.
pub(crate) async fn overview(
    State(app): State<AppState>,
    Path(id): Path<i64>,
) -> Result<(StatusCode, Json<Value>)> {
    let dataset = find_dataset(&app, id).await?;
    match app.store.find_overview(dataset.id).await? {
        Some(overview) => Ok((StatusCode::OK, Json(json!(overview)))),
        // Begins the examination that makes it, or says why there is none.
        None => show(State(app), Path(id)).await.map(|(_, told)| (StatusCode::ACCEPTED, told)),
    }
}
