//! What stands around every page: title, way back, what is running now.

use super::format::ago;
use super::format::{link, until};
use super::job_words::job_title;
use crate::store::run_list::ActiveRun;
use crate::web::access::current_view;
use crate::web::{AppState, Error, Result, badge, can_edit};
use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

/// The parts of the product that the top bar leads to, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Datasets,
    Runs,
    NewRun,
    Import,
}

impl Section {
    const ALL: [Section; 4] = [Section::Datasets, Section::Runs, Section::NewRun, Section::Import];

    fn label(self) -> &'static str {
        match self {
            Section::Datasets => "Data sets",
            Section::Runs => "Runs",
            Section::NewRun => "New run",
            Section::Import => "Import",
        }
    }

    fn href(self) -> &'static str {
        match self {
            Section::Datasets => "/datasets",
            Section::Runs => "/runs",
            Section::NewRun => "/runs/new",
            Section::Import => "/datasets/new",
        }
    }

    /// Whether it is there to change something.
    fn changes(self) -> bool {
        matches!(self, Section::NewRun | Section::Import)
    }

    /// A page belongs where its way back begins.
    fn from_crumbs(crumbs: &[(&str, &str)]) -> Option<Section> {
        let (_, outermost) = crumbs.first()?;
        Section::ALL.into_iter().find(|section| section.href() == *outermost)
    }
}

/// A link of the top bar.
pub(crate) struct BarLink {
    pub(crate) label: &'static str,
    pub(crate) href: &'static str,
    pub(crate) current: bool,
}

/// The frame of one page.
pub(crate) struct Frame {
    pub(crate) title: String,
    /// Label and address, outermost first.
    pub(crate) crumbs: Vec<(String, String)>,
    /// The part of the product that the page is in; the home page and search are in none.
    pub(crate) section: Option<Section>,
    /// What was searched for.
    pub(crate) search: String,
    /// Runs that are running.
    pub(crate) running: Vec<ActiveRun>,
    /// Further jobs of runs that are running: address, what they do, and the run's name.
    pub(crate) jobs: Vec<(String, String, String)>,
    /// How many runs wait.
    pub(crate) waiting: usize,
    /// Where the stream of changes was when this page was made.
    pub(crate) place: String,
    /// Which task of the server stopped lately, and that it works again; for those who run it.
    pub(crate) incident: Option<String>,
}

impl Frame {
    /// Reads what is running.
    pub(crate) async fn load(
        app: &AppState,
        title: impl Into<String>,
        crumbs: &[(&str, &str)],
    ) -> Result<Frame> {
        let active = app.store.list_active().await?;
        let (running, waiting): (Vec<_>, Vec<_>) = active.into_iter().partition(|run| run.is_running);
        let jobs = app.store.list_running_jobs().await?.into_iter().map(|(job, run)| {
            let href = format!("/runs/{}/jobs/{}", job.id.run, job.id.number);
            (href, job_title(&job.task, job.images), run)
        });
        Ok(Frame {
            jobs: jobs.collect(),
            title: title.into(),
            section: Section::from_crumbs(crumbs),
            search: String::new(),
            crumbs: crumbs.iter().map(|(label, href)| ((*label).to_owned(), (*href).to_owned())).collect(),
            running,
            waiting: waiting.len(),
            place: app.live.place_of_request(),
            incident: app
                .watch
                .latest()
                .filter(|_| can_edit())
                .map(|latest| latest.words(&ago(latest.at_ms))),
        })
    }

    /// The frame of a page that its way back doesn't place.
    pub(crate) fn in_section(self, section: Section) -> Frame {
        Frame { section: Some(section), ..self }
    }

    /// The links of the top bar, for whoever looks at it.
    pub(crate) fn bar(&self) -> Vec<BarLink> {
        let shown = Section::ALL.into_iter().filter(|section| can_edit() || !section.changes());
        let link = |section: Section| BarLink {
            label: section.label(),
            href: section.href(),
            current: self.section == Some(section),
        };
        shown.map(link).collect()
    }

    /// Where a link to this page is made.
    pub(crate) fn share_href(&self) -> String {
        link("/share", &[("view", &current_view())])
    }

    /// What the bar says to somebody whose link only reads: its name, and until when it is good.
    pub(crate) fn badge(&self) -> Option<(String, String)> {
        let badge = badge()?;
        let until = badge
            .expires_at_ms
            .map_or_else(|| "never expires".to_owned(), |at| format!("expires {}", until(at)));
        Some((badge.name, until))
    }

    /// What the window is called.
    pub(crate) fn window_title(&self) -> String {
        window_title(&self.title, &self.crumbs)
    }
}

/// The window's title: the page, then what it belongs to, innermost first, as in `Health · pets · Tintype`. Lists of everything
/// (`/datasets`, `/runs`) belong to nothing.
fn window_title(title: &str, crumbs: &[(String, String)]) -> String {
    let around =
        crumbs.iter().rev().filter(|(_, href)| !["/", "/datasets", "/runs"].contains(&href.as_str()));
    let around = around.map(|(label, _)| label.as_str());
    let mut parts: Vec<&str> = std::iter::once(title).chain(around).collect();
    if parts != ["Tintype"] {
        parts.push("Tintype");
    }
    parts.join(" · ")
}

/// A page as an answer.
pub(crate) fn page<T: Template>(template: &T) -> Result<Response> {
    page_with(StatusCode::OK, template)
}

/// A page as an answer with another status than *OK*.
pub(crate) fn page_with<T: Template>(status: StatusCode, template: &T) -> Result<Response> {
    let text = template.render().map_err(|error| Error::Internal(error.into()))?;
    Ok((status, Html(text)).into_response())
}

#[cfg(test)]
mod tests {
    use super::window_title;

    #[test]
    fn a_window_is_called_after_what_it_shows() {
        let title = |title: &str, crumbs: &[(&str, &str)]| {
            let crumbs: Vec<(String, String)> =
                crumbs.iter().map(|(label, href)| ((*label).to_owned(), (*href).to_owned())).collect();
            window_title(title, &crumbs)
        };
        let pets = ("pets", "/datasets/1");
        assert_eq!(title("Tintype", &[]), "Tintype");
        assert_eq!(title("pets", &[("Data sets", "/datasets")]), "pets · Tintype");
        assert_eq!(title("Health", &[("Data sets", "/datasets"), pets]), "Health · pets · Tintype");
        let versions = ("Versions", "/datasets/1/versions");
        assert_eq!(
            title("Version 2", &[("Data sets", "/datasets"), pets, versions]),
            "Version 2 · Versions · pets · Tintype"
        );
        assert_eq!(title("Inputs", &[("Runs", "/runs"), ("first", "/runs/1")]), "Inputs · first · Tintype");
    }
}
