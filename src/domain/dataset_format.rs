//! The formats by name: what people call them, what they are known by, and what each needs.

/// The format of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatasetFormat {
    /// A folder per class, packed in an archive or not.
    Folders,
    /// IDX files, as MNIST has them.
    Idx,
    /// CIFAR's binary files.
    Cifar,
    /// Parquet with the images' files in it.
    Parquet,
    /// Tars of images with a label file each.
    WebDataset,
    /// A table of paths and labels.
    Manifest,
}

impl DatasetFormat {
    /// All of them.
    pub const ALL: [DatasetFormat; 6] = [
        DatasetFormat::Folders,
        DatasetFormat::Idx,
        DatasetFormat::Cifar,
        DatasetFormat::Parquet,
        DatasetFormat::WebDataset,
        DatasetFormat::Manifest,
    ];

    /// The word used in JSON, on pages and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            DatasetFormat::Folders => "folder",
            DatasetFormat::Idx => "idx",
            DatasetFormat::Cifar => "cifar-binary",
            DatasetFormat::Parquet => "parquet",
            DatasetFormat::WebDataset => "webdataset",
            DatasetFormat::Manifest => "manifest",
        }
    }

    /// The format that a word stands for.
    pub fn from_word(word: &str) -> Option<DatasetFormat> {
        DatasetFormat::ALL.into_iter().find(|format| format.as_str() == word)
    }

    /// The format of what was imported as this format, as [`super::imported::Imported::format`] has it.
    pub fn from_format(format: &str) -> Option<DatasetFormat> {
        match format {
            "zip" | "tar" | "tar.gz" => Some(DatasetFormat::Folders),
            format if format.starts_with("manifest-") => Some(DatasetFormat::Manifest),
            format => DatasetFormat::from_word(format),
        }
    }

    /// What a person calls it.
    pub fn title(self) -> &'static str {
        self.description().0
    }

    /// What a person calls it, and what it is known by.
    pub(crate) fn description(self) -> (&'static str, &'static str) {
        match self {
            DatasetFormat::Folders => ("a folder per class", "images in at least two folders"),
            DatasetFormat::Idx => (
                "IDX",
                "files such as train-images-idx3-ubyte with train-labels-idx1-ubyte beside them, plain or .gz, or of any \
                 name where one file of images and one of labels begin as IDX files do",
            ),
            DatasetFormat::Cifar => (
                "CIFAR's binary version",
                "data_batch_1.bin and test_batch.bin, or train.bin and test.bin with fine_label_names.txt",
            ),
            DatasetFormat::Parquet => (
                "Parquet with images",
                ".parquet files with a column of images' bytes, such as “image”, and one of labels, such as “label”",
            ),
            DatasetFormat::WebDataset => {
                ("WebDataset", "tars in which 000001.jpg has 000001.cls, .json or .txt beside it")
            }
            DatasetFormat::Manifest => (
                "a table of images",
                "a .csv, .tsv, .jsonl or .parquet with columns such as “path” and “label”",
            ),
        }
    }

    /// What there must be, and what to do where it is not; a sentence.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            DatasetFormat::Folders => {
                "A data set is a folder per class, at least two, with images in them; \
                 the class folders may lie in train/, val/ and test/. IDX, CIFAR, Parquet and WebDataset files, and \
                 tables of paths and labels, are known too."
            }
            DatasetFormat::Manifest => {
                "A table has a row for each image, with a path below the table's own folder and a label, and at least \
                 two different labels; correct its rows, or move it to where its paths begin."
            }
            DatasetFormat::Parquet => {
                "Each row has an image's bytes and a label, and at least two different labels are needed; \
                 give more of the files, or check which columns they have."
            }
            DatasetFormat::WebDataset => {
                "Each image has a .cls, a .json with “label” or a .txt of the same name behind it, and at least two \
                 different labels are needed; give more of the shards, or pack them again."
            }
            DatasetFormat::Idx | DatasetFormat::Cifar => {
                "At least two different labels are needed; give more of the files, or fetch them again."
            }
        }
    }
}
