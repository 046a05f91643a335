//! axum's extractors with our errors: what can't be read is a refusal in words, not axum's own line of text.

use super::Error;
use axum::extract::{FromRequestParts, Path as AxumPath, Query as AxumQuery};
use axum::http::Uri;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

/// A path's parameters; one that can't be read names nothing that is there.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let AxumPath(value) =
            AxumPath::from_request_parts(parts, state).await.map_err(|_| Error::NotFound("page"))?;
        Ok(Path(value))
    }
}

/// What an edit leaves in the address that it comes back to; no page's own query knows it.
const OF_AN_EDIT: [&str; 2] = ["done", "unchanged"];

/// A query string's parameters.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let pairs = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let mut query = form_urlencoded::Serializer::for_suffix("/?".to_owned(), 2);
        for (key, value) in pairs.filter(|(key, _)| !OF_AN_EDIT.contains(&&**key)) {
            query.append_pair(&key, &value);
        }
        let address: Uri = query.finish().parse().map_err(|_| Error::field("query", "is too long"))?;
        let AxumQuery(value) =
            AxumQuery::try_from_uri(&address).map_err(|why| Error::field("query", why.body_text()))?;
        Ok(Query(value))
    }
}
