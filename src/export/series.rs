//! The series of a run as one long table, a row a point: CSV or Parquet. It is made series by series, so that one of them is the most
//! that is held in memory.

use crate::domain::series::Point;
use anyhow::Context as _;
use parquet::basic::{Compression, ConvertedType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// The columns: the series, the optimizer step from 0, the epoch from 1, the value; empty where it was not finite.
const COLUMNS: [&str; 4] = ["key", "step", "epoch", "value"];
/// Rows that are gathered before they are written as a group of a Parquet file.
const GROUP_ROWS: usize = 1 << 16;

/// The forms that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeriesFormat {
    /// Comma-separated values with a head line.
    Csv,
    /// Apache Parquet.
    Parquet,
}

impl SeriesFormat {
    /// The ending of a file's name.
    pub fn ending(self) -> &'static str {
        match self {
            SeriesFormat::Csv => "csv",
            SeriesFormat::Parquet => "parquet",
        }
    }

    /// Its media type.
    pub fn mime(self) -> &'static str {
        match self {
            SeriesFormat::Csv => "text/csv; charset=utf-8",
            SeriesFormat::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// A table that is being written. Each call gives the bytes that come next.
pub struct SeriesTable {
    /// `None` where a run did not say.
    steps_per_epoch: Option<u64>,
    form: Form,
}

enum Form {
    Csv { has_head: bool },
    Parquet { file: Box<SerializedFileWriter<Pieces>>, pieces: Pieces, rows: Rows },
}

/// Rows of a table, column by column.
#[derive(Default)]
struct Rows {
    keys: Vec<ByteArray>,
    steps: Vec<i64>,
    epochs: Vec<Option<i64>>,
    values: Vec<Option<f64>>,
}

/// Where a Parquet file is written to, and taken from piece by piece.
#[derive(Clone, Default)]
struct Pieces(Arc<Mutex<Vec<u8>>>);

impl Pieces {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl SeriesTable {
    /// An empty table.
    ///
    /// # Errors
    /// None that is known of; Parquet's writer may refuse.
    pub fn new(format: SeriesFormat, steps_per_epoch: Option<u64>) -> anyhow::Result<SeriesTable> {
        let form = match format {
            SeriesFormat::Csv => Form::Csv { has_head: false },
            SeriesFormat::Parquet => {
                let pieces = Pieces::default();
                let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
                let file =
                    Box::new(SerializedFileWriter::new(pieces.clone(), schema()?, Arc::new(properties))?);
                Form::Parquet { file, pieces, rows: Rows::default() }
            }
        };
        let steps_per_epoch = steps_per_epoch.filter(|steps| *steps > 0);
        Ok(SeriesTable { steps_per_epoch, form })
    }

    /// Adds a series.
    ///
    /// # Errors
    /// It can't be written in this form.
    pub fn add(&mut self, key: &str, points: &[Point]) -> anyhow::Result<Vec<u8>> {
        let steps_per_epoch = self.steps_per_epoch;
        let epoch =
            |step: u64| steps_per_epoch.map(|steps| i64::try_from(step / steps + 1).unwrap_or(i64::MAX));
        match &mut self.form {
            Form::Csv { has_head } => {
                let mut writer = ::csv::Writer::from_writer(Vec::new());
                if !std::mem::replace(has_head, true) {
                    writer.write_record(COLUMNS)?;
                }
                for (step, value) in points {
                    let epoch = epoch(*step).map(|epoch| epoch.to_string()).unwrap_or_default();
                    let value = value.map(|value| value.to_string()).unwrap_or_default();
                    writer.write_record([key, &step.to_string(), &epoch, &value])?;
                }
                writer.into_inner().map_err(|error| anyhow::anyhow!("{error}"))
            }
            Form::Parquet { file, pieces, rows } => {
                rows.keys.extend(std::iter::repeat_n(ByteArray::from(key), points.len()));
                for (step, value) in points {
                    rows.steps.push(i64::try_from(*step).unwrap_or(i64::MAX));
                    rows.epochs.push(epoch(*step));
                    rows.values.push(*value);
                }
                if rows.steps.len() >= GROUP_ROWS {
                    std::mem::take(rows).write(file)?;
                }
                Ok(pieces.take())
            }
        }
    }

    /// The end of the file.
    ///
    /// # Errors
    /// It can't be written.
    pub fn finish(self) -> anyhow::Result<Vec<u8>> {
        match self.form {
            Form::Csv { has_head: true } => Ok(Vec::new()),
            Form::Csv { has_head: false } => Ok((COLUMNS.join(",") + "\n").into_bytes()),
            Form::Parquet { mut file, pieces, rows } => {
                if !rows.steps.is_empty() {
                    rows.write(&mut file)?;
                }
                file.finish()?;
                Ok(pieces.take())
            }
        }
    }
}

fn schema() -> parquet::errors::Result<Arc<Type>> {
    let field = |name: &str, kind, repetition, converted| {
        let field = Type::primitive_type_builder(name, kind).with_repetition(repetition);
        field.with_converted_type(converted).build().map(Arc::new)
    };
    let fields = vec![
        field(COLUMNS[0], Physical::BYTE_ARRAY, Repetition::REQUIRED, ConvertedType::UTF8)?,
        field(COLUMNS[1], Physical::INT64, Repetition::REQUIRED, ConvertedType::NONE)?,
        field(COLUMNS[2], Physical::INT64, Repetition::OPTIONAL, ConvertedType::NONE)?,
        field(COLUMNS[3], Physical::DOUBLE, Repetition::OPTIONAL, ConvertedType::NONE)?,
    ];
    Ok(Arc::new(Type::group_type_builder("series").with_fields(fields).build()?))
}

impl Rows {
    fn write(self, file: &mut SerializedFileWriter<Pieces>) -> anyhow::Result<()> {
        let mut group = file.next_row_group()?;
        write::<ByteArrayType>(&mut group, &self.keys, None)?;
        write::<Int64Type>(&mut group, &self.steps, None)?;
        let (epochs, there) = split(&self.epochs);
        write::<Int64Type>(&mut group, &epochs, Some(&there))?;
        let (values, there) = split(&self.values);
        write::<DoubleType>(&mut group, &values, Some(&there))?;
        group.close()?;
        Ok(())
    }
}

/// The values that are there, and which rows have one.
fn split<T: Copy>(column: &[Option<T>]) -> (Vec<T>, Vec<i16>) {
    (
        column.iter().copied().flatten().collect(),
        column.iter().map(|value| i16::from(value.is_some())).collect(),
    )
}

fn write<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Pieces>,
    values: &[T::T],
    there: Option<&[i16]>,
) -> anyhow::Result<()> {
    let mut column = group.next_column()?.context("the schema has this column")?;
    column.typed::<T>().write_batch(values, there, None)?;
    Ok(column.close()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::RowAccessor as _;

    fn table(format: SeriesFormat, series: &[(&str, Vec<Point>)]) -> Vec<u8> {
        let mut table = SeriesTable::new(format, Some(4)).unwrap();
        let mut bytes = Vec::new();
        for (key, points) in series {
            bytes.extend(table.add(key, points).unwrap());
        }
        bytes.extend(table.finish().unwrap());
        bytes
    }

    #[test]
    fn csv_has_a_row_a_point_to_the_last_digit() {
        let series =
            [("train/loss", vec![(0, Some(0.1 + 0.2)), (4, None)]), ("a, \"b\"", vec![(9, Some(1e-30))])];
        let text = String::from_utf8(table(SeriesFormat::Csv, &series)).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("key,step,epoch,value"));
        assert_eq!(lines.next(), Some("train/loss,0,1,0.30000000000000004"));
        assert_eq!(lines.next(), Some("train/loss,4,2,"));
        let last: Vec<String> = ::csv::Reader::from_reader(text.as_bytes())
            .records()
            .last()
            .unwrap()
            .unwrap()
            .iter()
            .map(str::to_owned)
            .collect();
        assert_eq!((last[0].as_str(), last[3].parse::<f64>().unwrap()), ("a, \"b\"", 1e-30));
        assert_eq!(table(SeriesFormat::Csv, &[]), b"key,step,epoch,value\n");
    }

    #[test]
    fn parquet_holds_every_point_in_order_over_several_groups() {
        let long: Vec<Point> =
            (0..150_000).map(|step| (step, (step % 7 != 3).then_some(step as f64 / 3.0))).collect();
        let series = [("a", vec![(0, Some(1.5))]), ("long", long), ("z", vec![(1, None)])];
        let file = tempfile::tempfile().unwrap();
        (&file).write_all(&table(SeriesFormat::Parquet, &series)).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        assert_eq!(reader.metadata().num_row_groups(), 2);
        let mut rows = reader.get_row_iter(None).unwrap().map(Result::unwrap);
        for (key, points) in &series {
            for (step, value) in points {
                let row = rows.next().unwrap();
                assert_eq!(
                    (row.get_string(0).unwrap().as_str(), row.get_long(1).unwrap()),
                    (*key, *step as i64)
                );
                assert_eq!(row.get_long(2).unwrap(), *step as i64 / 4 + 1);
                assert_eq!(row.get_double(3).ok(), *value);
            }
        }
        assert!(rows.next().is_none());
    }

    #[test]
    fn a_piece_is_given_as_soon_as_a_group_is_full() {
        let mut table = SeriesTable::new(SeriesFormat::Parquet, None).unwrap();
        let points: Vec<Point> = (0..GROUP_ROWS as u64).map(|step| (step, Some(0.5))).collect();
        assert!(table.add("short", &points[..10]).unwrap().len() < 100);
        assert!(table.add("long", &points).unwrap().len() > 10_000);
    }
}
