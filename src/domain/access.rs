//! Who may do what, where a server is reached from other machines: by a key, which has a role and may expire or be revoked.

/// Milliseconds of a day.
pub const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A key that was printed at a start, or given to it, is good for so long after it was last used.
pub const START_KEY_DAYS: i64 = 30;

/// The fewest characters of a key that a person chose.
pub const MIN_KEY_LENGTH: usize = 20;

/// What an access key lets its holder do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// See everything but what names the server's machine; change nothing.
    ReadOnly,
    /// Everything.
    Full,
}

impl Role {
    /// The word in the database, in JSON and on pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::ReadOnly => "read-only",
            Role::Full => "full",
        }
    }

    /// Reads the word.
    pub fn from_word(word: &str) -> Option<Role> {
        [Role::ReadOnly, Role::Full].into_iter().find(|role| role.as_str() == word)
    }
}

/// Where a key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOrigin {
    /// A person made a link.
    Link,
    /// A start of the server made and printed it.
    Start,
    /// The person who started the server chose it (`TINTYPE_KEY`).
    Environment,
}

impl KeyOrigin {
    /// The word in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            KeyOrigin::Link => "link",
            KeyOrigin::Start => "start",
            KeyOrigin::Environment => "environment",
        }
    }

    /// Reads the word.
    pub fn from_word(word: &str) -> Option<KeyOrigin> {
        [KeyOrigin::Link, KeyOrigin::Start, KeyOrigin::Environment]
            .into_iter()
            .find(|origin| origin.as_str() == word)
    }

    /// When a key that is used now expires, where using it puts that off.
    pub fn renewed_until(self, now_ms: i64) -> Option<i64> {
        match self {
            KeyOrigin::Link => None,
            KeyOrigin::Start | KeyOrigin::Environment => Some(now_ms + START_KEY_DAYS * DAY_MS),
        }
    }
}

/// Whether a key lets anybody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It does.
    Valid,
    /// Somebody revoked it, then.
    Revoked(i64),
    /// It was good until then.
    Expired(i64),
}

impl KeyState {
    /// Of a key with these dates, in milliseconds.
    pub fn at(now_ms: i64, expires_at_ms: Option<i64>, revoked_at_ms: Option<i64>) -> KeyState {
        match (revoked_at_ms, expires_at_ms) {
            (Some(at), _) => KeyState::Revoked(at),
            (None, Some(at)) if at <= now_ms => KeyState::Expired(at),
            (None, _) => KeyState::Valid,
        }
    }
}

/// What is kept of a key, and what keys are compared by: so a comparison takes as long for a near miss as for any other.
pub fn hash_key(key: &str) -> String {
    blake3::hash(key.trim().as_bytes()).to_hex().to_string()
}

/// Random bytes as a key: five bits a letter, without those that look alike.
pub fn key_from_bytes(bytes: [u8; 20]) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
    let bit = |at: usize| bytes[at / 8] >> (7 - at % 8) & 1;
    let letter = |at: usize| (0..5).fold(0, |value, next| value << 1 | usize::from(bit(at * 5 + next)));
    (0..32).map(|at| char::from(LETTERS[letter(at)])).collect()
}

/// The key in what somebody pasted: a whole link, or the key alone; and the page that a link opens.
pub fn key_from_text(text: &str) -> Option<(String, Option<String>)> {
    let text = text.trim();
    let Some((address, query)) = text.split_once('?') else {
        let is_key = !text.is_empty() && !text.contains(['/', ' ']);
        return is_key.then(|| (text.to_owned(), None));
    };
    let query = query.split('#').next().unwrap_or_default();
    let key = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "key")?.1.into_owned();
    let behind_scheme = address.split_once("://").map_or(address, |(_, rest)| rest);
    let path = behind_scheme.find('/').map_or("/", |at| &behind_scheme[at..]);
    Some((key, Some(without_key(&format!("{path}?{query}")))))
}

/// An address without the key in its query; the rest stays as it is, letter by letter.
pub fn without_key(address: &str) -> String {
    let Some((path, query)) = address.split_once('?') else { return address.to_owned() };
    // However its name is spelled, since it is read in every spelling.
    let is_key = |pair: &str| form_urlencoded::parse(pair.as_bytes()).any(|(name, _)| name == "key");
    let rest: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !is_key(pair)).collect();
    if rest.is_empty() { path.to_owned() } else { format!("{path}?{}", rest.join("&")) }
}

/// An address with a key in its query, as a link carries it.
pub fn with_key(view: &str, key: &str) -> String {
    let joint = if view.contains('?') { '&' } else { '?' };
    let key: String = form_urlencoded::byte_serialize(key.as_bytes()).collect();
    format!("{view}{joint}key={key}")
}

/// A page of this server, from an address that came from outside: nothing that leads elsewhere.
pub fn page_of_ours(address: &str) -> Option<&str> {
    let is_ours = address.starts_with('/')
        && !address.starts_with("//")
        && address.len() <= 2000
        && !address.contains(|letter: char| letter == '\\' || letter.is_control() || letter == '#');
    is_ours.then_some(address)
}

/// What an address needs of whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// Nothing: style sheets and the page that asks for a key.
    NoKey,
    /// A key of any role.
    AnyKey,
    /// A key that lets its holder do everything.
    FullKey,
}

impl Needed {
    /// Whether a role is enough; `None`: whoever asks has no key.
    pub fn is_met_by(self, role: Option<Role>) -> bool {
        match self {
            Needed::NoKey => true,
            Needed::AnyKey => role.is_some(),
            Needed::FullKey => role == Some(Role::Full),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_meets_what_it_may() {
        let roles = [None, Some(Role::ReadOnly), Some(Role::Full)];
        let met = |needed: Needed| roles.map(|role| needed.is_met_by(role));
        assert_eq!(met(Needed::NoKey), [true, true, true]);
        assert_eq!(met(Needed::AnyKey), [false, true, true]);
        assert_eq!(met(Needed::FullKey), [false, false, true]);
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for role in [Role::ReadOnly, Role::Full] {
            assert_eq!(Role::from_word(role.as_str()), Some(role));
        }
        for origin in [KeyOrigin::Link, KeyOrigin::Start, KeyOrigin::Environment] {
            assert_eq!(KeyOrigin::from_word(origin.as_str()), Some(origin));
        }
        assert_eq!(Role::from_word("admin"), None);
    }

    #[test]
    fn a_key_that_is_revoked_or_expired_says_when() {
        assert_eq!(KeyState::at(5, None, None), KeyState::Valid);
        assert_eq!(KeyState::at(5, Some(6), None), KeyState::Valid);
        assert_eq!(KeyState::at(6, Some(6), None), KeyState::Expired(6));
        assert_eq!(KeyState::at(9, Some(6), Some(4)), KeyState::Revoked(4));
    }

    #[test]
    fn a_key_holds_every_bit_it_was_made_of() {
        assert_eq!(key_from_bytes([0; 20]), "a".repeat(32));
        assert_eq!(key_from_bytes([255; 20]), "9".repeat(32));
        let mut bytes = [0; 20];
        bytes[19] = 1;
        assert!(key_from_bytes(bytes).ends_with("ab"));
    }

    #[test]
    fn a_pasted_link_or_key_is_understood() {
        let found = |text| key_from_text(text).map(|(key, view)| (key, view.unwrap_or_default()));
        let pair = |key: &str, view: &str| Some((key.to_owned(), view.to_owned()));
        assert_eq!(found(" abc "), pair("abc", ""));
        assert_eq!(found("http://10.0.0.5:8431/?key=abc"), pair("abc", "/"));
        assert_eq!(
            found("http://10.0.0.5:8431/runs/3/predictions?split=val&actual=a%26b&key=abc#t"),
            pair("abc", "/runs/3/predictions?split=val&actual=a%26b")
        );
        assert_eq!(found("10.0.0.5:8431/runs?key=abc"), pair("abc", "/runs"));
        for text in ["", "what is this", "http://10.0.0.5:8431/runs", "http://10.0.0.5:8431/runs?q=1"] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn only_the_key_leaves_an_address() {
        assert_eq!(without_key("/runs?key=abc"), "/runs");
        assert_eq!(without_key("/runs?a=%20+&key=abc&b=1"), "/runs?a=%20+&b=1");
        assert_eq!(without_key("/runs?keys=1"), "/runs?keys=1");
        assert_eq!(without_key("/runs?%6bey=abc&k%65y&a=key"), "/runs?a=key");
    }

    #[test]
    fn no_address_leads_to_another_server() {
        assert_eq!(page_of_ours("/runs/3?q=a"), Some("/runs/3?q=a"));
        for foreign in ["//evil.example", "https://evil.example", "/\\evil.example", "runs", "", "/a\r\nb"] {
            assert_eq!(page_of_ours(foreign), None, "{foreign}");
        }
    }
}
