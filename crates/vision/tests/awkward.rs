//! Eighty-two odd, broken and hostile files: each one becomes an image or a reason, at a bounded price.
//!
//! The files are no part of the repository: the folder that holds `awkward-images.zip` is named by `TINTYPE_REAL_DATA`.

#![expect(
    clippy::unwrap_used,
    reason = "this crate is tests and nothing else; clippy exempts only the test functions"
)]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;
use tintype_vision::{DecodeError, Decoded, Limits, RgbImage, decode};

/// Those that are refused. Pillow refuses the same, but for three whose damage it passes over.
const REFUSED: &[&str] = &[
    "image-rs/tests/bad/bmp/Bad_badbitcount.bmp",
    "image-rs/tests/bad/bmp/Bad_clrsUsed.bmp",
    "image-rs/tests/bad/bmp/Bad_height.bmp",
    "image-rs/tests/bad/bmp/Bad_reallybig.bmp",
    "image-rs/tests/bad/bmp/Bad_shortfile.bmp",
    "image-rs/tests/bad/bmp/Bad_unusual_extend_buffer_usage.bmp",
    "image-rs/tests/bad/bmp/Bad_width.bmp",
    "image-rs/tests/bad/ico/Bad_smile-incorrect-image-length.ico", // read by Pillow
    "image-rs/tests/bad/tiff/TODO hpredict_cmyk.tiff",
    "image-rs/tests/regression/gif/zero-loop-count.gif",
    "image-rs/tests/regression/ico/crash-981fee302fe0fc543ee48292cc3d6ace7e97e633.ico",
    "image-rs/tests/regression/ico/oom-0d0085eb7f66ea55d9119206235cd29e089b9140.ico",
    "image-rs/tests/regression/ico/oom-ff076e7064c13ec1f8e2c5bbbfb7a77a08db2361.ico",
    "image-rs/tests/regression/jpg/oss-fuzz-36829.jpeg",
    "image-rs/tests/regression/tga/bad-color-map.tga",
    "image-rs/tests/regression/tga/flip-zero-height.tga",
    "image-rs/tests/regression/tga/flip-zero-height2.tga",
    "image-rs/tests/regression/tga/orientation-zero-width.tga",
    "image-rs/tests/regression/tga/overfull-image.tga",
    "image-rs/tests/regression/tga/sixteen-bit-gray-colormap.tga",
    "image-rs/tests/regression/tga/sixteen-bit-gray-colormap2.tga",
    "image-rs/tests/regression/tga/slice-copy-length.tga",
    "image-rs/tests/regression/tiff/clusterfuzz-testcase-minimized-fuzzer_script_tiff-5026894169374720.tif", // read by Pillow
    "pillow/Tests/images/bmp/b/badrle.bmp", // read by Pillow
    "pillow/Tests/images/bmp/b/badwidth.bmp",
    "pillow/Tests/images/broken.png",
    "pillow/Tests/images/broken_data_stream.png",
    "pillow/Tests/images/decompression_bomb.gif",
    "pillow/Tests/images/decompression_bomb.ico",
];

/// The files by path.
fn files() -> BTreeMap<String, Vec<u8>> {
    let folder = std::env::var_os("TINTYPE_REAL_DATA")
        .expect("TINTYPE_REAL_DATA names the folder with awkward-images.zip");
    let archive = std::fs::File::open(PathBuf::from(folder).join("awkward-images.zip")).unwrap();
    let mut archive = zip::ZipArchive::new(archive).unwrap();
    let mut files = BTreeMap::new();
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).unwrap();
        let path = entry.name().unwrap().into_owned();
        if entry.is_file() && !path.contains("LICENSE") {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            files.insert(path, bytes);
        }
    }
    files
}

#[test]
#[ignore = "needs TINTYPE_REAL_DATA"]
fn real_data_every_file_becomes_an_image_or_a_reason() {
    let files = files();
    assert_eq!(files.len(), 82);
    let mut refused = Vec::new();
    for (path, bytes) in &files {
        match decode(bytes, &Limits::default()) {
            Ok(Decoded { image, format, orientation }) => {
                println!(
                    "{path}: {format}, {} × {}, orientation {orientation}",
                    image.width(),
                    image.height()
                );
                assert_eq!(image.as_raw().len(), image.width() as usize * image.height() as usize * 3);
                assert!(!image.as_raw().is_empty(), "{path}");
            }
            Err(error) => {
                println!("{path}: {error}");
                assert!(!error.to_string().contains("gave up"), "{path} made a decoder panic: {error}");
                refused.push(path.as_str());
            }
        }
    }
    assert_eq!(refused, REFUSED);
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        println!("{line}");
        let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        assert!(kilobytes < 1 << 20, "the greatest memory in use was {kilobytes} kB");
    }
}

#[test]
#[ignore = "needs TINTYPE_REAL_DATA"]
fn real_data_nine_orientations_show_the_same_image_upright() {
    let files = files();
    let upright = |number: u8| -> RgbImage {
        let path = format!("exif-orientation/Landscape_{number}.jpg");
        let decoded = decode(&files[&path], &Limits::default()).unwrap();
        assert_eq!(decoded.orientation, number.max(1), "{path}");
        decoded.image
    };
    let reference = upright(1);
    for number in 0..=8 {
        let image = upright(number);
        assert_eq!(image.dimensions(), (1800, 1200));
        let differences = image.iter().zip(reference.iter()).map(|(a, b)| u64::from(a.abs_diff(*b)));
        let mean = differences.sum::<u64>() as f64 / image.as_raw().len() as f64;
        println!("Landscape_{number}: mean difference {mean:.2}");
        // Each was compressed anew; a wrong turn or mirror gives far more.
        assert!(mean < 8.0, "Landscape_{number}: {mean}");
    }
}

#[test]
#[ignore = "needs TINTYPE_REAL_DATA"]
fn real_data_bombs_are_refused_by_what_their_header_claims() {
    let files = files();
    let bytes = &files["pillow/Tests/images/decompression_bomb.ico"];
    let error = decode(bytes, &Limits::default()).unwrap_err();
    assert!(matches!(error, DecodeError::TooManyPixels { .. }), "{error}");
}
