//! Access keys: making one for a link or for a start of the server, and revoking one.

use super::{Error, Result};
use crate::domain::access::{
    DAY_MS, KeyOrigin, MIN_KEY_LENGTH, Role, hash_key, key_from_bytes, page_of_ours, without_key,
};
use crate::domain::recipe::FieldErrors;
use crate::store::access_keys::{AccessKey, NewAccessKey};
use crate::store::{Store, now_ms};

/// What the keys of a start are called.
const START_NAME: &str = "Printed when the server started";
/// What a chosen key is called.
const CHOSEN_NAME: &str = "Chosen with TINTYPE_KEY";
/// A link is good for ten years at most, unless it is good for ever.
const MAX_DAYS: i64 = 3650;

/// A link as a person asks for it.
#[derive(Clone, Debug)]
pub struct NewLink {
    /// What it is called.
    pub name: String,
    /// Path and query of the page that it opens.
    pub view: String,
    /// What it lets its holder do.
    pub role: Role,
    /// For how many days it is good; `None`: for ever.
    pub days: Option<i64>,
}

/// A random key: 160 bits.
///
/// # Errors
/// The system has no random numbers.
pub fn make_key() -> anyhow::Result<String> {
    let mut bytes = [0; 20];
    getrandom::fill(&mut bytes).map_err(|why| anyhow::anyhow!("making a random key: {why}"))?;
    Ok(key_from_bytes(bytes))
}

/// Makes a link to a view: what is kept of it, and its key, which is not.
pub async fn create_link(store: &Store, link: &NewLink) -> Result<(AccessKey, String)> {
    let mut errors = FieldErrors::new();
    let name = link.name.trim();
    if name.is_empty() || name.chars().count() > 100 {
        errors.insert("name".into(), "give the link a name of 1 to 100 characters".into());
    }
    let view = without_key(&link.view);
    if page_of_ours(&view).is_none() {
        errors.insert("view".into(), "give the path of a page of this server, such as /runs/3".into());
    }
    if link.days.is_some_and(|days| !(1..=MAX_DAYS).contains(&days)) {
        errors.insert("days".into(), format!("give a number of days from 1 to {MAX_DAYS}"));
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let key = make_key()?;
    let kept = NewAccessKey {
        name,
        role: link.role,
        origin: KeyOrigin::Link,
        hash: &hash_key(&key),
        view: &view,
        expires_at_ms: link.days.map(|days| now_ms() + days * DAY_MS),
    };
    Ok((store.insert_access_key(&kept).await?, key))
}

/// The key of a start of the server: the one that a person chose, or a new one.
pub async fn key_of_start(store: &Store, chosen: Option<&str>) -> Result<String> {
    store.forget_expired_start_keys().await?;
    let (key, name, origin) = match chosen.map(str::trim) {
        Some(key) => {
            let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-._~".contains(letter);
            if key.len() < MIN_KEY_LENGTH || !key.chars().all(is_plain) {
                return Err(Error::Conflict(format!(
                    "the key in TINTYPE_KEY can't be used: it needs at least {MIN_KEY_LENGTH} characters, which may be \
                     letters, digits and - . _ ~, so that it fits into an address"
                )));
            }
            (key.to_owned(), CHOSEN_NAME, KeyOrigin::Environment)
        }
        None => (make_key()?, START_NAME, KeyOrigin::Start),
    };
    let hash = hash_key(&key);
    if origin == KeyOrigin::Environment {
        store.revoke_earlier_chosen_keys(&hash).await?;
    }
    let expires_at_ms = origin.renewed_until(now_ms());
    let kept = NewAccessKey { name, role: Role::Full, origin, hash: &hash, view: "/", expires_at_ms };
    store.insert_access_key(&kept).await?;
    Ok(key)
}

/// Revokes a key.
pub async fn revoke(store: &Store, id: i64) -> Result<AccessKey> {
    store.revoke_access_key(id).await?.ok_or(Error::NotFound("access key"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_keys_are_alike() {
        let keys: std::collections::BTreeSet<String> = (0..100).map(|_| make_key().unwrap()).collect();
        assert_eq!(keys.len(), 100);
        assert!(keys.iter().all(|key| key.len() == 32));
    }

    #[tokio::test]
    async fn a_link_needs_a_name_a_page_and_a_sensible_end() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("tintype.db")).await.unwrap();
        let link = |name: &str, view: &str, days| NewLink {
            name: name.into(),
            view: view.into(),
            role: Role::ReadOnly,
            days,
        };
        let refused = create_link(&store, &link(" ", "//evil.example", Some(0))).await.unwrap_err();
        let Error::Invalid(fields) = refused else { panic!("{refused}") };
        assert_eq!(fields.keys().collect::<Vec<_>>(), ["days", "name", "view"]);
        let (kept, key) =
            create_link(&store, &link("Run 3", "/runs/3?key=old&split=val", Some(7))).await.unwrap();
        assert_eq!((kept.view.as_str(), kept.role), ("/runs/3?split=val", Role::ReadOnly));
        assert_eq!(store.find_access_key(&hash_key(&key)).await.unwrap(), Some(kept));
    }

    #[tokio::test]
    async fn a_chosen_key_must_be_long() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("tintype.db")).await.unwrap();
        assert!(key_of_start(&store, Some("short")).await.is_err());
        let chosen = "a-key-of-more-than-twenty";
        assert_eq!(key_of_start(&store, Some(chosen)).await.unwrap(), chosen);
        assert_ne!(key_of_start(&store, None).await.unwrap(), key_of_start(&store, None).await.unwrap());
        assert_eq!(store.list_access_keys().await.unwrap().len(), 3);
    }
}
