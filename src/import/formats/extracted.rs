//! Images that come out of larger files, each put into a file of its own: `split/class/number.ending`.
//!
//! What is an image's file already keeps its bytes; bare pixels become a PNG.

use super::super::ImportError;
use super::super::entry_name::file_name_for;
use super::super::error::io_error;
use super::super::meter::Meter;
use super::columns::text_bytes;
use super::{Item, Task};
use crate::import::Stage;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder as _};
use protocol::sample::Split;
use rayon::prelude::*;
use serde_json::{Map, Value};
use std::cell::Cell;
use std::collections::HashMap;
use std::path::Path;

/// So many bytes, or images, are gathered and then written on all cores.
const GATHERED_BYTES: usize = 32 << 20;
const GATHERED_IMAGES: usize = 4096;

/// One image's content.
pub(super) enum Content {
    /// The bytes of an image's file.
    Encoded(Vec<u8>),
    /// Rows from the top, eight bits a value, the channels of a pixel side by side.
    Pixels {
        width: u32,
        height: u32,
        /// `L8` or `Rgb8`.
        color: ExtendedColorType,
        values: Vec<u8>,
    },
}

/// An image with its class and what else is said of it.
pub(super) type LabelledImage = (Content, String, Option<Map<String, Value>>);

/// Where images are put.
pub(super) struct ExtractedImages<'a> {
    folder: &'a Path,
    task: Task<'a>,
    /// Bytes read of the source.
    read: &'a Cell<u64>,
    meter: Meter<'a>,
    gathered: Vec<(String, Content)>,
    gathered_bytes: usize,
    bytes: u64,
    /// Of classes and metadata.
    text_bytes: u64,
    /// The folder of each split and class, and how many images each split has.
    folders: HashMap<(Option<Split>, String), String>,
    counts: HashMap<Option<Split>, u64>,
    items: Vec<Item>,
}

impl<'a> ExtractedImages<'a> {
    /// Puts images below `folder`; `total` bytes are to be read of the source, so far it is `read`.
    pub(super) fn new(
        folder: &'a Path,
        task: &Task<'a>,
        total: u64,
        read: &'a Cell<u64>,
    ) -> ExtractedImages<'a> {
        ExtractedImages {
            folder,
            task: *task,
            read,
            meter: Meter::new(Stage::Unpacking, Some(total), task.progress),
            gathered: Vec::new(),
            gathered_bytes: 0,
            bytes: 0,
            text_bytes: 0,
            folders: HashMap::new(),
            counts: HashMap::new(),
            items: Vec::new(),
        }
    }

    /// Puts one image there. Within a split the numbers follow the source.
    pub(super) fn put(
        &mut self,
        content: Content,
        class: String,
        split: Option<Split>,
        metadata: Option<Map<String, Value>>,
    ) -> Result<(), ImportError> {
        if (self.task.cancelled)() {
            return Err(ImportError::Cancelled);
        }
        let bytes = content.len();
        self.bytes += bytes as u64;
        let limits = self.task.limits;
        if self.bytes > limits.max_unpacked_bytes {
            let what = format!("the images take more than {} bytes", limits.max_unpacked_bytes);
            return Err(ImportError::TooLarge { what });
        }
        if self.items.len() as u64 >= limits.max_entries {
            let what = format!("there are more than {} images", limits.max_entries);
            return Err(ImportError::TooLarge { what });
        }
        self.text_bytes += class.len() as u64 + metadata.as_ref().map_or(0, text_bytes);
        limits.check_texts(self.text_bytes)?;
        let number = self.counts.entry(split).or_default();
        let name = format!("{number:06}.{}", content.ending());
        *number += 1;
        let path = format!("{}/{name}", self.folder_for(&class, split)?);
        self.gathered.push((path.clone(), content));
        self.gathered_bytes += bytes;
        self.items.push(Item { path, class, split, metadata });
        if self.gathered_bytes >= GATHERED_BYTES || self.gathered.len() >= GATHERED_IMAGES {
            self.write()?;
        }
        Ok(())
    }

    /// All that was put.
    pub(super) fn finish(mut self) -> Result<Vec<Item>, ImportError> {
        self.write()?;
        Ok(self.items)
    }

    fn folder_for(&mut self, class: &str, split: Option<Split>) -> Result<&str, ImportError> {
        let key = (split, class.to_owned());
        if !self.folders.contains_key(&key) {
            let class = file_name_for(class);
            let folder = split.map_or_else(|| class.clone(), |split| format!("{split}/{class}"));
            let made = self.folder.join(&folder);
            std::fs::create_dir_all(&made).map_err(io_error("make", &made))?;
            self.folders.insert(key.clone(), folder);
        }
        Ok(&self.folders[&key])
    }

    fn write(&mut self) -> Result<(), ImportError> {
        self.gathered_bytes = 0;
        let folder = self.folder;
        std::mem::take(&mut self.gathered).into_par_iter().try_for_each(|(path, content)| {
            let file = folder.join(path);
            std::fs::write(&file, content.into_bytes()).map_err(io_error("write", &file))
        })?;
        self.meter.set(self.read.get());
        Ok(())
    }
}

impl Content {
    fn len(&self) -> usize {
        match self {
            Content::Encoded(bytes) | Content::Pixels { values: bytes, .. } => bytes.len(),
        }
    }

    /// By the first bytes; whether it is an image at all is found out when it is decoded.
    fn ending(&self) -> &'static str {
        match self {
            Content::Encoded(bytes) => image::guess_format(bytes)
                .ok()
                .and_then(|format| format.extensions_str().first())
                .copied()
                .unwrap_or("bin"),
            Content::Pixels { .. } => "png",
        }
    }

    fn into_bytes(self) -> Vec<u8> {
        match self {
            Content::Encoded(bytes) => bytes,
            Content::Pixels { width, height, color, values } => {
                let mut bytes = Vec::with_capacity(values.len() / 2 + 256);
                PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive)
                    .write_image(&values, width, height, color)
                    .expect("writing to memory does not fail");
                bytes
            }
        }
    }
}
