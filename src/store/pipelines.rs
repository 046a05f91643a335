//! Ways of loading that were kept under a name.

use super::{Store, bad_json, now_ms};
use protocol::transform::Pipeline;

/// A kept way of loading.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedPipeline {
    /// What a person calls it.
    pub name: String,
    /// What it does.
    pub steps: Pipeline,
}

impl Store {
    /// All of them, by name.
    pub async fn list_pipelines(&self) -> sqlx::Result<Vec<SavedPipeline>> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("select name, steps from pipelines order by name").fetch_all(&self.read).await?;
        // One that this version of the program can't read is skipped, not all the others with it.
        let read = |(name, steps): (String, String)| {
            Some(SavedPipeline { name, steps: serde_json::from_str(&steps).ok()? })
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Keeps one; another of the same name is replaced.
    pub async fn save_pipeline(&self, name: &str, steps: &Pipeline) -> sqlx::Result<()> {
        let steps = serde_json::to_string(steps).map_err(|error| bad_json("steps", error))?;
        sqlx::query(
            "insert into pipelines (name, steps, created_at_ms) values (?, ?, ?)
             on conflict do update set steps = excluded.steps, created_at_ms = excluded.created_at_ms",
        )
        .bind(name)
        .bind(steps)
        .bind(now_ms())
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// Gives one another name; `None` where there is none of the old name, false where the new one is taken.
    pub async fn rename_pipeline(&self, name: &str, new: &str) -> sqlx::Result<Option<bool>> {
        let renamed = sqlx::query("update or ignore pipelines set name = ? where name = ?")
            .bind(new)
            .bind(name)
            .execute(&self.write)
            .await?;
        if renamed.rows_affected() == 1 {
            return Ok(Some(true));
        }
        let is_there: Option<i64> = sqlx::query_scalar("select 1 from pipelines where name = ?")
            .bind(name)
            .fetch_optional(&self.write)
            .await?;
        Ok(is_there.map(|_| false))
    }

    /// Forgets one; false where there is none of this name.
    pub async fn delete_pipeline(&self, name: &str) -> sqlx::Result<bool> {
        let done =
            sqlx::query("delete from pipelines where name = ?").bind(name).execute(&self.write).await?;
        Ok(done.rows_affected() == 1)
    }
}
