//! What wants a look at a run's stages, for the marks on its rail.

use super::format::ago;
use crate::domain::result::Headline;
use crate::runs::Trouble;
use crate::store::runs::Run;
use crate::web::access::can_edit;
use crate::web::{AppState, Result};

/// What wants a look at a run's stages, in sentences.
#[derive(Default)]
pub(crate) struct Attention {
    /// What is wrong with its data set.
    pub(crate) data: Option<String>,
    /// Classes that are never predicted, though images of them were evaluated.
    pub(crate) predictions: Option<String>,
    /// Why the run can't be followed at the moment.
    pub(crate) trouble: Option<String>,
}

impl Attention {
    pub(super) async fn load(app: &AppState, run: &Run, headline: Option<&Headline>) -> Result<Attention> {
        let sentences = app.health.marks(run.dataset_id).await?.sentences();
        let data = (!sentences.is_empty()).then(|| sentences.join(" "));
        let predictions = match headline {
            Some(headline) => {
                let labels = app.store.list_never_predicted(run.id, headline.lead.split).await?;
                let name = |label: &i64| Some(run.spec.classes.get(usize::try_from(*label).ok()?)?.as_str());
                never_predicted(&labels.iter().filter_map(name).collect::<Vec<_>>())
            }
            None => None,
        };
        let trouble = app.runs.trouble(run.id).map(|trouble| trouble_words(&trouble));
        Ok(Attention { data, predictions, trouble })
    }
}

/// Why a run can't be followed. The cause may name files of the server, which are for those who run it.
fn trouble_words(trouble: &Trouble) -> String {
    let since = ago(trouble.since_ms);
    let why = if can_edit() { format!(": {}", trouble.why) } else { String::new() };
    format!(
        "Tintype can't take in what this run reports{why}. That began {since}. It is tried again and again, the training goes on meanwhile, and nothing of it is lost."
    )
}

/// `Never predicted: cat, dog.`; of many classes the first few, and how many more there are.
fn never_predicted(names: &[&str]) -> Option<String> {
    const NAMED: usize = 8;
    let (named, others) = names.split_at(names.len().min(NAMED));
    let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
    (!named.is_empty()).then(|| format!("Never predicted: {}{more}.", named.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::never_predicted;

    #[test]
    fn of_many_classes_that_are_never_predicted_a_few_are_named() {
        assert_eq!(never_predicted(&[]), None);
        assert_eq!(never_predicted(&["cat", "dog"]).unwrap(), "Never predicted: cat, dog.");
        let many = vec!["a"; 290];
        assert_eq!(never_predicted(&many).unwrap(), "Never predicted: a, a, a, a, a, a, a, a and 282 more.");
    }
}
