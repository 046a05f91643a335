//! Whether who asks may have what they ask for.

use super::visitor::{Refusal, Visitor};
use crate::domain::access::Needed;
use crate::web::{Error, Result};
use axum::extract::{Request, State};
use axum::http::Extensions;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::sync::Arc;

/// Refuses what the visitor may not do. Stands right before a handler, so that a refusal is worded as any other error.
pub async fn permit(State(needed): State<Needed>, request: Request, next: Next) -> Response {
    match check(needed, request.extensions()) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// Whether whoever made a request may have what needs this.
pub fn check(needed: Needed, request: &Extensions) -> Result<()> {
    let visitor = request.get::<Arc<Visitor>>();
    if needed.is_met_by(visitor.and_then(|visitor| visitor.role())) {
        return Ok(());
    }
    Err(match visitor.map(Arc::as_ref) {
        Some(Visitor::Nobody(refusal)) => Error::NoKey(refusal.clone()),
        Some(_) => Error::ReadOnly,
        None => Error::NoKey(Refusal::Missing),
    })
}
