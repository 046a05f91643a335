//! `/api/v1/access-keys`: links and other keys, by which others reach the server.

use crate::actions::access::{self as actions, NewLink};
use crate::domain::access::{KeyState, Role};
use crate::store::access_keys::AccessKey;
use crate::web::access::links;
use crate::web::extract::{Json, Path};
use crate::web::{AppState, Error, Result};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

/// A link is good for so many days unless something else is asked for.
pub(crate) const DEFAULT_DAYS: i64 = 7;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKey {
    name: String,
    #[serde(default = "home")]
    view: String,
    #[serde(default = "read_only")]
    role: String,
    /// Null: for ever.
    #[serde(default = "default_days")]
    days: Option<i64>,
}

fn home() -> String {
    "/".to_owned()
}

fn read_only() -> String {
    Role::ReadOnly.as_str().to_owned()
}

fn default_days() -> Option<i64> {
    Some(DEFAULT_DAYS)
}

/// All of them, the newest first; of none the key itself, which is not kept.
pub(crate) async fn list(State(app): State<AppState>) -> Result<Json<Value>> {
    let items: Vec<Value> = app.store.list_access_keys().await?.iter().map(key_json).collect();
    Ok(Json(json!({"items": items})))
}

/// Makes a link. The answer is the only one that holds its key.
pub(crate) async fn create(
    State(app): State<AppState>,
    headers: HeaderMap,
    Json(new): Json<NewKey>,
) -> Result<(StatusCode, [(HeaderName, HeaderValue); 1], Json<Value>)> {
    let role = Role::from_word(&new.role).ok_or_else(|| Error::field("role", "give read-only or full"))?;
    app.access.check_reachable()?;
    let link = NewLink { name: new.name, view: new.view, role, days: new.days };
    let (kept, key) = actions::create_link(&app.store, &link).await?;
    let addresses = app.access.addresses_for(came_by(&headers)).await;
    let mut answer = key_json(&kept);
    answer["key"] = json!(key);
    answer["urls"] = json!(links(&addresses, &kept.view, &key));
    let unstored = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::CREATED, unstored, Json(answer)))
}

/// Revokes one; it stays in the list.
pub(crate) async fn revoke(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Json<Value>> {
    Ok(Json(key_json(&actions::revoke(&app.store, id).await?)))
}

/// By which address whoever asks came, such as `https://photos.example`. That a proxy speaks TLS, a browser's `Origin` alone tells;
/// that it is of this very host was checked before (`edge/guard.rs`).
pub(crate) fn came_by(headers: &HeaderMap) -> Option<String> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let is_tls = headers.get(header::ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https://"));
    Some(format!("{}://{host}", if is_tls { "https" } else { "http" }))
}

fn key_json(key: &AccessKey) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "role": key.role.as_str(),
        "origin": key.origin.as_str(),
        "view": key.view,
        "state": match key.state() {
            KeyState::Valid => "valid",
            KeyState::Revoked(_) => "revoked",
            KeyState::Expired(_) => "expired",
        },
        "created_at_ms": key.created_at_ms,
        "expires_at_ms": key.expires_at_ms,
        "last_used_at_ms": key.last_used_at_ms,
        "revoked_at_ms": key.revoked_at_ms,
    })
}
