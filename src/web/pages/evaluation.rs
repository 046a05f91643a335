//! `/runs/{id}/evaluation`: how good a run is, beyond accuracy.

use super::format::{self, link, number, percent};
use super::frame::{Frame, page};
use super::gallery::{MATRIX_CLASSES, Matrix, class_color};
use super::run_view::RunView;
use crate::domain::metrics::{CALIBRATION_BINS, Evaluation as Figures, wilson};
use crate::web::api::evaluation::{EvaluationQuery, find_evaluation};
use crate::web::api::{chosen_split, find_run};
use crate::web::extract::{Path, Query};
use crate::web::{AppState, Result};
use askama::Template;
use axum::extract::State;
use axum::response::Response;

#[derive(Template)]
#[template(path = "runs/evaluation.html")]
struct Evaluation {
    frame: Frame,
    view: RunView,
    page: &'static str,
    split: String,
    /// `None` before anything was evaluated.
    figures: Option<Figures>,
    matrix: Matrix,
    rows: Vec<Row>,
    bars: Vec<CalibrationBar>,
}

/// A class.
struct Row {
    class: String,
    colour: String,
    support: u64,
    correct: u64,
    predicted: u64,
    precision: Option<f64>,
    recall: Option<f64>,
    interval: Option<(f64, f64)>,
    f1: Option<f64>,
    href_actual: String,
    href_predicted: String,
    href_correct: String,
}

impl Row {
    fn interval_label(&self) -> String {
        self.interval
            .map_or_else(String::new, |(lower, upper)| format!("{:.0}–{:.0} %", lower * 100.0, upper * 100.0))
    }

    /// The interval as left edge and width in percent.
    fn interval_box(&self) -> (f64, f64) {
        self.interval.map_or((0.0, 0.0), |(lower, upper)| (lower * 100.0, (upper - lower) * 100.0))
    }
}

/// A bin of the calibration chart, in a box of 300 × 300.
struct CalibrationBar {
    x: f64,
    width: f64,
    /// Height of the share that was right.
    accuracy: f64,
    /// Where the mean confidence is.
    confidence: f64,
    label: String,
}

impl Evaluation {
    /// The main figures: name, value, what it means.
    fn main(&self, figures: &Figures) -> Vec<(&'static str, String, &'static str)> {
        let mut main = vec![
            ("Accuracy", percent(figures.accuracy), "share of images whose most probable class is right"),
            (
                "Balanced accuracy",
                percent(figures.balanced_accuracy),
                "mean recall of the classes: a large class counts no more than a small one",
            ),
            ("Macro F1", percent(figures.macro_f1), "mean F1 of the classes"),
            (
                "Log loss",
                number(figures.log_loss),
                "mean cross-entropy in nats: how surprised the network was; lower is better",
            ),
            (
                "Calibration error",
                percent(figures.ece),
                "expected calibration error: how far confidence and share of right answers differ; lower is better",
            ),
        ];
        if let Some(top5) = figures.top5 {
            main.insert(
                1,
                ("Top-5", percent(Some(top5)), "share of images whose class is among the five most probable"),
            );
        }
        main
    }

    fn interval(&self, figures: &Figures) -> String {
        wilson(figures.correct, figures.total).map_or_else(String::new, |(lower, upper)| {
            format!("{:.1} to {:.1} %", lower * 100.0, upper * 100.0)
        })
    }
}

pub(crate) async fn show(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<EvaluationQuery>,
) -> Result<Response> {
    let run = find_run(&app, id).await?;
    let split = chosen_split(&app, &run, query.split.as_deref()).await?;
    let figures = find_evaluation(&app, &run, split).await?;
    let cells = app.store.list_cells(run.id, split).await?;
    let view = RunView::load(&app, run).await?;
    let base = view.href();
    let classes = &view.run.spec.classes;
    let predictions = format!("{base}/predictions");
    let rows = figures.iter().flat_map(|figures| classes.iter().zip(&figures.per_class).enumerate());
    let rows: Vec<Row> = rows
        .map(|(label, (class, figures))| {
            let open = |pairs: &[(&str, &str)]| {
                let mut all = vec![("split", split.as_str())];
                all.extend(pairs);
                link(&predictions, &all)
            };
            Row {
                class: class.clone(),
                colour: class_color(label),
                support: figures.support,
                correct: figures.correct,
                predicted: figures.predicted,
                precision: figures.precision,
                recall: figures.recall,
                interval: wilson(figures.correct, figures.support),
                f1: figures.f1,
                href_actual: open(&[("actual", class)]),
                href_predicted: open(&[("predicted", class)]),
                href_correct: open(&[("actual", class), ("predicted", class)]),
            }
        })
        .collect();
    let bars = figures.as_ref().map_or_else(Vec::new, calibration);
    page(&Evaluation {
        frame: Frame::load(
            &app,
            format!("Evaluation of {}", view.run.name),
            &[("Runs", "/runs"), (&view.run.name, &base)],
        )
        .await?,
        page: "evaluation",
        split: split.as_str().to_owned(),
        matrix: Matrix::new(&base, split.as_str(), classes, &cells, (None, None)),
        figures,
        rows,
        bars,
        view: view.showing(split),
    })
}

fn calibration(figures: &Figures) -> Vec<CalibrationBar> {
    const SIDE: f64 = 300.0;
    let width = SIDE / CALIBRATION_BINS as f64;
    let bins = figures.calibration.iter().enumerate();
    bins.filter_map(|(at, bin)| {
        let (accuracy, confidence) = (bin.accuracy?, bin.confidence?);
        Some(CalibrationBar {
            x: at as f64 * width,
            width,
            accuracy: accuracy * SIDE,
            confidence: confidence * SIDE,
            label: format!(
                "{}: mean confidence {}, {} right",
                super::format::counted(bin.count, "image", "images"),
                percent(Some(confidence)),
                percent(Some(accuracy))
            ),
        })
    })
    .collect()
}
