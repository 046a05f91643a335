//! Parquet: tables with the images' files in a column, as the Hugging Face hub lays data sets out – and, for
//! [`super::table`], tables without.
//!
//! An image is a struct with `bytes` (and perhaps `path`), or a plain binary column. Labels are numbers, named by the
//! `ClassLabel` in the file's `huggingface` metadata, or texts. Shards are called `train-00000-of-00002.parquet`.

use super::super::{ImportError, Rejected};
use super::columns::{LABELS, column, metadata, text};
use super::extracted::{Content, ExtractedImages, LabelledImage};
use super::labels::{names_beside, split_of, split_of_word};
use super::parquet_rows::{each_row, open, value_of};
use super::{DatasetFormat, Labelled, Task, io_error, malformed, seen, sizes};
use ::parquet::basic::{ConvertedType, Type as Physical};
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;
use ::parquet::schema::types::{Type, TypePtr};
use protocol::sample::Split;
use serde_json::{Map, Value};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// What a column of images is called; another name will do where there is one such column.
const IMAGES: [&str; 9] = ["image", "img", "picture", "photo", "jpg", "jpeg", "png", "webp", "bytes"];
const HUB_LABELS: [&str; 3] = ["fine_label", "cls", "y"];

/// No more files than this are looked into before it is settled that they are of this format.
const LOOKED_INTO: usize = 5;

/// The shards of one data set.
#[derive(Debug)]
pub(super) struct Set {
    shards: Vec<(String, Option<Split>)>,
    columns: Columns,
}

/// Which column says what.
#[derive(Clone, Debug)]
struct Columns {
    image: String,
    label: String,
}

/// Finds the shards among the files of a folder: by name, and the first by their columns.
pub(super) fn find(root: &Path, files: &[String]) -> Result<Option<Set>, ImportError> {
    let named: Vec<&String> =
        files.iter().filter(|file| file.to_ascii_lowercase().ends_with(".parquet")).collect();
    let (mut columns, mut broken) = (None, None);
    for file in named.iter().take(LOOKED_INTO) {
        match look(&root.join(file)) {
            Ok(found) => columns = columns.or(found),
            Err(why) => broken = broken.or(Some((file, why))),
        }
    }
    let columns = match (columns, broken) {
        (Some(columns), _) => columns,
        (None, Some((file, why))) => return Err(malformed(DatasetFormat::Parquet, file, why)),
        (None, None) => return Ok(None),
    };
    // The hub keeps several data sets in one place, each in a folder that holds its splits.
    let mut folders = BTreeMap::<Vec<&str>, &str>::new();
    for file in &named {
        let parts = file.split('/').rev().skip(1).filter(|part| split_of_word(part).is_none());
        folders.entry(parts.collect()).or_insert(file);
    }
    let mut firsts = folders.into_values();
    if let (Some(first), Some(second)) = (firsts.next(), firsts.next()) {
        let why = format!("{second} is of another data set; give the path of one of the folders");
        return Err(malformed(DatasetFormat::Parquet, first, why));
    }
    let shards = named.into_iter().map(|file| (file.clone(), split_of(file))).collect();
    Ok(Some(Set { shards, columns }))
}

/// The shard that a file is, by its first bytes and its columns.
pub(super) fn find_file(folder: &Path, name: &str) -> Result<Option<Set>, ImportError> {
    let path = folder.join(name);
    let mut head = Vec::new();
    File::open(&path)
        .and_then(|file| file.take(4).read_to_end(&mut head))
        .map_err(io_error("read", &path))?;
    if head != b"PAR1" {
        return Ok(None);
    }
    let columns = look(&path).map_err(|why| malformed(DatasetFormat::Parquet, name, why))?;
    Ok(columns.map(|columns| Set { shards: vec![(name.to_owned(), None)], columns }))
}

/// The columns of images and labels in a file, where it has both; an error where it can't be read.
fn look(path: &Path) -> Result<Option<Columns>, String> {
    let reader = open(File::open(path).map_err(|error| error.to_string())?)?;
    Ok(columns_of(&reader))
}

fn columns_of(reader: &SerializedFileReader<File>) -> Option<Columns> {
    let schema = reader.metadata().file_metadata().schema();
    let (structs, plain): (Vec<&TypePtr>, Vec<&TypePtr>) =
        schema.get_fields().iter().filter(|field| holds_images(field)).partition(|field| field.is_group());
    let names: Vec<String> = structs.iter().chain(&plain).map(|field| field.name().to_owned()).collect();
    let image = column(&names.iter(), &IMAGES).or_else(|| match (&structs[..], &plain[..]) {
        ([only], _) | ([], [only]) => Some(only.name().to_owned()),
        _ => None,
    })?;
    let all: Vec<String> = schema.get_fields().iter().map(|field| field.name().to_owned()).collect();
    let label = column(&all.iter(), &LABELS).or_else(|| column(&all.iter(), &HUB_LABELS))?;
    Some(Columns { image, label })
}

fn holds_images(field: &Type) -> bool {
    if field.is_group() {
        return field.get_fields().iter().any(|inner| inner.name() == "bytes" && is_binary(inner));
    }
    is_binary(field)
}

fn is_binary(field: &Type) -> bool {
    field.is_primitive()
        && field.get_physical_type() == Physical::BYTE_ARRAY
        && field.get_basic_info().converted_type() == ConvertedType::NONE
}

impl Set {
    pub(super) fn evidence(&self) -> String {
        let Columns { image, label } = &self.columns;
        format!("{} has images in its column “{image}” and labels in “{label}”", self.shards[0].0)
    }

    /// Writes every image to `folder`.
    pub(super) fn read(&self, root: &Path, folder: &Path, task: &Task) -> Result<Labelled, ImportError> {
        let read = Cell::new(0);
        let mut shelf =
            ExtractedImages::new(folder, task, sizes(root, self.shards.iter().map(|(file, _)| file)), &read);
        let (mut rejected, mut classes) = (Vec::new(), Vec::new());
        for (shard, split) in &self.shards {
            let wrong = |why: String| malformed(DatasetFormat::Parquet, shard, why);
            let path = root.join(shard);
            let reader = open(File::open(&path).map_err(io_error("open", &path))?).map_err(wrong)?;
            let has = |name: &String| {
                reader
                    .metadata()
                    .file_metadata()
                    .schema()
                    .get_fields()
                    .iter()
                    .any(|field| field.name() == name)
            };
            if !(has(&self.columns.image) && has(&self.columns.label)) {
                let Columns { image, label } = &self.columns;
                return Err(wrong(format!(
                    "it has no columns “{image}” and “{label}”, as the others have; take it away"
                )));
            }
            let mut names = class_names(&reader);
            if !names.contains_key(&self.columns.label)
                && let Some(beside) = names_beside(path.parent().unwrap_or(root))
            {
                names.insert(self.columns.label.clone(), beside);
            }
            let before = read.get();
            let bytes = sizes(root, [shard]);
            let rows = reader.metadata().file_metadata().num_rows().max(1) as u64;
            for (row, number) in each_row(reader, Some(&self.columns.image)).map_err(wrong)?.zip(1_u64..) {
                let row = row.map_err(wrong)?;
                read.set(before + (bytes as f64 * (number as f64 / rows as f64).min(1.0)) as u64);
                match image(row, &self.columns, &names) {
                    Ok((content, class, metadata)) => shelf.put(content, class, *split, metadata)?,
                    Err(reason) => {
                        rejected.push(Rejected { path: format!("{shard}, row {number}"), reason });
                        if rejected.len() as u64 > task.limits.max_entries {
                            let what = format!("{shard} has more than {} rows", task.limits.max_entries);
                            return Err(ImportError::TooLarge { what });
                        }
                    }
                }
            }
            classes = names.remove(&self.columns.label).unwrap_or_default();
        }
        let has_splits = self.shards.iter().any(|(_, split)| split.is_some());
        let items = shelf.finish()?;
        let names: Vec<&str> = self.shards.iter().map(|(file, _)| file.as_str()).collect();
        Ok(Labelled {
            format: DatasetFormat::Parquet.as_str(),
            seen: seen(&names, items.len() + rejected.len(), "row"),
            root: folder.to_owned(),
            items,
            classes,
            rejected,
            splits: has_splits.then_some("as the files' names say"),
        })
    }
}

/// The image of a row with its class and what else is said of it, or why there is none.
fn image(
    row: Vec<(String, Field)>,
    columns: &Columns,
    names: &BTreeMap<String, Vec<String>>,
) -> Result<LabelledImage, String> {
    let (mut bytes, mut class) = (None, Err("it has no label".to_owned()));
    let mut others = Map::new();
    for (name, field) in row {
        if name == columns.image {
            let (content, path) = match field {
                Field::Group(inner) => {
                    let mut inner: BTreeMap<String, Field> = inner.into_columns().into_iter().collect();
                    (inner.remove("bytes").unwrap_or(Field::Null), inner.remove("path"))
                }
                plain => (plain, None),
            };
            if let Field::Bytes(content) = content {
                bytes = Some(content.data().to_vec()).filter(|bytes| !bytes.is_empty());
            }
            if let Some(Field::Str(path)) = path {
                others.insert("file".to_owned(), Value::String(path));
            }
            continue;
        }
        let value = value_of(field);
        let named = named(&value, names.get(&name));
        if name == columns.label {
            class = named
                .and_then(|named| named.or_else(|| text(&value)).ok_or_else(|| "it has no label".to_owned()));
        } else {
            others.insert(name, named.ok().flatten().map_or(value, Value::String));
        }
    }
    let bytes = bytes.ok_or("it holds no image")?;
    Ok((Content::Encoded(bytes), class?, metadata(others)))
}

/// The name that a number stands for; `None` where nothing names it.
fn named(value: &Value, names: Option<&Vec<String>>) -> Result<Option<String>, String> {
    match (value.as_i64(), names) {
        // So the hub marks images whose labels are kept secret.
        (Some(-1), Some(_)) => Err("its label is −1, which says that it has none".into()),
        (Some(label), Some(names)) => {
            let name = usize::try_from(label).ok().and_then(|label| names.get(label));
            name.cloned()
                .map(Some)
                .ok_or_else(|| format!("it has label {label}, and there are {} names", names.len()))
        }
        _ => Ok(None),
    }
}

/// The columns whose numbers have names, by the `huggingface` metadata.
fn class_names(reader: &SerializedFileReader<File>) -> BTreeMap<String, Vec<String>> {
    let pairs = reader.metadata().file_metadata().key_value_metadata();
    let said = pairs.into_iter().flatten().find(|pair| pair.key == "huggingface");
    let said = said.and_then(|pair| serde_json::from_str::<Value>(pair.value.as_deref()?).ok());
    let features = said.as_ref().and_then(|said| said["info"]["features"].as_object());
    features
        .into_iter()
        .flatten()
        .filter_map(|(column, feature)| {
            let names = feature["names"].as_array()?.iter().map(|name| name.as_str().map(str::to_owned));
            let names = names.collect::<Option<Vec<String>>>()?;
            let different: BTreeSet<&String> = names.iter().collect();
            (different.len() == names.len()).then(|| (column.clone(), names))
        })
        .collect()
}
