//! `/share`: makes a link to a view, and lists and revokes those that there are.

use super::format::{ago, link, until};
use super::frame::{Frame, page, page_with};
use super::view_words::ViewWords;
use crate::actions::Error as ActionError;
use crate::actions::access::{self as actions, NewLink};
use crate::domain::access::{KeyOrigin, KeyState, Role, page_of_ours, without_key};
use crate::domain::recipe::FieldErrors;
use crate::store::access_keys::AccessKey;
use crate::web::access::{Address, Visitor, current, links, qr_code};
use crate::web::api::access_keys::{DEFAULT_DAYS, came_by};
use crate::web::extract::{Fields, Path, Query};
use crate::web::{AppState, Result};
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

/// For how long a link may be good: the form's value, and what it is called.
const TERMS: [(&str, &str); 4] = [("1", "1 day"), ("7", "7 days"), ("30", "30 days"), ("", "no end")];

/// Letters of a name at most.
const MAX_NAME: usize = 100;

#[derive(Template)]
#[template(path = "share/show.html")]
struct Share {
    frame: Frame,
    /// What a link would open, and the same in words.
    view: String,
    view_words: String,
    is_local: bool,
    /// The command by which others reach the server.
    command: String,
    addresses: Vec<Address>,
    typed: Typed,
    errors: FieldErrors,
    made: Option<Made>,
    /// Those that let somebody in, and those that no longer do.
    valid: Vec<KeyRow>,
    ended: Vec<KeyRow>,
}

/// The form as it was sent.
#[derive(Clone, Debug)]
struct Typed {
    name: String,
    role: String,
    days: String,
}

/// A link that was just made: the one time that it is shown.
struct Made {
    name: String,
    role: Role,
    until: String,
    /// One for each address.
    links: Vec<String>,
    qr_code: Option<String>,
}

/// A key in a list.
struct KeyRow {
    key: AccessKey,
    /// What it opens, in words.
    opens: String,
    /// Whether whoever looks at the page came by it.
    is_own: bool,
}

impl KeyRow {
    fn role(&self) -> &'static str {
        self.key.role.as_str()
    }

    fn is_link(&self) -> bool {
        self.key.origin == KeyOrigin::Link
    }

    fn created(&self) -> String {
        ago(self.key.created_at_ms)
    }

    fn last_used(&self) -> String {
        self.key.last_used_at_ms.map_or_else(|| "not yet".to_owned(), ago)
    }

    fn expires(&self) -> String {
        self.key.expires_at_ms.map_or_else(|| "never".to_owned(), until)
    }

    /// Why it is no longer good.
    fn end(&self) -> String {
        match self.key.state() {
            KeyState::Valid => String::new(),
            KeyState::Revoked(at_ms) => format!("revoked {}", ago(at_ms)),
            KeyState::Expired(at_ms) => format!("expired {}", ago(at_ms)),
        }
    }

    fn question(&self) -> String {
        match self.is_own {
            true => "Revoke the key that you use yourself? This browser gets no further page.".to_owned(),
            false => format!(
                "Revoke “{}”? Whoever came by it gets no further page; one that is open may show changes for 10 more seconds.",
                self.key.name
            ),
        }
    }
}

impl Share {
    async fn load(app: &AppState, headers: &HeaderMap, view: &str) -> Result<Share> {
        let view = view_to_share(view);
        let own = match current().as_deref() {
            Some(Visitor::Key(key)) => Some(key.id),
            _ => None,
        };
        let rows = app.store.list_access_keys().await?.into_iter();
        let names = app.store.list_names().await?;
        let rows = rows.map(|key| KeyRow {
            opens: ViewWords::new(&key.view, &names).line(),
            is_own: own == Some(key.id),
            key,
        });
        let (valid, ended) = rows.partition(|row| row.key.is_valid());
        let words = ViewWords::new(&view, &names);
        let typed = Typed {
            name: words.line_up_to(MAX_NAME),
            role: Role::ReadOnly.as_str().to_owned(),
            days: DEFAULT_DAYS.to_string(),
        };
        Ok(Share {
            frame: Frame::load(app, "Share", &[]).await?,
            is_local: app.is_local,
            command: app.access.command_to_share(Some(&app.data.display().to_string())),
            addresses: app.access.addresses_for(came_by(headers)).await,
            typed,
            errors: FieldErrors::new(),
            made: None,
            valid,
            ended,
            view_words: words.line(),
            view,
        })
    }

    fn terms(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> + '_ {
        TERMS.into_iter().map(|(value, label)| (value, label, value == self.typed.days))
    }

    fn is_full(&self) -> bool {
        self.typed.role == Role::Full.as_str()
    }

    fn revoke_href(&self, row: &KeyRow) -> String {
        link(&format!("/share/{}/revoke", row.key.id), &[("view", &self.view)])
    }

    fn error(&self, field: &str) -> Option<&String> {
        self.errors.get(field)
    }
}

#[derive(Deserialize)]
pub(crate) struct ShareQuery {
    #[serde(default)]
    view: String,
}

pub(crate) async fn show(
    State(app): State<AppState>,
    headers: HeaderMap,
    Query(query): Query<ShareQuery>,
) -> Result<Response> {
    page(&Share::load(&app, &headers, &query.view).await?)
}

/// `POST /share`: the link is in the answer, and never again.
pub(crate) async fn create(
    State(app): State<AppState>,
    headers: HeaderMap,
    sent: Fields,
) -> Result<Response> {
    app.access.check_reachable()?;
    let text = |name: &str| sent.get(name).to_owned();
    let typed = Typed { name: text("name"), role: text("role"), days: text("days") };
    let view = view_to_share(&text("view"));
    let mut errors = FieldErrors::new();
    let role = Role::from_word(&typed.role);
    if role.is_none() {
        errors.insert("role".to_owned(), "choose what the link lets its reader do".to_owned());
    }
    let days = match typed.days.as_str() {
        "" => None,
        number => Some(number.parse().unwrap_or(0)),
    };
    let mut made = None;
    if let Some(role) = role {
        let link = NewLink { name: typed.name.clone(), view: view.clone(), role, days };
        match actions::create_link(&app.store, &link).await {
            Ok(kept_and_key) => made = Some(kept_and_key),
            Err(ActionError::Invalid(fields)) => errors.extend(fields),
            Err(other) => return Err(other.into()),
        }
    }
    let mut share = Share::load(&app, &headers, &view).await?;
    share.typed = typed;
    share.errors = errors;
    let Some((kept, key)) = made else {
        return page_with(StatusCode::UNPROCESSABLE_ENTITY, &share);
    };
    let links = links(&share.addresses, &kept.view, &key);
    share.made = Some(Made {
        qr_code: links.first().and_then(|link| qr_code(link)),
        until: kept
            .expires_at_ms
            .map_or_else(|| "until it is revoked".to_owned(), |at| format!("expires {}", until(at))),
        name: kept.name,
        role: kept.role,
        links,
    });
    let mut response = page(&share)?;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// `POST /share/{id}/revoke`: back to the list.
pub(crate) async fn revoke(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<ShareQuery>,
) -> Result<Response> {
    actions::revoke(&app.store, id).await?;
    let back = link("/share", &[("view", &view_to_share(&query.view))]);
    Ok(Redirect::to(&format!("{back}&said=revoke#links")).into_response())
}

/// The page that is shared; the one that shares is none.
fn view_to_share(view: &str) -> String {
    let view = without_key(view);
    let is_page = page_of_ours(&view).is_some_and(|view| !view.starts_with("/share"));
    if is_page { view } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_of_ours_is_shared_and_not_the_one_that_shares() {
        assert_eq!(view_to_share("/runs/3?split=val&key=abc"), "/runs/3?split=val");
        for view in ["", "//evil.example", "/share?view=/runs"] {
            assert_eq!(view_to_share(view), "/", "{view}");
        }
    }
}
