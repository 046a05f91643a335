//! What the charts of a run's pages show: one catalogue for the page and its script. The script gets it as JSON with the
//! page and knows no series by name.

use super::run_view::RunView;
use protocol::event::LayerDial;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// A chart over the steps of a run.
#[derive(Clone, Serialize)]
pub(crate) struct Chart {
    /// Its name in an address.
    pub(crate) id: Cow<'static, str>,
    pub(crate) title: Cow<'static, str>,
    /// What is counted, in words, beside the title.
    pub(crate) unit: &'static str,
    /// What is written at the vertical axis.
    axis: &'static str,
    /// What stands behind a value, such as `%`.
    suffix: &'static str,
    /// What values are multiplied by to be in that unit.
    factor: f64,
    /// Whether its axis is logarithmic at first.
    logarithmic: bool,
    lines: Vec<Line>,
    /// What it is, and what healthy looks like.
    #[serde(skip)]
    pub(crate) help: &'static str,
}

/// A line of a chart.
#[derive(Clone, Serialize)]
pub(crate) struct Line {
    /// The series that it draws.
    key: String,
    label: String,
    /// Whether it has so many points that a mean over a few of them says more.
    smoothed: bool,
    /// Whether each point is marked: there is one an epoch.
    marked: bool,
    /// Whether it is drawn at first.
    shown: bool,
}

impl Line {
    fn dense(key: &str, label: &str, smoothed: bool) -> Line {
        Line { key: key.to_owned(), label: label.to_owned(), smoothed, marked: false, shown: true }
    }

    fn by_epoch(key: &str, label: &str) -> Line {
        Line { marked: true, ..Line::dense(key, label, false) }
    }
}

impl Chart {
    /// For the script.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers can be written as JSON")
    }
}

/// The charts of a run's page.
pub(crate) fn of_training() -> [Chart; 4] {
    [
        Chart {
            id: Cow::Borrowed("loss"),
            title: Cow::Borrowed("Loss"),
            unit: "cross-entropy, nats",
            axis: "loss (nats)",
            suffix: "",
            factor: 1.0,
            logarithmic: false,
            lines: vec![
                Line::dense("train/loss", "training", true),
                Line::by_epoch("val/loss", "validation"),
            ],
            help: "How surprised the network is by the true classes; lower is better. Healthy: both lines fall together. \
                   Training falling while validation rises means overfitting.",
        },
        Chart {
            id: Cow::Borrowed("accuracy"),
            title: Cow::Borrowed("Accuracy"),
            unit: "% correct",
            axis: "accuracy (% correct)",
            suffix: "%",
            factor: 100.0,
            logarithmic: false,
            lines: vec![
                Line::dense("train/accuracy", "training", true),
                Line::by_epoch("val/accuracy", "validation"),
            ],
            help: "The share of images whose most probable class is the true one. Healthy: both lines rise and level off \
                   close together. Training is measured on augmented images while the weights still change, so it may lie \
                   below validation.",
        },
        Chart {
            id: Cow::Borrowed("learning-rate"),
            title: Cow::Borrowed("Learning rate"),
            unit: "step size of the optimizer",
            axis: "learning rate",
            suffix: "",
            factor: 1.0,
            logarithmic: false,
            lines: vec![Line::dense("learning_rate", "learning rate", false)],
            help: "How far the weights move at each step, as the schedule says. Healthy: the loss falls throughout. A loss \
                   that jumps where this is highest asks for a smaller learning rate.",
        },
        Chart {
            id: Cow::Borrowed("speed"),
            title: Cow::Borrowed("Speed"),
            unit: "images per second",
            axis: "images per second",
            suffix: "",
            factor: 1.0,
            logarithmic: false,
            lines: vec![Line::dense("images_per_second", "training", true)],
            help: "Training images per second, loading included. Healthy: level. A fall means that something else uses \
                   the machine.",
        },
    ]
}

/// The charts of several runs, a series each: the script draws a line a run.
pub(crate) fn of_comparison() -> Vec<Chart> {
    let chart = |id, title, of: &Chart, line: usize, help| Chart {
        id: Cow::Borrowed(id),
        title: Cow::Borrowed(title),
        lines: vec![of.lines[line].clone()],
        help,
        ..*of
    };
    let [loss, accuracy, rate, speed] = of_training();
    vec![
        chart(
            "val-loss",
            "Validation loss",
            &loss,
            1,
            "How surprised each network is by images that it never learned from; lower is better. Healthy: it falls and levels off. \
             The run whose line turns up first overfits first.",
        ),
        chart(
            "val-accuracy",
            "Validation accuracy",
            &accuracy,
            1,
            "The share of validation images that are predicted as their class. Healthy: it rises and levels off. Lines that cross again \
             and again differ by chance.",
        ),
        chart(
            "train-loss",
            "Training loss",
            &loss,
            0,
            "How surprised each network is by the images that it learns from, augmented. Healthy: it falls throughout. Runs with other \
             augmentation can't be compared by it.",
        ),
        chart(
            "train-accuracy",
            "Training accuracy",
            &accuracy,
            0,
            "The share of training images, augmented, that are predicted as their class while the network learns. Healthy: it rises \
             throughout.",
        ),
        rate,
        speed,
    ]
}

/// Series that are drawn besides, where runs of other tools are compared.
const MOST_FURTHER: usize = 24;

/// The charts of several runs, and of the series that runs of other tools have besides.
pub(crate) fn of_comparison_with(further: BTreeSet<String>) -> Vec<Chart> {
    let mut charts = of_comparison();
    let known = |key: &String| charts.iter().any(|chart| chart.lines.iter().any(|line| line.key == *key));
    let further: Vec<String> = further.into_iter().filter(|key| !known(key)).take(MOST_FURTHER).collect();
    charts.extend(of_series(&further));
    charts
}

/// A chart a series, of which nothing is known but its name.
pub(crate) fn of_series(keys: &[String]) -> Vec<Chart> {
    let chart = |(at, key): (usize, &String)| Chart {
        id: Cow::Owned(format!("series-{at}")),
        title: Cow::Owned(key.clone()),
        unit: "by step",
        axis: "value",
        suffix: "",
        factor: 1.0,
        logarithmic: false,
        lines: vec![Line::dense(key, key, true)],
        help: "A series of another tool, as it is called there. Only that tool knows what healthy looks like.",
    };
    keys.iter().enumerate().map(chart).collect()
}

/// A dial of the layers, a line a layer, from input to output; the first, the last and two between are drawn at first.
pub(crate) fn of_layers(dial: LayerDial, layers: &[String]) -> Chart {
    let last = layers.len().saturating_sub(1);
    let at_first = [0, last / 3, last * 2 / 3, last];
    let lines = layers.iter().enumerate().map(|(at, layer)| Line {
        shown: at_first.contains(&at),
        ..Line::dense(&format!("{}/{layer}", dial.as_str()), layer, false)
    });
    let norm = Chart {
        id: Cow::Borrowed("gradient-norm"),
        title: Cow::Borrowed("Gradient norm"),
        unit: "L2 norm",
        axis: "gradient norm (L2)",
        suffix: "",
        factor: 1.0,
        logarithmic: true,
        lines: lines.collect(),
        help: "The length (L2 norm) of each layer's gradient: how hard the loss pulls at its weights. Healthy: layers within a \
               few powers of ten of each other, level or slowly falling. A layer whose norm fades to 0 does not learn; one \
               whose norm keeps growing is about to diverge.",
    };
    match dial {
        LayerDial::Gradient => norm,
        LayerDial::Weight => Chart {
            id: Cow::Borrowed("weight-norm"),
            title: Cow::Borrowed("Weight norm"),
            axis: "weight norm (L2)",
            help: "The length (L2 norm) of each layer's weights. Healthy: it changes slowly and levels off. One that grows \
                   without end asks for more weight decay or a lower learning rate.",
            ..norm
        },
        LayerDial::Update => Chart {
            id: Cow::Borrowed("update-ratio"),
            title: Cow::Borrowed("Update ratio"),
            unit: "change of a step ÷ weights",
            axis: "update-to-weight ratio",
            help: "How far one step moves a layer's weights, compared with how long they are. Healthy: about 0.001. Much above \
                   0.01 the learning rate is too high for the layer; much below 0.0001 it hardly learns.",
            ..norm
        },
        LayerDial::Dead => Chart {
            id: Cow::Borrowed("dead-share"),
            title: Cow::Borrowed("Dead activations"),
            unit: "% of channels",
            axis: "dead channels (%)",
            suffix: "%",
            factor: 100.0,
            logarithmic: false,
            help: "The share of a layer's channels whose ReLU, or hard-swish, gave 0 for every image of the batch. Healthy: close to 0 %. A \
                   share that rises and stays is lost to the network; a lower learning rate keeps it alive.",
            ..norm
        },
    }
}

/// What of a run its charts mark.
impl RunView {
    /// Steps of an epoch, once known.
    pub(crate) fn steps_per_epoch(&self) -> u64 {
        self.run.started.as_ref().map_or(0, |started| started.steps_per_epoch)
    }

    /// The epoch whose checkpoint is kept; 0 where there is none yet.
    pub(crate) fn best_epoch(&self) -> i64 {
        self.run.best_epoch.unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chart_says_its_axis_and_what_healthy_looks_like() {
        let charts: Vec<Chart> = of_training()
            .into_iter()
            .chain(of_comparison())
            .chain(LayerDial::ALL.map(|dial| of_layers(dial, &[])))
            .collect();
        assert!(charts.iter().all(|chart| !chart.axis.is_empty() && chart.help.contains("Healthy:")));
        for charts in [of_training().to_vec(), of_comparison()] {
            let ids: std::collections::BTreeSet<_> = charts.iter().map(|chart| &chart.id).collect();
            assert_eq!(ids.len(), charts.len(), "an address names each by its own word");
        }
        assert!(of_comparison().iter().all(|chart| chart.lines.len() == 1), "a line a run");
    }

    #[test]
    fn a_few_layers_are_drawn_at_first() {
        let shown = |count: usize| {
            let layers: Vec<String> = (0..count).map(|at| format!("layer{at}")).collect();
            let shown = of_layers(LayerDial::Weight, &layers).lines.into_iter().filter(|line| line.shown);
            shown.map(|line| line.key).collect::<Vec<_>>()
        };
        assert!(shown(0).is_empty());
        assert_eq!(shown(1), ["weight/layer0"]);
        assert_eq!(shown(10), ["weight/layer0", "weight/layer3", "weight/layer6", "weight/layer9"]);
    }
}
