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

/// Samples of a version that changed alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeKind {
    /// What they were.
    pub before: SampleState,
    /// What they are.
    pub after: SampleState,
    /// How many of them.
    pub count: u64,
}

impl ChangeKind {
    /// `dog → cat`, `training → test`, `excluded`.
    fn words(&self, name: impl Fn(i64) -> String) -> String {
        let (before, after) = (&self.before, &self.after);
        let mut words = Vec::new();
        if before.label != after.label {
            words.push(format!("{} → {}", name(before.label), name(after.label)));
        }
        if before.split != after.split {
            words.push(format!("{} → {}", split_title(before.split), split_title(after.split)));
        }
        match (before.excluded, after.excluded) {
            (false, true) => words.push("excluded".to_owned()),
            (true, false) => words.push("restored".to_owned()),
            _ => {}
        }
        words.join(", ")
    }
}

/// The change of one sample in words; empty where there is none.
pub fn change_words(before: SampleState, after: SampleState, name: impl Fn(i64) -> String) -> String {
    ChangeKind { before, after, count: 1 }.words(name)
}

/// What people call a split.
pub fn split_title(split: Split) -> &'static str {
    match split {
        Split::Train => "training",
        Split::Val => "validation",
        Split::Test => "test",
    }
}

/// What a version did to samples, in words: `3 images: dog → cat`, `2 images excluded`, `5 images: dog → cat (3), wolf → cat (2)`.
pub fn describe(kinds: &[ChangeKind], name: impl Fn(i64) -> String) -> String {
    const TOLD: usize = 3;
    let total: u64 = kinds.iter().map(|kind| kind.count).sum();
    let images = if total == 1 { "1 image".to_owned() } else { format!("{total} images") };
    // Kinds that read alike are one.
    let mut phrases: Vec<(String, u64)> = Vec::new();
    for kind in kinds {
        let words = kind.words(&name);
        match phrases.iter_mut().find(|(known, _)| *known == words) {
            Some((_, count)) => *count += kind.count,
            None => phrases.push((words, kind.count)),
        }
    }
    phrases.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    match &phrases[..] {
        [] => "No image".to_owned(),
        [(only, _)] if only.contains('→') => format!("{images}: {only}"),
        [(only, _)] => format!("{images} {only}"),
        several => {
            let told: Vec<String> =
                several.iter().take(TOLD).map(|(words, count)| format!("{words} ({count})")).collect();
            let more = match several.len().saturating_sub(TOLD) {
                0 => String::new(),
                more => format!(", and {more} other changes"),
            };
            format!("{images}: {}{more}", told.join(", "))
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

/// What kind of change a version is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionKind {
    /// The first.
    Import,
    /// An edit, or an older version restored.
    Change,
    /// It takes back a change.
    Undo,
    /// It takes back an undo.
    Redo,
}

/// What *undo* and *redo* work on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Changes that stand, oldest first.
    standing: Vec<i64>,
    /// Changes that were undone and can be redone, with the version that undid them.
    undone: Vec<(i64, i64)>,
    kinds: Vec<(i64, VersionKind)>,
}

impl History {
    /// `versions` holds number and what each takes back, ascending; the first is the import, which stays.
    pub fn new(versions: impl IntoIterator<Item = (i64, Option<i64>)>) -> History {
        let mut history = History::default();
        for (at, (number, undoes)) in versions.into_iter().enumerate() {
            let kind = match undoes {
                _ if at == 0 => VersionKind::Import,
                None => VersionKind::Change,
                Some(taken) if history.kind(taken) == Some(VersionKind::Undo) => VersionKind::Redo,
                Some(_) => VersionKind::Undo,
            };
            history.kinds.push((number, kind));
            match (kind, undoes) {
                (VersionKind::Change, _) => {
                    history.standing.push(number);
                    // After a new change there is nothing to redo.
                    history.undone.clear();
                }
                (VersionKind::Undo, Some(taken)) => {
                    history.standing.retain(|other| *other != taken);
                    history.undone.push((taken, number));
                }
                (VersionKind::Redo, Some(taken)) => {
                    if let Some(at) = history.undone.iter().position(|(_, undo)| *undo == taken) {
                        history.standing.push(history.undone.remove(at).0);
                    }
                }
                _ => {}
            }
        }
        history
    }

    /// The version that *undo* takes back: the newest change that stands.
    pub fn to_undo(&self) -> Option<i64> {
        self.standing.last().copied()
    }

    /// The version that *redo* takes back: the newest undo, as long as nothing was changed since.
    pub fn to_redo(&self) -> Option<i64> {
        self.undone.last().map(|(_, undo)| *undo)
    }

    /// What kind of change a version is.
    pub fn kind(&self, number: i64) -> Option<VersionKind> {
        self.kinds.iter().find(|(other, _)| *other == number).map(|(_, kind)| *kind)
    }

    /// Whether a change was taken back and not made again.
    pub fn is_undone(&self, number: i64) -> bool {
        self.kind(number) == Some(VersionKind::Change) && !self.standing.contains(&number)
    }
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

    fn history(versions: &[(i64, Option<i64>)]) -> History {
        History::new(versions.iter().copied())
    }

    #[test]
    fn undo_takes_back_one_change_after_another() {
        let to_undo = |versions| history(versions).to_undo();
        assert_eq!(to_undo(&[(1, None)]), None);
        assert_eq!(to_undo(&[(1, None), (2, None), (3, None)]), Some(3));
        assert_eq!(to_undo(&[(1, None), (2, None), (3, None), (4, Some(3))]), Some(2));
        assert_eq!(to_undo(&[(1, None), (2, None), (3, None), (4, Some(3)), (5, Some(2))]), None);
        assert_eq!(to_undo(&[(1, None), (2, None), (3, Some(2)), (4, None)]), Some(4));
    }

    #[test]
    fn redo_makes_again_what_was_undone_until_something_new_is_done() {
        let undone = [(1, None), (2, None), (3, None), (4, Some(3)), (5, Some(2))];
        assert_eq!(history(&undone).to_redo(), Some(5));
        let once = [&undone[..], &[(6, Some(5))]].concat();
        assert_eq!((history(&once).to_undo(), history(&once).to_redo()), (Some(2), Some(4)));
        let twice = [&once[..], &[(7, Some(4))]].concat();
        assert_eq!((history(&twice).to_undo(), history(&twice).to_redo()), (Some(3), None));
        assert_eq!(history(&twice).kind(7), Some(VersionKind::Redo));
        let again = [&twice[..], &[(8, Some(3))]].concat();
        assert_eq!((history(&again).to_undo(), history(&again).to_redo()), (Some(2), Some(8)));
        assert!(history(&again).is_undone(3) && !history(&again).is_undone(2));
        let changed = [&undone[..], &[(6, None)]].concat();
        assert_eq!((history(&changed).to_undo(), history(&changed).to_redo()), (Some(6), None));
    }

    #[test]
    fn a_version_says_what_it_did() {
        let state = |label, split, excluded| SampleState { label, split, excluded };
        let kind = |before, after, count| ChangeKind { before, after, count };
        let name = |label: i64| ["cat", "dog", "wolf"][usize::try_from(label).unwrap()].to_owned();
        let (cat, dog, wolf) =
            (state(0, Split::Train, false), state(1, Split::Train, false), state(2, Split::Train, false));
        assert_eq!(describe(&[kind(dog, cat, 3)], name), "3 images: dog → cat");
        // The same words from two splits are one thing.
        let val = |label| state(label, Split::Val, false);
        assert_eq!(describe(&[kind(dog, cat, 1), kind(val(1), val(0), 2)], name), "3 images: dog → cat");
        let mixed = [kind(wolf, cat, 2), kind(dog, cat, 3)];
        assert_eq!(describe(&mixed, name), "5 images: dog → cat (3), wolf → cat (2)");
        assert_eq!(describe(&[kind(cat, state(0, Split::Train, true), 1)], name), "1 image excluded");
        assert_eq!(describe(&[kind(val(0), cat, 4)], name), "4 images: validation → training");
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
