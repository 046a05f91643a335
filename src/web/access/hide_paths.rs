//! What a key that only reads is not told: where files lie on the server's machine. Paths stand in many words – the source of a data
//! set, a failure, a note, a journal –, so every text that leaves for a reader goes through here, and of each known folder or file
//! only its own name is left: `/home/ann/photos/pets/cat/1.png` becomes `pets/cat/1.png`.

use super::visitor::Visitor;
use crate::domain::access::Role;
use crate::web::{AppState, Error, Result};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_stream::StreamExt as _;

/// The first parts of this server's own addresses, which a folder may be called too.
const ROOMS: [&str; 10] =
    ["api", "datasets", "key", "lab", "live", "runs", "search", "share", "static", "thumbnails"];

/// Takes the machine's paths out of what a reader is sent.
pub async fn hide_paths(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let visitor = request.extensions().get::<Arc<Visitor>>();
    let is_reader = visitor.is_some_and(|visitor| visitor.role() == Some(Role::ReadOnly));
    let response = next.run(request).await;
    if !is_reader || !is_text(&response) {
        return response;
    }
    without_paths(&app, response).await.unwrap_or_else(Error::into_response)
}

async fn without_paths(app: &AppState, response: Response) -> Result<Response> {
    let hidden = Hidden::new(&known_paths(app).await?);
    let is_stream = media_type(&response).starts_with("text/event-stream");
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    // Each piece of a stream is a whole event.
    let body = if is_stream {
        let pieces = body
            .into_data_stream()
            .take_while(std::result::Result::is_ok)
            .filter_map(std::result::Result::ok);
        Body::from_stream(pieces.map(move |piece| Ok::<Bytes, Infallible>(hidden.take_out(piece))))
    } else {
        Body::from(hidden.take_out(to_bytes(body, usize::MAX).await?))
    };
    Ok(Response::from_parts(parts, body))
}

fn media_type(response: &Response) -> &str {
    let value = response.headers().get(header::CONTENT_TYPE);
    value.and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn is_text(response: &Response) -> bool {
    let media_type = media_type(response);
    media_type.starts_with("text/")
        || ["json", "xml", "javascript"].iter().any(|word| media_type.contains(word))
}

/// Where this program, its data and what it was given lie.
async fn known_paths(app: &AppState) -> Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> =
        app.store.list_machine_paths().await?.into_iter().map(PathBuf::from).collect();
    paths.push(app.data.clone());
    paths.push(app.weights.folder().to_owned());
    paths.push(std::env::temp_dir());
    paths.extend(crate::import::home());
    paths.extend(std::env::current_dir().ok());
    paths.extend(std::env::current_exe().ok().and_then(|program| program.parent().map(Path::to_owned)));
    Ok(paths)
}

/// Paths, each in every way in which a text may spell it, with what is left of it.
struct Hidden(Vec<(String, String)>);

impl Hidden {
    fn new(paths: &[PathBuf]) -> Hidden {
        let mut spellings: Vec<(String, String)> = Vec::new();
        for path in paths.iter().filter(|path| path.is_absolute() && !is_like_an_address(path)) {
            let (Some(whole), Some(name)) = (path.to_str(), path.file_name().and_then(|name| name.to_str()))
            else {
                continue;
            };
            let whole = whole.trim_end_matches('/');
            spellings.extend([as_it_is, in_html, in_json, in_query].map(|spell| (spell(whole), spell(name))));
        }
        // A folder within another comes first.
        spellings.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        spellings.dedup();
        Hidden(spellings)
    }

    /// The text without them.
    fn take_out(&self, text: Bytes) -> Bytes {
        let Ok(text_now) = std::str::from_utf8(&text) else { return text };
        let mut now = std::borrow::Cow::Borrowed(text_now);
        for (path, name) in &self.0 {
            if let Some(without) = replace(&now, path, name) {
                now = without.into();
            }
        }
        match now {
            std::borrow::Cow::Borrowed(_) => text,
            std::borrow::Cow::Owned(now) => now.into(),
        }
    }
}

/// Whether a folder is called as an address of this server, such as `/datasets` or `/runs/3`: then it can't be told from one.
fn is_like_an_address(path: &Path) -> bool {
    let parts: Vec<&str> = path.iter().skip(1).filter_map(|part| part.to_str()).collect();
    match parts.as_slice() {
        [] => true,
        [room] => ROOMS.contains(room),
        [room, second] => ROOMS.contains(room) && (*second == "new" || second.parse::<i64>().is_ok()),
        _ => false,
    }
}

fn as_it_is(text: &str) -> String {
    text.to_owned()
}

fn in_html(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '&' | '<' | '>' | '"' | '\'' => escaped.push_str(&format!("&#{};", u32::from(letter))),
            letter => escaped.push(letter),
        }
    }
    escaped
}

fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn in_query(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Each occurrence of a path that is that path, not the beginning of a longer name nor the end of another path; `None`: there is none.
fn replace(text: &str, path: &str, name: &str) -> Option<String> {
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
    let (mut done, mut rest) = (String::new(), text);
    let mut before = None;
    while let Some(at) = rest.find(path) {
        let behind = &rest[at + path.len()..];
        let before_here = rest[..at].chars().next_back().or(before);
        let mut next = behind.chars();
        let goes_on = match next.next() {
            Some('.') => next.next().is_some_and(is_name),
            Some(letter) => is_name(letter),
            None => false,
        };
        let is_part = before_here.is_some_and(|letter| is_name(letter) || letter == '.');
        done.push_str(&rest[..at]);
        done.push_str(if goes_on || is_part { path } else { name });
        before = path.chars().next_back();
        rest = behind;
    }
    before?;
    done.push_str(rest);
    Some(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(paths: &[&str]) -> Hidden {
        Hidden::new(&paths.iter().map(PathBuf::from).collect::<Vec<_>>())
    }

    fn without(paths: &[&str], text: &str) -> String {
        let left = hidden(paths).take_out(Bytes::copy_from_slice(text.as_bytes()));
        String::from_utf8(left.to_vec()).unwrap()
    }

    #[test]
    fn of_a_known_path_its_name_is_left() {
        let paths = ["/home/ann", "/home/ann/photos/pets", "/srv/tintype/data"];
        let text = "From /home/ann/photos/pets. Reading /home/ann/photos/pets/cat/1.png and /home/ann/x; \"/srv/tintype/data\"";
        assert_eq!(without(&paths, text), "From pets. Reading pets/cat/1.png and ann/x; \"data\"");
    }

    #[test]
    fn another_path_that_only_looks_alike_stays() {
        let text = "/data-old /database /data.zip photos/data/1 /data/x";
        assert_eq!(without(&["/data"], text), "/data-old /database /data.zip photos/data/1 data/x");
        assert_eq!(without(&["/data"], "see /data."), "see data.");
    }

    #[test]
    fn a_path_is_found_however_it_is_spelled() {
        let path = "/home/o'neil & co/pets";
        let query = format!("?path={}", in_query(path));
        let json = serde_json::json!({"source": path}).to_string();
        let html = "<p>/home/o&#39;neil &#38; co/pets</p>";
        assert_eq!(without(&[path], html), "<p>pets</p>");
        assert_eq!(without(&[path], &json), "{\"source\":\"pets\"}");
        assert_eq!(without(&[path], &query), "?path=pets");
    }

    #[test]
    fn no_address_of_ours_is_broken_by_a_folder_of_its_name() {
        let text = "<a href=\"/datasets/3\">/datasets/pets</a> <a href=\"/runs\">";
        assert_eq!(without(&["/datasets", "/runs", "/"], text), text);
        assert_eq!(without(&["/datasets/pets"], text), "<a href=\"/datasets/3\">pets</a> <a href=\"/runs\">");
    }
}
