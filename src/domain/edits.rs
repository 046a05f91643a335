//! Edits of a data set: what may be changed about its samples and classes. Files are never touched.

use protocol::sample::Split;

/// Where a sample stands in a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleState {
    /// Its class.
    pub label: i64,
    /// Its split.
    pub split: Split,
    /// Whether it is left out of everything.
    pub excluded: bool,
}

/// What to do to a selection of samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// They are of this class, which is made where it is new.
    Relabel(String),
    /// They belong to this split.
    Move(Split),
    /// They are left out of runs and galleries; they can be restored.
    Exclude,
    /// They count again.
    Restore,
}

impl Edit {
    /// The note of the version that it makes.
    pub fn note(&self, count: u64) -> String {
        let samples = if count == 1 { "1 sample".to_owned() } else { format!("{count} samples") };
        match self {
            Edit::Relabel(class) => format!("{samples} relabelled as “{class}”"),
            Edit::Move(split) => format!("{samples} moved to {split}"),
            Edit::Exclude => format!("{samples} excluded"),
            Edit::Restore => format!("{samples} restored"),
        }
    }
}

/// A name that a class can have.
///
/// # Errors
/// Why not, in words.
pub fn class_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() {
        return Err("give the class a name".to_owned());
    }
    if name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err("a class's name has up to 100 characters, none of them invisible".to_owned());
    }
    Ok(name.to_owned())
}

/// The version that *undo* takes back: the newest that is neither an undo nor undone. `versions` holds number and
/// what it undoes, ascending; the first is the import, which stays.
pub fn to_undo(versions: &[(i64, Option<i64>)]) -> Option<i64> {
    let mut standing: Vec<i64> = Vec::new();
    for (number, undoes) in versions.iter().skip(1) {
        match undoes {
            Some(undone) => standing.retain(|other| other != undone),
            None => standing.push(*number),
        }
    }
    standing.pop()
}

/// A fingerprint of what is in a data set: 32 hexadecimal digits. The parts are path, class, split and file hash of
/// each sample, in the order of the paths.
pub fn fingerprint<'a>(samples: impl IntoIterator<Item = [&'a str; 4]>) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in samples.into_iter().flatten() {
        // Each part with its length, so that no two lists of parts look alike.
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undo_takes_back_one_change_after_another() {
        assert_eq!(to_undo(&[(1, None)]), None);
        assert_eq!(to_undo(&[(1, None), (2, None), (3, None)]), Some(3));
        assert_eq!(to_undo(&[(1, None), (2, None), (3, None), (4, Some(3))]), Some(2));
        assert_eq!(to_undo(&[(1, None), (2, None), (3, None), (4, Some(3)), (5, Some(2))]), None);
        assert_eq!(to_undo(&[(1, None), (2, None), (3, Some(2)), (4, None)]), Some(4));
    }

    #[test]
    fn a_fingerprint_tells_parts_apart() {
        let one = fingerprint([["a", "b", "train", "x"]]);
        assert_eq!(one, fingerprint([["a", "b", "train", "x"]]));
        assert_ne!(one, fingerprint([["ab", "", "train", "x"]]));
        assert_eq!(one.len(), 32);
    }

    #[test]
    fn a_class_needs_a_name() {
        assert_eq!(class_name("  cat "), Ok("cat".to_owned()));
        assert!(
            class_name(" ").is_err() && class_name("a\nb").is_err() && class_name(&"x".repeat(101)).is_err()
        );
    }
}
