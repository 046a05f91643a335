//! Well-known data sets by name, fetched from where their makers (or, where these have none left, torchvision) keep
//! them, and checked against the checksums that are published for them.
//!
//! Sizes are the published ones; they only serve the progress and a generous bound. CIFAR-10's checksum is the one on
//! its own page for the binary version, all others are those of torchvision 0.26.

use super::download::{Remote, download};
use super::{ImportError, Imported, Options, Progress, Stage, error::io_error, fingerprint, import};
use crate::import::meter::Meter;
use std::path::Path;

/// A data set that can be fetched.
#[derive(Debug)]
pub struct Entry {
    /// The word that asks for it.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// What is in it, in a few words.
    pub about: &'static str,
    files: &'static [Remote],
    /// Names of the classes by label, where the files have none.
    classes: &'static [&'static str],
    /// Class folders with names that say nothing, and what they stand for.
    renamed: &'static [(&'static str, &'static str)],
}

/// All of them.
pub static CATALOGUE: [Entry; 5] = [
    Entry {
        name: "cifar10",
        title: "CIFAR-10",
        about: "60,000 colour images of 32 × 32 pixels in ten classes",
        files: &[Remote {
            urls: &["https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"],
            bytes: 170_052_171,
            md5: "c32a1d4ab5d03f1284b67883e8d87530",
        }],
        classes: &[],
        renamed: &[],
    },
    Entry {
        name: "mnist",
        title: "MNIST",
        about: "70,000 handwritten digits of 28 × 28 pixels",
        files: &[
            Remote {
                urls: &[
                    "https://ossci-datasets.s3.amazonaws.com/mnist/train-images-idx3-ubyte.gz",
                    "http://yann.lecun.com/exdb/mnist/train-images-idx3-ubyte.gz",
                ],
                bytes: 9_912_422,
                md5: "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            },
            Remote {
                urls: &[
                    "https://ossci-datasets.s3.amazonaws.com/mnist/train-labels-idx1-ubyte.gz",
                    "http://yann.lecun.com/exdb/mnist/train-labels-idx1-ubyte.gz",
                ],
                bytes: 28_881,
                md5: "d53e105ee54ea40749a09fcbcd1e9432",
            },
            Remote {
                urls: &[
                    "https://ossci-datasets.s3.amazonaws.com/mnist/t10k-images-idx3-ubyte.gz",
                    "http://yann.lecun.com/exdb/mnist/t10k-images-idx3-ubyte.gz",
                ],
                bytes: 1_648_877,
                md5: "9fb629c4189551a2d022fa330f9573f3",
            },
            Remote {
                urls: &[
                    "https://ossci-datasets.s3.amazonaws.com/mnist/t10k-labels-idx1-ubyte.gz",
                    "http://yann.lecun.com/exdb/mnist/t10k-labels-idx1-ubyte.gz",
                ],
                bytes: 4_542,
                md5: "ec29112dd5afa0611ce80d1b7f02629c",
            },
        ],
        classes: &[],
        renamed: &[],
    },
    Entry {
        name: "fashion-mnist",
        title: "Fashion-MNIST",
        about: "70,000 grey images of clothes, 28 × 28 pixels, in ten classes",
        files: &[
            Remote {
                urls: &[
                    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-images-idx3-ubyte.gz",
                ],
                bytes: 26_421_880,
                md5: "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            },
            Remote {
                urls: &[
                    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-labels-idx1-ubyte.gz",
                ],
                bytes: 29_515,
                md5: "25c81989df183df01b3e8a0aad5dffbe",
            },
            Remote {
                urls: &[
                    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-images-idx3-ubyte.gz",
                ],
                bytes: 4_422_102,
                md5: "bef4ecab320f06d8554ea6380940ec79",
            },
            Remote {
                urls: &[
                    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-labels-idx1-ubyte.gz",
                ],
                bytes: 5_148,
                md5: "bb300cfdad3c16e7a12a480ee83cd310",
            },
        ],
        classes: &[
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ],
        renamed: &[],
    },
    Entry {
        name: "imagenette-160",
        title: "Imagenette, 160 pixels",
        about: "13,394 photos of ten easy classes of ImageNet",
        files: &[Remote {
            urls: &["https://s3.amazonaws.com/fast-ai-imageclas/imagenette2-160.tgz"],
            bytes: 99_003_388,
            md5: "e793b78cc4c9e9a4ccc0c1155377a412",
        }],
        classes: &[],
        renamed: &[
            ("n01440764", "tench"),
            ("n02102040", "English springer"),
            ("n02979186", "cassette player"),
            ("n03000684", "chain saw"),
            ("n03028079", "church"),
            ("n03394916", "French horn"),
            ("n03417042", "garbage truck"),
            ("n03425413", "gas pump"),
            ("n03445777", "golf ball"),
            ("n03888257", "parachute"),
        ],
    },
    Entry {
        name: "eurosat",
        title: "EuroSAT",
        about: "27,000 satellite images of 64 × 64 pixels in ten kinds of land",
        files: &[Remote {
            urls: &[
                "https://huggingface.co/datasets/torchgeo/eurosat/resolve/c877bcd43f099cd0196738f714544e355477f3fd/EuroSAT.zip",
            ],
            bytes: 94_280_567,
            md5: "c8fa014336c82ac7804f0398fcb19387",
        }],
        classes: &[],
        renamed: &[],
    },
];

impl Entry {
    /// The data set of this name.
    pub fn find(name: &str) -> Option<&'static Entry> {
        CATALOGUE.iter().find(|entry| entry.name == name)
    }

    /// Where it comes from.
    pub fn home(&self) -> &'static str {
        self.files[0].urls[0]
    }

    /// Bytes to fetch, about.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// What a person can do where it can't be fetched from here.
    fn instead(&self) -> String {
        let names: Vec<&str> = self.files.iter().map(Remote::name).collect();
        match names[..] {
            [_] => {
                format!("download {} where there is a network and import that file by its path", self.home())
            }
            _ => format!(
                "download {} and, from the same place, {} where there is a network and import the folder with them",
                self.home(),
                names[1..].join(", ")
            ),
        }
    }

    /// Fetches all files into `downloads`, an empty folder, and imports them as [`import`] would.
    ///
    /// # Errors
    /// [`ImportError::Download`], and all of [`import`]'s.
    pub fn import(
        &self,
        downloads: &Path,
        unpack_into: &Path,
        options: &Options,
        progress: &(dyn Fn(Progress) + Sync),
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Imported, ImportError> {
        let meter = Meter::new(Stage::Downloading, Some(self.bytes()), progress);
        let mut done = 0;
        for file in self.files {
            download(
                self.title,
                &self.instead(),
                file,
                downloads,
                &|bytes| meter.set(done + bytes),
                cancelled,
            )?;
            done += file.bytes;
        }
        if !self.classes.is_empty() {
            let list = downloads.join("classes.txt");
            std::fs::write(&list, self.classes.join("\n")).map_err(io_error("write", &list))?;
        }
        let source = match self.files {
            [only] => downloads.join(only.name()),
            _ => downloads.to_owned(),
        };
        let imported = import(&source, unpack_into, options, progress, cancelled)?;
        Ok(self.with_names(imported))
    }

    fn with_names(&self, mut imported: Imported) -> Imported {
        for class in &mut imported.classes {
            if let Some((_, name)) = self.renamed.iter().find(|(code, _)| code == class) {
                *class = (*name).to_owned();
            }
        }
        imported.fingerprint = fingerprint(&imported.classes, &imported.samples);
        imported
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::download::tests::{md5, ok, serve};
    use protocol::sample::Split;
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    /// A data set of four IDX files that a server on this machine has, but for what `answer` says otherwise.
    fn local(answer: impl Fn(&str) -> Option<Vec<u8>> + Send + 'static) -> Entry {
        let labels = [&[0, 0, 8, 1, 0, 0, 0, 6][..], &[0, 1, 0, 1, 0, 1]].concat();
        let images =
            [&[0, 0, 8, 3, 0, 0, 0, 6, 0, 0, 0, 1, 0, 0, 0, 2][..], &[0, 9, 1, 8, 2, 7, 3, 6, 4, 5, 5, 4]]
                .concat();
        let names = [
            "train-images-idx3-ubyte",
            "train-labels-idx1-ubyte",
            "t10k-images-idx3-ubyte",
            "t10k-labels-idx1-ubyte",
        ];
        let content = move |name: &str| if name.contains("images") { images.clone() } else { labels.clone() };
        let files: Vec<Remote> = {
            let kept = content.clone();
            let address =
                serve(move |path| answer(path).unwrap_or_else(|| ok(kept(path).len(), &kept(path))));
            let remote = |name: &&str| Remote {
                urls: vec![&*format!("{address}/{name}").leak()].leak(),
                bytes: content(name).len() as u64,
                md5: md5(&content(name)).leak(),
            };
            names.iter().map(remote).collect()
        };
        Entry {
            name: "local",
            title: "Local",
            about: "six images twice",
            files: files.leak(),
            classes: &["T-shirt/top", "n1"],
            renamed: &[("n1", "Trouser")],
        }
    }

    fn fetched(entry: &Entry) -> (tempfile::TempDir, Result<Imported, ImportError>, Vec<(Stage, u64)>) {
        let (data, told) = (tempfile::tempdir().unwrap(), Mutex::new(Vec::new()));
        let downloads = data.path().join("downloads");
        std::fs::create_dir(&downloads).unwrap();
        let report = |progress: Progress| told.lock().unwrap().push((progress.stage, progress.done));
        let imported =
            entry.import(&downloads, &data.path().join("set"), &Options::default(), &report, &|| false);
        (data, imported, told.into_inner().unwrap())
    }

    #[test]
    fn what_is_fetched_is_imported_under_its_names() {
        let (_data, imported, told) = fetched(&local(|_| None));
        let imported = imported.unwrap();
        assert_eq!((imported.format, imported.classes.join(" ").as_str()), ("idx", "T-shirt/top Trouser"));
        assert_eq!(imported.samples.iter().filter(|sample| sample.split == Split::Test).count(), 6);
        assert_eq!(imported.fingerprint, fingerprint(&imported.classes, &imported.samples));
        let most = told.iter().filter(|(stage, _)| *stage == Stage::Downloading).map(|(_, done)| *done).max();
        assert_eq!(most, Some(2 * (28 + 14)));
    }

    #[test]
    fn one_bad_file_refuses_the_whole() {
        let (data, imported, _) = fetched(&local(|path| path.contains("t10k-l").then(|| ok(3, b"bad"))));
        let error = imported.unwrap_err().to_string();
        assert!(
            error.starts_with("Local could not be fetched from 127.0.0.1:") && error.contains("MD5"),
            "{error}"
        );
        assert!(error.contains("and, from the same place, train-labels-idx1-ubyte, t10k-images"), "{error}");
        assert!(!data.path().join("set").exists());
    }

    #[test]
    fn every_entry_can_be_asked_for_and_fetched() {
        let names: BTreeSet<&str> = CATALOGUE.iter().map(|entry| entry.name).collect();
        assert_eq!(names.len(), CATALOGUE.len());
        for entry in &CATALOGUE {
            assert_eq!(Entry::find(entry.name).map(|found| found.title), Some(entry.title));
            for file in entry.files {
                assert!(file.md5.len() == 32 && file.md5.bytes().all(|digit| digit.is_ascii_hexdigit()));
                assert!(file.urls.iter().all(|url| url.starts_with("http") && url.ends_with(file.name())));
            }
        }
        assert!(Entry::find("nothing").is_none());
    }
}
