//! What every request passes before a handler sees it, and every answer on its way out: one stack, in one place.

mod body;
pub mod guard;
pub(crate) mod request_id;

use super::error::Error;
use super::{AppState, access, live, pages};
use crate::watch::{panic_if_asked, panic_words};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use guard::Hosts;
use request_id::RequestId;
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::normalize_path::NormalizePath;
use tower_http::sensitive_headers::{SetSensitiveRequestHeadersLayer, SetSensitiveResponseHeadersLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;

/// Pages load nothing but what this program serves, and nobody frames them.
const POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'";

/// How long a question may take until its answer begins. What follows – a file, a stream of events – takes as long as it takes.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);

/// Puts the stack around the routes. The first layer is the outermost: it is met first by a request and last by its answer.
pub(super) fn wrap(routes: Router<AppState>, app: &AppState, hosts: Arc<Hosts>) -> Router {
    let routes = routes.with_state(app.clone());
    // The address with a slash behind it is the same page. This has to come before the routes are looked up, so it stands around them.
    let routes = Router::new().fallback_service(NormalizePath::trim_trailing_slash(routes));
    let always = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    let name_and_trace = (
        // First, so that whatever happens has a name by which the log knows it.
        from_fn(request_id::name),
        // Whatever prints headers prints these as “Sensitive”.
        SetSensitiveRequestHeadersLayer::new([header::AUTHORIZATION, header::COOKIE]),
        SetSensitiveResponseHeadersLayer::new([header::SET_COOKIE]),
        // What is logged while a request is answered bears its id, method and path. Not its query: there may be keys in it.
        TraceLayer::new_for_http()
            .make_span_with(|request: &Request| {
                let id = request.extensions().get::<RequestId>().map(RequestId::as_str).unwrap_or_default();
                let path = request.uri().path();
                tracing::error_span!("request", id, method = %request.method(), path)
            })
            .on_request(())
            .on_response(|response: &Response<_>, took: Duration, _: &tracing::Span| {
                tracing::debug!(status = response.status().as_u16(), ms = took.as_millis(), "answered");
            })
            .on_body_chunk(())
            .on_eos(())
            .on_failure(()),
    );
    let every_answer = (
        // On refusals too: a page that says “no” must not be framed or sniffed either.
        always(header::CONTENT_SECURITY_POLICY, POLICY),
        always(header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        always(header::X_FRAME_OPTIONS, "DENY"),
        // Another site learns neither which page led to it nor what our images show.
        always(header::REFERRER_POLICY, "same-origin"),
        always(HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        // Texts are packed; images are already, and events have to leave at once.
        CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(is_worth_packing()),
    );
    let door = (
        // Whatever fails here, before it is known who asks, is worded without a glimpse of what is inside.
        from_fn_with_state(app.clone(), pages::failure::answer_errors),
        CatchPanicLayer::custom(panicked),
        // Who is asked for, and whose page asks, before anything of the request is believed.
        from_fn_with_state(hosts, guard::check),
        // Who asks. What they may do, each route says itself (`routes.rs`).
        from_fn_with_state(app.clone(), access::identify),
        // Of each known path of this machine a reader is told the last name alone, whatever is answered from here on.
        from_fn_with_state(app.clone(), access::hide_paths),
    );
    let failures = (
        // What changes while a page is made is told to it afterwards.
        from_fn_with_state(app.clone(), live::remember_place),
        // Every error that comes from further in gets the request's id, and is a page where a person asked.
        from_fn_with_state(app.clone(), pages::failure::answer_errors),
        // One request's panic ends that request alone.
        CatchPanicLayer::custom(panicked),
    );
    let requests = (
        // A small body is read whole, within a time, before a handler starts; an upload goes to disk as it comes.
        from_fn(body::read_small),
        // Bodies are bounded by the layer above.
        DefaultBodyLimit::disable(),
        // Innermost: what hangs is given up on.
        from_fn(within_time),
    );
    routes.layer(requests).layer(failures).layer(door).layer(every_answer).layer(name_and_trace)
}

/// Gives up on a question that takes too long. A change is not cut off in the middle: it is done or fails by itself.
async fn within_time(request: Request, next: Next) -> Response {
    panic_if_asked("handler");
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    match tokio::time::timeout(ANSWER_WITHIN, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!(seconds = ANSWER_WITHIN.as_secs(), "no answer in time");
            let message = format!(
                "Tintype found no answer to this within {} seconds. Perhaps the machine is very busy: try again in a while.",
                ANSWER_WITHIN.as_secs()
            );
            Error::refused(StatusCode::SERVICE_UNAVAILABLE, "timed_out", message).into_response()
        }
    }
}

/// The answer in place of one that a panic prevented. The panic itself was logged where it happened, with the request's id.
#[expect(clippy::needless_pass_by_value, reason = "it is called so")]
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    Error::Internal(anyhow::anyhow!("panicked: {}", panic_words(panic.as_ref()))).into_response()
}

/// Texts, but not events, and not files that are saved as they are.
fn is_worth_packing() -> impl Predicate {
    let is_not = NotForContentType::const_new;
    DefaultPredicate::new()
        .and(is_not("application/octet-stream"))
        .and(is_not("application/vnd.apache.parquet"))
        .and(is_not("application/x-tar"))
        .and(is_not("application/zip"))
}
