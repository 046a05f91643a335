//! Reads event files, whoever wrote them: TensorFlow 1 and 2, PyTorch, JAX, Keras, or Tintype. Scalars are taken; the rest is counted.

use super::messages::{Content, Event, SessionStatus, Tensor, Value, What, dtype};
use super::record::{Next, next};
use prost::Message as _;
use std::io::Read;

/// Bytes around an event.
const FRAME: u64 = 16;

/// What a file holds besides scalars, and what of it is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Values that are no scalars, such as images.
    pub others: u64,
    /// Events whose checksum or content can't be read.
    pub damaged: u64,
    /// Where the readable part ends, in bytes, if the file goes on behind it or within an event.
    pub cut_at: Option<u64>,
}

/// What an event says.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// A file begins; who wrote it is known from this.
    Version(String),
    /// Training went on from this step: what was said of it and later ones is void.
    RestartedAt(i64),
    /// Scalars by tag.
    Scalars(i64, Vec<(String, f64)>),
}

/// Reads a file to its end or to where it is lost, and hands over what it says with its time in seconds since 1970-01-01 UTC.
///
/// # Errors
/// The file can't be read, or `take` fails.
pub fn read(
    file: &mut impl Read,
    mut take: impl FnMut(f64, Said) -> anyhow::Result<()>,
) -> anyhow::Result<Skipped> {
    let mut skipped = Skipped::default();
    let mut at = 0;
    loop {
        let bytes = match next(file)? {
            Next::Event(bytes) => bytes,
            Next::End => return Ok(skipped),
            Next::Damaged(length) => {
                skipped.damaged += 1;
                at += FRAME + length as u64;
                continue;
            }
            Next::CutOff | Next::Lost => {
                skipped.cut_at = Some(at);
                return Ok(skipped);
            }
        };
        at += FRAME + bytes.len() as u64;
        let Ok(event) = Event::decode(&*bytes) else {
            skipped.damaged += 1;
            continue;
        };
        match event.what {
            Some(What::FileVersion(version)) => take(event.wall_time, Said::Version(version))?,
            Some(What::SessionLog(log)) if log.status == i32::from(SessionStatus::Start) => {
                take(event.wall_time, Said::RestartedAt(event.step))?;
            }
            Some(What::Summary(summary)) => {
                let count = summary.values.len();
                let scalars: Vec<(String, f64)> = summary.values.into_iter().filter_map(scalar).collect();
                skipped.others += (count - scalars.len()) as u64;
                if !scalars.is_empty() {
                    take(event.wall_time, Said::Scalars(event.step, scalars))?;
                }
            }
            // A graph, or what else is of no use here.
            _ => {}
        }
    }
}

/// The tag and the number of a value that has one.
fn scalar(value: Value) -> Option<(String, f64)> {
    let plugin =
        value.metadata.and_then(|metadata| metadata.plugin).map(|plugin| plugin.name).unwrap_or_default();
    let number = match value.content? {
        Content::Scalar(number) => f64::from(number),
        // A number of another part of TensorBoard is no curve.
        Content::Tensor(tensor) if plugin == "scalars" => number(&tensor)?,
        _ => return None,
    };
    Some((value.tag, number))
}

/// The number of a tensor that has one.
fn number(tensor: &Tensor) -> Option<f64> {
    let shape = tensor.shape.as_ref().map(|shape| shape.dimensions.as_slice()).unwrap_or_default();
    if shape.iter().any(|dimension| dimension.size != 1) {
        return None;
    }
    let bytes = tensor.bytes.as_slice();
    if bytes.is_empty() {
        return match tensor.dtype {
            dtype::FLOAT => tensor.floats.first().map(|number| f64::from(*number)),
            dtype::DOUBLE => tensor.doubles.first().copied(),
            dtype::INT32 => tensor.ints.first().map(|number| f64::from(*number)),
            dtype::INT64 => tensor.longs.first().map(|number| *number as f64),
            dtype::BFLOAT16 => {
                tensor.halves.first().map(|half| f64::from(f32::from_bits(half.cast_unsigned() << 16)))
            }
            _ => None,
        };
    }
    match tensor.dtype {
        dtype::FLOAT => bytes.try_into().ok().map(|bytes| f64::from(f32::from_le_bytes(bytes))),
        dtype::DOUBLE => bytes.try_into().ok().map(f64::from_le_bytes),
        dtype::INT32 => bytes.try_into().ok().map(|bytes| f64::from(i32::from_le_bytes(bytes))),
        dtype::INT64 => bytes.try_into().ok().map(|bytes| i64::from_le_bytes(bytes) as f64),
        dtype::BFLOAT16 => bytes
            .try_into()
            .ok()
            .map(|bytes| f64::from(f32::from_bits(u32::from(u16::from_le_bytes(bytes)) << 16))),
        _ => None,
    }
}
