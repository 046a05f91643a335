//! Access keys, of which only the hash is kept.

use super::{Store, now_ms, unknown};
use crate::domain::access::{KeyOrigin, KeyState, Role};
use sqlx::FromRow;

/// A key's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey {
    /// Its number.
    pub id: i64,
    /// What a person calls it.
    pub name: String,
    /// What it lets its holder do.
    pub role: Role,
    /// Where it comes from.
    pub origin: KeyOrigin,
    /// Path and query of the page that its link opens.
    pub view: String,
    /// When it was made.
    pub created_at_ms: i64,
    /// Until when it is good; `None`: for ever.
    pub expires_at_ms: Option<i64>,
    /// When it was last used, to the minute.
    pub last_used_at_ms: Option<i64>,
    /// When it was revoked.
    pub revoked_at_ms: Option<i64>,
}

impl AccessKey {
    /// Whether it lets anybody in now.
    pub fn is_valid(&self) -> bool {
        self.state() == KeyState::Valid
    }

    /// Whether it does and, where not, since when.
    pub fn state(&self) -> KeyState {
        KeyState::at(now_ms(), self.expires_at_ms, self.revoked_at_ms)
    }
}

/// A key that is about to be kept.
#[derive(Clone, Debug)]
pub struct NewAccessKey<'a> {
    /// What a person calls it.
    pub name: &'a str,
    /// What it lets its holder do.
    pub role: Role,
    /// Where it comes from.
    pub origin: KeyOrigin,
    /// Of the key.
    pub hash: &'a str,
    /// The page that its link opens.
    pub view: &'a str,
    /// Until when it is good.
    pub expires_at_ms: Option<i64>,
}

#[derive(FromRow)]
struct Row {
    id: i64,
    name: String,
    role: String,
    origin: String,
    view: String,
    created_at_ms: i64,
    expires_at_ms: Option<i64>,
    last_used_at_ms: Option<i64>,
    revoked_at_ms: Option<i64>,
}

impl TryFrom<Row> for AccessKey {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<AccessKey> {
        Ok(AccessKey {
            id: row.id,
            name: row.name,
            role: Role::from_word(&row.role).ok_or_else(|| unknown("role", &row.role))?,
            origin: KeyOrigin::from_word(&row.origin).ok_or_else(|| unknown("origin", &row.origin))?,
            view: row.view,
            created_at_ms: row.created_at_ms,
            expires_at_ms: row.expires_at_ms,
            last_used_at_ms: row.last_used_at_ms,
            revoked_at_ms: row.revoked_at_ms,
        })
    }
}

const COLUMNS: &str =
    "id, name, role, origin, view, created_at_ms, expires_at_ms, last_used_at_ms, revoked_at_ms";

impl Store {
    /// Keeps a key. One of the same hash, a key that a person chose again, is good once more, and is
    /// from then on what it is kept as now.
    pub async fn insert_access_key(&self, key: &NewAccessKey<'_>) -> sqlx::Result<AccessKey> {
        let row: Row = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "insert into access_keys (name, role, origin, key_hash, view, created_at_ms, expires_at_ms)
             values (?, ?, ?, ?, ?, ?, ?)
             on conflict (key_hash) do update set name = excluded.name, role = excluded.role, origin = excluded.origin,
                 view = excluded.view, expires_at_ms = excluded.expires_at_ms, revoked_at_ms = null
             returning {COLUMNS}"
        )))
        .bind(key.name)
        .bind(key.role.as_str())
        .bind(key.origin.as_str())
        .bind(key.hash)
        .bind(key.view)
        .bind(now_ms())
        .bind(key.expires_at_ms)
        .fetch_one(&self.write)
        .await?;
        row.try_into()
    }

    /// The key of this hash, good or not.
    pub async fn find_access_key(&self, hash: &str) -> sqlx::Result<Option<AccessKey>> {
        let sql = format!("select {COLUMNS} from access_keys where key_hash = ?");
        let row: Option<Row> =
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(hash).fetch_optional(&self.read).await?;
        row.map(AccessKey::try_from).transpose()
    }

    /// All of them, the newest first.
    pub async fn list_access_keys(&self) -> sqlx::Result<Vec<AccessKey>> {
        let sql = format!("select {COLUMNS} from access_keys order by id desc");
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(&self.read).await?;
        rows.into_iter().map(AccessKey::try_from).collect()
    }

    /// Every path of the server's machine that is kept: sources and folders of data sets, weights of runs.
    pub async fn list_machine_paths(&self) -> sqlx::Result<Vec<String>> {
        sqlx::query_scalar(
            "select source from datasets where source like '/%'
             union select root from datasets where root like '/%'
             union select spec ->> '$.weights' from runs where json_valid(spec) and spec ->> '$.weights' like '/%'",
        )
        .fetch_all(&self.read)
        .await
    }

    /// Notes that a key was used, which puts off the end of some.
    pub async fn touch_access_key(&self, id: i64, expires_at_ms: Option<i64>) -> sqlx::Result<()> {
        sqlx::query("update access_keys set last_used_at_ms = ?, expires_at_ms = ? where id = ?")
            .bind(now_ms())
            .bind(expires_at_ms)
            .bind(id)
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Revokes a key; `None` where there is none of this number. One that is revoked already stays so from then.
    pub async fn revoke_access_key(&self, id: i64) -> sqlx::Result<Option<AccessKey>> {
        let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "update access_keys set revoked_at_ms = coalesce(revoked_at_ms, ?) where id = ? returning {COLUMNS}"
        )))
        .bind(now_ms())
        .bind(id)
        .fetch_optional(&self.write)
        .await?;
        row.map(AccessKey::try_from).transpose()
    }

    /// Revokes the keys that a person chose for earlier starts, but for the one of this hash: another key was chosen since.
    pub async fn revoke_earlier_chosen_keys(&self, hash: &str) -> sqlx::Result<()> {
        sqlx::query(
            "update access_keys set revoked_at_ms = ?
             where origin = 'environment' and key_hash <> ? and revoked_at_ms is null",
        )
        .bind(now_ms())
        .bind(hash)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// Forgets the keys of earlier starts that have expired: nobody was sent them, so nobody asks what became of them.
    pub async fn forget_expired_start_keys(&self) -> sqlx::Result<()> {
        sqlx::query("delete from access_keys where origin = 'start' and expires_at_ms < ?")
            .bind(now_ms())
            .execute(&self.write)
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn open() -> (Store, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        (Store::open(&folder.path().join("tintype.db")).await.unwrap(), folder)
    }

    fn new<'a>(hash: &'a str, origin: KeyOrigin, expires_at_ms: Option<i64>) -> NewAccessKey<'a> {
        NewAccessKey { name: "Run 3", role: Role::ReadOnly, origin, hash, view: "/runs/3", expires_at_ms }
    }

    #[tokio::test]
    async fn a_key_is_found_by_its_hash_used_and_revoked() {
        let (store, _folder) = open().await;
        let made = store.insert_access_key(&new("aa", KeyOrigin::Link, None)).await.unwrap();
        assert_eq!(store.find_access_key("aa").await.unwrap().as_ref(), Some(&made));
        assert_eq!(store.find_access_key("ab").await.unwrap(), None);
        assert_eq!((made.state(), made.last_used_at_ms), (KeyState::Valid, None));
        store.touch_access_key(made.id, Some(now_ms() + 1000)).await.unwrap();
        let used = store.find_access_key("aa").await.unwrap().unwrap();
        assert!(used.last_used_at_ms.is_some() && used.expires_at_ms.is_some());
        let revoked = store.revoke_access_key(made.id).await.unwrap().unwrap();
        assert!(matches!(revoked.state(), KeyState::Revoked(_)));
        assert_eq!(store.revoke_access_key(made.id).await.unwrap().unwrap(), revoked, "once is enough");
        assert_eq!(store.revoke_access_key(99).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_key_that_is_kept_again_is_what_it_was_kept_as_last() {
        let (store, _folder) = open().await;
        let link = store.insert_access_key(&new("aa", KeyOrigin::Link, Some(1))).await.unwrap();
        let chosen = NewAccessKey {
            name: "TINTYPE_KEY",
            role: Role::Full,
            origin: KeyOrigin::Environment,
            hash: "aa",
            view: "/",
            expires_at_ms: None,
        };
        let again = store.insert_access_key(&chosen).await.unwrap();
        assert_eq!((again.id, again.expires_at_ms), (link.id, None));
        assert_eq!((again.name.as_str(), again.view.as_str()), ("TINTYPE_KEY", "/"));
        assert_eq!((again.role, again.origin), (Role::Full, KeyOrigin::Environment));
    }

    #[tokio::test]
    async fn another_chosen_key_revokes_the_one_before_and_the_same_one_is_good_again() {
        let (store, _folder) = open().await;
        let first = store.insert_access_key(&new("aa", KeyOrigin::Environment, None)).await.unwrap();
        store.insert_access_key(&new("bb", KeyOrigin::Start, Some(1))).await.unwrap();
        store.revoke_earlier_chosen_keys("cc").await.unwrap();
        assert!(matches!(store.find_access_key("aa").await.unwrap().unwrap().state(), KeyState::Revoked(_)));
        let again = store.insert_access_key(&new("aa", KeyOrigin::Environment, None)).await.unwrap();
        assert_eq!((again.id, again.state()), (first.id, KeyState::Valid));
        store.forget_expired_start_keys().await.unwrap();
        let left = store.list_access_keys().await.unwrap();
        assert_eq!(left.iter().map(|key| key.origin).collect::<Vec<_>>(), [KeyOrigin::Environment]);
    }
}
