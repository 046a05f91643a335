//! The two forms of the files that `torch.save` writes: a zip archive, and, before PyTorch 1.6, pickles one after
//! another with the numbers behind them. Whatever a file says, what is built of it is bounded: by its size, and by the number of operations that are carried out.

use super::pickle::{Pickle, Storage, View};
use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use tch::{Kind, Tensor};
use zip::{CompressionMethod, ZipArchive};

/// How a file of the older form begins: a pickle of a large number.
const MAGIC: [u8; 15] = *b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";
/// The only version of it that there was.
const PROTOCOL: i64 = 1001;
/// How a zip archive begins.
const ZIP: [u8; 4] = *b"PK\x03\x04";

/// Whether a file begins as one of PyTorch's.
pub(super) fn is_pytorch(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC) || bytes.starts_with(&ZIP)
}

/// The tensors of such a file by name; floating point of any width becomes f32.
pub(super) fn read(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>, String> {
    if bytes.starts_with(&MAGIC) { read_pickles(bytes) } else { read_archive(bytes) }
}

fn read_pickles(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>, String> {
    let mut rest = &bytes[MAGIC.len()..];
    let mut next = || -> Result<Pickle, String> {
        let (pickle, length) = Pickle::read(rest)?;
        rest = &rest[length..];
        Ok(pickle)
    };
    if next()?.integer() != Some(PROTOCOL) {
        return Err("it is of a version of PyTorch's form that is not known".to_owned());
    }
    if next()?.flag("little_endian") != Some(true) {
        return Err("its numbers have another order of bytes".to_owned());
    }
    let dictionary = next()?;
    let views = dictionary.tensors()?;
    let keys = next()?;
    let keys = keys.texts().ok_or("it is damaged: the list of its storages is missing")?;
    let described = storages(&views)?;
    let mut tensors = BTreeMap::new();
    for key in keys {
        let storage = described.get(key).ok_or("it is damaged: a storage belongs to no tensor")?;
        let (count, behind) = rest.split_at_checked(8).ok_or_else(cut)?;
        if i64::from_le_bytes(count.try_into().expect("eight of them")) != storage.count {
            return Err("it is damaged: a storage has another size than its tensor says".to_owned());
        }
        let (numbers, behind) = behind.split_at_checked(size(storage)?).ok_or_else(cut)?;
        rest = behind;
        tensors.insert(key, to_tensor(storage, numbers));
    }
    assemble(&views, &tensors)
}

fn read_archive(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>, String> {
    let broken = |error| format!("it is not a whole archive of PyTorch's ({error})");
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let folder = |name: &str| {
        let mut files = archive.file_names().filter_map(Result::ok);
        files.find_map(|file| Some(file.strip_suffix(name)?.strip_suffix('/')?.to_owned()))
    };
    if folder("constants.pkl").is_some() {
        return Err("it is a TorchScript program, not a state dict of weights".to_owned());
    }
    let folder = folder("data.pkl").ok_or("it is a zip archive without PyTorch's data.pkl")?;
    // What is taken out can't be more than went in, even where entries lie over each other.
    let mut left = bytes.len();
    let mut entry = |name: &str| -> Result<Vec<u8>, String> {
        let mut file = archive.by_name(&format!("{folder}/{name}")).map_err(broken)?;
        if file.compression() != CompressionMethod::Stored {
            return Err("its entries are compressed, which PyTorch's are not".to_owned());
        }
        left = usize::try_from(file.size()).ok().and_then(|size| left.checked_sub(size)).ok_or_else(cut)?;
        let mut content = Vec::new();
        file.read_to_end(&mut content).map_err(|error| format!("it is damaged ({error})"))?;
        Ok(content)
    };
    if entry("byteorder").is_ok_and(|order| order != b"little") {
        return Err("its numbers have another order of bytes".to_owned());
    }
    let text = entry("data.pkl")?;
    let (dictionary, _) = Pickle::read(&text)?;
    let views = dictionary.tensors()?;
    let mut tensors = BTreeMap::new();
    for (key, storage) in storages(&views)? {
        let numbers = entry(&format!("data/{key}"))?;
        if numbers.len() != size(storage)? {
            return Err("it is damaged: a storage has another size than its tensor says".to_owned());
        }
        tensors.insert(key, to_tensor(storage, &numbers));
    }
    assemble(&views, &tensors)
}

fn cut() -> String {
    "it is cut off or damaged: a part of it is missing".to_owned()
}

/// Every storage by its key; all who share one must agree on it.
fn storages<'a, 'v>(views: &[(&'a str, &'v View<'a>)]) -> Result<BTreeMap<&'a str, &'v Storage<'a>>, String> {
    let mut all = BTreeMap::new();
    for (name, view) in views {
        if *all.entry(view.storage.key).or_insert(&view.storage) != &view.storage {
            return Err(format!("it is damaged: {name} does not agree with others about its storage"));
        }
    }
    Ok(all)
}

/// Bytes.
fn size(storage: &Storage) -> Result<usize, String> {
    usize::try_from(storage.count)
        .ok()
        .and_then(|count| count.checked_mul(storage.kind.elt_size_in_bytes()))
        .ok_or_else(cut)
}

fn to_tensor(storage: &Storage, numbers: &[u8]) -> Tensor {
    let tensor = Tensor::from_data_size(numbers, &[storage.count], storage.kind);
    if storage.kind == Kind::Int64 { tensor } else { tensor.to_kind(Kind::Float) }
}

/// The tensors as views of their storages: what is shared takes no memory twice.
fn assemble(
    views: &[(&str, &View)],
    storages: &BTreeMap<&str, Tensor>,
) -> Result<BTreeMap<String, Tensor>, String> {
    let mut tensors = BTreeMap::new();
    for (name, view) in views {
        let storage = storages.get(view.storage.key).ok_or_else(cut)?;
        if !lies_within(view) {
            return Err(format!("it is damaged: {name} reaches beyond its storage"));
        }
        let tensor = storage.as_strided(&view.shape, &view.strides, view.offset);
        tensors.insert((*name).to_owned(), tensor);
    }
    Ok(tensors)
}

/// Whether all numbers of a tensor are numbers of its storage.
fn lies_within(view: &View) -> bool {
    let sides = || view.shape.iter().zip(&view.strides);
    if view.shape.len() != view.strides.len()
        || view.offset < 0
        || sides().any(|(&side, &stride)| side < 0 || stride < 0)
    {
        return false;
    }
    // An empty tensor has no last number, but all other products must be numbers too.
    let count = view.shape.iter().try_fold(1_i64, |count, &side| count.checked_mul(side.max(1)));
    let last = sides().try_fold(view.offset, |last, (&side, &stride)| {
        last.checked_add((side.max(1) - 1).checked_mul(stride)?)
    });
    let (Some(_), Some(last)) = (count, last) else { return false };
    last < view.storage.count || (view.shape.contains(&0) && view.offset <= view.storage.count)
}
