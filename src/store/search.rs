//! What a name is found in: runs, data sets, classes and the files of images.

use super::Store;
use super::samples::Sample;
use crate::domain::ids::{DatasetId, RunId};
use sqlx::FromRow;
use std::collections::BTreeMap;

/// A run whose name, number or data set was meant.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct FoundRun {
    /// Its number.
    pub id: RunId,
    /// Its name.
    pub name: String,
    /// Its state, as the API says it.
    pub state: String,
    /// The name of its data set.
    pub dataset: String,
}

/// A data set, or a class of one, whose name was meant.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct FoundClass {
    /// The data set.
    pub dataset_id: DatasetId,
    /// Its name.
    pub dataset: String,
    /// The class; empty where the data set itself was meant.
    pub class: String,
}

/// What runs and data sets are called, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Runs.
    pub runs: BTreeMap<i64, String>,
    /// Data sets.
    pub datasets: BTreeMap<i64, String>,
}

/// A pattern for `like … escape '\'` that fits whatever contains the words.
fn containing(words: &str) -> String {
    let mut pattern = String::from("%");
    for letter in words.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern + "%"
}

impl Store {
    /// The names of all runs and all data sets, by number.
    pub async fn list_names(&self) -> sqlx::Result<Names> {
        let rows: Vec<(bool, i64, String)> = sqlx::query_as(
            "select true, id, name from runs union all select false, id, name from datasets where state <> 'failed' and id > 0",
        )
        .fetch_all(&self.read)
        .await?;
        let mut names = Names::default();
        for (is_run, id, name) in rows {
            let of = if is_run { &mut names.runs } else { &mut names.datasets };
            of.insert(id, name);
        }
        Ok(names)
    }

    /// Runs with these words in their name, a tag or their data set's name, or with this number; newest first.
    pub async fn search_runs(&self, words: &str, limit: i64) -> sqlx::Result<Vec<FoundRun>> {
        sqlx::query_as(
            r"select runs.id, runs.name, runs.state, datasets.name as dataset
              from runs join datasets on datasets.id = runs.dataset_id
              where runs.name like ?1 escape '\' or datasets.name like ?1 escape '\' or cast(runs.id as text) = ?2
                 or exists (select 1 from run_tags where run_id = runs.id and tag like ?1 escape '\')
              order by runs.id desc limit ?3",
        )
        .bind(containing(words))
        // As pages write it: `#12`.
        .bind(words.trim_start_matches('#'))
        .bind(limit)
        .fetch_all(&self.read)
        .await
    }

    /// Data sets with these words in their name, newest first.
    pub async fn search_datasets(&self, words: &str, limit: i64) -> sqlx::Result<Vec<FoundClass>> {
        sqlx::query_as(
            r"select id as dataset_id, name as dataset, '' as class from datasets
              where state <> 'failed' and id > 0 and name like ?1 escape '\' order by id desc limit ?2",
        )
        .bind(containing(words))
        .bind(limit)
        .fetch_all(&self.read)
        .await
    }

    /// Classes with these words in their name.
    pub async fn search_classes(&self, words: &str, limit: i64) -> sqlx::Result<Vec<FoundClass>> {
        sqlx::query_as(
            r"select datasets.id as dataset_id, datasets.name as dataset, classes.name as class
              from classes join datasets on datasets.id = classes.dataset_id
              where datasets.state = 'ready' and classes.name like ?1 escape '\'
              order by datasets.id desc, classes.label limit ?2",
        )
        .bind(containing(words))
        .bind(limit)
        .fetch_all(&self.read)
        .await
    }

    /// Images with these words in the name of their file. The folders above it don't count: they are mostly the class.
    pub async fn search_samples(&self, words: &str, limit: i64) -> sqlx::Result<Vec<Sample>> {
        sqlx::query_as(
            // What is stripped off the path's end is all but slashes, so the rest ends at the last one.
            r"select * from samples
              where path like ?1 escape '\'
                and substr(path, length(rtrim(path, replace(path, '/', ''))) + 1) like ?1 escape '\'
              order by id limit ?2",
        )
        .bind(containing(words))
        .bind(limit)
        .fetch_all(&self.read)
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn filled() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("tintype.db")).await.unwrap();
        sqlx::raw_sql(
            "insert into datasets (id, name, state, source, created_at_ms)
             values (1, 'pets', 'ready', '/a', 0), (2, '100% wool', 'ready', '/b', 0), (3, 'pets again', 'failed', '/c', 0);
             insert into classes (dataset_id, label, name) values (1, 0, 'cat'), (1, 1, 'dog'), (2, 0, 'Cats_only');
             insert into samples (id, dataset_id, path, label, split, width, height, bytes, format, orientation, hash)
             values (1, 1, 'cat/first.png', 0, 'train', 1, 1, 1, 'png', 1, 'x'), (2, 1, 'dog/cat.png', 1, 'train', 1, 1, 1, 'png', 1, 'y'),
                    (3, 2, 'catalogue.png', 0, 'val', 1, 1, 1, 'png', 1, 'z');
             insert into runs (id, dataset_id, name, state, queued_at_ms, created_at_ms, spec)
             values (1, 1, 'first try', 'completed', 0, 0, '{}'), (2, 2, 'soft', 'failed', 0, 0, '{}'), (12, 1, 'last', 'queued', 0, 0, '{}');
             insert into run_tags (run_id, tag) values (2, 'baseline');",
        )
        .execute(&store.write)
        .await
        .unwrap();
        (folder, store)
    }

    #[tokio::test]
    async fn a_name_finds_runs_data_sets_classes_and_files() {
        let (_folder, store) = filled().await;
        let runs = async |words| {
            store.search_runs(words, 9).await.unwrap().into_iter().map(|run| run.id.0).collect::<Vec<_>>()
        };
        assert_eq!(runs("TRY").await, [1], "whatever the case");
        assert_eq!(runs("pets").await, [12, 1], "by the data set's name");
        assert_eq!(runs("2").await, [2], "a number is a whole one");
        assert_eq!(runs("base").await, [2], "by a tag");
        let names = |found: Vec<FoundClass>| {
            found.into_iter().map(|found| found.dataset + " " + &found.class).collect::<Vec<_>>()
        };
        assert_eq!(
            names(store.search_datasets("pet", 9).await.unwrap()),
            ["pets "],
            "failed imports are not"
        );
        assert_eq!(names(store.search_classes("cat", 9).await.unwrap()), ["100% wool Cats_only", "pets cat"]);
        let samples = async |words, limit| {
            let found = store.search_samples(words, limit).await.unwrap();
            found.into_iter().map(|sample| sample.id.0).collect::<Vec<_>>()
        };
        assert_eq!(samples("cat", 9).await, [2, 3], "by the file's own name");
        assert_eq!(samples("cat", 1).await, [2]);
    }

    #[tokio::test]
    async fn signs_of_a_pattern_mean_themselves() {
        let (_folder, store) = filled().await;
        assert_eq!(store.search_datasets("%", 9).await.unwrap().len(), 1);
        assert_eq!(store.search_classes("_", 9).await.unwrap().len(), 1);
        assert!(store.search_samples(r"\", 9).await.unwrap().is_empty());
    }
}
