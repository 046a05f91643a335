//! Addresses of a gallery of predictions, made of the query that a page was asked with.

use super::format::link;
use crate::web::api::predictions::PredictionsQuery;

/// The same gallery with other values of some keys.
pub(super) fn with(here: &str, query: &PredictionsQuery, changes: &[(&str, &str)]) -> String {
    let own = query.pairs();
    let changed = |key: &str| changes.iter().any(|(other, _)| *other == key);
    let mut pairs: Vec<(&str, &str)> =
        own.iter().filter(|(key, _)| !changed(key)).map(|(key, value)| (*key, value.as_str())).collect();
    pairs.extend_from_slice(changes);
    link(here, &pairs)
}
