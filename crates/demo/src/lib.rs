//! The demo's data set, drawn by code: plants, persons, dogs and cats, with faults planted on purpose and listed in a
//! manifest. In training green belongs to plants alone and everything stands upright; in the test some persons wear
//! green and some cats lie on their side, and a network that learned the tint, or the pose, gets them wrong.

mod canvas;
mod dice;
mod figures;

use anyhow::Context as _;
use canvas::{Pose, paint};
use dice::Dice;
use image::{ImageFormat, RgbImage};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::io::Cursor;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counted up when other images are drawn, so that a folder of an older version is drawn anew.
const VERSION: u32 = 1;
/// The folder of the images within the demo's. Data sets of earlier versions were imported from it by this name.
pub const FOLDER: &str = "pictures";
/// Images of a class in training, validation and test.
const SPLITS: [(&str, u64); 3] = [("train", 500), ("val", 100), ("test", 150)];
const CLASSES: [&str; 4] = ["cat", "dog", "person", "plant"];
/// Persons in green, and lying cats, in the test.
const PLANTED: u64 = 50;
/// Training images that lie in another class's folder: 3 %.
const WRONG_LABELS: usize = 60;
/// Training images that are in another split too.
const DUPLICATES: usize = 30;

/// What was drawn, and which faults are in it. Paths are relative to [`FOLDER`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Which drawing code made it.
    pub version: u32,
    /// What it was drawn from.
    pub seed: u64,
    /// Files, broken ones among them.
    #[serde(alias = "pictures")]
    pub images: u64,
    /// Test images of persons dressed in green.
    pub green_persons: Vec<String>,
    /// Test images of cats that lie on their side.
    pub lying_cats: Vec<String>,
    /// Training images in the folder of another class.
    pub wrong_labels: Vec<WrongLabel>,
    /// Images that are in training too, byte for byte.
    pub duplicates: Vec<Duplicate>,
    /// Files that are not images.
    pub broken: Vec<String>,
}

/// An image in the wrong folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WrongLabel {
    /// Where it is.
    pub path: String,
    /// What it shows.
    pub shows: String,
}

/// An image that is there twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Duplicate {
    /// The copy.
    pub path: String,
    /// The training image.
    pub copy_of: String,
}

/// One image to draw.
struct DemoImage {
    path: String,
    class: usize,
    key: [u64; 4],
    fault: Option<Fault>,
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    Green,
    Lying,
}

/// Draws the data set into `folder` (made where it is missing): `{train,val,test}/{cat,dog,person,plant}/*.png` in its
/// folder [`FOLDER`] and, last of all, `manifest.json`. A folder that has it already is left as it is. `progress` is called
/// with the number of images done and that of all images. The same seed gives the same bytes.
///
/// # Errors
/// The folder can't be written.
pub fn draw(folder: &Path, seed: u64, progress: &(dyn Fn(u64, u64) + Sync)) -> anyhow::Result<Manifest> {
    let listed = folder.join("manifest.json");
    if let Ok(text) = std::fs::read_to_string(&listed)
        && let Ok(manifest) = serde_json::from_str::<Manifest>(&text)
        && (manifest.version, manifest.seed) == (VERSION, seed)
    {
        return Ok(manifest);
    }
    let root = folder.join(FOLDER);
    if root.exists() {
        // What an interrupted or older drawing left would be found by the import.
        std::fs::remove_dir_all(&root).with_context(|| format!("clearing {}", root.display()))?;
    }
    for (split, _) in SPLITS {
        for class in CLASSES {
            let folder = root.join(split).join(class);
            std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        }
    }
    let (images, mut manifest) = plan(seed);
    let done = AtomicU64::new(0);
    images.par_iter().try_for_each(|image| {
        write(&root, &image.path, &png(&image.draw())?)?;
        progress(done.fetch_add(1, Ordering::Relaxed) + 1, images.len() as u64);
        anyhow::Ok(())
    })?;
    for duplicate in &manifest.duplicates {
        let bytes = std::fs::read(root.join(&duplicate.copy_of))?;
        write(&root, &duplicate.path, &bytes)?;
    }
    let whole = png(&images[0].draw())?;
    let broken: [(&str, &[u8]); 3] = [
        ("train/cat/cut-off.png", &whole[..whole.len() / 2]),
        ("train/dog/text.png", b"This is not an image."),
        ("val/plant/empty.png", b""),
    ];
    for (path, bytes) in broken {
        write(&root, path, bytes)?;
        manifest.broken.push(path.to_owned());
    }
    manifest.images = (images.len() + manifest.duplicates.len() + manifest.broken.len()) as u64;
    let mut staged = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer_pretty(&mut staged, &manifest)?;
    staged.persist(&listed).with_context(|| format!("writing {}", listed.display()))?;
    Ok(manifest)
}

/// What to draw, and where each fault goes.
fn plan(seed: u64) -> (Vec<DemoImage>, Manifest) {
    let mut manifest = Manifest {
        version: VERSION,
        seed,
        images: 0,
        green_persons: Vec::new(),
        lying_cats: Vec::new(),
        wrong_labels: Vec::new(),
        duplicates: Vec::new(),
        broken: Vec::new(),
    };
    let mut images = Vec::new();
    for (at, (split, count)) in SPLITS.into_iter().enumerate() {
        for (class, name) in CLASSES.into_iter().enumerate() {
            for number in 0..count {
                let planted = split == "test" && number % 3 == 0 && number / 3 < PLANTED;
                let fault = match name {
                    "person" if planted => Some(Fault::Green),
                    "cat" if planted => Some(Fault::Lying),
                    _ => None,
                };
                let path = format!("{split}/{name}/{number:04}.png");
                match fault {
                    Some(Fault::Green) => manifest.green_persons.push(path.clone()),
                    Some(Fault::Lying) => manifest.lying_cats.push(path.clone()),
                    None => {}
                }
                images.push(DemoImage { path, class, key: [seed, at as u64, class as u64, number], fault });
            }
        }
    }
    let mut dice = Dice::new(&[seed, u64::MAX]);
    let training = CLASSES.len() * SPLITS[0].1 as usize;
    let mut chosen: Vec<usize> = Vec::new();
    while chosen.len() < WRONG_LABELS + DUPLICATES {
        let at = dice.pick(training);
        if !chosen.contains(&at) {
            chosen.push(at);
        }
    }
    let (wrong, twice) = chosen.split_at(WRONG_LABELS);
    for &at in wrong {
        let image = &mut images[at];
        let label = CLASSES[(image.class + 1 + dice.pick(CLASSES.len() - 1)) % CLASSES.len()];
        let shows = CLASSES[image.class];
        // The name does not tell; but two of different classes may carry the same number into one folder.
        image.path = format!("train/{label}/{:04}-{}.png", image.key[3], image.class);
        manifest.wrong_labels.push(WrongLabel { path: image.path.clone(), shows: shows.to_owned() });
    }
    for (number, &at) in twice.iter().enumerate() {
        let original = &images[at];
        let split = if number % 2 == 0 { "val" } else { "test" };
        let path = format!("{split}/{}/{:04}-again.png", CLASSES[original.class], original.key[3]);
        manifest.duplicates.push(Duplicate { path, copy_of: original.path.clone() });
    }
    (images, manifest)
}

impl DemoImage {
    fn draw(&self) -> RgbImage {
        let mut dice = Dice::new(&self.key);
        let behind = figures::background(&mut dice);
        let figure = match CLASSES[self.class] {
            "cat" => figures::cat(&mut dice),
            "dog" => figures::dog(&mut dice),
            "person" => figures::person(&mut dice, self.fault == Some(Fault::Green)).0,
            _ => figures::plant(&mut dice),
        };
        let size = dice.between(0.55, 0.92);
        let room = 1.0 - size * 0.85;
        let side = if dice.chance(0.5) { 1.0 } else { -1.0 };
        let pose = Pose {
            centre: (dice.between(-room, room), dice.between(-room, room)),
            size,
            stretch: dice.between(0.85, 1.15),
            turn: match self.fault {
                Some(Fault::Lying) => side * dice.between(75.0, 105.0),
                _ => dice.between(-6.0, 6.0),
            },
            mirrored: dice.chance(0.5),
        };
        paint(&behind, &figure, &pose, &mut dice)
    }
}

fn png(image: &RgbImage) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

fn write(root: &Path, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let file = root.join(path);
    std::fs::write(&file, bytes).with_context(|| format!("writing {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_fault_is_where_the_manifest_says() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = draw(folder.path(), 3, &|_, _| {}).unwrap();
        let root = folder.path().join(FOLDER);
        let read = |path: &str| std::fs::read(root.join(path)).unwrap();
        assert_eq!((manifest.green_persons.len(), manifest.lying_cats.len()), (50, 50));
        assert_eq!(
            (manifest.wrong_labels.len(), manifest.duplicates.len(), manifest.broken.len()),
            (60, 30, 3)
        );
        for duplicate in &manifest.duplicates {
            assert_eq!(read(&duplicate.path), read(&duplicate.copy_of));
            assert!(duplicate.copy_of.starts_with("train/") && !duplicate.path.starts_with("train/"));
        }
        for wrong in &manifest.wrong_labels {
            assert!(!wrong.path.starts_with(&format!("train/{}/", wrong.shows)));
            assert!(image::load_from_memory(&read(&wrong.path)).is_ok());
        }
        for broken in &manifest.broken {
            assert!(image::load_from_memory(&read(broken)).is_err());
        }
        let files = |folder: &Path| {
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
        };
        let all = files(&root).iter().flat_map(|split| files(split)).flat_map(|class| files(&class)).count();
        assert_eq!(all as u64, manifest.images);
        // A second call leaves everything as it is.
        std::fs::write(root.join("kept"), "").unwrap();
        assert_eq!(draw(folder.path(), 3, &|_, _| panic!("nothing is drawn")).unwrap(), manifest);
        assert!(root.join("kept").exists());
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_in_any_order() {
        let (images, _) = plan(5);
        let some: Vec<&DemoImage> = images.iter().step_by(97).collect();
        let forwards: Vec<Vec<u8>> = some.iter().map(|image| image.draw().into_raw()).collect();
        let mut backwards: Vec<Vec<u8>> =
            some.par_iter().rev().map(|image| image.draw().into_raw()).collect();
        backwards.reverse();
        assert_eq!(forwards, backwards);
        let different: BTreeSet<&Vec<u8>> = forwards.iter().collect();
        assert_eq!(different.len(), forwards.len());
        assert_eq!(plan(5).1, plan(5).1);
        assert_ne!(plan(5).1, plan(6).1);
    }

    #[test]
    fn paths_are_unique() {
        let (images, manifest) = plan(0);
        let paths: BTreeSet<&String> = images
            .iter()
            .map(|image| &image.path)
            .chain(manifest.duplicates.iter().map(|copy| &copy.path))
            .collect();
        assert_eq!(paths.len(), images.len() + manifest.duplicates.len());
    }

    #[test]
    fn nobody_wears_green_unless_asked_to() {
        for number in 0..500 {
            let coat = |green| figures::person(&mut Dice::new(&[number]), green).1;
            assert!(!canvas::is_green(coat(false)), "{:?}", coat(false));
            assert!(canvas::is_green(coat(true)), "{:?}", coat(true));
        }
    }
}
