//! Rows of tables: CSV, TSV and JSON lines. Each row is an object from column to value.

use super::super::ImportError;
use super::super::error::io_error;
use super::columns::Row;
use super::{DatasetFormat, malformed};
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// A table is no longer than this: one quote that is never closed would be read into memory whole.
const TABLE_BYTES: u64 = 512 << 20;

/// A line of JSON is no longer than this.
const LINE_BYTES: u64 = 16 << 20;

/// No more than this is read to see what the columns are called.
const HEAD_BYTES: u64 = 1 << 20;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TableFormat {
    Csv,
    Tsv,
    JsonLines,
    Parquet,
}

impl TableFormat {
    /// By the ending of a file's name.
    pub(super) fn of(name: &str) -> Option<TableFormat> {
        match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "csv" => Some(TableFormat::Csv),
            "tsv" | "tab" => Some(TableFormat::Tsv),
            "jsonl" | "ndjson" => Some(TableFormat::JsonLines),
            "parquet" => Some(TableFormat::Parquet),
            _ => None,
        }
    }
}

/// The rows of a file; `name` is what to call it. An error ends them.
pub(super) fn rows(
    path: &Path,
    name: &str,
    kind: TableFormat,
) -> Result<Box<dyn Iterator<Item = Result<Row, ImportError>>>, ImportError> {
    let file = File::open(path).map_err(io_error("open", path))?;
    if kind == TableFormat::Parquet {
        return super::parquet_rows::rows(file, name);
    }
    let bytes = file.metadata().map_err(io_error("read", path))?.len();
    if bytes > TABLE_BYTES {
        let what = format!("{name} has {bytes} bytes, and a table may have {TABLE_BYTES}");
        return Err(ImportError::TooLarge { what });
    }
    let reader = BufReader::with_capacity(1 << 18, file);
    match kind {
        TableFormat::JsonLines => Ok(Box::new(json_lines(reader, path.to_owned()))),
        _ => {
            let (columns, reader) = separated(reader, name, kind)?;
            let name = name.to_owned();
            Ok(Box::new(reader.into_byte_records().zip(2..).map(move |(record, number)| {
                let record =
                    record.map_err(|error| malformed(DatasetFormat::Manifest, &name, error.to_string()))?;
                Ok((number, row_of(&columns, &record)))
            })))
        }
    }
}

/// The names of a table's columns; of JSON lines, those of the first rows. `None` where it can't be read.
pub(super) fn head(path: &Path, name: &str, kind: TableFormat) -> Option<Vec<String>> {
    const ROWS: usize = 100;
    let file = File::open(path).ok()?;
    if kind == TableFormat::Parquet {
        return super::parquet_rows::head(file);
    }
    let start = BufReader::new(file.take(HEAD_BYTES));
    if kind == TableFormat::JsonLines {
        let rows = json_lines(start, path.to_owned()).take(ROWS).filter_map(|row| row.ok()?.1.ok());
        return Some(rows.flat_map(|row| row.into_iter().map(|(column, _)| column)).collect());
    }
    Some(separated(start, name, kind).ok()?.0)
}

/// CSV and TSV, with the names of the columns. A CSV whose head has semicolons and no commas is separated by these, as some countries' spreadsheets
/// write it.
fn separated<R: BufRead>(
    mut reader: R,
    name: &str,
    kind: TableFormat,
) -> Result<(Vec<String>, csv::Reader<R>), ImportError> {
    let broken = |name: &str, why: String| malformed(DatasetFormat::Manifest, name, why);
    let start = reader.fill_buf().map_err(|error| broken(name, error.to_string()))?;
    if start.starts_with(b"\xef\xbb\xbf") {
        reader.consume(3);
    }
    let start = reader.fill_buf().map_err(|error| broken(name, error.to_string()))?;
    let head = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let delimiter = match kind {
        TableFormat::Tsv => b'\t',
        _ if head.contains(&b';') && !head.contains(&b',') => b';',
        _ => b',',
    };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .quoting(kind != TableFormat::Tsv)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(reader);
    let head = reader.headers().map_err(|error| broken(name, error.to_string()))?;
    let columns: Vec<String> = head.iter().map(str::to_owned).collect();
    Ok((columns, reader))
}

fn row_of(columns: &[String], record: &csv::ByteRecord) -> Result<Map<String, Value>, String> {
    if record.len() != columns.len() {
        return Err(format!("it has {} cells, and the head has {}", record.len(), columns.len()));
    }
    let cells = columns.iter().zip(record).filter(|(column, cell)| !column.is_empty() && !cell.is_empty());
    cells
        .map(|(column, cell)| {
            let cell = std::str::from_utf8(cell).map_err(|_| format!("its “{column}” is not UTF-8"))?;
            Ok((column.clone(), Value::from(cell)))
        })
        .collect()
}

fn json_lines(
    mut reader: impl BufRead,
    path: std::path::PathBuf,
) -> impl Iterator<Item = Result<Row, ImportError>> {
    let mut number = 0;
    std::iter::from_fn(move || {
        loop {
            number += 1;
            let mut line = Vec::new();
            match (&mut reader).take(LINE_BYTES).read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) if line.trim_ascii().is_empty() => {}
                Ok(_) => {
                    let row = serde_json::from_slice(&line)
                        .map_err(|error| format!("it is no JSON object: {error}"));
                    return Some(Ok((number, row)));
                }
                Err(error) => return Some(Err(io_error("read", &path)(error))),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_without_end_is_read_no_further_than_it_may() {
        let folder = tempfile::tempdir().unwrap();
        let endless = "x".repeat(3 << 20);
        for (name, text) in [
            ("t.csv", format!("path,label,\"{endless}")),
            ("t.tsv", format!("path\tlabel\t{endless}")),
            ("t.jsonl", format!("{{\"path\": 1, \"label\": 2}}\n{{\"{endless}\": 3}}")),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            let columns = head(&path, name, TableFormat::of(name).unwrap()).unwrap();
            assert!(["path", "label"].iter().all(|known| columns.contains(&(*known).to_owned())), "{name}");
            assert!(columns.iter().map(String::len).sum::<usize>() as u64 <= HEAD_BYTES, "{name}");
        }
    }
}
