//! What a person changes of a run: name, note, star, tags, archive, epochs; and its removal.

use super::runs::to_json;
use super::{Store, now_ms};
use crate::domain::ids::{DatasetId, RunId};
use protocol::spec::RunSpec;

impl Store {
    /// Gives a run another name; false where there is no such run.
    pub async fn set_run_name(&self, id: RunId, name: &str) -> sqlx::Result<bool> {
        let done = sqlx::query("update runs set name = ? where id = ?")
            .bind(name)
            .bind(id)
            .execute(&self.write)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Keeps what a person noted of a run; false where there is no such run.
    pub async fn set_run_note(&self, id: RunId, note: &str) -> sqlx::Result<bool> {
        let done = sqlx::query("update runs set note = ? where id = ?")
            .bind(note)
            .bind(id)
            .execute(&self.write)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Marks a run with a star, or takes it away; false where there is no such run.
    pub async fn set_run_starred(&self, id: RunId, starred: bool) -> sqlx::Result<bool> {
        let done = sqlx::query("update runs set starred = ? where id = ?")
            .bind(starred)
            .bind(id)
            .execute(&self.write)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Leaves a run out of lists, or brings it back; false where there is no such run.
    pub async fn set_run_archived(&self, id: RunId, archived: bool) -> sqlx::Result<bool> {
        let done = sqlx::query("update runs set archived = ? where id = ?")
            .bind(archived)
            .bind(id)
            .execute(&self.write)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Gives a run these tags and no others; false where there is no such run.
    pub async fn set_run_tags(&self, id: RunId, tags: &[String]) -> sqlx::Result<bool> {
        let mut transaction = self.write.begin().await?;
        let known: bool = sqlx::query_scalar("select exists (select 1 from runs where id = ?)")
            .bind(id)
            .fetch_one(&mut *transaction)
            .await?;
        if !known {
            return Ok(false);
        }
        sqlx::query("delete from run_tags where run_id = ?").bind(id).execute(&mut *transaction).await?;
        for tag in tags {
            sqlx::query("insert into run_tags (run_id, tag) values (?, ?) on conflict do nothing")
                .bind(id)
                .bind(tag)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// Puts a completed run back into the queue with a spec of more epochs; false where it is no longer completed.
    pub async fn set_run_epochs(&self, id: RunId, spec: &RunSpec) -> sqlx::Result<bool> {
        let done = sqlx::query(
            "update runs set spec = ?, state = 'queued', queued_at_ms = ?, ended_at_ms = null
             where id = ? and state = 'completed'",
        )
        .bind(to_json("spec", spec)?)
        .bind(now_ms())
        .bind(id)
        .execute(&self.write)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Removes a run with all that is known of it, and keeps its number from being given again. False where it waits
    /// or works, or a further job of it does, or it is not there.
    pub async fn delete_run(&self, id: RunId) -> sqlx::Result<bool> {
        let mut transaction = self.write.begin().await?;
        let done = sqlx::query(
            "delete from runs where id = ? and state not in ('queued', 'running')
             and not exists (select * from jobs where run_id = runs.id and state in ('queued', 'running'))",
        )
        .bind(id)
        .execute(&mut *transaction)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query("insert into deleted_runs (id, deleted_at_ms) values (?, ?) on conflict do nothing")
            .bind(id)
            .bind(now_ms())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// The numbers of deleted runs, whose folders should be gone.
    pub async fn list_deleted_runs(&self) -> sqlx::Result<Vec<RunId>> {
        sqlx::query_scalar("select id from deleted_runs order by id").fetch_all(&self.read).await
    }

    /// The runs of a data set, by number.
    pub async fn list_run_ids_of(&self, dataset: DatasetId) -> sqlx::Result<Vec<RunId>> {
        sqlx::query_scalar("select id from runs where dataset_id = ? order by id")
            .bind(dataset)
            .fetch_all(&self.read)
            .await
    }

    /// Every tag that a run has, by name.
    pub async fn list_run_tags(&self) -> sqlx::Result<Vec<String>> {
        sqlx::query_scalar("select distinct tag from run_tags order by tag").fetch_all(&self.read).await
    }
}
