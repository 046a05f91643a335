//! The parts of the form that follow its fields: a line for each folded part, the cost, the strip of network inputs.

use super::super::run_settings::name_weights;
use super::super::weights::WeightsState;
use super::Typed;
use super::cost::Cost;
use super::entered::Entered;
use super::learn::gain;
use super::strip::Strip;
use super::summary::{differences, summary};
use super::sweep::{Summary, SweepForm};
use crate::domain::dataset::DatasetFacts;
use crate::domain::recipe::{FieldErrors, Group, Values};
use crate::store::datasets::Dataset;
use crate::store::runs::Run;
use crate::web::api::runs::find_facts;
use crate::web::{AppState, Result};
use askama::Template;
use protocol::weights::WEIGHTS;

/// As it stands within the page, and as the answer to a change of a field.
#[derive(Default, Template)]
#[template(path = "runs/new_live.html")]
pub(super) struct Live {
    summaries: Vec<(Group, String)>,
    /// What is not as by default for the data set.
    differences: Vec<String>,
    dataset: i64,
    /// What a sweep would come to.
    pub(super) sweep: Summary,
    pub(super) cost: Cost,
    /// What weights would bring.
    pub(super) gain: Option<Gain>,
    /// For the form's hidden field.
    pub(super) basis: String,
    /// What stands in each field that nobody touched, and whether it has a say; for the script.
    pub(super) state: String,
    pub(super) strip: Strip,
}

/// What weights would bring, and whether they are here.
pub(super) struct Gain {
    pub(super) words: &'static str,
    pub(super) state: WeightsState,
}

impl Live {
    /// All of it; making the images takes a moment.
    pub(super) async fn load(
        app: &AppState,
        dataset: &Dataset,
        images_of: Option<&Run>,
        typed: &Typed,
        redraws: u32,
    ) -> Result<Live> {
        let facts = find_facts(app, dataset, &Values::new(), images_of).await?;
        let entered = Entered::read(typed, &facts);
        let live = Live::without_strip(app, dataset, &facts, &entered, typed).await?;
        let strip = Strip::load(app, dataset, images_of, entered.values, entered.errors, redraws).await?;
        Ok(Live { strip, ..live })
    }

    /// What a page begins with: the images are fetched once it is there.
    pub(super) async fn without_strip(
        app: &AppState,
        dataset: &Dataset,
        facts: &DatasetFacts,
        entered: &Entered,
        typed: &Typed,
    ) -> Result<Live> {
        let words = name_weights(&app.data, entered.all.clone());
        Ok(Live {
            summaries: Group::ALL.map(|group| (group, summary(group, &words))).into(),
            differences: differences(&entered.all, &words, facts),
            dataset: dataset.id.0,
            sweep: SweepForm::read(typed, &FieldErrors::new()).summary(&entered.values, facts).await?,
            cost: Cost::load(app, dataset.id, facts, &entered.all).await?,
            gain: gain(facts, entered)
                .map(|words| Gain { words, state: WeightsState::new(app, &WEIGHTS[0], &facts.weights) }),
            basis: entered.basis(),
            state: entered.state(),
            strip: Strip::default(),
        })
    }

    /// `Epochs 5, MixUp 0.2`; empty where all is as by default.
    pub(super) fn difference_line(&self) -> String {
        self.differences.join(", ")
    }

    /// What the button does.
    pub(super) fn start_label(&self) -> String {
        if self.sweep.runs == 1 { "Start".to_owned() } else { format!("Start {} runs", self.sweep.runs) }
    }

    /// The form as it begins for this data set.
    pub(super) fn defaults_href(&self) -> String {
        format!("/runs/new?dataset={}", self.dataset)
    }

    /// The line of a group.
    pub(super) fn summary(&self, group: &Group) -> &str {
        self.summaries.iter().find(|(other, _)| other == group).map_or("", |(_, line)| line)
    }

    fn folded(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.summaries
            .iter()
            .filter(|(group, _)| group.is_folded())
            .map(|(group, line)| (group.id(), &**line))
    }
}
