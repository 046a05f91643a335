//! A data set's samples as galleries ask for them: filtered, ordered, a page at a time.

pub use super::sample_query::{Gallery, SampleCursor, SampleFilter, SampleOrder};

use super::Store;
use super::sample_query::push_filter;
use super::versions::json_list;
use crate::domain::ids::{DatasetId, SampleId};
use crate::domain::metadata::MetadataColumn;
use crate::domain::sample_order;
use protocol::sample::Split;
use protocol::spec::SampleKeys;
use sqlx::{FromRow, QueryBuilder};

/// An image.
#[derive(Clone, Debug, FromRow)]
pub struct Sample {
    /// Its number.
    pub id: SampleId,
    /// The data set it is in.
    pub dataset_id: DatasetId,
    /// Relative to the data set's root.
    pub path: String,
    /// Its class.
    pub label: i64,
    /// `train`, `val` or `test`, as the data set has it.
    pub split: String,
    /// Pixels, upright.
    pub width: i64,
    /// Pixels, upright.
    pub height: i64,
    /// Of the file.
    pub bytes: i64,
    /// `jpeg`, `png` …
    pub format: String,
    /// EXIF orientation, 1 to 8.
    pub orientation: i64,
    /// Of the file's bytes.
    pub hash: String,
    /// Whether it is left out of the newest version.
    pub excluded: bool,
    /// What else its source says of it: a JSON object of texts and numbers.
    pub metadata: Option<String>,
}

impl Sample {
    /// What keys its random draws in a run.
    pub fn draw_key(&self, by: SampleKeys) -> i64 {
        match by {
            SampleKeys::Id => self.id.0,
            SampleKeys::Path => sample_order::draw_key(&self.path),
        }
    }
}

/// A sample in a page.
#[derive(Clone, Debug, FromRow)]
pub struct Listed {
    /// The sample.
    #[sqlx(flatten)]
    pub sample: Sample,
    /// What the order goes by.
    pub value: f64,
}

impl Listed {
    /// The page behind this sample.
    pub fn cursor(&self) -> SampleCursor {
        SampleCursor { value: self.value, id: self.sample.id }
    }
}

impl Store {
    /// A page of a gallery behind a cursor. Ordered by a measure, samples that were not measured are left out.
    pub async fn list_samples_page(
        &self,
        id: DatasetId,
        gallery: &Gallery,
        after: Option<SampleCursor>,
        limit: i64,
    ) -> sqlx::Result<Vec<Listed>> {
        let value = gallery.order.sql();
        let mut query = gallery.begin(id, &format!("samples.*, cast({value} as real) as value"));
        if let Some(after) = after {
            gallery.push_side(&mut query, after, true);
        }
        let direction = if gallery.descending { " desc" } else { "" };
        query.push(" order by ").push(value).push(direction);
        if gallery.order != SampleOrder::Number {
            query.push(", samples.id").push(direction);
        }
        query.push(" limit ").push_bind(limit);
        query.build_query_as().fetch_all(&self.read).await
    }

    /// How many samples of a gallery stand before one.
    pub async fn count_samples_before(
        &self,
        id: DatasetId,
        gallery: &Gallery,
        of: SampleCursor,
    ) -> sqlx::Result<i64> {
        let mut query = gallery.begin(id, "count(*)");
        gallery.push_side(&mut query, of, false);
        query.build_query_scalar().fetch_one(&self.read).await
    }

    /// Where a sample stands in an order, whether it is in the gallery or not; `None` where its figure is missing.
    pub async fn find_cursor(&self, id: SampleId, order: SampleOrder) -> sqlx::Result<Option<SampleCursor>> {
        let mut query = QueryBuilder::new("select cast(");
        query.push(order.sql());
        query.push(" as real) from samples left join measures on measures.sample_id = samples.id where samples.id = ");
        query.push_bind(id);
        let value: Option<Option<f64>> = query.build_query_scalar().fetch_optional(&self.read).await?;
        Ok(value.flatten().map(|value| SampleCursor { value, id }))
    }

    /// Whether a sample is among those that fit.
    pub async fn has_sample(&self, id: DatasetId, gallery: &Gallery, sample: SampleId) -> sqlx::Result<bool> {
        let mut query = gallery.begin(id, "count(*)");
        query.push(" and samples.id = ").push_bind(sample);
        let count: i64 = query.build_query_scalar().fetch_one(&self.read).await?;
        Ok(count > 0)
    }

    /// How many samples fit.
    pub async fn count_samples(&self, id: DatasetId, filter: &SampleFilter) -> sqlx::Result<i64> {
        let mut query = QueryBuilder::new("select count(*) from samples where samples.dataset_id = ");
        query.push_bind(id);
        push_filter(&mut query, id, filter, false);
        query.build_query_scalar().fetch_one(&self.read).await
    }

    /// The numbers of all samples that fit.
    pub async fn list_sample_ids(&self, id: DatasetId, filter: &SampleFilter) -> sqlx::Result<Vec<SampleId>> {
        let mut query = QueryBuilder::new("select samples.id from samples where samples.dataset_id = ");
        query.push_bind(id);
        push_filter(&mut query, id, filter, false);
        query.push(" order by samples.id");
        query.build_query_scalar().fetch_all(&self.read).await
    }

    /// Samples by number, in the order asked; ones that are gone are skipped.
    pub async fn find_samples(&self, ids: &[SampleId]) -> sqlx::Result<Vec<Sample>> {
        let found: Vec<Sample> =
            sqlx::query_as("select * from samples where id in (select value from json_each(?)) order by id")
                .bind(json_list(ids))
                .fetch_all(&self.read)
                .await?;
        let at = |id: &SampleId| found.binary_search_by_key(&id.0, |sample| sample.id.0).ok();
        Ok(ids.iter().filter_map(at).map(|at| found[at].clone()).collect())
    }

    /// The metadata columns of a data set with some of their values, the most frequent first.
    pub async fn list_metadata(&self, id: DatasetId) -> sqlx::Result<Vec<MetadataColumn>> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "select key, cast(value as text), count(*) as times
             from samples indexed by samples_with_metadata,
                  json_each(case when json_valid(samples.metadata) then samples.metadata else '{}' end)
             where dataset_id = ? and metadata is not null and excluded = 0
             group by 1, 2 order by 1, times desc, 2",
        )
        .bind(id)
        .fetch_all(&self.read)
        .await?;
        let mut columns: Vec<MetadataColumn> = Vec::new();
        for (key, value, times) in rows {
            match columns.last_mut() {
                Some(last) if last.name == key => last.values.push((value, times)),
                _ => columns.push(MetadataColumn { name: key, values: vec![(value, times)] }),
            }
        }
        Ok(columns)
    }

    /// Every sample that is not excluded, by number: what a run is given.
    pub async fn list_samples(&self, id: DatasetId) -> sqlx::Result<Vec<Sample>> {
        sqlx::query_as("select * from samples where dataset_id = ? and excluded = 0 order by id")
            .bind(id)
            .fetch_all(&self.read)
            .await
    }

    /// Every sample of a class that is not excluded, by number.
    pub async fn list_class_samples(&self, id: DatasetId, label: i64) -> sqlx::Result<Vec<Sample>> {
        sqlx::query_as(
            "select * from samples where dataset_id = ? and excluded = 0 and label = ? order by id",
        )
        .bind(id)
        .bind(label)
        .fetch_all(&self.read)
        .await
    }

    /// Some samples of a class and a split (either may be left open), the same ones for the same `pick`.
    pub async fn pick_samples(
        &self,
        id: DatasetId,
        label: Option<i64>,
        split: Option<Split>,
        pick: u32,
        limit: i64,
    ) -> sqlx::Result<Vec<Sample>> {
        // Ordered by a multiplicative hash of number and pick: fair enough to look at, and no table is shuffled.
        sqlx::query_as(
            "select * from samples
             where dataset_id = ?1 and excluded = 0 and (?2 is null or label = ?2) and (?3 is null or split = ?3)
             order by ((id + ?4 * 7919) * 2654435761) % 4294967291 limit ?5",
        )
        .bind(id)
        .bind(label)
        .bind(split.map(Split::as_str))
        .bind(pick)
        .bind(limit)
        .fetch_all(&self.read)
        .await
    }

    /// One image.
    pub async fn find_sample(&self, id: SampleId) -> sqlx::Result<Option<Sample>> {
        sqlx::query_as("select * from samples where id = ?").bind(id).fetch_optional(&self.read).await
    }

    /// The absolute path of some image whose file has this hash.
    pub async fn find_path_by_hash(&self, hash: &str) -> sqlx::Result<Option<std::path::PathBuf>> {
        let found: Option<(String, String)> = sqlx::query_as(
            "select datasets.root, samples.path from samples join datasets on datasets.id = samples.dataset_id
             where samples.hash = ? and datasets.root is not null limit 1",
        )
        .bind(hash)
        .fetch_optional(&self.read)
        .await?;
        Ok(found.map(|(root, path)| std::path::Path::new(&root).join(path)))
    }
}
