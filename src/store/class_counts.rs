//! The classes of data sets with their counts, and the first images of each.

use super::Store;
use super::samples::Sample;
use crate::domain::dataset::ClassCount;
use crate::domain::ids::DatasetId;
use sqlx::{AssertSqlSafe, FromRow};
use std::collections::BTreeMap;

/// Counts of every class; what restricts them comes between, `ORDER` behind it.
const COUNTS: &str = "select classes.dataset_id, classes.label, classes.name,
        count(*) filter (where samples.split = 'train') as train,
        count(*) filter (where samples.split = 'val') as val,
        count(*) filter (where samples.split = 'test') as test
 from classes
 left join samples on samples.dataset_id = classes.dataset_id and samples.label = classes.label and excluded = 0";
const ORDER: &str = "group by classes.dataset_id, classes.label order by classes.dataset_id, classes.label";

#[derive(FromRow)]
struct Row {
    dataset_id: DatasetId,
    label: i64,
    name: String,
    train: i64,
    val: i64,
    test: i64,
}

impl From<Row> for ClassCount {
    fn from(row: Row) -> ClassCount {
        ClassCount {
            label: row.label,
            name: row.name,
            by_split: [row.train, row.val, row.test].map(|count| u64::try_from(count).unwrap_or(0)),
        }
    }
}

impl Store {
    /// A data set's classes by label, with their counts; those that have no samples any more are left out.
    pub async fn list_class_counts(&self, id: DatasetId) -> sqlx::Result<Vec<ClassCount>> {
        let mut classes = self.list_classes(id).await?;
        classes.retain(|class| class.total() > 0);
        Ok(classes)
    }

    /// Every class that there ever was, by label, with its counts: what a name or a label is looked up in.
    pub async fn list_classes(&self, id: DatasetId) -> sqlx::Result<Vec<ClassCount>> {
        let sql = format!("{COUNTS} where classes.dataset_id = ? {ORDER}");
        let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(sql)).bind(id).fetch_all(&self.read).await?;
        Ok(rows.into_iter().map(ClassCount::from).collect())
    }

    /// As [`Store::list_class_counts`], of every data set in one statement.
    pub async fn list_all_class_counts(&self) -> sqlx::Result<BTreeMap<DatasetId, Vec<ClassCount>>> {
        let sql = format!("{COUNTS} {ORDER}");
        let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&self.read).await?;
        let mut all: BTreeMap<DatasetId, Vec<ClassCount>> = BTreeMap::new();
        for row in rows {
            let dataset = row.dataset_id;
            let class = ClassCount::from(row);
            if class.total() > 0 {
                all.entry(dataset).or_default().push(class);
            }
        }
        Ok(all)
    }

    /// The first `limit` samples of each of these classes, given by data set and label: in one statement, in the order asked.
    pub async fn list_first_samples(
        &self,
        wanted: &[(DatasetId, i64)],
        limit: i64,
    ) -> sqlx::Result<Vec<Sample>> {
        let wanted: Vec<[i64; 2]> = wanted.iter().map(|(dataset, label)| [dataset.0, *label]).collect();
        sqlx::query_as(
            "select samples.* from json_each(?) as wanted
             join samples on samples.id in (
                 select first.id from samples as first
                 where first.dataset_id = wanted.value ->> 0 and first.label = wanted.value ->> 1 and first.excluded = 0
                 order by first.id limit ?)
             order by wanted.key, samples.id",
        )
        .bind(serde_json::json!(wanted).to_string())
        .bind(limit)
        .fetch_all(&self.read)
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::samples::{Gallery, SampleFilter};

    #[tokio::test]
    async fn one_statement_tells_of_every_data_set_what_each_tells_of_itself() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("tintype.db")).await.unwrap();
        sqlx::raw_sql(
            "insert into datasets (id, name, state, source, created_at_ms)
             values (1, 'a', 'ready', '/a', 1), (2, 'b', 'ready', '/b', 2), (3, 'none', 'importing', '/c', 3);
             insert into classes (dataset_id, label, name)
             values (1, 0, 'cat'), (1, 1, 'dog'), (1, 2, 'gone'), (2, 0, 'cat'), (2, 1, 'fox');",
        )
        .execute(&store.write)
        .await
        .unwrap();
        for at in 0..24 {
            let (dataset, label) = (at % 2 + 1, at / 2 % 2);
            let split = ["train", "val", "test"][at as usize % 3];
            sqlx::query(
                "insert into samples
                 (dataset_id, path, label, split, width, height, bytes, format, orientation, hash, excluded)
                 values (?, ?, ?, ?, 8, 8, 1, 'png', 1, ?, ?)",
            )
            .bind(dataset)
            .bind(format!("{at}.png"))
            .bind(label)
            .bind(split)
            .bind(format!("hash {at}"))
            .bind(at % 5 == 0)
            .execute(&store.write)
            .await
            .unwrap();
        }
        let all = store.list_all_class_counts().await.unwrap();
        let mut wanted = Vec::new();
        let mut expected = Vec::new();
        for id in [1, 2, 3].map(DatasetId) {
            let own = store.list_class_counts(id).await.unwrap();
            assert_eq!(all.get(&id).cloned().unwrap_or_default(), own, "data set {id}");
            for class in own {
                wanted.push((id, class.label));
                let filter = SampleFilter { labels: vec![class.label], ..SampleFilter::default() };
                let gallery = Gallery { filter, ..Gallery::default() };
                let page = store.list_samples_page(id, &gallery, None, 3).await.unwrap();
                expected.extend(page.iter().map(|listed| listed.sample.id));
            }
        }
        assert_eq!((wanted.len(), expected.len()), (4, 12), "two classes each, three images of each");
        let first = store.list_first_samples(&wanted, 3).await.unwrap();
        assert_eq!(first.iter().map(|sample| sample.id).collect::<Vec<_>>(), expected);
    }
}
