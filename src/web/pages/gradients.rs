//! `/runs/{id}/gradients`: whether every layer learns, by one dial of the layers after the other.

use super::charts::{self, Chart};
use super::format;
use super::frame::{Frame, page};
use super::run_view::RunView;
use crate::store::series::SeriesSummary;
use crate::web::api::find_run;
use crate::web::extract::{Path, Query};
use crate::web::{AppState, Result};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use protocol::event::LayerDial;
use serde::Deserialize;
use std::borrow::Cow;

/// What the page's address chooses.
#[derive(Deserialize)]
pub(crate) struct LayersQuery {
    /// A [`LayerDial`]; the gradient norm where there is none.
    dial: Option<LayerDial>,
}

#[derive(Template)]
#[template(path = "runs/gradients.html")]
struct Gradients {
    frame: Frame,
    view: RunView,
    page: &'static str,
    dial: LayerDial,
    chart: Chart,
    /// Whether the run has layers that learn, as far as is known.
    has_layers: bool,
    /// From input to output; of dead activations those that have a ReLU.
    layers: Vec<Layer>,
    /// Layers that may have histograms, by their place, and the one that is shown at first.
    histogram_layers: Vec<(usize, String)>,
}

/// A layer's dial in figures.
struct Layer {
    name: String,
    /// Its place among all layers.
    at: usize,
    /// Of its series.
    key: String,
    first: Option<f64>,
    last: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    not_finite: i64,
}

impl Layer {
    fn new(at: usize, name: &str, summary: &SeriesSummary) -> Layer {
        Layer {
            name: name.to_owned(),
            at,
            key: summary.key.clone(),
            first: summary.first,
            last: summary.last,
            min: summary.min,
            max: summary.max,
            not_finite: summary.not_finite,
        }
    }
}

/// A choice of the dial: its label, its address, whether it is made.
type Choice = (Cow<'static, str>, String, bool);

impl Gradients {
    fn choices(&self) -> Vec<Choice> {
        let address = |dial: LayerDial| match dial {
            LayerDial::Gradient => self.view.at("gradients"),
            dial => format!("{}?dial={}", self.view.at("gradients"), dial.as_str()),
        };
        LayerDial::ALL
            .map(|dial| (charts::of_layers(dial, &[]).title, address(dial), dial == self.dial))
            .to_vec()
    }

    /// A figure of a layer, in the unit of the chart.
    fn figure(&self, figure: &Option<f64>) -> String {
        match (self.dial, figure) {
            (LayerDial::Dead, Some(share)) => format::percent(Some(*share)),
            _ => format::number(*figure),
        }
    }
}

pub(crate) async fn show(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<LayersQuery>,
) -> Result<Response> {
    let run = find_run(&app, id).await?;
    let dial = query.dial.unwrap_or(LayerDial::Gradient);
    let names: Vec<String> = run.started.as_ref().map_or_else(Vec::new, |started| started.layers.clone());
    let summaries = app.store.summarize_dial(run.id, dial, &names).await?;
    let layers: Vec<Layer> = (names.iter().zip(&summaries).enumerate())
        .map(|(at, (name, summary))| Layer::new(at, name, summary))
        // What has no ReLU or the like has nothing that could be dead.
        .filter(|layer| dial != LayerDial::Dead || layer.first.is_some())
        .collect();
    let shown: Vec<String> = layers.iter().map(|layer| layer.name.clone()).collect();
    let view = RunView::load(&app, run).await?;
    page(&Gradients {
        frame: Frame::load(&app, "Layers", &[("Runs", "/runs"), (&view.title(), &view.href())]).await?,
        page: "gradients",
        dial,
        chart: charts::of_layers(dial, &shown),
        has_layers: !names.is_empty(),
        layers,
        histogram_layers: names.into_iter().enumerate().collect(),
        view,
    })
}
