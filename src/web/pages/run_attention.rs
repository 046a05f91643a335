//! What wants a look at a run's stages, for the marks on its rail.

use super::format::ago;
use crate::domain::findings::Stage;
use crate::runs::Trouble;
use crate::store::runs::Run;
use crate::web::access::can_edit;
use crate::web::{AppState, Result};

/// What wants a look at a run's stages, in sentences.
#[derive(Default)]
pub(crate) struct Attention {
    /// What is wrong with its data set, or with how its splits were made.
    pub(crate) data: Option<String>,
    /// What goes wrong in training.
    pub(crate) training: Option<String>,
    /// What is wrong with what it predicts.
    pub(crate) predictions: Option<String>,
    /// Why the run can't be followed at the moment.
    pub(crate) trouble: Option<String>,
}

impl Attention {
    pub(super) async fn load(app: &AppState, run: &Run) -> Result<Attention> {
        if run.event_origin.is_some() {
            return Ok(Attention::default());
        }
        let dismissed = app.store.list_dismissed_findings(run.id).await?;
        let findings = app.runs.findings(run).await?;
        let titles = |stage: Stage| {
            let open = findings.iter().filter(|finding| !dismissed.contains(&finding.alarm));
            let titles = open.filter(|finding| finding.evidence.stage() == stage);
            titles.map(|finding| format!("{}.", finding.title)).collect::<Vec<_>>()
        };
        let mut data = app.health.marks(run.dataset_id).await?.sentences();
        data.extend(titles(Stage::Data));
        let trouble = app.runs.trouble(run.id).map(|trouble| trouble_words(&trouble));
        Ok(Attention {
            data: joined(&data),
            training: joined(&titles(Stage::Training)),
            predictions: joined(&titles(Stage::Predictions)),
            trouble,
        })
    }
}

/// `None` of none.
fn joined(sentences: &[String]) -> Option<String> {
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

/// Why a run can't be followed. The cause may name files of the server, which are for those who run it.
fn trouble_words(trouble: &Trouble) -> String {
    let since = ago(trouble.since_ms);
    let why = if can_edit() { format!(": {}", trouble.why) } else { String::new() };
    format!(
        "Tintype can't take in what this run reports{why}. That began {since}. It is tried again and again, the training goes on meanwhile, and nothing of it is lost."
    )
}
