//! Findings that a person has decided to live with. Each has a word by which it is remembered: that of its check, such as `dark`,
//! `shortcut:colour` of a cue, or, of one set of copies, `set:` with its kind and a hash of its members.

use super::{Group, IssueKind, Report, Shortcut};
use std::collections::{BTreeSet, HashSet};

impl Group {
    /// The word that this set is remembered by: as long as its members are the same.
    pub fn finding(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for id in &self.ids {
            hasher.update(&id.to_le_bytes());
        }
        format!("set:{}:{}", self.kind.as_str(), &hasher.finalize().to_hex()[..16])
    }
}

impl Shortcut {
    /// The word that this cue is remembered by.
    pub fn finding(&self) -> String {
        format!("shortcut:{}", self.feature.as_str())
    }
}

impl Report {
    /// Takes the ignored sets of copies out of the report, so that nobody counts them, moves them or drops them; gives those.
    pub fn set_aside(&mut self, ignored: &BTreeSet<String>) -> Vec<Group> {
        if !ignored.iter().any(|finding| finding.starts_with("set:")) {
            return Vec::new();
        }
        let (aside, kept) = std::mem::take(&mut self.groups)
            .into_iter()
            .partition::<Vec<Group>, _>(|group| ignored.contains(&group.finding()));
        self.groups = kept;
        for kind in [IssueKind::ExactDuplicate, IssueKind::NearDuplicate] {
            let groups = self.groups.iter().filter(|group| group.kind == kind);
            let members: HashSet<i64> = groups.flat_map(|group| group.ids.iter().copied()).collect();
            for issue in self.issues.iter_mut().filter(|issue| issue.kind == kind) {
                issue.samples.retain(|sample| members.contains(&sample.id));
            }
        }
        aside
    }
}
