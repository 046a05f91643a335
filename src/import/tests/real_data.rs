//! Data sets that others made.

use super::*;

/// Imports one of the real archives.
fn import_real(name: &str) -> (tempfile::TempDir, Imported) {
    let data =
        std::env::var_os("TINTYPE_REAL_DATA").expect("TINTYPE_REAL_DATA names the folder of real archives");
    let folder = tempfile::tempdir().unwrap();
    let started = std::time::Instant::now();
    let imported =
        import_with(&PathBuf::from(data).join(name), &folder.path().join("data"), &Options::default())
            .unwrap();
    println!(
        "{name}: {} samples, {} rejected, {:.1} s",
        imported.samples.len(),
        imported.rejected.len(),
        started.elapsed().as_secs_f64()
    );
    (folder, imported)
}

#[test]
#[ignore = "needs TINTYPE_REAL_DATA"]
fn a_thousand_cats_and_dogs() {
    let (_folder, imported) = import_real("cats-dogs.zip");
    assert_eq!((imported.classes.join(" ").as_str(), counts(&imported)), ("cat dog", [800, 200, 0]));
    for class in [0, 1] {
        let held_out = imported.samples.iter().filter(|s| s.class == class && s.split == Split::Val);
        assert_eq!(held_out.count(), 100);
    }
    assert_eq!(rejected(&imported), []);
}

#[test]
#[ignore = "needs TINTYPE_REAL_DATA"]
fn sixty_thousand_small_images() {
    let (_folder, imported) = import_real("cifar10-jpg.tar.gz");
    assert_eq!(
        (imported.format, imported.classes.len(), counts(&imported)),
        ("tar.gz", 10, [50_000, 0, 10_000])
    );
    assert!(
        imported
            .samples
            .iter()
            .all(|sample| (sample.width, sample.height, sample.format) == (32, 32, "jpeg"))
    );
    assert_eq!((rejected(&imported), imported.split_note.as_str()), (vec![], "as the folders say"));
}

#[test]
#[ignore = "needs TINTYPE_REAL_DATA"]
fn awkward_images_in_any_layout() {
    let (folder, imported) = import_real("awkward-images.zip");
    assert_eq!(imported.classes, ["exif-orientation", "image-rs", "pillow"]);
    let check = |imported: &Imported| {
        for (path, reason) in rejected(imported) {
            assert!(!reason.is_empty(), "{path}");
        }
        let upright: Vec<_> = imported.samples.iter().filter(|s| s.path.contains("Landscape_")).collect();
        assert_eq!(upright.len(), 9);
        assert!(
            upright
                .iter()
                .all(|sample| (sample.width, sample.height) == (upright[0].width, upright[0].height))
        );
    };
    check(&imported);
    let total = imported.samples.len() + imported.rejected.len();

    // The same files as two classes, as splits, and loose beside the classes.
    let here = &imported.root;
    let another = folder.path().join("another");
    for (from, to) in
        [("exif-orientation", "two/odd/a"), ("image-rs", "two/odd/b"), ("pillow", "two/odder/c/d")]
    {
        std::fs::create_dir_all(another.join(to).parent().unwrap()).unwrap();
        std::fs::rename(here.join(from), another.join(to)).unwrap();
    }
    let two = import_with(&another, Path::new("/nowhere"), &Options::default()).unwrap();
    assert_eq!(
        (two.classes.join(" ").as_str(), two.samples.len() + two.rejected.len()),
        ("odd odder", total)
    );
    check(&two);

    std::fs::rename(another.join("two/odd"), another.join("two/train")).unwrap();
    std::fs::rename(another.join("two/odder"), another.join("two/Test")).unwrap();
    let splits = import_with(&another, Path::new("/nowhere"), &Options::default()).unwrap();
    assert_eq!(
        (splits.classes.join(" ").as_str(), splits.split_note.as_str()),
        ("a b c", "as the folders say")
    );
    assert_eq!(splits.samples.len(), imported.samples.len());
    check(&splits);
}
