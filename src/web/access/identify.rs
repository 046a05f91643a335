//! Finds out who asks, and turns a key in an address into a cookie.

use super::visitor::{Refusal, Visitor};
use super::{Guard, cookie};
use crate::domain::access::{KeyState, Role, hash_key, without_key};
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
    let (store, headers) = (&app.store, &request.headers);
    let cookie = match cookie::key_of(headers, app.access.port()) {
        Some(key) => Some(look_up(store, guard, &key).await?),
        None => None,
    };
    let has_cookie = matches!(cookie, Some(Visitor::Key(_) | Visitor::Owner));
    let link = key_in_address(request);
    // Whoever is let in by a cookie is never slowed down; anybody else may only try so often.
    let shown = match (&link, bearer(headers)) {
        (Some(_), _) if cookie.as_ref().and_then(Visitor::role) == Some(Role::Full) => None,
        (Some(key), _) => Some(key.clone()),
        (None, Some(key)) => Some(key),
        (None, None) => None,
    };
    let Some(key) = shown else {
        return match (link, cookie) {
            // Opening a link takes nothing from somebody who may do everything already.
            (Some(_), Some(_)) => Ok(Found::Redirect(redirect(request, None))),
            (_, Some(Visitor::Nobody(Refusal::Unknown))) => {
                Ok(Found::Visitor(Visitor::Nobody(slow(guard, request).await)))
            }
            (_, Some(visitor)) => Ok(Found::Visitor(visitor)),
            (_, None) => Ok(Found::Visitor(Visitor::Nobody(Refusal::Missing))),
        };
    };
    let peer = peer(request);
    let visitor = match guard.slow_down.seconds_to_wait(peer, Instant::now()) {
        Some(seconds) => Visitor::Nobody(Refusal::TooMany(seconds)),
        None => look_up(store, guard, &key).await?,
    };
    Ok(match visitor {
        Visitor::Nobody(_) if link.is_some() && has_cookie => Found::Redirect(redirect(request, None)),
        Visitor::Nobody(Refusal::Unknown) => Found::Visitor(Visitor::Nobody(slow(guard, request).await)),
        Visitor::Nobody(refusal) => Found::Visitor(Visitor::Nobody(refusal)),
        _ if link.is_some() => Found::Redirect(redirect(request, cookie::set(app.access.port(), &key))),
        visitor => Found::Visitor(visitor),
    })
}

/// Who shows this key. Keys are compared by their hashes.
async fn look_up(store: &Store, guard: &Guard, key: &str) -> Result<Visitor> {
    let hash = hash_key(key);
    if hash == guard.own_hash {
        return Ok(Visitor::Owner);
    }
    let Some(found) = store.find_access_key(&hash).await? else {
        return Ok(Visitor::Nobody(Refusal::Unknown));
    };
    match found.state() {
        KeyState::Valid => {
            note_use(store, &found).await?;
            Ok(Visitor::Key(found))
        }
        KeyState::Revoked(at_ms) => Ok(Visitor::Nobody(Refusal::Revoked(found.name, at_ms))),
        KeyState::Expired(at_ms) => Ok(Visitor::Nobody(Refusal::Expired(found.name, at_ms))),
    }
}

async fn note_use(store: &Store, key: &AccessKey) -> Result<()> {
    let now = now_ms();
    if key.last_used_at_ms.is_none_or(|last| last + NOTED_EVERY_MS <= now) {
        store.touch_access_key(key.id, key.origin.renewed_until(now).or(key.expires_at_ms)).await?;
    }
    Ok(())
}

/// Keeps the answer to a wrong key back for a while.
async fn slow(guard: &Guard, request: &Parts) -> Refusal {
    let (peer, now) = (peer(request), Instant::now());
    if let Some(seconds) = guard.slow_down.seconds_to_wait(peer, now) {
        return Refusal::TooMany(seconds);
    }
    let wait = guard.slow_down.count_wrong(peer, now);
    tracing::warn!(%peer, "a wrong access key was shown");
    tokio::time::sleep(wait).await;
    Refusal::Unknown
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
