//! A version of a data set as a manifest: the tables that [`crate::import`] reads, and everybody else too. Files stay
//! where they are; paths are relative to the data set's folder. Metadata stands in columns behind the manifest's own,
//! and an import finds it there as it was.

use crate::store::versions::ManifestRow;
use anyhow::Context as _;
use parquet::basic::{Compression, ConvertedType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;
use serde::Serialize;
use serde_json::{Number, Value};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The manifest's own columns; metadata that is called as one of them is left out.
const COLUMNS: [&str; 4] = ["path", "label", "split", "hash"];

/// A table has no more cells than this, empty ones among them.
const MAX_CELLS: usize = 200_000_000;

/// The forms that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManifestFormat {
    /// Comma-separated values with a head line.
    Csv,
    /// One JSON object a line.
    JsonLines,
    /// Apache Parquet.
    Parquet,
}

impl ManifestFormat {
    /// All of them.
    pub const ALL: [ManifestFormat; 3] =
        [ManifestFormat::Csv, ManifestFormat::JsonLines, ManifestFormat::Parquet];

    /// The ending of a file's name.
    pub fn ending(self) -> &'static str {
        match self {
            ManifestFormat::Csv => "csv",
            ManifestFormat::JsonLines => "jsonl",
            ManifestFormat::Parquet => "parquet",
        }
    }

    /// Its media type.
    pub fn mime(self) -> &'static str {
        match self {
            ManifestFormat::Csv => "text/csv; charset=utf-8",
            ManifestFormat::JsonLines => "application/x-ndjson",
            ManifestFormat::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// The file.
///
/// # Errors
/// The samples have so many different names of metadata that no table could hold them; JSON lines can.
pub fn manifest(rows: &[ManifestRow], format: ManifestFormat) -> anyhow::Result<Vec<u8>> {
    match format {
        ManifestFormat::Csv => csv(rows),
        ManifestFormat::JsonLines => json_lines(rows),
        ManifestFormat::Parquet => parquet(rows),
    }
}

fn cells(row: &ManifestRow) -> [&str; 4] {
    [&row.path, &row.label, &row.split, &row.hash]
}

/// A row's metadata but for what the manifest says itself.
fn metadata(row: &ManifestRow) -> impl Iterator<Item = (&str, &Value)> {
    let all = row.metadata.iter().map(|(name, value)| (name.as_str(), value));
    all.filter(|(name, value)| !COLUMNS.contains(name) && !value.is_null())
}

fn value_of<'a>(row: &'a ManifestRow, name: &str) -> Option<&'a Value> {
    row.metadata.get(name).filter(|value| !value.is_null())
}

/// What all the metadata is called, in the order of the columns behind the manifest's own.
fn names(rows: &[ManifestRow]) -> anyhow::Result<BTreeSet<&str>> {
    let names: BTreeSet<&str> = rows.iter().flat_map(metadata).map(|(name, _)| name).collect();
    anyhow::ensure!(
        names.len().saturating_mul(rows.len()) <= MAX_CELLS,
        "{} images with {} different names of metadata make too large a table; take manifest.jsonl",
        rows.len(),
        names.len()
    );
    Ok(names)
}

/// A text as it stands, a number by its shortest digits, as an import tells them apart again.
fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => text.into(),
        other => other.to_string().into(),
    }
}

fn csv(rows: &[ManifestRow]) -> anyhow::Result<Vec<u8>> {
    let names = names(rows)?;
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS.iter().chain(&names))?;
    for row in rows {
        let own = cells(row).into_iter().map(Cow::from);
        let further = names.iter().map(|name| value_of(row, name).map(text).unwrap_or_default());
        writer.write_record(own.chain(further).map(Cow::into_owned))?;
    }
    writer.into_inner().map_err(|error| anyhow::anyhow!("{error}"))
}

/// One line, its keys in the order of the columns.
#[derive(Serialize)]
struct Line<'a> {
    path: &'a str,
    label: &'a str,
    split: &'a str,
    hash: &'a str,
    #[serde(flatten)]
    metadata: BTreeMap<&'a str, &'a Value>,
}

fn json_lines(rows: &[ManifestRow]) -> anyhow::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for row in rows {
        let [path, label, split, hash] = cells(row);
        let line = Line { path, label, split, hash, metadata: metadata(row).collect() };
        serde_json::to_writer(&mut lines, &line)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

fn parquet(rows: &[ManifestRow]) -> anyhow::Result<Vec<u8>> {
    let names: Vec<(&str, bool)> =
        names(rows)?.into_iter().map(|name| (name, is_numeric(rows, name))).collect();
    let own = COLUMNS.map(|name| field(name, Repetition::REQUIRED, Physical::BYTE_ARRAY));
    let further = names.iter().map(|(name, is_numeric)| {
        let kind = if *is_numeric { Physical::DOUBLE } else { Physical::BYTE_ARRAY };
        field(name, Repetition::OPTIONAL, kind)
    });
    let fields = own.into_iter().chain(further).collect::<Result<_, _>>()?;
    let schema = Arc::new(Type::group_type_builder("manifest").with_fields(fields).build()?);
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut file = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut file, schema, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    for column in 0..COLUMNS.len() {
        let values: Vec<ByteArray> = rows.iter().map(|row| ByteArray::from(cells(row)[column])).collect();
        write::<ByteArrayType, _>(&mut group, &values, None)?;
    }
    for (name, is_numeric) in names {
        let values = || rows.iter().filter_map(|row| value_of(row, name));
        let there: Vec<i16> = rows.iter().map(|row| i16::from(value_of(row, name).is_some())).collect();
        if is_numeric {
            let values: Vec<f64> = values().filter_map(Value::as_f64).collect();
            write::<DoubleType, _>(&mut group, &values, Some(&there))?;
        } else {
            let values: Vec<ByteArray> = values().map(|value| ByteArray::from(&*text(value))).collect();
            write::<ByteArrayType, _>(&mut group, &values, Some(&there))?;
        }
    }
    group.close()?;
    writer.close()?;
    Ok(file)
}

fn field(name: &str, repetition: Repetition, kind: Physical) -> parquet::errors::Result<Arc<Type>> {
    let is_text = kind == Physical::BYTE_ARRAY;
    Type::primitive_type_builder(name, kind)
        .with_repetition(repetition)
        .with_converted_type(if is_text { ConvertedType::UTF8 } else { ConvertedType::NONE })
        .build()
        .map(Arc::new)
}

/// Writes the next column; `there` says which rows have a value, where not all must.
fn write<T: DataType<T = V>, V>(
    group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>,
    values: &[V],
    there: Option<&[i16]>,
) -> anyhow::Result<()> {
    let mut column = group.next_column()?.context("the schema has this column")?;
    column.typed::<T>().write_batch(values, there, None)?;
    Ok(column.close()?)
}

/// Whether all values of a name are numbers that a double holds to the last digit.
fn is_numeric(rows: &[ManifestRow], name: &str) -> bool {
    let holds = |number: &Number| {
        number.is_f64()
            || number.as_i64().is_some_and(|whole| whole.unsigned_abs() < 1 << f64::MANTISSA_DIGITS)
    };
    let mut values = rows.iter().filter_map(|row| value_of(row, name));
    values.all(|value| matches!(value, Value::Number(number) if holds(number)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use serde_json::json;

    fn rows() -> Vec<ManifestRow> {
        let row = |path: &str, label: &str, metadata: Value| ManifestRow {
            path: path.into(),
            label: label.into(),
            split: "train".into(),
            hash: "f00".into(),
            metadata: metadata.as_object().cloned().unwrap_or_default(),
        };
        vec![
            row("a, \"b\".png", "cat", json!({"place": "here, there", "age": 3, "hash": "other", "id": 1})),
            row("c.png", "dög", json!({"age": 0.5, "place": null, "id": (1_u64 << 53) + 1})),
            row("d.png", "dög", json!({})),
        ]
    }

    #[test]
    fn every_form_holds_the_same_rows() {
        let text = |format| String::from_utf8(manifest(&rows(), format).unwrap()).unwrap();
        assert_eq!(
            text(ManifestFormat::Csv),
            "path,label,split,hash,age,id,place\n\"a, \"\"b\"\".png\",cat,train,f00,3,1,\"here, there\"\n\
             c.png,dög,train,f00,0.5,9007199254740993,\nd.png,dög,train,f00,,,\n"
        );
        assert_eq!(
            text(ManifestFormat::JsonLines).lines().skip(1).collect::<Vec<_>>(),
            [
                r#"{"path":"c.png","label":"dög","split":"train","hash":"f00","age":0.5,"id":9007199254740993}"#,
                r#"{"path":"d.png","label":"dög","split":"train","hash":"f00"}"#,
            ]
        );
        let file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut &file, &manifest(&rows(), ManifestFormat::Parquet).unwrap()).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let read: Vec<String> =
            reader.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect();
        assert_eq!(
            read[0],
            r#"{path: "a, "b".png", label: "cat", split: "train", hash: "f00", age: 3.0, id: "1", place: "here, there"}"#
        );
        // A double would make it 9007199254740992.
        assert!(read[1].ends_with(r#"age: 0.5, id: "9007199254740993", place: null}"#), "{}", read[1]);
        assert!(read[2].ends_with("age: null, id: null, place: null}"), "{}", read[2]);
    }

    #[test]
    fn a_table_that_would_be_too_large_is_refused() {
        let row = |at: usize| ManifestRow {
            metadata: [(format!("k{at}"), Value::from(at))].into_iter().collect(),
            ..rows()[2].clone()
        };
        let rows: Vec<ManifestRow> = (0..15_000).map(row).collect();
        let error = manifest(&rows, ManifestFormat::Csv).unwrap_err().to_string();
        assert!(error.contains("15000 different names of metadata"), "{error}");
        assert!(manifest(&rows, ManifestFormat::Parquet).is_err());
        assert_eq!(
            manifest(&rows, ManifestFormat::JsonLines).unwrap().split(|byte| *byte == b'\n').count(),
            15_001
        );
    }
}
