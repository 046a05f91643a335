//! Rows of tables: CSV, TSV and JSON lines. Each row is an object from column to value.

use super::super::ImportError;
use super::super::error::io_error;
use super::{Form, malformed};
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// A table is no longer than this: one quote that is never closed would be read into memory whole.
const TABLE_BYTES: u64 = 512 << 20;

/// A line of JSON is no longer than this.
const LINE_BYTES: u64 = 16 << 20;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Csv,
    Tsv,
    JsonLines,
    Parquet,
}

/// A row, or why it is none; with its number as a spreadsheet counts: the head of a CSV is row 1.
pub(super) type Row = (u64, Result<Map<String, Value>, String>);

impl Kind {
    /// By the ending of a file's name.
    pub(super) fn of(name: &str) -> Option<Kind> {
        match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "csv" => Some(Kind::Csv),
            "tsv" | "tab" => Some(Kind::Tsv),
            "jsonl" | "ndjson" => Some(Kind::JsonLines),
            "parquet" => Some(Kind::Parquet),
            _ => None,
        }
    }
}

/// The rows of a file; `name` is what to call it. An error ends them.
pub(super) fn rows(
    path: &Path,
    name: &str,
    kind: Kind,
) -> Result<Box<dyn Iterator<Item = Result<Row, ImportError>>>, ImportError> {
    let file = File::open(path).map_err(io_error("open", path))?;
    if kind == Kind::Parquet {
        return super::parquet::rows(file, name);
    }
    let bytes = file.metadata().map_err(io_error("read", path))?.len();
    if bytes > TABLE_BYTES {
        let what = format!("{name} has {bytes} bytes, and a table may have {TABLE_BYTES}");
        return Err(ImportError::TooLarge { what });
    }
    let reader = BufReader::with_capacity(1 << 18, file);
    match kind {
        Kind::JsonLines => Ok(Box::new(json_lines(reader, path.to_owned()))),
        _ => {
            let (columns, reader) = separated(reader, name, kind)?;
            let name = name.to_owned();
            Ok(Box::new(reader.into_byte_records().zip(2..).map(move |(record, number)| {
                let record = record.map_err(|error| malformed(Form::Manifest, &name, error.to_string()))?;
                Ok((number, row_of(&columns, &record)))
            })))
        }
    }
}

/// The names of a table's columns; of JSON lines, those of the first rows. `None` where it can't be read.
pub(super) fn head(path: &Path, name: &str, kind: Kind) -> Option<Vec<String>> {
    const ROWS: usize = 100;
    match kind {
        Kind::Parquet => super::parquet::head(File::open(path).ok()?),
        Kind::JsonLines => {
            let rows = rows(path, name, kind).ok()?.take(ROWS).filter_map(|row| row.ok()?.1.ok());
            Some(rows.flat_map(|row| row.into_iter().map(|(column, _)| column)).collect())
        }
        Kind::Csv | Kind::Tsv => Some(separated(BufReader::new(File::open(path).ok()?), name, kind).ok()?.0),
    }
}

/// CSV and TSV, with the names of the columns. A CSV whose head has semicolons and no commas is separated by these, as some countries' spreadsheets
/// write it.
fn separated(
    mut reader: BufReader<File>,
    name: &str,
    kind: Kind,
) -> Result<(Vec<String>, csv::Reader<BufReader<File>>), ImportError> {
    let broken = |name: &str, why: String| malformed(Form::Manifest, name, why);
    let start = reader.fill_buf().map_err(|error| broken(name, error.to_string()))?;
    if start.starts_with(b"\xef\xbb\xbf") {
        reader.consume(3);
    }
    let start = reader.fill_buf().map_err(|error| broken(name, error.to_string()))?;
    let head = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let delimiter = match kind {
        Kind::Tsv => b'\t',
        _ if head.contains(&b';') && !head.contains(&b',') => b';',
        _ => b',',
    };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .quoting(kind != Kind::Tsv)
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
    mut reader: BufReader<File>,
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

/// A value as text, where it is a text, a number or a truth; `None` where it is nothing or more.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        // A whole number that became a float because others of its column are missing.
        Value::Number(number) => Some(match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => {
                format!("{float:.0}")
            }
            _ => number.to_string(),
        }),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// What is kept of a row besides: texts and numbers. A text that is written as a number would be is one.
pub(super) fn metadata(row: Map<String, Value>) -> Option<Map<String, Value>> {
    let kept: Map<String, Value> = row
        .into_iter()
        .filter_map(|(column, value)| {
            let value = match value {
                Value::Null => return None,
                Value::Number(_) => value,
                Value::String(text) => match serde_json::from_str::<serde_json::Number>(&text) {
                    Ok(number) if number.to_string() == text => Value::Number(number),
                    _ => Value::String(text),
                },
                other => Value::String(other.to_string()),
            };
            Some((column, value))
        })
        .collect();
    (!kept.is_empty()).then_some(kept)
}

/// The first of `names` that is among the columns, in any case.
pub(super) fn column<'a>(
    columns: &(impl Iterator<Item = &'a String> + Clone),
    names: &[&str],
) -> Option<String> {
    names.iter().find_map(|name| columns.clone().find(|column| column.eq_ignore_ascii_case(name)).cloned())
}
