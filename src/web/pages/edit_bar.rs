//! The bar by which selected images are relabelled, moved and excluded: the same on every page that shows a data set's images. A
//! page gives its template an `edit_bar`, includes `partials/edit_bar.html` and `static/js/select.js`, and shows tiles that carry
//! their sample. The form comes back to `back`, with `done=VERSION` or `unchanged=1` in the address, which [`Flash`] reads.

use super::gallery::class_color;
use crate::domain::edits::{History, VersionKind};
use crate::store::datasets::Dataset;
use crate::store::versions::Version;
use crate::web::{AppState, Error, Result};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;

/// Classes that have a key of their own.
const KEYS: usize = 9;

/// What the address says of the edit that led to a page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flash {
    /// The version that was made.
    done: Option<i64>,
    /// Whether the edit would have changed nothing.
    unchanged: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Flash {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let pairs = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let mut flash = Flash::default();
        for (key, value) in pairs {
            match &*key {
                "done" => flash.done = value.parse().ok(),
                "unchanged" => flash.unchanged = true,
                _ => {}
            }
        }
        Ok(flash)
    }
}

/// A version that was just made.
pub(crate) struct Done {
    pub(crate) version: Version,
    /// The address that takes it back, or makes it again; and what that is called.
    pub(crate) next: Option<(String, &'static str)>,
}

impl Done {
    /// What was just done to a data set; `back` is the page that undoing it leads back to.
    pub(crate) async fn load(
        app: &AppState,
        dataset: &Dataset,
        flash: &Flash,
        back: &str,
    ) -> Result<Option<Done>> {
        let Some(number) = flash.done else { return Ok(None) };
        let versions = app.store.list_versions(dataset.id).await?;
        let history = History::new(versions.iter().map(|version| (version.number, version.undoes)));
        let Some(version) = versions.into_iter().find(|version| version.number == number) else {
            return Ok(None);
        };
        let address = |number: i64, verb: &str| {
            let path = format!("/datasets/{}/versions/{number}/{verb}", dataset.id);
            super::format::link(&path, &[("back", back)])
        };
        let next = match version.kind {
            VersionKind::Undo if history.to_redo() == Some(number) => Some((address(number, "redo"), "Redo")),
            VersionKind::Change if history.to_undo() == Some(number) => {
                Some((address(number, "undo"), "Undo"))
            }
            VersionKind::Redo => history.to_undo().map(|change| (address(change, "undo"), "Undo")),
            _ => None,
        };
        Ok(Some(Done { version, next }))
    }
}

/// The images that an edit of *all* is about.
pub(crate) struct AllMatching {
    pub(crate) total: i64,
    /// The gallery's query, without its order.
    pub(crate) filter: String,
}

/// What the bar shows.
pub(crate) struct EditBar {
    pub(crate) dataset: Dataset,
    /// Name and colour, by label.
    pub(crate) classes: Vec<(String, String)>,
    /// Where *all that match* can be chosen.
    pub(crate) all: Option<AllMatching>,
    /// The page to come back to.
    pub(crate) back: String,
    /// Whether the images are excluded ones, which can be restored.
    pub(crate) excluded: bool,
    /// The one image that the page is about.
    pub(crate) sample: Option<i64>,
    pub(crate) done: Option<Done>,
    pub(crate) unchanged: bool,
}

impl EditBar {
    /// A bar for a selection of images. `back` is the page's own address.
    pub(crate) async fn load(
        app: &AppState,
        dataset: &Dataset,
        flash: &Flash,
        back: String,
    ) -> Result<EditBar> {
        let classes = app.store.list_class_counts(dataset.id).await?;
        let colour = |label: i64| class_color(usize::try_from(label).unwrap_or(0));
        Ok(EditBar {
            classes: classes.into_iter().map(|class| (class.name, colour(class.label))).collect(),
            all: None,
            done: Done::load(app, dataset, flash, &back).await?,
            back,
            excluded: false,
            sample: None,
            unchanged: flash.unchanged,
            dataset: dataset.clone(),
        })
    }

    /// Key, name and colour of the classes that a key gives.
    pub(crate) fn keys(&self) -> Vec<(usize, &str, &str)> {
        let keyed = self.classes.iter().take(KEYS).enumerate();
        keyed.map(|(at, (name, colour))| (at + 1, name.as_str(), colour.as_str())).collect()
    }

    /// What the bar says before a script counts.
    pub(crate) fn hint(&self) -> &'static str {
        if self.sample.is_some() { "This image" } else { "Select images by the box in their corner" }
    }
}
