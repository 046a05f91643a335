//! `/api/v1/datasets/{id}/health` and `/overview`: what an examination found, and how the pictures are spread.

use super::find_dataset;
use crate::domain::dataset::DatasetState;
use crate::health::Examined;
use crate::web::extract::Path;
use crate::web::{Error, Result, State};
use axum::Json;
use axum::extract::State as Held;
use axum::http::StatusCode;
use serde_json::{Value, json};

/// The report of the newest version; 202 with how far it is while it is being made.
pub(in crate::web) async fn show(
    Held(state): Held<State>,
    Path(id): Path<i64>,
) -> Result<(StatusCode, Json<Value>)> {
    let dataset = find_dataset(&state, id).await?;
    if dataset.state != DatasetState::Ready {
        return Err(Error::Conflict(format!("“{}” is not ready to be examined", dataset.name)));
    }
    Ok(match state.health.of(&dataset).await? {
        Examined::Ready(kept) => (
            StatusCode::OK,
            Json(json!({
                "version": kept.version,
                "made_at_ms": kept.made_at_ms,
                "seconds": kept.seconds,
                "unreadable": state.store.count_rejected(dataset.id).await?,
                "report": kept.report,
            })),
        ),
        Examined::Failed(why) => return Err(Error::Conflict(format!("the examination failed: {why}"))),
        Examined::UnderWay { measured: (done, total) } => {
            (StatusCode::ACCEPTED, Json(json!({"measured": done, "to_measure": total})))
        }
    })
}

/// How the pictures of the newest version are spread; 202 while the examination is under way.
pub(in crate::web) async fn overview(
    Held(state): Held<State>,
    Path(id): Path<i64>,
) -> Result<(StatusCode, Json<Value>)> {
    let dataset = find_dataset(&state, id).await?;
    match state.store.find_overview(dataset.id).await? {
        Some(overview) => Ok((StatusCode::OK, Json(json!(overview)))),
        // Begins the examination that makes it, or says why there is none.
        None => show(Held(state), Path(id)).await.map(|(_, told)| (StatusCode::ACCEPTED, told)),
    }
}
