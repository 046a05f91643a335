//! Tensors to and from safetensors files, tensors out of PyTorch's own, and weights into a network by name.

mod pickle;
mod pytorch;

use crate::fault::Fault;
use crate::layers::Network;
use protocol::weights::WeightsEntry;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tch::{Kind, Tensor};

/// The bytes of a safetensors file that holds `tensors`.
pub fn to_bytes<N: AsRef<str>>(tensors: &[(N, Tensor)]) -> Result<Vec<u8>, Fault> {
    let wrong = |problem: String| Fault::new(format!("Could not lay out tensors for a file: {problem}."));
    let mut parts = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        let dtype = match tensor.kind() {
            Kind::Float => Dtype::F32,
            Kind::Int64 => Dtype::I64,
            other => return Err(wrong(format!("{} is {other:?}", name.as_ref()))),
        };
        let tensor = tensor.detach().contiguous().to_device(tch::Device::Cpu);
        let mut bytes = vec![0; tensor.numel() * tensor.kind().elt_size_in_bytes()];
        tensor.copy_data_u8(&mut bytes, tensor.numel());
        let shape: Vec<usize> = tensor.size().iter().map(|&side| side as usize).collect();
        parts.push((name.as_ref(), dtype, shape, bytes));
    }
    let views = parts
        .iter()
        .map(|(name, dtype, shape, bytes)| {
            TensorView::new(*dtype, shape.clone(), bytes).map(|view| (*name, view))
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| wrong(error.to_string()))?;
    safetensors::serialize(views, None).map_err(|error| wrong(error.to_string()))
}

/// The tensors of the safetensors or PyTorch file at `path`, by name; floating point of any width becomes f32.
pub fn read(path: &Path) -> Result<BTreeMap<String, Tensor>, Fault> {
    let bytes = std::fs::read(path).map_err(|error| Fault::file("read", path, error))?;
    from_bytes(&bytes).map_err(|why| Fault::file("use the weights in", path, why))
}

/// The tensors of such a file, which is told by how it begins.
pub fn from_bytes(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>, String> {
    if pytorch::is_pytorch(bytes) { pytorch::read(bytes) } else { read_safetensors(bytes) }
}

fn read_safetensors(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>, String> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|error| format!("it is neither PyTorch's nor a whole safetensors file ({error})"))?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.tensors() {
        let dtype = match view.dtype() {
            Dtype::F64 => Kind::Double,
            Dtype::F32 => Kind::Float,
            Dtype::F16 => Kind::Half,
            Dtype::BF16 => Kind::BFloat16,
            Dtype::I64 => Kind::Int64,
            other => return Err(format!("tensor {name} has the type {other:?}")),
        };
        let shape: Vec<i64> = view.shape().iter().map(|&side| side as i64).collect();
        let tensor = Tensor::from_data_size(view.data(), &shape, dtype);
        tensors.insert(name, if dtype == Kind::Int64 { tensor } else { tensor.to_kind(Kind::Float) });
    }
    Ok(tensors)
}

/// Weights that a run starts from.
pub struct Given {
    /// What a person calls them.
    name: String,
    path: PathBuf,
}

/// The weights that a spec names: published ones by their name, whose file is in `folder`, or a file by its path.
pub fn find(name: &str, folder: Option<&Path>) -> Result<Given, Fault> {
    let Some(entry) = WeightsEntry::find(name) else {
        return Ok(Given { name: format!("the weights in {name}"), path: PathBuf::from(name) });
    };
    let path = folder.map(|folder| folder.join(entry.file_name())).filter(|path| path.is_file());
    let path = path.ok_or_else(|| {
        Fault::new(format!("The weights {name} are not on this machine.")).advice(format!(
            "Fetch them: `tintype weights fetch {name}`, or in the form of a new run; then resume."
        ))
    })?;
    Ok(Given { name: format!("the weights of {}", entry.label), path })
}

impl Given {
    /// Loads them into `network` by name. Gives a sentence where the head was replaced.
    pub fn load(&self, network: &Network, other_head: OtherHead) -> Result<Option<String>, Fault> {
        load_named(network, &self.path, &self.name, other_head)
    }
}

/// What to do with a last layer made for another number of classes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum OtherHead {
    /// Keep the network's own, freshly initialised one.
    Replace,
    /// An error: the network is to be evaluated as it is.
    Refuse,
}

/// Loads the file at `path` into `network` by name. Gives a sentence where the head was replaced.
///
/// A missing, unexpected or differently shaped tensor is an error that names it; PyTorch's
/// `num_batches_tracked` is skipped, for nothing here uses it.
pub fn load(network: &Network, path: &Path, other_head: OtherHead) -> Result<Option<String>, Fault> {
    load_named(network, path, &format!("the weights in {}", path.display()), other_head)
}

fn load_named(
    network: &Network,
    path: &Path,
    called: &str,
    other_head: OtherHead,
) -> Result<Option<String>, Fault> {
    let mut file = read(path)?;
    file.retain(|name, _| !name.ends_with(".num_batches_tracked"));
    file = file.into_iter().map(|(name, tensor)| (network.name_here(&name), tensor)).collect();
    let head = format!("{}.", network.head());
    let (mut problems, mut replaced, mut said) = (Vec::new(), None, Vec::new());
    for (name, mut own) in network.named_tensors() {
        match file.remove(&name) {
            Some(tensor) if tensor.size() == own.size() => tch::no_grad(|| own.copy_(&tensor)),
            // Only another number of classes makes another head; other features mean another network.
            Some(tensor) if name.starts_with(&head) && tensor.size().get(1..) == own.size().get(1..) => {
                replaced = Some((tensor.size()[0], own.size()[0]));
            }
            Some(tensor) => match network.fitted(&name, &tensor, &own.size()) {
                Some((fitted, sentence)) => {
                    tch::no_grad(|| own.copy_(&fitted));
                    said.push(sentence);
                }
                None => {
                    problems.push(format!("{name} is {:?} where {:?} is needed", tensor.size(), own.size()))
                }
            },
            None => problems.push(format!("{name} is missing")),
        }
    }
    problems.extend(file.keys().map(|name| format!("{name} is unexpected")));
    if !problems.is_empty() {
        let more = problems.len().saturating_sub(5);
        problems.truncate(5);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        return Err(Fault::new(format!(
            "{} do not fit the model: {}{more}.",
            capitalized(called),
            problems.join("; ")
        ))
        .advice("Choose the model that the weights were made with, or other weights."));
    }
    match replaced {
        None => {}
        Some((theirs, ours)) if other_head == OtherHead::Replace => said.push(format!(
            "are for {theirs} classes and this data set has {ours}: the last layer ({}) starts afresh, all others are taken over",
            network.head(),
        )),
        Some((theirs, ours)) => {
            return Err(Fault::new(format!(
                "{} are for {theirs} classes and this data set has {ours}.",
                capitalized(called)
            ))
            .advice("Evaluate them on a data set with the same classes, or train for an epoch or more."));
        }
    }
    let said: Vec<String> = said.iter().map(|what| format!("{} {what}.", capitalized(called))).collect();
    Ok((!said.is_empty()).then(|| said.join(" ")))
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
