//! `/runs/{id}/gradients`: whether every layer learns.

use super::format::number;
use super::frame::{Frame, page};
use super::run_view::RunView;
use crate::web::api::find_run;
use crate::web::extract::Path;
use crate::web::{AppState, Result};
use askama::Template;
use axum::extract::State;
use axum::response::Response;

#[derive(Template)]
#[template(path = "runs/gradients.html")]
struct Gradients {
    frame: Frame,
    view: RunView,
    page: &'static str,
    /// From input to output.
    layers: Vec<Layer>,
    /// Keys of the series, in the same order.
    keys: String,
}

/// A layer's gradient norms in figures.
struct Layer {
    name: String,
    first: String,
    latest: String,
    least: String,
    most: String,
    not_finite: usize,
}

pub(crate) async fn show(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Response> {
    let run = find_run(&app, id).await?;
    let names: Vec<String> = run.started.as_ref().map_or_else(Vec::new, |started| started.layers.clone());
    let mut layers = Vec::new();
    for name in &names {
        let points = app.store.list_points(run.id, &format!("gradient/{name}")).await?;
        let finite = || points.iter().filter_map(|point| point.1);
        layers.push(Layer {
            first: number(finite().next()),
            latest: number(finite().next_back()),
            least: number(finite().reduce(f64::min)),
            most: number(finite().reduce(f64::max)),
            not_finite: points.iter().filter(|point| point.1.is_none()).count(),
            name: name.clone(),
        });
    }
    let keys: Vec<String> = names.iter().map(|name| format!("gradient/{name}")).collect();
    let view = RunView::load(&app, run).await?;
    page(&Gradients {
        frame: Frame::load(
            &app,
            format!("Gradients of {}", view.run.name),
            &[("Runs", "/runs"), (&view.run.name, &view.href())],
        )
        .await?,
        page: "gradients",
        layers,
        keys: keys.join(","),
        view,
    })
}
