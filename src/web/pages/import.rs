//! `/datasets/new`: bringing a data set in; and the page of one whose import is under way, or failed.

use super::format::{bytes, link};
use super::frame::{Frame, Section, page, page_with};
use super::live::ImportWords;
use crate::actions::datasets::{name_before_failure, try_again};
use crate::domain::recipe::FieldErrors;
use crate::import::DatasetFormat;
use crate::import::catalogue::{CATALOGUE, Entry};
use crate::jobs::import::Status;
use crate::store::datasets::Dataset;
use crate::web::api::find_dataset;
use crate::web::api::import::{ImportForm, create_from_form};
use crate::web::extract::{Multipart, Path, Query};
use crate::web::{AppState, Error, Result};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};

/// A reason longer than this is cut on a list, where its page tells all of it.
const SHORT_REASON: usize = 90;

/// The import form: what was typed, and what is wrong with it.
pub(crate) struct Import {
    pub(crate) typed: ImportForm,
    pub(crate) errors: FieldErrors,
    /// Whether paths are completed.
    pub(crate) is_local: bool,
}

impl Import {
    /// An empty form.
    pub(crate) fn empty(app: &AppState) -> Import {
        Import::with(app, ImportForm::default(), FieldErrors::new())
    }

    fn with(app: &AppState, typed: ImportForm, errors: FieldErrors) -> Import {
        Import { typed, errors, is_local: app.is_local }
    }

    pub(crate) fn error(&self, field: &str) -> Option<&String> {
        // What the JSON calls by a longer name.
        self.errors.get(field).or_else(|| self.errors.get(&format!("source.{field}")))
    }

    /// The class of a field's box.
    pub(crate) fn state(&self, field: &str) -> &'static str {
        if self.error(field).is_some() { "field invalid" } else { "field" }
    }

    /// Which of the three ways is open.
    pub(crate) fn is_open(&self, way: &str) -> bool {
        let chosen = match self.typed.way.as_str() {
            "" if !self.typed.path.is_empty() => "folder",
            "" if !self.typed.catalogue.is_empty() => "known",
            "folder" => "folder",
            "known" => "known",
            _ => "upload",
        };
        chosen == way
    }

    /// Whether the fields of the split are unfolded.
    pub(crate) fn has_split(&self) -> bool {
        let typed = [&self.typed.val, &self.typed.test, &self.typed.seed];
        typed.iter().any(|text| !text.is_empty())
            || ["val", "test", "seed", "split"].iter().any(|field| self.error(field).is_some())
    }

    pub(crate) fn catalogue(&self) -> &'static [Entry] {
        &CATALOGUE
    }

    pub(crate) fn size(&self, entry: &Entry) -> String {
        bytes(i64::try_from(entry.bytes()).unwrap_or(i64::MAX))
    }

    pub(crate) fn formats(&self) -> &'static [DatasetFormat] {
        &DatasetFormat::ALL
    }

    /// What is wrong with no field of the form.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let own = ["name", "path", "file", "catalogue", "format", "val", "test", "seed", "split"];
        let rest =
            self.errors.iter().filter(|(field, _)| !own.contains(&field.trim_start_matches("source.")));
        rest.map(|(field, why)| format!("{field}: {why}")).collect()
    }
}

#[derive(Template)]
#[template(path = "datasets/new.html")]
struct New {
    frame: Frame,
    import: Import,
}

impl New {
    async fn load(app: &AppState, import: Import) -> Result<New> {
        let frame = Frame::load(app, "Import images", &[("Data sets", "/datasets")]).await?;
        Ok(New { frame: frame.in_section(Section::Import), import })
    }
}

/// Fields given in the query are filled in.
pub(crate) async fn new(State(app): State<AppState>, Query(typed): Query<ImportForm>) -> Result<Response> {
    let import = Import::with(&app, typed, FieldErrors::new());
    page(&New::load(&app, import).await?)
}

/// `POST /datasets`: the form without script; what is wrong comes back beside its field, with all that was typed. A name that is taken
/// is replaced by one that is free.
pub(crate) async fn create(State(app): State<AppState>, Multipart(form): Multipart) -> Result<Response> {
    let mut typed = ImportForm::default();
    match create_from_form(&app, form, &mut typed).await {
        Ok(id) => Ok(Redirect::to(&format!("/datasets/{id}")).into_response()),
        Err(Error::Invalid(errors)) => {
            if errors.contains_key("name") {
                typed.name = app.store.free_dataset_name(typed.name.trim()).await?;
            }
            let import = Import::with(&app, typed, errors);
            page_with(StatusCode::UNPROCESSABLE_ENTITY, &New::load(&app, import).await?)
        }
        Err(other) => Err(other),
    }
}

/// `POST /datasets/{id}/retry`: another attempt at an import that failed; to the form where its files have to be chosen again.
pub(crate) async fn retry(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Response> {
    let dataset = find_dataset(&app, id).await?;
    let failed = FailedImport::new(dataset);
    match try_again(&app.store, &app.imports, &failed.dataset).await.map_err(Error::from) {
        Ok(Some(id)) => Ok(Redirect::to(&format!("/datasets/{id}")).into_response()),
        Ok(None) => Ok(Redirect::to(&failed.form()).into_response()),
        Err(Error::Invalid(errors)) => {
            let import = Import::with(&app, failed.typed(), errors);
            page_with(StatusCode::UNPROCESSABLE_ENTITY, &New::load(&app, import).await?)
        }
        Err(other) => Err(other),
    }
}

/// An import that came to nothing.
pub(crate) struct FailedImport {
    pub(crate) dataset: Dataset,
}

impl FailedImport {
    pub(crate) fn new(dataset: Dataset) -> FailedImport {
        FailedImport { dataset }
    }

    pub(crate) fn href(&self) -> String {
        format!("/datasets/{}", self.dataset.id)
    }

    /// The name that it was to have.
    pub(crate) fn name(&self) -> String {
        name_before_failure(&self.dataset)
    }

    /// All of the reason.
    pub(crate) fn reason(&self) -> &str {
        self.dataset.failure.as_deref().unwrap_or("The reason was not kept.")
    }

    /// Its first sentence.
    pub(crate) fn short_reason(&self) -> String {
        first_sentence(self.reason())
    }

    /// Whether the reason says more than its first sentence.
    pub(crate) fn has_details(&self) -> bool {
        self.short_reason() != self.reason()
    }

    /// The form, filled in as it was.
    pub(crate) fn form(&self) -> String {
        let typed = self.typed();
        link(
            "/datasets/new",
            &[
                ("way", &typed.way),
                ("name", &typed.name),
                ("path", &typed.path),
                ("catalogue", &typed.catalogue),
                ("format", &typed.format),
                ("val", &typed.val),
                ("test", &typed.test),
                ("seed", &typed.seed),
            ],
        )
    }

    fn typed(&self) -> ImportForm {
        let request = self.dataset.request.clone().unwrap_or_default();
        let path = self.dataset.source_path().and_then(|path| path.to_str()).unwrap_or_default().to_owned();
        let percent = |share: f64| ((share * 1000.0).round() / 10.0).to_string();
        let split = request.split;
        ImportForm {
            way: match (&request.catalogue, path.as_str()) {
                (Some(_), _) => "known",
                (None, "") => "upload",
                (None, _) => "folder",
            }
            .to_owned(),
            name: self.name(),
            path,
            catalogue: request.catalogue.unwrap_or_default(),
            format: request.format.unwrap_or_default(),
            class: String::new(),
            val: split.map(|split| percent(split.val)).unwrap_or_default(),
            test: split.map(|split| percent(split.test)).unwrap_or_default(),
            seed: split.map(|split| split.seed.to_string()).unwrap_or_default(),
        }
    }
}

/// Up to the first full stop that ends a sentence, and no longer than a line.
fn first_sentence(text: &str) -> String {
    let end = text.find(". ").map_or(text.len(), |at| at + 1);
    let sentence = &text[..end];
    if sentence.chars().count() <= SHORT_REASON {
        return sentence.to_owned();
    }
    let cut: String = sentence.chars().take(SHORT_REASON).collect();
    // At a word's end.
    format!("{} …", cut.rsplit_once(' ').map_or(cut.as_str(), |(whole, _)| whole))
}

#[derive(Template)]
#[template(path = "datasets/importing.html")]
struct Importing {
    frame: Frame,
    dataset: Dataset,
    failed: Option<FailedImport>,
    status: Option<Status>,
}

impl Importing {
    fn href(&self) -> String {
        format!("/datasets/{}", self.dataset.id)
    }

    /// How far it is.
    fn words(&self) -> ImportWords {
        ImportWords::new(self.status.as_ref())
    }
}

/// The page of a data set that is none yet.
pub(crate) async fn show_unfinished(app: &AppState, dataset: Dataset) -> Result<Response> {
    let failed = dataset.failure.is_some().then(|| FailedImport::new(dataset.clone()));
    let title = failed.as_ref().map_or_else(|| dataset.name.clone(), FailedImport::name);
    page(&Importing {
        frame: Frame::load(app, title, &[("Data sets", "/datasets")]).await?,
        status: app.imports.status(dataset.id),
        failed,
        dataset,
    })
}

#[cfg(test)]
mod tests {
    use super::first_sentence;

    #[test]
    fn a_reason_is_cut_after_its_first_sentence_and_at_a_line() {
        assert_eq!(first_sentence("There is 1 file. Bring more."), "There is 1 file.");
        assert_eq!(first_sentence("a.zip can't be read"), "a.zip can't be read");
        let long = "word ".repeat(60);
        let cut = first_sentence(&long);
        assert!(cut.ends_with("word …") && cut.chars().count() < 95, "{cut}");
    }
}
