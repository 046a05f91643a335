//! Changes of data sets: bringing one in, trying again, reading it as another format, removing it.

use super::{Error, Result};
use crate::domain::dataset::DatasetState;
use crate::domain::ids::DatasetId;
use crate::domain::recipe::FieldErrors;
use crate::import::catalogue::Entry;
use crate::import::{DatasetFormat, Options, SplitRequest, home, path_from_text};
use crate::jobs::import::{ImportSource, Imports};
use crate::store::Store;
use crate::store::datasets::Dataset;
use std::path::{Path, PathBuf};

/// Starts an import. What is wrong with its name, path or split is told field by field.
pub async fn start_import(
    store: &Store,
    imports: &Imports,
    name: &str,
    source: ImportSource,
    options: Options,
) -> Result<DatasetId> {
    let name = name.trim();
    let mut errors = FieldErrors::new();
    if name.is_empty() || name.chars().count() > 100 {
        errors.insert("name".to_owned(), "give the data set a name of 1 to 100 characters".to_owned());
    }
    if let Some(split) = &options.split {
        let is_share = |share: f64| (0.0..1.0).contains(&share);
        if !(is_share(split.val) && is_share(split.test) && split.val + split.test < 1.0) {
            let why = "validation and test are shares that leave something for training";
            errors.insert("split".to_owned(), why.to_owned());
        }
    }
    if let ImportSource::Path(path) = &source
        && let Err(why) = check_path(path).await
    {
        errors.insert("path".to_owned(), why);
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    match imports.start(name, source, options).await? {
        Some(id) => Ok(id),
        None => Err(name_taken(store, name).await?),
    }
}

async fn name_taken(store: &Store, name: &str) -> Result<Error> {
    let free = store.free_dataset_name(name).await?;
    Ok(Error::field("name", format!("there is a data set “{name}” already; “{free}” is free")))
}

/// The path that was typed, there or not.
pub fn typed_path(text: &str) -> Result<PathBuf> {
    path_from_text(text, home().as_deref()).map_err(|why| Error::field("path", why))
}

/// Looks whether something is at a path of the server's machine, where an unreachable drive must not hold up other requests.
async fn check_path(path: &Path) -> Result<(), String> {
    match tokio::fs::try_exists(path).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!("there is nothing at {} on the server's machine", path.display())),
        Err(why) => Err(format!("{} can't be opened: {why}", path.display())),
    }
}

/// Imports what failed once more, as it was asked for; `None` where its files came from a browser and have to be brought again.
pub async fn try_again(store: &Store, imports: &Imports, dataset: &Dataset) -> Result<Option<DatasetId>> {
    if dataset.state != DatasetState::Failed {
        return Err(Error::Conflict(format!("“{}” did not fail", dataset.name)));
    }
    let request = dataset.request.clone().unwrap_or_default();
    let split =
        request.split.map(|split| SplitRequest { val: split.val, test: split.test, seed: split.seed });
    let format = request.format.as_deref().and_then(DatasetFormat::from_word);
    let options = Options { split, format, ..Options::default() };
    let source = match (&request.catalogue, dataset.source_path()) {
        (Some(name), _) => match Entry::find(name) {
            Some(entry) => ImportSource::Catalogue(entry),
            None => return Ok(None),
        },
        (None, Some(path)) => ImportSource::Path(path.to_owned()),
        (None, None) => return Ok(None),
    };
    let wanted = match request.name.as_str() {
        "" => name_before_failure(dataset),
        name => name.to_owned(),
    };
    let name = store.free_dataset_name(&wanted).await?;
    start_import(store, imports, &name, source, options).await.map(Some)
}

/// The name that a failed import was to have; it was freed for another try.
pub fn name_before_failure(dataset: &Dataset) -> String {
    let end = format!(" (failed import {})", dataset.id);
    dataset.name.strip_suffix(&end).unwrap_or(&dataset.name).to_owned()
}

/// What came of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It is gone.
    Removed,
    /// It was being imported; that is being stopped.
    Stopping,
}

/// Removes a data set, or stops its import; refused where runs have used it.
pub async fn remove(store: &Store, imports: &Imports, dataset: &Dataset) -> Result<Removal> {
    if imports.cancel(dataset.id) {
        return Ok(Removal::Stopping);
    }
    if dataset.state == DatasetState::Importing {
        return Err(Error::Conflict(format!(
            "the import of “{}” begins or ends at this moment; try again in a second",
            dataset.name
        )));
    }
    if imports.delete(dataset.id).await? {
        return Ok(Removal::Removed);
    }
    let runs = store.list_runs_of(dataset.id).await?.len();
    let runs = if runs == 1 { "1 run uses it".to_owned() } else { format!("{runs} runs use it") };
    Err(Error::Conflict(format!("“{}” can't be removed: {runs}", dataset.name)))
}

/// Starts to import a data set's source again, as another format.
pub async fn read_again(imports: &Imports, dataset: &Dataset, format: DatasetFormat) -> Result<DatasetId> {
    if dataset.state != DatasetState::Ready {
        return Err(Error::Conflict(format!("“{}” is {}", dataset.name, dataset.state.as_str())));
    }
    let path = dataset.source_path().ok_or_else(|| {
        Error::Conflict(format!(
            "the archive of “{}” was not kept; import it again and say its format",
            dataset.name
        ))
    })?;
    check_path(path).await.map_err(|why| Error::field("path", why))?;
    let started = imports.read_again(dataset, path.to_owned(), format).await?;
    started.ok_or_else(|| {
        Error::Conflict(format!(
            "“{}” is being read again already, or a data set has that name",
            dataset.name
        ))
    })
}
