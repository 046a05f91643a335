//! The cookie that a key becomes, so that it leaves the address.

use axum::http::{HeaderMap, HeaderValue, header};

/// Browsers keep no cookie longer. Whether the key is still good is the server's to say.
const LONGEST_S: u32 = 400 * 24 * 60 * 60;

/// Browsers send a cookie to every port of a host, so that two servers of one machine need two names.
fn name(port: u16) -> String {
    format!("tintype-key-{port}")
}

/// The key in the cookie of the server at this port.
pub(super) fn key_of(headers: &HeaderMap, port: u16) -> Option<String> {
    let name = name(port);
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, key)| key.to_owned())
}

/// Sets the cookie. No script reads it (`HttpOnly`). `Lax`, not `Strict`: with `Strict` a browser that comes from a chat's link would
/// not send it along the redirect, and the link would not work; forms of other sites are refused all the same.
pub(super) fn set(port: u16, key: &str) -> Option<HeaderValue> {
    format!("{}={key}; Path=/; HttpOnly; SameSite=Lax; Max-Age={LONGEST_S}", name(port)).parse().ok()
}

/// Takes it away.
pub(super) fn clear(port: u16) -> Option<HeaderValue> {
    format!("{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0", name(port)).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_of_this_server_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "a=b; tintype-key-8432=other; tintype-key-8431=mine".parse().unwrap());
        assert_eq!(key_of(&headers, 8431).as_deref(), Some("mine"));
        assert_eq!(key_of(&headers, 8433), None);
    }
}
