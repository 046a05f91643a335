//! `/api/v1/status`: how the server itself is.

use crate::web::AppState;
use crate::web::extract::Json;
use axum::extract::State;
use serde_json::{Value, json};

/// What stopped and was started again since the server started, newest first, and the runs that can't be followed at the moment.
pub(crate) async fn show(State(app): State<AppState>) -> Json<Value> {
    let incidents = app.watch.incidents();
    let troubles = app.runs.list_troubles();
    let troubles: Vec<Value> = troubles
        .iter()
        .map(|(id, trouble)| {
            let job = (!id.is_own()).then_some(id.number);
            json!({"run": id.run, "job": job, "since_ms": trouble.since_ms, "why": trouble.why})
        })
        .collect();
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "protocol": protocol::PROTOCOL,
        "incidents": incidents,
        "troubled_runs": troubles,
    }))
}
