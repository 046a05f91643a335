//! An error as a page, with a way back.

use super::frame::{Frame, page_with};
use crate::web::AppState;
use crate::web::error::Message;
use askama::Template;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

#[derive(Template)]
#[template(path = "error.html")]
struct Failure {
    frame: Frame,
    status: u16,
    message: String,
}

/// Turns errors into pages wherever people, not scripts, asked.
pub(crate) async fn as_page(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let for_scripts =
        path.starts_with("/api/") || path.starts_with("/static/") || path.starts_with("/thumbnails/");
    let response = next.run(request).await;
    let Some(message) = response.extensions().get::<Message>().filter(|_| !for_scripts) else {
        return response;
    };
    let title = match response.status().as_u16() {
        404 => "Not here",
        409 => "Not now",
        422 => "That can't be read",
        _ => "Something failed",
    };
    let Ok(frame) = Frame::load(&app, title, &[]).await else { return response };
    let failure = Failure { frame, status: response.status().as_u16(), message: message.0.clone() };
    page_with(response.status(), &failure).unwrap_or(response)
}
