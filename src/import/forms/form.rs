//! The forms by name: what people call them, what they are known by, and what each needs.

/// The form of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A folder per class, packed in an archive or not.
    Folders,
    /// IDX files, as MNIST has them.
    Idx,
    /// CIFAR's binary files.
    Cifar,
    /// Parquet with the pictures' files in it.
    Parquet,
    /// Tars of pictures with a label file each.
    WebDataset,
    /// A table of paths and labels.
    Manifest,
}

impl Form {
    /// All of them.
    pub const ALL: [Form; 6] =
        [Form::Folders, Form::Idx, Form::Cifar, Form::Parquet, Form::WebDataset, Form::Manifest];

    /// The word used in JSON, on pages and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Form::Folders => "folder",
            Form::Idx => "idx",
            Form::Cifar => "cifar-binary",
            Form::Parquet => "parquet",
            Form::WebDataset => "webdataset",
            Form::Manifest => "manifest",
        }
    }

    /// The form that a word stands for.
    pub fn from_word(word: &str) -> Option<Form> {
        Form::ALL.into_iter().find(|form| form.as_str() == word)
    }

    /// The form of what was imported as this format, as [`super::super::Imported::format`] has it.
    pub fn from_format(format: &str) -> Option<Form> {
        match format {
            "zip" | "tar" | "tar.gz" => Some(Form::Folders),
            format if format.starts_with("manifest-") => Some(Form::Manifest),
            format => Form::from_word(format),
        }
    }

    /// What a person calls it.
    pub fn title(self) -> &'static str {
        self.description().0
    }

    /// What a person calls it, and what it is known by.
    pub(super) fn description(self) -> (&'static str, &'static str) {
        match self {
            Form::Folders => ("a folder per class", "pictures in at least two folders"),
            Form::Idx => (
                "IDX",
                "files such as train-images-idx3-ubyte with train-labels-idx1-ubyte beside them, plain or .gz, or of any \
                 name where one file of pictures and one of labels begin as IDX files do",
            ),
            Form::Cifar => (
                "CIFAR's binary version",
                "data_batch_1.bin and test_batch.bin, or train.bin and test.bin with fine_label_names.txt",
            ),
            Form::Parquet => (
                "Parquet with pictures",
                ".parquet files with a column of pictures' bytes, such as “image”, and one of labels, such as “label”",
            ),
            Form::WebDataset => {
                ("WebDataset", "tars in which 000001.jpg has 000001.cls, .json or .txt beside it")
            }
            Form::Manifest => (
                "a table of pictures",
                "a .csv, .tsv, .jsonl or .parquet with columns such as “path” and “label”",
            ),
        }
    }

    /// What there must be, and what to do where it is not; a sentence.
    pub(in crate::import) fn advice(self) -> &'static str {
        match self {
            Form::Folders => {
                "A data set is a folder per class, at least two, with pictures in them; \
                 the class folders may lie in train/, val/ and test/. IDX, CIFAR, Parquet and WebDataset files, and \
                 tables of paths and labels, are known too."
            }
            Form::Manifest => {
                "A table has a row for each picture, with a path below the table's own folder and a label, and at least \
                 two different labels; correct its rows, or move it to where its paths begin."
            }
            Form::Parquet => {
                "Each row has a picture's bytes and a label, and at least two different labels are needed; \
                 give more of the files, or check which columns they have."
            }
            Form::WebDataset => {
                "Each picture has a .cls, a .json with “label” or a .txt of the same name behind it, and at least two \
                 different labels are needed; give more of the shards, or pack them again."
            }
            Form::Idx | Form::Cifar => {
                "At least two different labels are needed; give more of the files, or fetch them again."
            }
        }
    }
}
