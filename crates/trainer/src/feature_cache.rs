//! A file of features by image, kept for further runs: what one network, with its weights and one way of loading, makes of images.
//!
//! Records of one length follow each other: the image's key (16 bytes), the numbers (f32, little-endian), a check of both (8 bytes). They
//! are only ever appended, under a lock, each whole or – where somebody pulled the plug – not counted.

use crate::fault::Fault;
use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// What an image, drawn in one way, is found by.
pub type Key = [u8; 16];

const KEY: usize = size_of::<Key>();
const CHECK: usize = 8;

/// A hash of all that `parts` say, as a key.
pub fn key(parts: &[&[u8]]) -> Key {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    let mut key = Key::default();
    hasher.finalize_xof().fill(&mut key);
    key
}

/// One such file; it need not be there yet.
pub struct FeatureCache {
    path: PathBuf,
    /// Numbers a record.
    features: usize,
}

impl FeatureCache {
    /// The file in `folder` for `setting`, a text that says all that the numbers depend on beside the image.
    pub fn new(folder: &Path, setting: &str, features: usize) -> Self {
        let name: String = key(&[setting.as_bytes()]).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { path: folder.join(format!("{name}.features")), features }
    }

    /// The features of those of the `wanted` images that are there. A file that is not there or can't be read has none.
    pub fn read(&self, wanted: &HashSet<Key>) -> HashMap<Key, Vec<f32>> {
        let mut found = HashMap::new();
        let Ok(file) = File::open(&self.path) else { return found };
        let mut reader = BufReader::with_capacity(1 << 20, file);
        let mut record = vec![0; self.record_bytes()];
        while found.len() < wanted.len() && reader.read_exact(&mut record).is_ok() {
            let mut key = Key::default();
            key.copy_from_slice(&record[..KEY]);
            if wanted.contains(&key) && self.is_whole(&record) {
                let numbers = record[KEY..record.len() - CHECK].as_chunks::<4>().0;
                found.insert(key, numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect());
            }
        }
        found
    }

    /// Adds the features of images.
    pub fn append(&self, rows: &[(Key, &[f32])]) -> Result<(), Fault> {
        let fault = |error| Fault::file("keep what the network made of images in", &self.path, error);
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(fault)?;
        }
        let mut bytes = Vec::with_capacity(rows.len() * self.record_bytes());
        for (key, numbers) in rows {
            let start = bytes.len();
            bytes.extend_from_slice(key);
            bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
            let check = check(&bytes[start..]);
            bytes.extend_from_slice(&check);
        }
        let mut file =
            File::options().create(true).truncate(false).write(true).open(&self.path).map_err(fault)?;
        file.lock().map_err(fault)?;
        // The torn end of somebody who was killed is overwritten.
        let length = file.metadata().map_err(fault)?.len();
        let whole = length - length % self.record_bytes() as u64;
        file.seek(SeekFrom::Start(whole)).and_then(|_place| file.write_all(&bytes)).map_err(fault)
    }

    fn record_bytes(&self) -> usize {
        KEY + 4 * self.features + CHECK
    }

    fn is_whole(&self, record: &[u8]) -> bool {
        let (content, said) = record.split_at(record.len() - CHECK);
        check(content) == said
    }
}

fn check(content: &[u8]) -> [u8; CHECK] {
    let mut check = [0; CHECK];
    check.copy_from_slice(&blake3::hash(content).as_bytes()[..CHECK]);
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_found_and_what_is_torn_or_damaged_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let cache = FeatureCache::new(folder.path(), "a network", 3);
        let keys: Vec<Key> = (0..4_u8).map(|number| key(&[b"image", &[number]])).collect();
        let all: HashSet<Key> = keys.iter().copied().collect();
        assert!(cache.read(&all).is_empty());
        cache.append(&[(keys[0], &[0.5, -1.0, f32::MIN_POSITIVE]), (keys[1], &[1.0; 3])]).unwrap();
        cache.append(&[(keys[2], &[2.0; 3])]).unwrap();
        assert_eq!(cache.read(&all).len(), 3);
        assert_eq!(cache.read(&all)[&keys[0]], [0.5, -1.0, f32::MIN_POSITIVE]);
        assert_eq!(cache.read(&HashSet::from([keys[1]])).len(), 1);
        assert!(FeatureCache::new(folder.path(), "another network", 3).read(&all).is_empty());

        // Killed in the middle of a record; the next one takes its place.
        let file = File::options().write(true).open(&cache.path).unwrap();
        file.set_len(file.metadata().unwrap().len() - 5).unwrap();
        assert_eq!(cache.read(&all).len(), 2);
        cache.append(&[(keys[3], &[3.0; 3])]).unwrap();
        assert_eq!(cache.read(&all)[&keys[3]], [3.0; 3]);

        let mut bytes = fs::read(&cache.path).unwrap();
        bytes[KEY + 1] ^= 1;
        fs::write(&cache.path, bytes).unwrap();
        let left = cache.read(&all);
        assert!(!left.contains_key(&keys[0]) && left.len() == 2);
    }
}
