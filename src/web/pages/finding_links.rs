//! Where a finding's evidence is seen and where what helps is done, as addresses with the words of their links.

use super::format::link;
use crate::domain::findings::{Action, Fix, Place};
use crate::store::runs::Run;
use protocol::event::LayerDial;
use protocol::sample::Split;

/// The address of evidence.
pub(crate) fn evidence_url(place: &Place, run: &Run) -> String {
    let own = format!("/runs/{}", run.id);
    match place {
        Place::Chart { chart } => format!("{own}#chart-{chart}"),
        Place::Layers { dial: LayerDial::Gradient } => format!("{own}/gradients"),
        Place::Layers { dial } => format!("{own}/gradients?dial={}", dial.as_str()),
        Place::Time => format!("{own}#time"),
        Place::Predictions { split, actual } => {
            link(&format!("{own}/predictions"), &[("split", split.as_str()), ("actual", actual)])
        }
        Place::Images { class, split } => images_url(run, class.as_deref(), *split),
        Place::Spread { .. } => format!("/datasets/{}/overview", run.dataset_id),
    }
}

/// What its link says.
pub(crate) fn evidence_label(place: &Place) -> &'static str {
    match place {
        Place::Chart { .. } => "See the chart",
        Place::Layers { .. } => "See the layers",
        Place::Time => "See where the time goes",
        Place::Predictions { .. } => "See its predictions",
        Place::Images { .. } => "See the images",
        Place::Spread { .. } => "See the distributions",
    }
}

/// Where what helps is done.
pub(crate) fn fix_url(fix: &Fix, run: &Run) -> String {
    match &fix.action {
        Action::NewRun { fields } => {
            let id = run.id.to_string();
            let mut pairs = vec![("like", id.as_str())];
            pairs.extend(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            link("/runs/new", &pairs)
        }
        Action::EditImages { class, split } => images_url(run, class.as_deref(), *split),
    }
}

fn images_url(run: &Run, class: Option<&str>, split: Option<Split>) -> String {
    let pairs = [("class", class.unwrap_or("")), ("split", split.map_or("", Split::as_str))];
    link(&format!("/datasets/{}", run.dataset_id), &pairs)
}
