//! IDX, the format of MNIST and its kin, as [LeCun's page] describes it: a file of images and a file of labels beside
//! it, each with its sizes at the head, plain or packed by gzip.
//!
//! [LeCun's page]: http://yann.lecun.com/exdb/mnist/
//!
//! Images are `count × height × width` grey values (idx3), or with a fourth size of 3 colours, last or second (idx4).
//! Labels are one byte each (idx1).

mod find;

pub(super) use find::{find, find_beside};

use super::super::ImportError;
use super::extracted::{Content, ExtractedImages};
use super::labels::names_beside;
use super::{DatasetFormat, Labelled, Task, malformed, open, read_up_to, seen, sizes};
use image::ExtendedColorType;
use protocol::sample::Split;
use std::cell::Cell;
use std::io::Read;
use std::path::Path;

/// A file of images and its labels; paths relative to the source.
#[derive(Debug, PartialEq)]
struct Pair {
    images: String,
    labels: String,
    split: Option<Split>,
}

/// The pairs of one data set.
#[derive(Debug, PartialEq)]
pub(super) struct Set {
    pairs: Vec<Pair>,
    /// Told by first bytes rather than names.
    is_by_content: bool,
}

impl Set {
    fn by_content(images: &str, labels: &str) -> Set {
        let pair = Pair { images: images.to_owned(), labels: labels.to_owned(), split: None };
        Set { pairs: vec![pair], is_by_content: true }
    }

    fn images(&self) -> Vec<&str> {
        self.pairs.iter().map(|pair| pair.images.as_str()).collect()
    }

    pub(super) fn evidence(&self) -> String {
        match &self.pairs[..] {
            [Pair { images, labels, .. }] if self.is_by_content => {
                format!("{images} begins as IDX files of images do, and {labels} as those of labels")
            }
            _ => format!("{} and the labels beside are named as IDX files are", self.images().join(", ")),
        }
    }

    /// Writes every image to `folder`.
    pub(super) fn read(&self, root: &Path, folder: &Path, task: &Task) -> Result<Labelled, ImportError> {
        let total = sizes(root, self.pairs.iter().flat_map(|pair| [&pair.images, &pair.labels]));
        let read = Cell::new(0);
        let mut shelf = ExtractedImages::new(folder, task, total, &read);
        let mut classes = Vec::new();
        for pair in &self.pairs {
            let beside = root.join(&pair.images);
            let names = names_beside(beside.parent().unwrap_or(root));
            pair.read(root, names.as_deref(), &read, task, &mut shelf)?;
            classes = names.unwrap_or_default();
        }
        let items = shelf.finish()?;
        Ok(Labelled {
            format: DatasetFormat::Idx.as_str(),
            seen: seen(&self.images(), items.len(), "image"),
            root: folder.to_owned(),
            items,
            classes,
            rejected: Vec::new(),
            splits: self.pairs.iter().any(|pair| pair.split.is_some()).then_some("as the files' names say"),
        })
    }
}

impl Pair {
    fn read(
        &self,
        root: &Path,
        names: Option<&[String]>,
        read: &Cell<u64>,
        task: &Task,
        shelf: &mut ExtractedImages,
    ) -> Result<(), ImportError> {
        let wrong_labels = |why: String| malformed(DatasetFormat::Idx, &self.labels, why);
        let wrong_images = |why: String| malformed(DatasetFormat::Idx, &self.images, why);
        let mut labels = open(&root.join(&self.labels), read)?;
        let sizes = read_sizes(&mut labels).map_err(wrong_labels)?;
        let [count] = sizes[..] else {
            return Err(wrong_labels(format!("it has {} sizes, and labels have one", sizes.len())));
        };
        if u64::from(count) > task.limits.max_entries {
            let what =
                format!("{} claims {count} labels, and {} are allowed", self.labels, task.limits.max_entries);
            return Err(ImportError::TooLarge { what });
        }
        let labels = read_all(&mut labels, u64::from(count), "labels").map_err(wrong_labels)?;

        let mut images = open(&root.join(&self.images), read)?;
        let sizes = read_sizes(&mut images).map_err(wrong_images)?;
        let shape = Shape::new(&sizes, task.limits.vision.max_pixels).map_err(wrong_images)?;
        if shape.count != count {
            let why = format!(
                "it claims {} images, and {} has {count} labels; fetch both again from one place",
                shape.count, self.labels
            );
            return Err(wrong_images(why));
        }
        for (number, label) in labels.into_iter().enumerate() {
            let bytes =
                read_up_to(&mut images, shape.bytes()).map_err(|error| wrong_images(error.to_string()))?;
            if (bytes.len() as u64) < shape.bytes() {
                return Err(wrong_images(format!(
                    "it ends after {number} of {count} images; fetch it again"
                )));
            }
            let class = match names {
                None => label.to_string(),
                Some(names) => names.get(usize::from(label)).cloned().ok_or_else(|| {
                    let count = names.len();
                    wrong_labels(format!(
                        "image {number} has label {label}, and the list of classes beside has {count} names; \
                         correct the list or take it away"
                    ))
                })?,
            };
            shelf.put(shape.content(bytes), class, self.split, None)?;
        }
        check_end(&mut images).map_err(wrong_images)
    }
}

/// Reads the head: two zeros, the type, the number of sizes, and these as four bytes each, the highest first.
fn read_sizes(reader: &mut dyn Read) -> Result<Vec<u32>, String> {
    let head = read_up_to(reader, 4).map_err(|error| error.to_string())?;
    let [0, 0, kind, count] = head[..] else {
        return Err("it does not begin as an IDX file does; fetch it again".into());
    };
    if kind != 8 {
        return Err(format!("its values are of type {kind:#04x}, and only bytes (0x08) can be read"));
    }
    let sizes = read_up_to(reader, u64::from(count) * 4).map_err(|error| error.to_string())?;
    if sizes.len() < usize::from(count) * 4 {
        return Err("it ends within its head; fetch it again".into());
    }
    Ok(sizes.chunks_exact(4).map(|size| u32::from_be_bytes([size[0], size[1], size[2], size[3]])).collect())
}

fn read_all(reader: &mut dyn Read, count: u64, things: &str) -> Result<Vec<u8>, String> {
    let bytes = read_up_to(reader, count).map_err(|error| error.to_string())?;
    if (bytes.len() as u64) < count {
        return Err(format!("it ends after {} of {count} {things}; fetch it again", bytes.len()));
    }
    check_end(reader)?;
    Ok(bytes)
}

/// Nothing may follow. Reading on to the end is also what makes gzip compare its checksum.
fn check_end(reader: &mut dyn Read) -> Result<(), String> {
    match read_up_to(reader, 1) {
        Ok(rest) if rest.is_empty() => Ok(()),
        Ok(_) => Err("it has more in it than its head says; fetch it again".into()),
        Err(error) => Err(error.to_string()),
    }
}

/// What a file of images claims at its head.
struct Shape {
    count: u32,
    width: u32,
    height: u32,
    color: ExtendedColorType,
    /// All of one colour together, rather than all colours of one pixel.
    is_planar: bool,
}

impl Shape {
    fn new(sizes: &[u32], max_pixels: u64) -> Result<Shape, String> {
        let (count, height, width, color, is_planar) = match *sizes {
            [count, height, width] => (count, height, width, ExtendedColorType::L8, false),
            [count, height, width, 3] => (count, height, width, ExtendedColorType::Rgb8, false),
            [count, 3, height, width] => (count, height, width, ExtendedColorType::Rgb8, true),
            _ => {
                let sizes: Vec<String> = sizes.iter().map(u32::to_string).collect();
                return Err(format!(
                    "its sizes are {}; grey images have count × height × width, coloured ones a 3 besides",
                    sizes.join(" × ")
                ));
            }
        };
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 || pixels > max_pixels {
            return Err(format!(
                "it claims images of {width} × {height} pixels, and 1 to {max_pixels} in all are allowed"
            ));
        }
        Ok(Shape { count, width, height, color, is_planar })
    }

    /// Of one image; no more than three times the pixels that are allowed.
    fn bytes(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height) * u64::from(self.color.channel_count())
    }

    fn content(&self, bytes: Vec<u8>) -> Content {
        let values = if self.is_planar { super::interleaved(&bytes) } else { bytes };
        Content::Pixels { width: self.width, height: self.height, color: self.color, values }
    }
}
