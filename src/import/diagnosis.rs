//! Says what was found where it is no data set.

use super::DatasetFormat;
use super::{ImportError, Rejected};
use std::collections::BTreeSet;

/// So many files or rows that are of no use are enough to see what is wrong with the others.
const EXAMPLES: usize = 3;

/// Refuses at once, before anything is decoded, what cannot have two classes whatever its files are.
pub(super) fn check_folders(files: &[String]) -> Result<(), ImportError> {
    let mut folders = files.iter().map(|path| path.rsplit_once('/').map_or("", |(folder, _)| folder));
    let found = match folders.next() {
        None => "There are no files here.".to_owned(),
        Some(first) if folders.all(|folder| folder == first) => {
            let place = if first.is_empty() {
                "the top folder".to_owned()
            } else {
                format!("one folder, “{first}”")
            };
            format!("All there is here is {} in {place}.", counted(files.len(), "file"))
        }
        Some(_) => return Ok(()),
    };
    Err(ImportError::NotADataSet { found, advice: DatasetFormat::Folders.advice() })
}

/// Less than two classes came of a source. `seen` is how much there was of what, where that isn't files in folders;
/// `rejected` is in the order in which it is best told.
pub(super) fn too_few_classes(
    format: DatasetFormat,
    seen: Option<&str>,
    classes: &BTreeSet<&str>,
    images: usize,
    rejected: &[Rejected],
) -> ImportError {
    let mut sentences: Vec<String> = seen.map(|seen| format!("{seen}.")).into_iter().collect();
    match (classes.first(), seen) {
        (None, None) => sentences.push("There are no usable images in class folders here.".into()),
        (None, Some(_)) if rejected.is_empty() => {}
        (None, Some(_)) => sentences.push("No usable image came of that.".into()),
        (Some(class), _) => sentences.push(format!(
            "There is only one class here, “{class}”, with {}.",
            counted(images, "usable image")
        )),
    }
    let first: Vec<String> =
        rejected.iter().take(EXAMPLES).map(|file| format!("{} ({})", file.path, file.reason)).collect();
    match (&first[..], seen) {
        ([], _) => {}
        (_, None) => sentences.push(format!(
            "Skipped: {}, such as {}.",
            counted(rejected.len(), "file"),
            first.join("; ")
        )),
        (_, Some(_)) => sentences.push(format!("Skipped, to begin with: {}.", first.join("; "))),
    }
    ImportError::NotADataSet { found: sentences.join(" "), advice: format.advice() }
}

/// `1 file`, `2 files`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
