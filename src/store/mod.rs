//! Every line of SQL. Knows the domain; knows nothing of HTTP, of processes or of libtorch.
//!
//! One writer by construction: a pool of one connection writes, another pool reads, and only the process that
//! holds the data directory's lock opens the file at all. Queries are plain SQL in [`sqlx::query_as`];
//! `tests/store` executes each on a real database, and fails where one is missing there.

pub mod access_keys;
pub mod changes;
mod class_counts;
pub mod compare;
pub mod datasets;
mod dial_series;
mod dials;
mod edits;
pub mod findings;
mod job_events;
pub mod jobs;
mod journal;
mod long_series;
pub mod measures;
pub mod pipelines;
pub mod prediction_files;
pub mod predictions;
mod run_edits;
pub mod run_list;
mod run_summary;
pub mod runs;
mod sample_query;
pub mod samples;
pub mod search;
pub mod series;
pub mod sweeps;
pub mod versions;

use anyhow::Context as _;
use sqlx::Connection as _;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use std::path::Path;
use std::time::Duration;

/// Every migration, embedded.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    write: SqlitePool,
    read: SqlitePool,
}

impl Store {
    /// Opens or makes the database and brings it to the newest form.
    ///
    /// # Errors
    /// The file can't be opened, or is of a newer version of the program.
    pub async fn open(file: &Path) -> anyhow::Result<Store> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10));
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .after_release(|connection, _| Box::pin(is_outside_transactions(connection)))
            .connect_with(options.clone())
            .await
            .with_context(|| format!("opening the database {}", file.display()))?;
        MIGRATOR
            .run(&write)
            .await
            .with_context(|| format!("bringing the database {} up to date", file.display()))?;
        let read = SqlitePoolOptions::new().max_connections(5).connect_lazy_with(options.read_only(true));
        Ok(Store { write, read })
    }

    /// Closes both pools, so that the write-ahead log is folded into the file.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

/// Whether a connection is of use again. On a full disk SQLite takes a transaction back by itself, which sqlx does not know: it counts
/// one too many, and from then on nothing that this connection writes would be committed.
async fn is_outside_transactions(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    // Behind a rollback that is still on its way.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// Milliseconds since 1970-01-01 UTC.
pub fn now_ms() -> i64 {
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}

/// A word in the database that the program doesn't know: the database is damaged or newer.
fn unknown(column: &'static str, word: &str) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.into(), source: format!("unknown word “{word}”").into() }
}

/// JSON in the database that the program can't read.
fn bad_json(column: &'static str, error: serde_json::Error) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.into(), source: error.into() }
}

/// The rows that this program can read. One that it can't, since the file is damaged or newer, takes no list down: it is left out,
/// and the log says so.
fn keep_readable<R, T: TryFrom<R, Error = sqlx::Error>>(what: &'static str, rows: Vec<R>) -> Vec<T> {
    let read = |row: R| match T::try_from(row) {
        Ok(read) => Some(read),
        Err(error) => {
            tracing::error!(what, %error, "a row of the database can't be read and is left out");
            None
        }
    };
    rows.into_iter().filter_map(read).collect()
}

/// A new database as it was before the migration `version`, for tests that fill it and open it with the program.
#[cfg(test)]
async fn database_before(file: &Path, version: i64) -> SqlitePool {
    let earlier = MIGRATOR.iter().filter(|migration| migration.version < version).cloned().collect();
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
    let pool = SqlitePool::connect_with(options).await.unwrap();
    sqlx::migrate::Migrator::with_migrations(earlier).run(&pool).await.unwrap();
    pool
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn after_a_full_disk_what_is_written_is_kept_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("tintype.db")).await.unwrap();
        // SQLite takes a transaction back by itself.
        let mut transaction = store.write.begin().await.unwrap();
        sqlx::query("rollback").execute(&mut *transaction).await.unwrap();
        drop(transaction);
        // The disk is still full: the next one is given up too.
        let insert = "insert into pipelines (name, steps, created_at_ms) values (?, '[]', 1)";
        let mut transaction = store.write.begin().await.unwrap();
        sqlx::query(insert).bind("lost").execute(&mut *transaction).await.unwrap();
        drop(transaction);
        // It has room again.
        let mut transaction = store.write.begin().await.unwrap();
        sqlx::query(insert).bind("kept").execute(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
        let kept: Vec<String> =
            sqlx::query_scalar("select name from pipelines").fetch_all(&store.read).await.unwrap();
        assert_eq!(kept, ["kept"]);
    }
}
