//! Two runs on the images that both evaluated.

use super::found::ComparedRuns;
use super::query::CompareQuery;
use crate::domain::edits::split_title;
use crate::domain::ids::RunId;
use crate::domain::paired::{Churn, ClassMap, Paired};
use crate::domain::run::LEADING_ORDER;
use crate::store::compare::{LeftOut, PairOfRuns, PairedClass};
use crate::store::run_list::ListedRun;
use crate::web::{AppState, Error, Result};
use protocol::sample::Split;

/// Two runs, and what is compared of them.
pub(crate) struct ComparedPair {
    pub(crate) of: PairOfRuns,
    /// The classes of each, by its own numbers.
    pub(crate) first_classes: Vec<String>,
    pub(crate) second_classes: Vec<String>,
    /// The splits that both evaluated, the one that leads first.
    pub(crate) splits: Vec<Split>,
    pub(crate) classes: Vec<PairedClass>,
    pub(crate) left_out: LeftOut,
}

/// The pair of a query: compared, or why it can't be; `None` where there are no two runs.
pub(crate) type FoundPair = Option<((RunId, RunId), Result<ComparedPair, String>)>;

impl ComparedPair {
    /// The pair that an address asks for.
    pub(crate) async fn load(
        app: &AppState,
        query: &CompareQuery,
        found: &ComparedRuns,
    ) -> Result<FoundPair> {
        let Some((first, second)) = query.pair(&found.ids()) else { return Ok(None) };
        let (Some(a), Some(b)) = (found.find(first), found.find(second)) else { return Ok(None) };
        let pair = match choose_split(a, b, query.split) {
            Err(why) => Err(why),
            Ok((split, splits)) => {
                let pair = compare(app, a, b, split, splits).await?;
                let shares = pair.classes.iter().any(|class| class.total() > 0);
                if shares { Ok(pair) } else { Err(no_image(&pair)) }
            }
        };
        Ok(Some(((first, second), pair)))
    }

    /// The same, where it has to be there.
    pub(crate) async fn need(app: &AppState, query: &CompareQuery) -> Result<(ComparedRuns, ComparedPair)> {
        let found = ComparedRuns::load(app, query).await?;
        match Self::load(app, query, &found).await? {
            Some((_, Ok(pair))) => Ok((found, pair)),
            Some((_, Err(why))) => Err(Error::Conflict(why)),
            None => {
                let why: Vec<String> = found.missing.into_iter().map(|(_, why)| why).collect();
                Err(Error::field(
                    "runs",
                    format!("Name two runs that are there, such as runs=3,7. {}", why.join(" ")),
                ))
            }
        }
    }

    /// All classes together.
    pub(crate) fn paired(&self) -> Paired {
        self.classes.iter().map(paired).fold(Paired::default(), |all, class| Paired {
            total: all.total + class.total,
            only_first: all.only_first + class.only_first,
            only_second: all.only_second + class.only_second,
        })
    }

    /// Images whose label differed between the two.
    pub(crate) fn relabelled(&self) -> i64 {
        self.classes.iter().map(|class| class.relabelled).sum()
    }

    /// How many images the pair differs on in one way, of one class or of all.
    pub(crate) fn count(&self, churn: Churn, class: Option<i64>) -> i64 {
        let fits = |row: &&PairedClass| class.is_none_or(|class| row.class == class);
        self.classes.iter().filter(fits).map(|row| count(row, churn)).sum()
    }

    /// The number of a class in the first run, which may be named in an address.
    pub(crate) fn class_number(&self, name: &str) -> Result<Option<i64>> {
        if name.is_empty() {
            return Ok(None);
        }
        let number = self.first_classes.iter().position(|class| class == name);
        let number = number.and_then(|number| i64::try_from(number).ok());
        let why = || Error::field("class", format!("“{name}” is not a class of run {}", self.of.first));
        number.map(Some).ok_or_else(why)
    }
}

/// How a class's images are split between the two.
pub(crate) fn paired(class: &PairedClass) -> Paired {
    Paired {
        total: class.total().unsigned_abs(),
        only_first: class.only_first.unsigned_abs(),
        only_second: class.only_second.unsigned_abs(),
    }
}

/// Images of a class on which the two differ in one way.
pub(crate) fn count(class: &PairedClass, churn: Churn) -> i64 {
    match churn {
        Churn::OnlyFirst => class.only_first,
        Churn::OnlySecond => class.only_second,
        Churn::BothWrong => class.other_mistake,
    }
}

/// Compares two runs on a split that both evaluated.
pub(crate) async fn compare(
    app: &AppState,
    first: &ListedRun,
    second: &ListedRun,
    split: Split,
    splits: Vec<Split>,
) -> Result<ComparedPair> {
    let (first_classes, second_classes) = (first.run.spec.classes.clone(), second.run.spec.classes.clone());
    let of = PairOfRuns {
        first: first.run.id,
        second: second.run.id,
        split,
        classes: ClassMap::new(&first_classes, &second_classes),
    };
    Ok(ComparedPair {
        classes: app.store.list_paired_classes(&of).await?,
        left_out: app.store.count_left_out(&of).await?,
        of,
        first_classes,
        second_classes,
        splits,
    })
}

/// The split that is asked for, else the one that leads, with all that both evaluated; or why there is none.
pub(crate) fn choose_split(
    first: &ListedRun,
    second: &ListedRun,
    wanted: Option<Split>,
) -> Result<(Split, Vec<Split>), String> {
    let (a, b) = (first.run.id, second.run.id);
    if first.run.dataset_id != second.run.dataset_id {
        return Err(format!(
            "Run {a} learned from data set “{}”, run {b} from “{}”: they share no images, so neither predictions nor classes can be \
             compared. Settings and curves are.",
            first.dataset, second.dataset
        ));
    }
    if let Some(run) = [first, second].into_iter().find(|listed| listed.evaluated.is_empty()) {
        return Err(format!(
            "Run {} has no predictions yet ({}). Settings and curves can be compared already.",
            run.run.id,
            run.run.state.as_str()
        ));
    }
    let has = |listed: &ListedRun, split: Split| listed.evaluated.iter().any(|it| it.split == split);
    let common: Vec<Split> =
        LEADING_ORDER.into_iter().filter(|split| has(first, *split) && has(second, *split)).collect();
    let evaluated = |listed: &ListedRun| {
        let titles: Vec<&str> = listed.evaluated.iter().map(|it| split_title(it.split)).collect();
        format!("run {} evaluated {}", listed.run.id, titles.join(" and "))
    };
    match wanted {
        Some(split) if common.contains(&split) => Ok((split, common)),
        Some(split) => Err(format!(
            "Not both evaluated {}: {}, {}.",
            split_title(split),
            evaluated(first),
            evaluated(second)
        )),
        None => common.first().map(|split| (*split, common.clone())).ok_or_else(|| {
            format!("They evaluated different splits: {}, {}.", evaluated(first), evaluated(second))
        }),
    }
}

fn no_image(pair: &ComparedPair) -> String {
    let (first, second, split) = (pair.of.first, pair.of.second, split_title(pair.of.split));
    match pair.relabelled() {
        0 => format!("Runs {first} and {second} evaluated no common image on {split}."),
        _ => format!(
            "Of the images that runs {first} and {second} both evaluated on {split}, none has the same label or class name in both."
        ),
    }
}
