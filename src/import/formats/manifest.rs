//! Tables that say what images are: a column of paths and a column of labels, perhaps one of splits; every further
//! column is kept with the image. The images stay where they are.
//!
//! A path is relative to its table's folder, or absolute. It counts only if it is one of the files that were listed
//! below the source, so no `..` and no link leads anywhere else.

use super::super::{ImportError, Rejected, listing};
use super::columns::{LABELS, PATHS, SPLITS, column, metadata, text, text_bytes};
use super::labels::{is_image_name, names_beside, split_of, split_of_word};
use super::table::{TableFormat, head, rows};
use super::{DatasetFormat, Item, Labelled, Task, malformed, seen};
use protocol::sample::Split;
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

/// No more tables than this are looked into.
const MAX_TABLES: usize = 50;

/// The tables of one data set.
#[derive(Debug)]
pub(super) struct Set {
    tables: Vec<Table>,
}

#[derive(Debug)]
struct Table {
    /// Relative to the source.
    path: String,
    kind: TableFormat,
    columns: Columns,
    /// What its name says of all its rows.
    split: Option<Split>,
}

/// Which column says what.
#[derive(Clone, Debug)]
struct Columns {
    path: String,
    label: String,
    split: Option<String>,
}

impl Columns {
    /// From the names of a row's columns.
    fn of(names: &[String]) -> Option<Columns> {
        let find = |wanted| column(&names.iter(), wanted);
        Some(Columns { path: find(&PATHS)?, label: find(&LABELS)?, split: find(&SPLITS) })
    }
}

/// Finds the tables among the files of a folder: one, or one for each split.
pub(super) fn find(root: &Path, files: &[String]) -> Result<Option<Set>, ImportError> {
    let candidates = files.iter().filter_map(|file| Some((file, TableFormat::of(file)?))).take(MAX_TABLES);
    let mut tables: Vec<Table> =
        candidates.filter_map(|(file, kind)| Table::look(root, file, kind)).collect();
    if let [only] = &mut tables[..] {
        // One table has all there is, whatever it is called.
        only.split = None;
    }
    let splits: BTreeSet<Split> = tables.iter().filter_map(|table| table.split).collect();
    if tables.len() > 1 && splits.len() < tables.len() {
        let why = format!(
            "{} is a table of images too; give the path of one, or name them train, val and test",
            tables[1].path
        );
        return Err(malformed(DatasetFormat::Manifest, &tables[0].path, why));
    }
    Ok((!tables.is_empty()).then_some(Set { tables }))
}

/// The table that a file is; `None` where it is none.
pub(super) fn find_file(folder: &Path, name: &str) -> Option<Set> {
    let table = Table::look(folder, name, TableFormat::of(name)?)?;
    Some(Set { tables: vec![Table { split: None, ..table }] })
}

/// That a file is named as a table but has not the columns of one, where that is so.
pub(super) fn why_none(name: &str) -> Option<ImportError> {
    TableFormat::of(name).map(|_| {
        let why = "its first row names no column of paths and one of labels; call them “path” and “label”";
        malformed(DatasetFormat::Manifest, name, why)
    })
}

impl Table {
    fn look(root: &Path, file: &str, kind: TableFormat) -> Option<Table> {
        let columns = Columns::of(&head(&root.join(file), file, kind)?)?;
        Some(Table { path: file.to_owned(), kind, columns, split: split_of(file) })
    }
}

impl Set {
    pub(super) fn evidence(&self) -> String {
        let tables = self.tables.iter().map(|table| {
            format!("{} has columns “{}” and “{}”", table.path, table.columns.path, table.columns.label)
        });
        tables.collect::<Vec<_>>().join(", ")
    }

    /// Looks every row's image up below `root`.
    pub(super) fn read(&self, root: &Path, task: &Task) -> Result<Labelled, ImportError> {
        let files = listing::list(root, task.limits.max_entries, task.cancelled)?.files;
        let mut reading = Reading::new(root, &files, task);
        let mut classes = Vec::new();
        for table in &self.tables {
            let beside = root.join(&table.path);
            let names = names_beside(beside.parent().unwrap_or(root));
            reading.read(table, names.as_deref())?;
            classes = names.unwrap_or_default();
        }
        reading.mention_unnamed(&self.tables);
        let names: Vec<&str> = self.tables.iter().map(|table| table.path.as_str()).collect();
        let has_splits =
            self.tables.iter().any(|table| table.split.is_some() || table.columns.split.is_some());
        Ok(Labelled {
            format: match self.tables[0].kind {
                TableFormat::Csv => "manifest-csv",
                TableFormat::Tsv => "manifest-tsv",
                TableFormat::JsonLines => "manifest-jsonl",
                TableFormat::Parquet => "manifest-parquet",
            },
            seen: seen(&names, reading.rows, "row"),
            root: root.to_owned(),
            items: reading.items,
            classes,
            rejected: reading.rejected,
            splits: has_splits.then_some("as the table says"),
        })
    }
}

struct Reading<'a> {
    root: &'a Path,
    task: &'a Task<'a>,
    files: HashSet<&'a str>,
    /// By the last part of their paths.
    by_name: HashMap<&'a str, Vec<&'a str>>,
    items: Vec<Item>,
    /// The row that named an image first.
    seen: HashMap<String, String>,
    rejected: Vec<Rejected>,
    rows: usize,
    /// Of all of them.
    text_bytes: u64,
}

impl<'a> Reading<'a> {
    fn new(root: &'a Path, files: &'a [String], task: &'a Task<'a>) -> Reading<'a> {
        let mut by_name = HashMap::<&str, Vec<&str>>::new();
        for file in files {
            by_name.entry(last_part(file)).or_default().push(file);
        }
        let files = files.iter().map(String::as_str).collect();
        Reading {
            root,
            task,
            files,
            by_name,
            items: Vec::new(),
            seen: HashMap::new(),
            rejected: Vec::new(),
            rows: 0,
            text_bytes: 0,
        }
    }

    fn read(&mut self, table: &Table, names: Option<&[String]>) -> Result<(), ImportError> {
        for row in rows(&self.root.join(&table.path), &table.path, table.kind)? {
            if (self.task.cancelled)() {
                return Err(ImportError::Cancelled);
            }
            let (number, row) = row?;
            self.rows += 1;
            if (self.items.len() + self.rejected.len()) as u64 >= self.task.limits.max_entries {
                let what = format!("{} has more than {} rows", table.path, self.task.limits.max_entries);
                return Err(ImportError::TooLarge { what });
            }
            self.text_bytes += row.as_ref().map_or(0, text_bytes);
            self.task.limits.check_texts(self.text_bytes)?;
            let place = format!("row {number} of {}", table.path);
            let named = row.as_ref().ok().and_then(|row| row.get(&table.columns.path)).and_then(text);
            let item = row.and_then(|row| self.item(table, names, row));
            match item {
                Ok(item) => match self.seen.get(&item.path) {
                    Some(first) => {
                        self.reject(item.path, format!("{place}: {first} names this file already"))
                    }
                    None => {
                        self.seen.insert(item.path.clone(), place);
                        self.items.push(item);
                    }
                },
                Err(why) => {
                    self.reject(named.unwrap_or_else(|| table.path.clone()), format!("{place}: {why}"))
                }
            }
        }
        Ok(())
    }

    fn item(
        &self,
        table: &Table,
        names: Option<&[String]>,
        mut row: Map<String, Value>,
    ) -> Result<Item, String> {
        let mut take = |column: &str| row.remove(column).as_ref().and_then(text);
        let path = take(&table.columns.path).ok_or("it names no file")?;
        let label = take(&table.columns.label).ok_or("it has no label")?;
        let split =
            match &table.columns.split {
                None => table.split,
                Some(column) => {
                    let word = take(column).ok_or("it has no split")?;
                    Some(split_of_word(&word).ok_or_else(|| {
                        format!("its split “{word}” is unknown; there are train, val and test")
                    })?)
                }
            };
        let class = match (names, label.parse::<usize>()) {
            (Some(names), Ok(number)) => names.get(number).cloned().ok_or_else(|| {
                format!("it has label {number}, and the list of classes beside has {} names", names.len())
            })?,
            _ => label,
        };
        Ok(Item { path: self.find(&table.path, &path)?, class, split, metadata: metadata(row) })
    }

    /// The listed file that a path in a table means.
    fn find(&self, table: &str, path: &str) -> Result<String, String> {
        let path = path.replace('\\', "/");
        let whole = if let Some(below) = Path::new(&path).strip_prefix(self.root).ok().and_then(Path::to_str)
        {
            below.to_owned()
        } else if path.starts_with('/') || path.as_bytes().get(1) == Some(&b':') {
            return Err("its path is absolute and not below the table's folder".into());
        } else {
            format!("{}/{path}", table.rsplit_once('/').map_or("", |(folder, _)| folder))
        };
        let mut parts = Vec::new();
        for part in whole.split('/') {
            match part {
                "" | "." => {}
                ".." if parts.pop().is_some() => {}
                ".." => return Err("its path leads out of the folder by “..”".into()),
                part => parts.push(part),
            }
        }
        let whole = parts.join("/");
        if self.files.contains(whole.as_str()) {
            return Ok(whole);
        }
        // Often the table says the name alone, and the folder of the images is understood.
        let ending = format!("/{}", path.trim_start_matches("./"));
        let candidates = self.by_name.get(last_part(&path)).map(Vec::as_slice).unwrap_or_default();
        let mut candidates = candidates.iter().filter(|file| file.ends_with(&ending));
        match (candidates.next(), candidates.next()) {
            (Some(only), None) => Ok((*only).to_owned()),
            (Some(_), Some(_)) => Err("several files have this name; write their folder too".into()),
            _ => Err("there is no such file, or it can't be used".into()),
        }
    }

    /// Says once how many images no row names.
    fn mention_unnamed(&mut self, tables: &[Table]) {
        let mut unnamed: Vec<&str> = self
            .files
            .iter()
            .copied()
            .filter(|file| is_image_name(file) && !self.seen.contains_key(*file))
            .collect();
        unnamed.sort_unstable();
        if let Some(first) = unnamed.first() {
            let reason = match unnamed.len() {
                1 => format!("one image is named by no row: {first}"),
                count => format!("{count} images are named by no row, such as {first}"),
            };
            self.reject(tables[0].path.clone(), reason);
        }
    }

    fn reject(&mut self, path: String, reason: String) {
        self.rejected.push(Rejected { path, reason });
    }
}

fn last_part(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}
