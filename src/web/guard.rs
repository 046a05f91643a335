//! What a page of somebody else's must not do in our name.

use super::Error;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

/// Pages load nothing but what this program serves, and nobody frames them.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
);

/// Refuses changes that another site's page asks a browser for (cross-site request forgery): every current
/// browser says in `Sec-Fetch-Site` who asks. Scripts outside a browser don't, and are let through.
pub(super) async fn same_site(request: Request, next: Next) -> Response {
    let site = request.headers().get(HeaderName::from_static("sec-fetch-site"));
    let foreign = site.is_some_and(|site| site != "same-origin" && site != "none");
    if foreign && !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Error::Conflict("another site's page asked for this, so it was not done".into())
            .into_response();
    }
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
