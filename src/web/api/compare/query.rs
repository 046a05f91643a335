//! The query of a comparison, on its pages and in JSON alike. It is the view: which runs, which two of them in detail, on which
//! split, which images.

use crate::domain::ids::{RunId, SampleId};
use crate::domain::paired::Churn;
use crate::store::compare::ChurnPlace;
use crate::web::{Error, Result};
use protocol::sample::Split;

/// Runs that are compared at most.
pub(crate) const MOST_RUNS: usize = 100;
/// Images of a gallery that an answer brings at most.
const MOST_IMAGES: i64 = 1000;

/// What is compared.
#[derive(Clone, Debug, Default)]
pub(crate) struct CompareQuery {
    /// Each once, in the order of the address.
    pub(crate) runs: Vec<RunId>,
    /// The pair that is compared in detail; the first two where it names none.
    pub(crate) first: Option<RunId>,
    pub(crate) second: Option<RunId>,
    pub(crate) split: Option<Split>,
    /// Whether settings that are the same everywhere are shown too.
    pub(crate) all_settings: bool,
    /// Which images on which the pair differs.
    pub(crate) churn: Option<Churn>,
    /// Of this class alone.
    pub(crate) class: String,
    pub(crate) cursor: Option<ChurnPlace>,
    pub(crate) limit: Option<i64>,
    /// The gallery reaches as far as this image.
    pub(crate) at: Option<SampleId>,
    /// Whether the address is in the form that others are made of.
    pub(crate) is_canonical: bool,
}

impl CompareQuery {
    /// Reads the query of a page, which may hold what its charts keep in the address too.
    pub(crate) fn read(text: &str) -> Result<CompareQuery> {
        Self::parse(text, |_| Ok(()))
    }

    /// Reads the query of a script, in which what is not known is a mistake.
    pub(crate) fn read_strictly(text: &str) -> Result<CompareQuery> {
        Self::parse(text, |key| {
            Err(Error::field("query", format!("“{key}” is not a parameter of this address")))
        })
    }

    fn parse(text: &str, unknown: impl Fn(&str) -> Result<()>) -> Result<CompareQuery> {
        let mut query = CompareQuery { is_canonical: true, ..CompareQuery::default() };
        let mut named = 0;
        for (key, value) in form_urlencoded::parse(text.as_bytes()) {
            let value = value.trim();
            match &*key {
                // The list of runs sends one `id` a run that is ticked.
                "runs" | "id" => {
                    named += 1;
                    query.is_canonical &= key == "runs" && named == 1;
                    query.add_runs(value)?;
                }
                _ if value.is_empty() => {}
                "first" => query.first = Some(read_run("first", value)?),
                "second" => query.second = Some(read_run("second", value)?),
                "split" => {
                    query.split = Some(value.parse().map_err(|why: String| Error::field("split", why))?);
                }
                "settings" if value == "all" => query.all_settings = true,
                "settings" => return Err(Error::field("settings", format!("“{value}” is not “all”"))),
                "churn" => query.churn = Some(read_churn(value)?),
                "class" => value.clone_into(&mut query.class),
                "cursor" => query.cursor = Some(read_cursor(value)?),
                "limit" => query.limit = Some(read_limit(value)?),
                "at" => query.at = value.parse().ok().map(SampleId),
                other => unknown(other)?,
            }
        }
        if query.runs.len() > MOST_RUNS {
            let why = format!("names {} runs; at most {MOST_RUNS} can be compared", query.runs.len());
            return Err(Error::field("runs", why));
        }
        Ok(query)
    }

    fn add_runs(&mut self, text: &str) -> Result<()> {
        for number in text.split(',').map(str::trim).filter(|number| !number.is_empty()) {
            let run = read_run("runs", number)?;
            if !self.runs.contains(&run) {
                self.runs.push(run);
            }
        }
        Ok(())
    }

    /// The two runs that are compared in detail, of those that are there.
    pub(crate) fn pair(&self, there: &[RunId]) -> Option<(RunId, RunId)> {
        let named = |run: Option<RunId>| run.filter(|run| there.contains(run));
        let first = match (named(self.first), named(self.second)) {
            (Some(first), _) => first,
            (None, second) => *there.iter().find(|run| Some(**run) != second)?,
        };
        let second = named(self.second).filter(|second| *second != first);
        let second = second.or_else(|| there.iter().copied().find(|run| *run != first))?;
        Some((first, second))
    }

    /// The same with another pair.
    pub(crate) fn with_pair(&self, first: RunId, second: RunId) -> CompareQuery {
        CompareQuery { first: Some(first), second: Some(second), ..self.clone() }
    }

    /// As the pairs of an address, in its usual order; no place in a gallery.
    pub(crate) fn pairs(&self) -> Vec<(&'static str, String)> {
        let numbers: Vec<String> = self.runs.iter().map(RunId::to_string).collect();
        let run = |run: Option<RunId>| run.map_or_else(String::new, |run| run.to_string());
        vec![
            ("runs", numbers.join(",")),
            ("first", run(self.first)),
            ("second", run(self.second)),
            ("split", self.split.map_or("", Split::as_str).to_owned()),
            ("settings", if self.all_settings { "all" } else { "" }.to_owned()),
            ("churn", self.churn.map_or("", Churn::as_str).to_owned()),
            ("class", self.class.clone()),
        ]
    }

    /// An address of the comparison; what is given stands in place of its own.
    pub(crate) fn address(&self, path: &str, changes: &[(&str, &str)]) -> String {
        let own = self.pairs();
        let mut text = form_urlencoded::Serializer::new(String::new());
        let kept = own.iter().filter(|(key, _)| !changes.iter().any(|(other, _)| other == key));
        let pairs = kept.map(|(key, value)| (*key, value.as_str())).chain(changes.iter().copied());
        for (key, value) in pairs.filter(|(_, value)| !value.is_empty()) {
            text.append_pair(key, value);
        }
        // A comma needs no escape, and `runs=3,7` is what a person would write.
        format!("{path}?{}", text.finish().replace("%2C", ","))
    }
}

/// Where a row of a gallery stands: the confidence that it is ordered by, to the bit, and the image.
pub(crate) fn cursor((confidence, sample): ChurnPlace) -> String {
    format!("{:016x}-{sample}", confidence.to_bits())
}

fn read_cursor(text: &str) -> Result<ChurnPlace> {
    let parts = text.split_once('-').and_then(|(bits, sample)| {
        Some((f64::from_bits(u64::from_str_radix(bits, 16).ok()?), SampleId(sample.parse().ok()?)))
    });
    parts
        .filter(|(confidence, _)| confidence.is_finite())
        .ok_or_else(|| Error::field("cursor", "is none that this list gave"))
}

fn read_run(field: &str, text: &str) -> Result<RunId> {
    text.parse().map(RunId).map_err(|_| Error::field(field, format!("“{text}” is not the number of a run")))
}

fn read_churn(text: &str) -> Result<Churn> {
    Churn::from_word(text).ok_or_else(|| {
        let words = Churn::ALL.map(Churn::as_str).join(", ");
        Error::field("churn", format!("“{text}” is none of {words}"))
    })
}

fn read_limit(text: &str) -> Result<i64> {
    let limit = text.parse().ok().filter(|limit| (1..=MOST_IMAGES).contains(limit));
    limit.ok_or_else(|| Error::field("limit", format!("is not a whole number from 1 to {MOST_IMAGES}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> CompareQuery {
        CompareQuery::read(text).unwrap()
    }

    #[test]
    fn runs_come_in_one_value_or_in_several_and_each_once() {
        let numbers = |text: &str| read(text).runs.iter().map(|run| run.0).collect::<Vec<_>>();
        assert_eq!(numbers("runs=3,7,3"), [3, 7]);
        assert_eq!(numbers("id=7&id=3&back=%2Fruns&tag="), [7, 3]);
        assert!(read("runs=3,7&axis=epoch&first=").is_canonical);
        assert!(!read("runs=3&runs=7").is_canonical && !read("id=3").is_canonical);
        assert!(read("").runs.is_empty());
        assert!(
            CompareQuery::read("runs=3,x").is_err()
                && CompareQuery::read_strictly("runs=3&axis=time").is_err()
        );
        let many: Vec<String> = (1..=101).map(|run| run.to_string()).collect();
        assert!(CompareQuery::read(&format!("runs={}", many.join(","))).is_err());
    }

    #[test]
    fn a_pair_is_the_one_that_is_named_or_the_first_two() {
        let there = [RunId(3), RunId(7), RunId(9)];
        let pair = |text: &str| read(text).pair(&there).map(|(first, second)| (first.0, second.0));
        assert_eq!(pair("runs=3,7,9"), Some((3, 7)));
        assert_eq!(pair("runs=3,7,9&first=9&second=3"), Some((9, 3)));
        assert_eq!(pair("runs=3,7,9&second=3"), Some((7, 3)));
        assert_eq!(pair("runs=3,7,9&first=7&second=7"), Some((7, 3)));
        assert_eq!(pair("runs=3,7,9&first=4"), Some((3, 7)), "a run that is not there");
        assert_eq!(read("runs=3").pair(&there[..1]), None);
    }

    #[test]
    fn an_address_keeps_what_is_not_changed() {
        let query = read("runs=3,7&split=test&class=R%26D&churn=only-first");
        let place = (0.75, SampleId(12));
        let next = query.address("/runs/compare/churn", &[("churn", ""), ("cursor", &cursor(place))]);
        assert_eq!(next, "/runs/compare/churn?runs=3,7&split=test&class=R%26D&cursor=3fe8000000000000-12");
        assert_eq!(read(next.split_once('?').unwrap().1).cursor, Some(place));
        for wrong in
            ["cursor=x", "cursor=7ff0000000000000-1", "churn=some", "split=dev", "limit=0", "settings=some"]
        {
            assert!(CompareQuery::read(wrong).is_err(), "{wrong}");
        }
    }
}
