//! A version of a data set as a manifest: the tables that [`crate::import`] reads, and everybody else too. Files stay
//! where they are; paths are relative to the data set's folder.

use crate::store::versions::ManifestRow;
use anyhow::Context as _;
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::json;
use std::sync::Arc;

const COLUMNS: [&str; 4] = ["path", "label", "split", "hash"];

const SCHEMA: &str = "message manifest {
    required binary path (UTF8); required binary label (UTF8);
    required binary split (UTF8); required binary hash (UTF8);
}";

/// The forms that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManifestForm {
    /// Comma-separated values with a head line.
    Csv,
    /// One JSON object a line.
    JsonLines,
    /// Apache Parquet.
    Parquet,
}

impl ManifestForm {
    /// All of them.
    pub const ALL: [ManifestForm; 3] = [ManifestForm::Csv, ManifestForm::JsonLines, ManifestForm::Parquet];

    /// The ending of a file's name.
    pub fn ending(self) -> &'static str {
        match self {
            ManifestForm::Csv => "csv",
            ManifestForm::JsonLines => "jsonl",
            ManifestForm::Parquet => "parquet",
        }
    }

    /// Its media type.
    pub fn mime(self) -> &'static str {
        match self {
            ManifestForm::Csv => "text/csv; charset=utf-8",
            ManifestForm::JsonLines => "application/x-ndjson",
            ManifestForm::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// The file.
///
/// # Errors
/// None that a table of texts could have; the libraries that write it might.
pub fn manifest(rows: &[ManifestRow], form: ManifestForm) -> anyhow::Result<Vec<u8>> {
    match form {
        ManifestForm::Csv => csv(rows),
        ManifestForm::JsonLines => Ok(json_lines(rows)),
        ManifestForm::Parquet => parquet(rows),
    }
}

fn cells(row: &ManifestRow) -> [&str; 4] {
    [&row.path, &row.label, &row.split, &row.hash]
}

fn csv(rows: &[ManifestRow]) -> anyhow::Result<Vec<u8>> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for row in rows {
        writer.write_record(cells(row))?;
    }
    writer.into_inner().map_err(|error| anyhow::anyhow!("{error}"))
}

fn json_lines(rows: &[ManifestRow]) -> Vec<u8> {
    let line = |row: &ManifestRow| {
        let [path, label, split, hash] = cells(row);
        json!({"path": path, "label": label, "split": split, "hash": hash}).to_string() + "\n"
    };
    rows.iter().map(line).collect::<String>().into_bytes()
}

fn parquet(rows: &[ManifestRow]) -> anyhow::Result<Vec<u8>> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut file = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut file, schema, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    for column in 0..COLUMNS.len() {
        let values: Vec<ByteArray> = rows.iter().map(|row| ByteArray::from(cells(row)[column])).collect();
        let mut column = group.next_column()?.context("the schema has this column")?;
        column.typed::<ByteArrayType>().write_batch(&values, None, None)?;
        column.close()?;
    }
    group.close()?;
    writer.close()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::file::reader::{FileReader as _, SerializedFileReader};

    fn rows() -> Vec<ManifestRow> {
        let row = |path: &str, label: &str| ManifestRow {
            path: path.into(),
            label: label.into(),
            split: "train".into(),
            hash: "f00".into(),
        };
        vec![row("a, \"b\".png", "cat"), row("c.png", "dög")]
    }

    #[test]
    fn every_form_holds_the_same_rows() {
        let text = |form| String::from_utf8(manifest(&rows(), form).unwrap()).unwrap();
        assert_eq!(
            text(ManifestForm::Csv),
            "path,label,split,hash\n\"a, \"\"b\"\".png\",cat,train,f00\nc.png,dög,train,f00\n"
        );
        let lines: Vec<serde_json::Value> =
            text(ManifestForm::JsonLines).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[1], json!({"path": "c.png", "label": "dög", "split": "train", "hash": "f00"}));
        let file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut &file, &manifest(&rows(), ManifestForm::Parquet).unwrap()).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let read: Vec<String> =
            reader.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect();
        assert!(read.len() == 2 && read[1].contains("dög"), "{read:?}");
    }
}
