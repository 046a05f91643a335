//! The parts of the form that follow its fields: a line for each folded part, the cost, the strip of network inputs.

use super::cost::Cost;
use super::strip::Strip;
use super::summary::{differences, summary};
use super::{Typed, read_typed};
use crate::domain::dataset::DatasetFacts;
use crate::domain::recipe::{FieldErrors, Group, Values, defaults_beside};
use crate::store::datasets::Dataset;
use crate::store::runs::Run;
use crate::web::api::runs::find_facts;
use crate::web::{AppState, Result};
use askama::Template;

/// As it stands within the page, and as the answer to a change of a field.
#[derive(Default, Template)]
#[template(path = "runs/new_live.html")]
pub(super) struct Live {
    summaries: Vec<(Group, String)>,
    /// What is not as by default for the data set.
    differences: Vec<String>,
    dataset: i64,
    pub(super) cost: Cost,
    pub(super) strip: Strip,
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
        let (live, values, errors) = Live::of_fields(app, dataset, &facts, typed).await?;
        let strip = Strip::load(app, dataset, images_of, values, errors, redraws).await?;
        Ok(Live { strip, ..live })
    }

    /// What a page begins with: the images are fetched once it is there.
    pub(super) async fn without_strip(
        app: &AppState,
        dataset: &Dataset,
        facts: &DatasetFacts,
        typed: &Typed,
    ) -> Result<Live> {
        Ok(Live::of_fields(app, dataset, facts, typed).await?.0)
    }

    async fn of_fields(
        app: &AppState,
        dataset: &Dataset,
        facts: &DatasetFacts,
        typed: &Typed,
    ) -> Result<(Live, Values, FieldErrors)> {
        let (values, errors) = read_typed(typed, facts);
        let mut all = defaults_beside(&values, facts);
        all.extend(values.clone());
        let summaries = Group::ALL.map(|group| (group, summary(group, &all)));
        let cost = Cost::load(app, dataset.id, facts, &all).await?;
        let live = Live {
            summaries: summaries.into(),
            differences: differences(&values),
            dataset: dataset.id.0,
            cost,
            strip: Strip::default(),
        };
        Ok((live, values, errors))
    }

    /// `Epochs 5, MixUp 0.2`; empty where all is as by default.
    pub(super) fn difference_line(&self) -> String {
        self.differences.join(", ")
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
