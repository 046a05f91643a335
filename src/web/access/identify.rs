//! Finds out who asks, and turns a key in an address into a cookie.

use super::visitor::{Refusal, Visitor};
use super::{Guard, cookie};
use crate::domain::access::{KeyState, Role, hash_key, page_of_ours, without_key};
use crate::store::access_keys::AccessKey;
use crate::store::{Store, now_ms};
use crate::web::{AppState, Error, Result};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

/// A key's last use is noted at most so often.
const NOTED_EVERY_MS: i64 = 60_000;

/// Tells all that comes behind who asks. A link with a key answers with a cookie and the same address without the key.
pub async fn identify(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let Some(guard) = app.access.guard.clone() else {
        return answer(Visitor::Owner, request, next).await;
    };
    let (parts, body) = request.into_parts();
    let found = recognize(&app, &guard, &parts).await;
    let request = Request::from_parts(parts, body);
    match found {
        Ok(Found::Visitor(visitor)) => {
            let is_wrong = matches!(visitor, Visitor::Nobody(Refusal::Unknown));
            let mut response = answer(visitor, request, next).await;
            // A page that is still open would try a wrong cookie again and again.
            if is_wrong && let Some(cleared) = cookie::clear(app.access.port()) {
                response.headers_mut().append(header::SET_COOKIE, cleared);
            }
            response
        }
        Ok(Found::Redirect(response)) => response,
        Err(error) => error.into_response(),
    }
}

async fn answer(visitor: Visitor, mut request: Request, next: Next) -> Response {
    let visitor = Arc::new(visitor);
    request.extensions_mut().insert(visitor.clone());
    let view = request.uri().path_and_query().map_or("/", |view| view.as_str()).to_owned();
    visitor.scope(view, next.run(request)).await
}

enum Found {
    Visitor(Visitor),
    Redirect(Response),
}

async fn recognize(app: &AppState, guard: &Guard, request: &Parts) -> Result<Found> {
    let (headers, peer) = (&request.headers, peer(request));
    let cookie = match cookie::key_of(headers, app.access.port()) {
        Some(key) => Some(look_up(&app.store, guard, peer, &key).await?),
        None => None,
    };
    let role = cookie.as_ref().and_then(Visitor::role);
    let link = key_in_address(request);
    if link.is_some() && role == Some(Role::Full) {
        // Opening a link takes nothing from somebody who may do everything already.
        return Ok(Found::Redirect(redirect(request, None)));
    }
    let Some(key) = link.clone().or_else(|| bearer(headers)) else {
        return Ok(Found::Visitor(cookie.unwrap_or(Visitor::Nobody(Refusal::Missing))));
    };
    let visitor = look_up(&app.store, guard, peer, &key).await?;
    Ok(match visitor {
        Visitor::Nobody(_) if link.is_some() && role.is_some() => Found::Redirect(redirect(request, None)),
        Visitor::Nobody(refusal) => Found::Visitor(Visitor::Nobody(refusal)),
        _ if link.is_some() => Found::Redirect(redirect(request, cookie::set(app.access.port(), &key))),
        visitor => Found::Visitor(visitor),
    })
}

/// Who shows this key. Keys are compared by their hashes. Whoever shows one that was good from their address before is never slowed
/// down; any other key, wherever it stands in a request, may be tried only so often.
async fn look_up(store: &Store, guard: &Guard, peer: IpAddr, key: &str) -> Result<Visitor> {
    let hash = hash_key(key);
    if hash == guard.own_hash {
        return Ok(Visitor::Owner);
    }
    if guard.known.contains(peer, &hash)
        && let Some(found) = store.find_access_key(&hash).await?
    {
        return Ok(visitor_with(store, guard, found));
    }
    if let Some(seconds) = guard.slow_down.seconds_to_wait(peer, Instant::now()) {
        return Ok(Visitor::Nobody(Refusal::TooMany(seconds)));
    }
    let wait = {
        let _one_at_a_time = guard.new_key.lock().await;
        if let Some(seconds) = guard.slow_down.seconds_to_wait(peer, Instant::now()) {
            return Ok(Visitor::Nobody(Refusal::TooMany(seconds)));
        }
        if let Some(found) = store.find_access_key(&hash).await? {
            if found.is_valid() {
                guard.known.remember(peer, &hash);
            }
            return Ok(visitor_with(store, guard, found));
        }
        guard.slow_down.count_wrong(peer, Instant::now())
    };
    tracing::warn!(%peer, "a wrong access key was shown");
    tokio::time::sleep(wait).await;
    Ok(Visitor::Nobody(Refusal::Unknown))
}

fn visitor_with(store: &Store, guard: &Guard, key: AccessKey) -> Visitor {
    match key.state() {
        KeyState::Valid => {
            note_use(store, guard, &key);
            Visitor::Key(key)
        }
        KeyState::Revoked(at_ms) => Visitor::Nobody(Refusal::Revoked(key.name, at_ms)),
        KeyState::Expired(at_ms) => Visitor::Nobody(Refusal::Expired(key.name, at_ms)),
    }
}

/// Notes the use beside the answer: a database that can't be written now still shows its pages.
fn note_use(store: &Store, guard: &Guard, key: &AccessKey) {
    let now = now_ms();
    let is_due = key.last_used_at_ms.is_none_or(|last| last + NOTED_EVERY_MS <= now);
    if !is_due || !guard.known.is_note_due(key.id, now, NOTED_EVERY_MS) {
        return;
    }
    let (store, id) = (store.clone(), key.id);
    let expires_at_ms = key.origin.renewed_until(now).or(key.expires_at_ms);
    tokio::spawn(async move {
        if let Err(error) = store.touch_access_key(id, expires_at_ms).await {
            tracing::warn!(%error, key = id, "the use of an access key could not be noted");
        }
    });
}

fn peer(request: &Parts) -> IpAddr {
    let connection = request.extensions.get::<ConnectInfo<SocketAddr>>();
    connection.map_or(Ipv4Addr::UNSPECIFIED.into(), |ConnectInfo(address)| address.ip())
}

fn key_in_address(request: &Parts) -> Option<String> {
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return None;
    }
    let query = request.uri.query()?;
    form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "key").map(|(_, key)| key.into_owned())
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim().to_owned())
}

/// To the same address without the key, which must stay neither in the bar, nor in the history, nor in what the next page is told.
fn redirect(request: &Parts, cookie: Option<HeaderValue>) -> Response {
    let whole = request.uri.path_and_query().map_or("/", |whole| whole.as_str());
    // Two slashes at the beginning would lead to another server.
    let place = without_key(&format!("/{}", whole.trim_start_matches('/')));
    let place = page_of_ours(&place).unwrap_or("/");
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    match HeaderValue::try_from(place) {
        Ok(place) => headers.insert(header::LOCATION, place),
        Err(_) => return Error::NotFound("page").into_response(),
    };
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    cookie.map(|cookie| headers.append(header::SET_COOKIE, cookie));
    response
}
