//! The page that asks for a key, and what is done with one that was pasted.

use super::frame::page_with;
use crate::domain::access::{key_from_text, page_of_ours, with_key, without_key};
use crate::web::access::Refusal;
use crate::web::extract::Fields;
use crate::web::{AppState, Error, Result};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Redirect, Response};

#[derive(Template)]
#[template(path = "key.html")]
struct KeyPage<'a> {
    title: &'a str,
    message: &'a str,
    /// Where to go on.
    view: String,
    request_id: &'a str,
}

/// Says why somebody is not let in, and asks for a key. It names nothing of what is on the server.
pub(super) fn key_page(
    status: StatusCode,
    refusal: &Refusal,
    message: &str,
    view: Option<String>,
    request_id: &str,
) -> Result<Response> {
    let view = view.map_or_else(|| "/".to_owned(), |view| without_key(&view));
    page_with(status, &KeyPage { title: refusal.title(), message, view, request_id })
}

/// `POST /key`: a link or a key that somebody pasted. What it opens is the link's page, or the one that asked for it.
pub(crate) async fn enter(State(app): State<AppState>, typed: Fields) -> Result<Redirect> {
    let text = |name: &str| typed.get(name);
    let (key, view) = key_from_text(text("key"))
        .ok_or_else(|| Error::field("key", "paste the whole link that you were sent, or the key alone"))?;
    let view = view.unwrap_or_else(|| text("view").to_owned());
    let view = page_of_ours(&view).unwrap_or("/");
    if app.is_local {
        return Ok(Redirect::to(view));
    }
    // From there it goes on as with any link.
    Ok(Redirect::to(&with_key(view, &key)))
}
