//! Whether published weights are on this machine, as the form of a new run shows it beside each, live; and the buttons there.

use super::format::{bytes, duration, link, round_estimate};
use super::frame::page;
use crate::actions::weights as actions;
use crate::web::extract::{Form, Path};
use crate::web::{AppState, Result};
use crate::weights::Fetching;
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use protocol::weights::WeightsEntry;
use std::collections::BTreeMap;

/// Whether weights are here, on their way, or can be fetched.
#[derive(Template)]
#[template(path = "runs/weights_state.html")]
pub(crate) struct WeightsState {
    pub(crate) entry: &'static WeightsEntry,
    pub(crate) is_present: bool,
    pub(crate) fetching: Option<Fetching>,
    /// Why they did not come.
    pub(crate) failure: Option<String>,
}

impl WeightsState {
    pub(crate) fn new(app: &AppState, entry: &'static WeightsEntry, present: &[&str]) -> WeightsState {
        let is_present = present.contains(&entry.name);
        WeightsState {
            entry,
            is_present,
            fetching: app.weights.fetching(entry.name),
            failure: app.weights.failure(entry.name).filter(|_| !is_present),
        }
    }

    /// Of what has to come, such as `17.4 MB`.
    pub(crate) fn download(&self) -> String {
        bytes(i64::try_from(self.entry.source.bytes).unwrap_or(i64::MAX))
    }
}

/// `5.1 MB of 17.4 MB, about 3 s left`.
pub(crate) fn fetching_words(fetching: &Fetching) -> String {
    let size = |count: u64| bytes(i64::try_from(count).unwrap_or(i64::MAX));
    let left = fetching.seconds_left.map(|left| format!(", about {} left", duration(round_estimate(left))));
    format!("{} of {}{}", size(fetching.done), size(fetching.total), left.unwrap_or_default())
}

/// `/live/weights/{name}`
pub(crate) async fn state(State(app): State<AppState>, Path(name): Path<String>) -> Result<Response> {
    let present = app.weights.list_present().await;
    page(&WeightsState::new(&app, actions::find(&name)?, &present))
}

/// Fields of the form that the button stands in.
type Typed = BTreeMap<String, String>;

/// `POST /weights/{name}/fetch`: the button without a script. The form comes back with what was typed.
pub(crate) async fn fetch(
    State(app): State<AppState>,
    Path(name): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    actions::begin_fetch(&app.weights, &name).await?;
    Ok(back(&typed))
}

/// `POST /weights/{name}/cancel`
pub(crate) async fn cancel(
    State(app): State<AppState>,
    Path(name): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    actions::cancel_fetch(&app.weights, &name)?;
    Ok(back(&typed))
}

fn back(typed: &Typed) -> Response {
    let pairs: Vec<(&str, &str)> = typed.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Redirect::to(&link("/runs/new", &pairs)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fetch_is_worded_in_megabytes_and_time() {
        let words =
            |seconds_left| fetching_words(&Fetching { done: 5_100_000, total: 17_364_911, seconds_left });
        assert_eq!(words(None), "5.1\u{a0}MB of 17.4\u{a0}MB");
        assert_eq!(words(Some(3.2)), "5.1\u{a0}MB of 17.4\u{a0}MB, about 3\u{a0}s left");
    }
}
