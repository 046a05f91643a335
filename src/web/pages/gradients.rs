//! `/runs/{id}/gradients`: whether every layer learns.

use super::charts::{self, Chart};
use super::format;
use super::frame::{Frame, page};
use super::run_view::RunView;
use crate::store::series::SeriesSummary;
use crate::web::api::find_run;
use crate::web::extract::Path;
use crate::web::{AppState, Result};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use protocol::event::LayerDial;

#[derive(Template)]
#[template(path = "runs/gradients.html")]
struct Gradients {
    frame: Frame,
    view: RunView,
    page: &'static str,
    chart: Chart,
    /// From input to output.
    layers: Vec<Layer>,
}

/// A layer's gradient norms in figures.
struct Layer {
    name: String,
    /// Of its series.
    key: String,
    first: Option<f64>,
    last: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    not_finite: i64,
}

impl Layer {
    fn new(name: &str, summary: &SeriesSummary) -> Layer {
        Layer {
            name: name.to_owned(),
            key: summary.key.clone(),
            first: summary.first,
            last: summary.last,
            min: summary.min,
            max: summary.max,
            not_finite: summary.not_finite,
        }
    }
}

pub(crate) async fn show(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Response> {
    let run = find_run(&app, id).await?;
    let names: Vec<String> = run.started.as_ref().map_or_else(Vec::new, |started| started.layers.clone());
    let summaries = app.store.summarize_dial(run.id, LayerDial::Gradient, &names).await?;
    let view = RunView::load(&app, run).await?;
    page(&Gradients {
        frame: Frame::load(&app, "Gradients", &[("Runs", "/runs"), (&view.title(), &view.href())]).await?,
        page: "gradients",
        chart: charts::of_gradients(&names),
        layers: names.iter().zip(&summaries).map(|(name, summary)| Layer::new(name, summary)).collect(),
        view,
    })
}
