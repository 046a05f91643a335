//! What a person does in a real browser, a file an area. A page that logs an error fails the test.

mod charts;
mod compare;
mod edit;
mod evaluation;
mod every_page;
mod findings;
mod form;
mod frame;
mod gallery;
mod import;
mod jobs;
mod journeys;
mod keyboard;
mod learn;
mod live;
mod many_classes;
mod predictions;
mod print;
mod run_pages;
mod runs;
mod share;
mod sweeps;

use std::io::Write as _;
use std::path::Path;

/// An archive of a folder of class folders.
fn zip_folder(folder: &Path, archive: &Path) {
    let mut writer = zip::ZipWriter::new(std::fs::File::create(archive).unwrap());
    for class in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        for image in std::fs::read_dir(class.path()).unwrap().map(Result::unwrap) {
            let name = format!("{}/{}", class.file_name().display(), image.file_name().display());
            writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(&std::fs::read(image.path()).unwrap()).unwrap();
        }
    }
    writer.finish().unwrap();
}
