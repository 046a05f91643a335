//! Rows of Parquet files, as tables of any kind have them.

use super::super::ImportError;
use super::columns::Row;
use super::{DatasetFormat, malformed};
use ::parquet::basic::{CompressionCodec, ConvertedType, Type as Physical};
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;
use ::parquet::record::reader::RowIter;
use ::parquet::schema::types::Type;
use serde_json::Value;
use std::fs::File;
use std::sync::Arc;

/// How columns may be packed. Of gzip the library would unpack without end what is made to do so.
const CODECS: [CompressionCodec; 3] =
    [CompressionCodec::UNCOMPRESSED, CompressionCodec::SNAPPY, CompressionCodec::ZSTD];

/// Rows that are decoded at a time: images may be large.
const BATCH_ROWS: usize = 64;

/// The rows of a table, for [`super::table::rows`].
pub(super) fn rows(
    file: File,
    name: &str,
) -> Result<Box<dyn Iterator<Item = Result<Row, ImportError>>>, ImportError> {
    let name = name.to_owned();
    let reader = open(file).map_err(|why| malformed(DatasetFormat::Manifest, &name, why))?;
    let rows = each_row(reader, None).map_err(|why| malformed(DatasetFormat::Manifest, &name, why))?;
    Ok(Box::new(rows.zip(1..).map(move |(row, number)| {
        let row = row.map_err(|why| malformed(DatasetFormat::Manifest, &name, why))?;
        Ok((number, Ok(row.into_iter().map(|(column, field)| (column, value_of(field))).collect())))
    })))
}

/// The names of a table's columns, for [`super::table::head`]: those that [`rows`] gives.
pub(super) fn head(file: File) -> Option<Vec<String>> {
    let reader = open(file).ok()?;
    let fields = reader.metadata().file_metadata().schema().get_fields().iter();
    Some(fields.filter(|field| is_simple(field)).map(|field| field.name().to_owned()).collect())
}

pub(super) fn open(file: File) -> Result<SerializedFileReader<File>, String> {
    let reader = guarded(|| SerializedFileReader::new(file))?.map_err(|error| words(&error))?;
    let columns = reader.metadata().row_groups().iter().flat_map(|group| group.columns());
    let unknown = columns.map(|column| column.compression_codec()).find(|codec| !CODECS.contains(codec));
    match unknown {
        None => Ok(reader),
        Some(codec) => {
            Err(format!("it is packed by {codec:?}; write it again, packed by Snappy or Zstandard"))
        }
    }
}

/// The rows, without the columns that nobody asks for: lists, maps, and binary ones other than `image`.
pub(super) fn each_row(
    reader: SerializedFileReader<File>,
    image: Option<&str>,
) -> Result<impl Iterator<Item = Result<Vec<(String, Field)>, String>> + use<>, String> {
    let schema = reader.metadata().file_metadata().schema();
    let wanted = schema.get_fields().iter().filter(|field| image == Some(field.name()) || is_simple(field));
    let projection = Type::group_type_builder(schema.name())
        .with_fields(wanted.cloned().collect())
        .build()
        .map_err(|error| words(&error))?;
    let mut rows = RowIter::from_file_into(Box::new(reader))
        .project(Some(projection))
        .map_err(|error| words(&error))?
        .with_batch_size(BATCH_ROWS);
    let mut is_over = false;
    Ok(std::iter::from_fn(move || {
        if is_over {
            return None;
        }
        let row = guarded(|| rows.next())
            .and_then(|row| row.transpose().map_err(|error| words(&error)))
            .transpose()?;
        is_over = row.is_err();
        Some(row.map(::parquet::record::Row::into_columns))
    }))
}

pub(super) fn is_simple(field: &Arc<Type>) -> bool {
    field.is_primitive()
        && match field.get_physical_type() {
            Physical::BYTE_ARRAY => field.get_basic_info().converted_type() == ConvertedType::UTF8,
            Physical::BOOLEAN | Physical::INT32 | Physical::INT64 | Physical::FLOAT | Physical::DOUBLE => {
                field.get_basic_info().converted_type() != ConvertedType::DECIMAL
            }
            _ => false,
        }
}

/// The library trusts a file's numbers in places, and panics where they are wrong.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
        .map_err(|_| "it is damaged; fetch it again".to_owned())
}

pub(super) fn words(error: &ParquetError) -> String {
    match error {
        ParquetError::General(why) | ParquetError::EOF(why) => format!("{why}; fetch it again"),
        other => format!("{other}; fetch it again"),
    }
}

pub(super) fn value_of(field: Field) -> Value {
    match field {
        Field::Bool(value) => Value::Bool(value),
        Field::Byte(value) => value.into(),
        Field::Short(value) => value.into(),
        Field::Int(value) | Field::Date(value) | Field::TimeMillis(value) => value.into(),
        Field::Long(value)
        | Field::TimeMicros(value)
        | Field::TimestampMillis(value)
        | Field::TimestampMicros(value) => value.into(),
        Field::UByte(value) => value.into(),
        Field::UShort(value) => value.into(),
        Field::UInt(value) => value.into(),
        Field::ULong(value) => value.into(),
        // By its shortest digits: 0.1 stays 0.1, and is not 0.10000000149.
        Field::Float(value) => value.to_string().parse::<f64>().map_or(Value::Null, Value::from),
        Field::Double(value) => value.into(),
        Field::Str(value) => value.into(),
        _ => Value::Null,
    }
}
