//! TensorBoard's protocol-buffer messages, as far as they are written or read here. Field numbers are TensorFlow's, in `event.proto`,
//! `summary.proto`, `tensor.proto` and the `hparams` plugin's `plugin_data.proto` and `api.proto`. Other fields are skipped when read.

use prost::{Enumeration, Message, Oneof};
use std::collections::BTreeMap;

/// What one record of an event file holds.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Event {
    /// Seconds since 1970-01-01 UTC.
    #[prost(double, tag = "1")]
    pub(super) wall_time: f64,
    #[prost(int64, tag = "2")]
    pub(super) step: i64,
    #[prost(oneof = "What", tags = "3, 5, 7")]
    pub(super) what: Option<What>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum What {
    /// `brain.Event:2`: always the first event of a file.
    #[prost(string, tag = "3")]
    FileVersion(String),
    #[prost(message, tag = "5")]
    Summary(Summary),
    #[prost(message, tag = "7")]
    SessionLog(SessionLog),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SessionLog {
    #[prost(enumeration = "SessionStatus", tag = "1")]
    pub(super) status: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub(super) enum SessionStatus {
    Unspecified = 0,
    /// Training went on from an earlier step: what is there of this step and later ones is void.
    Start = 1,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Summary {
    #[prost(message, repeated, tag = "1")]
    pub(super) values: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Value {
    #[prost(string, tag = "1")]
    pub(super) tag: String,
    #[prost(message, optional, tag = "9")]
    pub(super) metadata: Option<Metadata>,
    #[prost(oneof = "Content", tags = "2, 4, 5, 8")]
    pub(super) content: Option<Content>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Content {
    #[prost(float, tag = "2")]
    Scalar(f32),
    #[prost(message, tag = "4")]
    Image(Image),
    #[prost(message, tag = "5")]
    Histogram(Histogram),
    #[prost(message, tag = "8")]
    Tensor(Tensor),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Image {
    #[prost(int32, tag = "1")]
    pub(super) height: i32,
    #[prost(int32, tag = "2")]
    pub(super) width: i32,
    /// 3: RGB.
    #[prost(int32, tag = "3")]
    pub(super) colorspace: i32,
    /// The file, such as a PNG.
    #[prost(bytes = "vec", tag = "4")]
    pub(super) encoded: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Histogram {
    #[prost(double, tag = "1")]
    pub(super) min: f64,
    #[prost(double, tag = "2")]
    pub(super) max: f64,
    /// The sum of the buckets.
    #[prost(double, tag = "3")]
    pub(super) num: f64,
    /// The upper end of each bucket.
    #[prost(double, repeated, tag = "6")]
    pub(super) limits: Vec<f64>,
    #[prost(double, repeated, tag = "7")]
    pub(super) buckets: Vec<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Metadata {
    #[prost(message, optional, tag = "1")]
    pub(super) plugin: Option<Plugin>,
    /// For people, as Markdown.
    #[prost(string, tag = "3")]
    pub(super) description: String,
}

/// The part of TensorBoard that a value is for.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Plugin {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) content: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Tensor {
    /// See [`dtype`].
    #[prost(int32, tag = "1")]
    pub(super) dtype: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) shape: Option<Shape>,
    /// The numbers, little-endian; where it is empty they are in the list of their type.
    #[prost(bytes = "vec", tag = "4")]
    pub(super) bytes: Vec<u8>,
    #[prost(float, repeated, tag = "5")]
    pub(super) floats: Vec<f32>,
    #[prost(double, repeated, tag = "6")]
    pub(super) doubles: Vec<f64>,
    #[prost(int32, repeated, tag = "7")]
    pub(super) ints: Vec<i32>,
    #[prost(bytes = "vec", repeated, tag = "8")]
    pub(super) strings: Vec<Vec<u8>>,
    #[prost(int64, repeated, tag = "10")]
    pub(super) longs: Vec<i64>,
    /// Of 16-bit formats, each in the lower bits.
    #[prost(int32, repeated, tag = "13")]
    pub(super) halves: Vec<i32>,
}

/// Numbers of TensorFlow's `DataType`.
pub(super) mod dtype {
    pub(crate) const FLOAT: i32 = 1;
    pub(crate) const DOUBLE: i32 = 2;
    pub(crate) const INT32: i32 = 3;
    pub(crate) const STRING: i32 = 7;
    pub(crate) const INT64: i32 = 9;
    pub(crate) const BFLOAT16: i32 = 14;
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Shape {
    #[prost(message, repeated, tag = "2")]
    pub(super) dimensions: Vec<Dimension>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Dimension {
    #[prost(int64, tag = "1")]
    pub(super) size: i64,
}

/// What the `hparams` plugin keeps in the metadata of a value.
#[derive(Clone, PartialEq, Message)]
pub(super) struct HyperParameters {
    #[prost(oneof = "HyperParameterData", tags = "2, 3, 4")]
    pub(super) data: Option<HyperParameterData>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum HyperParameterData {
    /// Which settings and figures there are.
    #[prost(message, tag = "2")]
    Experiment(Experiment),
    /// The settings of this run.
    #[prost(message, tag = "3")]
    Start(SessionStart),
    /// How it ended.
    #[prost(message, tag = "4")]
    End(SessionEnd),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Experiment {
    #[prost(message, repeated, tag = "4")]
    pub(super) settings: Vec<SettingInfo>,
    #[prost(message, repeated, tag = "5")]
    pub(super) metrics: Vec<MetricInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SettingInfo {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(enumeration = "SettingType", tag = "4")]
    pub(super) setting_type: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub(super) enum SettingType {
    Unset = 0,
    Text = 1,
    Bool = 2,
    Number = 3,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct MetricInfo {
    #[prost(message, optional, tag = "1")]
    pub(super) name: Option<MetricName>,
    #[prost(string, tag = "3")]
    pub(super) display_name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct MetricName {
    #[prost(string, tag = "2")]
    pub(super) tag: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SessionStart {
    #[prost(btree_map = "string, message", tag = "1")]
    pub(super) settings: BTreeMap<String, Setting>,
    #[prost(double, tag = "5")]
    pub(super) start_time: f64,
}

/// `google.protobuf.Value`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Setting {
    #[prost(oneof = "SettingValue", tags = "2, 3, 4")]
    pub(super) value: Option<SettingValue>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum SettingValue {
    #[prost(double, tag = "2")]
    Number(f64),
    #[prost(string, tag = "3")]
    Text(String),
    #[prost(bool, tag = "4")]
    Bool(bool),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SessionEnd {
    #[prost(enumeration = "SessionOutcome", tag = "1")]
    pub(super) status: i32,
    #[prost(double, tag = "2")]
    pub(super) end_time: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub(super) enum SessionOutcome {
    Unknown = 0,
    Success = 1,
}
