//! axum's extractors with our errors: what can't be read is a refusal in words, not axum's own line of text.

use super::Error;
use axum::extract::{FromRequestParts, Path as AxumPath, Query as AxumQuery};
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

/// A query string's parameters.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let AxumQuery(value) = AxumQuery::from_request_parts(parts, state)
            .await
            .map_err(|why| Error::field("query", why.body_text()))?;
        Ok(Query(value))
    }
}
