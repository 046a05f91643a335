//! `/runs/{id}/evaluation`: how good a run is, beyond accuracy.

use super::describe_pipeline::describe_pipeline;
use super::evaluation_table::{Head, Row, Sort, heads, page_address, sort_rows};
use super::format::{self, counted, link, number, percent};
use super::frame::{Frame, page};
use super::jobs::find_evaluating;
use super::matrix::{CellFigure, Matrix, MatrixOptions};
use super::recall_by_epoch::{self, RecallRow};
use super::run_view::RunView;
use crate::domain::calibration::{CALIBRATION_BINS, CalibrationBin};
use crate::domain::confusion_cells::ConfusionCells;
use crate::domain::edits::split_title;
use crate::domain::metrics::{Evaluation as Figures, wilson};
use crate::domain::result::Headline;
use crate::web::api::evaluation::find_evaluation;
use crate::web::api::{chosen_split, find_run};
use crate::web::extract::{Path, Query};
use crate::web::{AppState, Result};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use protocol::sample::Split;
use serde::Deserialize;

/// What the page's address chooses.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct EvaluationPageQuery {
    split: String,
    /// A [`Sort`].
    sort: String,
    cells: String,
    diagonal: String,
    classes: String,
}

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
    /// The matrix is the main thing here.
    small: bool,
    options: MatrixOptions,
    heads: Vec<Head>,
    rows: Vec<Row>,
    sort: String,
    bins: Vec<Bin>,
    /// Of the validation split; empty where another one is shown.
    by_epoch: Vec<RecallRow>,
    /// Whether there is a test split to wait for.
    has_test: bool,
    /// The page of the job that evaluates the training split at the moment.
    evaluating: Option<String>,
}

/// A bin of the calibration chart, in a box of 300 × 300.
struct Bin {
    x: f64,
    width: f64,
    /// Height of the share that was right.
    accuracy: f64,
    /// Where the mean confidence is, from the top.
    confidence_y: f64,
    range: String,
    count: u64,
    mean: Option<f64>,
    correct: Option<f64>,
    label: String,
    href: String,
}

impl Bin {
    fn top(&self) -> f64 {
        CHART_SIDE - self.accuracy
    }

    fn right(&self) -> f64 {
        self.x + self.width
    }
}

const CHART_SIDE: f64 = 300.0;

/// A line of the calibration chart's grid: its label, and how far it is from the left and from the top.
struct Tick {
    label: u32,
    x: u32,
    y: u32,
}

/// A choice of how the matrix is shown: label, address, whether it is made.
type Choice = (&'static str, String, bool);

impl Evaluation {
    /// Whether the split that the run learned from can be evaluated too, which it never does itself.
    fn offers_training_split(&self) -> bool {
        let is_evaluated = self.view.evaluated.contains(&Split::Train);
        self.evaluating.is_none() && !is_evaluated && self.view.trains() && self.view.has_weights()
    }

    /// The main figures: name, value, what it means.
    fn main(&self, figures: &Figures) -> Vec<(&'static str, String, &'static str)> {
        let mut main = vec![
            ("Accuracy", percent(figures.accuracy), "share of images whose most probable class is correct"),
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
                "expected calibration error: how far confidence and the share of correct predictions differ; lower is better",
            ),
        ];
        if let Some(top5) = figures.top5 {
            main.insert(
                1,
                (
                    "Top-5 accuracy",
                    percent(Some(top5)),
                    "share of images whose class is among the five most probable",
                ),
            );
        }
        main
    }

    /// `85.2 % of 615 test images`.
    fn headline(&self, figures: &Figures) -> String {
        format!(
            "{} of {} correct",
            format::thousands(figures.correct),
            counted(figures.total, "image", "images")
        )
    }

    fn interval(&self, figures: &Figures) -> String {
        wilson(figures.correct, figures.total).map_or_else(String::new, |(lower, upper)| {
            format!("{:.1}–{:.1}\u{a0}%", lower * 100.0, upper * 100.0)
        })
    }

    /// Which split the figures are of.
    fn split_title(&self) -> String {
        self.view.split.map_or_else(String::new, |split| format!("{} split", split_title(split)))
    }

    /// What the gap between validation and test says, where it is worth a mark.
    fn gap(&self) -> Option<String> {
        let gap = self.view.headline.as_ref().and_then(Headline::notable_gap)?;
        let (points, way) = (gap.abs() * 100.0, if gap > 0.0 { "above" } else { "below" });
        Some(format!("Validation accuracy is {points:.1} points {way} test accuracy."))
    }

    /// How an image is loaded for evaluation, step by step.
    fn steps(&self) -> Vec<String> {
        describe_pipeline(&self.view.run.spec.eval_transforms)
    }

    /// The same in a line, without what is long.
    fn steps_line(&self) -> String {
        in_a_line(&self.steps())
    }

    fn address(&self, options: MatrixOptions, sort: &str, anchor: &str) -> String {
        let mut pairs = vec![("split", self.split.as_str()), ("sort", sort)];
        pairs.extend(options.pairs());
        page_address(&self.view.at("evaluation"), &pairs, anchor)
    }

    /// The choices of how the matrix is shown, by what they are about.
    fn choices(&self) -> Vec<(&'static str, Vec<Choice>)> {
        let own = self.options;
        let choice = |label: &'static str, options: MatrixOptions| {
            (label, self.address(options, &self.sort, "matrix"), options == own)
        };
        let figure = |figure| MatrixOptions { figure, ..own };
        vec![
            (
                "Cells",
                vec![
                    choice("Counts", figure(CellFigure::Count)),
                    choice("Row %", figure(CellFigure::RowShare)),
                    choice("Column %", figure(CellFigure::ColumnShare)),
                ],
            ),
            (
                "Diagonal",
                vec![
                    choice("Shown", MatrixOptions { hide_diagonal: false, ..own }),
                    choice("Hidden", MatrixOptions { hide_diagonal: true, ..own }),
                ],
            ),
            (
                "Classes",
                vec![
                    choice("As in the data set", MatrixOptions { by_similarity: false, ..own }),
                    choice("Similar ones together", MatrixOptions { by_similarity: true, ..own }),
                ],
            ),
        ]
    }

    /// What the cells' figures are, in a sentence.
    fn cells_note(&self) -> &'static str {
        match self.options.figure {
            CellFigure::Count => "Each cell counts images.",
            CellFigure::RowShare => "Each cell is a share of its row: of the images of the true class, in %.",
            CellFigure::ColumnShare => {
                "Each cell is a share of its column: of the images predicted as the class, in %."
            }
        }
    }

    /// The grid of the calibration chart.
    fn ticks(&self) -> Vec<Tick> {
        (0..=5).map(|at| Tick { label: at * 20, x: at * 60, y: 300 - at * 60 }).collect()
    }

    /// A table of the JSON interface as a file.
    fn file(&self, name: &str) -> String {
        link(&format!("/api/v1{}/{name}", self.view.href()), &[("split", &self.split)])
    }
}

pub(crate) async fn show(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<EvaluationPageQuery>,
) -> Result<Response> {
    let run = find_run(&app, id).await?;
    let options = MatrixOptions::read(&query.cells, &query.diagonal, &query.classes)?;
    let sort = Sort::read(&query.sort)?;
    let split = chosen_split(&app, &run, Some(query.split.as_str())).await?;
    let figures = find_evaluation(&app, &run, split).await?;
    let cells = app.store.list_cells(run.id, split).await?;
    let evaluating = find_evaluating(&app, &run, Split::Train).await?;
    let evaluating = evaluating.map(|job| format!("/runs/{id}/jobs/{}", job.id.number));
    let by_epoch = match split {
        Split::Val => recall_by_epoch::load(&app, &run).await?,
        Split::Train | Split::Test => Vec::new(),
    };
    let view = RunView::load(&app, run).await?.showing(split);
    let base = view.href();
    let counts = app.store.list_class_counts(view.run.dataset_id).await?;
    let has_test = counts.iter().any(|class| class.by_split[2] > 0);
    let classes = &view.run.spec.classes;
    let gallery = view.at("predictions");
    let mut rows = figures.as_ref().map_or_else(Vec::new, |figures| table_rows(&view, figures));
    if let Some(sort) = sort {
        sort_rows(&mut rows, sort);
    }
    let bins = figures.iter().flat_map(|figures| &figures.calibration).filter(|bin| bin.count > 0);
    let bins = bins.map(|bin| Bin::new(bin, &gallery, split.as_str())).collect();
    let counted = ConfusionCells::new(classes.len(), cells);
    let matrix = Matrix::new(&gallery, split.as_str(), classes, &counted, options, ("", ""));
    let mut evaluation = Evaluation {
        frame: Frame::load(&app, "Evaluation", &[("Runs", "/runs"), (&view.title(), &base)]).await?,
        page: "evaluation",
        split: split.as_str().to_owned(),
        matrix,
        small: false,
        options,
        heads: Vec::new(),
        figures,
        rows,
        sort: query.sort,
        bins,
        by_epoch,
        has_test,
        evaluating,
        view,
    };
    evaluation.heads = heads(sort, |sort| evaluation.address(options, sort, "per-class"));
    page(&evaluation)
}

/// `resize 64 px, centre crop 64 px, normalise`.
fn in_a_line(steps: &[String]) -> String {
    const SHORT: usize = 14;
    let words = steps.iter().map(|step| match step.split_once(": ") {
        Some((label, rest)) if rest.chars().count() <= SHORT => {
            format!("{label} {}", rest.trim_start_matches("size "))
        }
        Some((label, _)) => label.to_owned(),
        None => step.clone(),
    });
    words.collect::<Vec<_>>().join(", ").to_lowercase()
}

/// The rows of the table by class, in the data set's order.
fn table_rows(view: &RunView, figures: &Figures) -> Vec<Row> {
    let split = view.split.map_or("", protocol::sample::Split::as_str);
    let gallery = view.at("predictions");
    let open = |pairs: &[(&str, &str)]| {
        let mut all = vec![("split", split)];
        all.extend_from_slice(pairs);
        link(&gallery, &all)
    };
    let classes = view.run.spec.classes.iter().zip(&figures.per_class).enumerate();
    classes.map(|(label, (class, figures))| Row::new(label, class, *figures, open)).collect()
}

impl Bin {
    fn new(bin: &CalibrationBin, gallery: &str, split: &str) -> Bin {
        let width = CHART_SIDE / CALIBRATION_BINS as f64;
        Bin {
            x: bin.lower * CHART_SIDE,
            width: width - 1.0,
            accuracy: bin.accuracy.unwrap_or(0.0) * CHART_SIDE,
            confidence_y: CHART_SIDE - bin.confidence.unwrap_or(0.0) * CHART_SIDE,
            range: format!("{:.0}–{:.0}\u{a0}%", bin.lower * 100.0, bin.upper * 100.0),
            count: bin.count,
            mean: bin.confidence,
            correct: bin.accuracy,
            label: format!(
                "{}: mean confidence {}, {} correct",
                counted(bin.count, "image", "images"),
                percent(bin.confidence),
                percent(bin.accuracy)
            ),
            href: link(
                gallery,
                &[("split", split), ("confidence", &format!("{}..{}", bin.lower, bin.upper))],
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::in_a_line;

    #[test]
    fn the_transforms_of_an_evaluation_are_a_line() {
        let steps =
            ["Resize: size 64 px", "Centre crop: size 64 px", "Normalise: mean 0.485 0.456 0.406, std 0.229"];
        assert_eq!(in_a_line(&steps.map(str::to_owned)), "resize 64 px, centre crop 64 px, normalise");
    }
}
