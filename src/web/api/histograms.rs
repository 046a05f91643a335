//! `/api/v1/runs/{id}/histograms`: how large the numbers of a layer are, step by step.

use super::find_run;
use crate::web::extract::{Path, Query};
use crate::web::{AppState, Error, Result};
use axum::Json;
use axum::extract::State;
use protocol::event::{HISTOGRAM_EDGES, HistogramDial};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HistogramsQuery {
    /// Of which numbers.
    dial: HistogramDial,
    /// The layer's name.
    layer: String,
}

/// `edges` are the powers of ten between the bins; a report is a step with the share of numbers in each bin, smallest first.
pub(crate) async fn show(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<HistogramsQuery>,
) -> Result<Json<Value>> {
    let run = find_run(&app, id).await?;
    let layers = run.started.as_ref().map_or(&[][..], |started| &started.layers);
    let Some(at) = layers.iter().position(|layer| *layer == query.layer) else {
        return Err(Error::field("layer", "is no layer of this run that learns"));
    };
    let mut reports = app.store.list_histograms(run.id, query.dial, at).await?;
    // A layer without such numbers has empty bins.
    reports.retain(|(_, bins)| bins.iter().any(Option::is_some));
    Ok(Json(json!({"layer": query.layer, "dial": query.dial, "edges": HISTOGRAM_EDGES, "reports": reports})))
}
