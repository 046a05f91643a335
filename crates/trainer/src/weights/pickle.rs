//! Reads a pickle that describes PyTorch's tensors, and runs nothing: it knows an ordered dictionary, a tensor made of a
//! storage, and storages; whatever else a pickle asks for is refused by name.
//!
//! Values lie in one list and refer to each other by place, so that no file makes this program go deep, and every
//! operation adds at most one of them, so that memory is bounded by the number of operations.

use std::collections::BTreeMap;
use tch::Kind;

/// The most operations of one pickle; a state dict has about 30 a tensor.
const MOST_OPERATIONS: usize = 4_000_000;
/// The most sides of a tensor.
const MOST_SIDES: usize = 16;

/// Where a value lies among the values of its pickle.
type Place = usize;

/// Numbers that lie together in a file, of one kind.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Storage<'a> {
    pub(super) key: &'a str,
    pub(super) kind: Kind,
    /// How many numbers.
    pub(super) count: i64,
}

/// A tensor: numbers of a storage.
#[derive(Clone, Debug)]
pub(super) struct View<'a> {
    pub(super) storage: Storage<'a>,
    pub(super) offset: i64,
    pub(super) shape: Vec<i64>,
    pub(super) strides: Vec<i64>,
}

enum Value<'a> {
    /// None, a number with a fraction: nothing that a tensor is made of.
    Other(&'static str),
    Flag(bool),
    Integer(i64),
    Text(&'a str),
    Callable(Callable),
    Tuple(Vec<Place>),
    List(Vec<Place>),
    Dictionary(Vec<(Place, Place)>),
    Storage(Storage<'a>),
    Tensor(View<'a>),
}

#[derive(Clone, Copy)]
enum Callable {
    OrderedDict,
    RebuildTensor,
    Storage(Kind),
}

impl Callable {
    fn find(module: &str, name: &str) -> Option<Self> {
        Some(match (module, name) {
            ("collections", "OrderedDict") => Self::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2") => Self::RebuildTensor,
            ("torch", "FloatStorage") => Self::Storage(Kind::Float),
            ("torch", "DoubleStorage") => Self::Storage(Kind::Double),
            ("torch", "HalfStorage") => Self::Storage(Kind::Half),
            ("torch", "BFloat16Storage") => Self::Storage(Kind::BFloat16),
            ("torch", "LongStorage") => Self::Storage(Kind::Int64),
            _ => return None,
        })
    }
}

impl Value<'_> {
    fn what(&self) -> &'static str {
        match self {
            Value::Other(what) => what,
            Value::Flag(_) => "a truth value",
            Value::Integer(_) => "a whole number",
            Value::Text(_) => "a text",
            Value::Callable(_) => "a function",
            Value::Tuple(_) => "a tuple",
            Value::List(_) => "a list",
            Value::Dictionary(_) => "a dictionary",
            Value::Storage(_) => "a storage",
            Value::Tensor(_) => "a tensor",
        }
    }
}

/// What a pickle held.
pub(super) struct Pickle<'a> {
    values: Vec<Value<'a>>,
    root: Place,
}

impl<'a> Pickle<'a> {
    /// Reads the pickle at the beginning of `bytes`; gives its length too.
    pub(super) fn read(bytes: &'a [u8]) -> Result<(Self, usize), String> {
        let mut machine = Machine {
            bytes,
            at: 0,
            values: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: BTreeMap::new(),
        };
        for _ in 0..MOST_OPERATIONS {
            if let Some(root) = machine.step()? {
                return Ok((Self { values: machine.values, root }, machine.at));
            }
        }
        Err("its pickle is longer than that of any state dict".to_owned())
    }

    /// The tensors of a dictionary by name.
    pub(super) fn tensors(&self) -> Result<Vec<(&'a str, &View<'a>)>, String> {
        let Value::Dictionary(items) = &self.values[self.root] else {
            return Err(format!("it holds {}, not a dictionary of tensors", self.values[self.root].what()));
        };
        items
            .iter()
            .map(|&(name, value)| match (&self.values[name], &self.values[value]) {
                (Value::Text(name), Value::Tensor(view)) => Ok((*name, view)),
                (Value::Text(name), other) => Err(format!(
                    "“{name}” is {}, not a tensor: only the state dict of a model is read, as model.state_dict() gives it",
                    other.what()
                )),
                (other, _) => Err(format!("a tensor's name is {}", other.what())),
            })
            .collect()
    }

    /// The whole number that it is.
    pub(super) fn integer(&self) -> Option<i64> {
        match self.values[self.root] {
            Value::Integer(number) => Some(number),
            _ => None,
        }
    }

    /// Of the dictionary that it is, the truth value of this name.
    pub(super) fn flag(&self, wanted: &str) -> Option<bool> {
        let Value::Dictionary(items) = &self.values[self.root] else { return None };
        items.iter().find_map(|&(name, value)| match (&self.values[name], &self.values[value]) {
            (Value::Text(name), Value::Flag(flag)) if *name == wanted => Some(*flag),
            _ => None,
        })
    }

    /// The list of texts that it is.
    pub(super) fn texts(&self) -> Option<Vec<&'a str>> {
        let Value::List(items) = &self.values[self.root] else { return None };
        items
            .iter()
            .map(|&item| match self.values[item] {
                Value::Text(text) => Some(text),
                _ => None,
            })
            .collect()
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value<'a>>,
    stack: Vec<Place>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: BTreeMap<u32, Place>,
}

fn cut() -> String {
    "it is cut off or damaged: its pickle does not end".to_owned()
}

fn damaged(what: &str) -> String {
    format!("it is damaged: {what}")
}

impl<'a> Machine<'a> {
    /// One operation; the last one gives what the pickle held.
    fn step(&mut self) -> Result<Option<Place>, String> {
        match self.byte()? {
            // Protocol 2 is what PyTorch writes; later ones have other operations, which are refused below.
            0x80 => drop(self.byte()?),
            b'.' => return self.pop().map(Some),
            b'(' => self.marks.push(self.stack.len()),
            b')' => self.push(Value::Tuple(Vec::new())),
            b't' => {
                let items = self.since_mark()?;
                self.push(Value::Tuple(items));
            }
            operation @ 0x85..=0x87 => {
                let items = self.pop_several(usize::from(operation - 0x84))?;
                self.push(Value::Tuple(items));
            }
            b'}' => self.push(Value::Dictionary(Vec::new())),
            b']' => self.push(Value::List(Vec::new())),
            b'N' => self.push(Value::Other("None")),
            0x88 => self.push(Value::Flag(true)),
            0x89 => self.push(Value::Flag(false)),
            b'K' => {
                let number = i64::from(self.byte()?);
                self.push(Value::Integer(number));
            }
            b'M' => {
                let number = i64::from(u16::from_le_bytes(self.array()?));
                self.push(Value::Integer(number));
            }
            b'J' => {
                let number = i64::from(i32::from_le_bytes(self.array()?));
                self.push(Value::Integer(number));
            }
            0x8a => self.long()?,
            b'G' => {
                self.take(8)?;
                self.push(Value::Other("a number with a fraction"));
            }
            b'X' => {
                let length = self.length()?;
                self.text(length)?;
            }
            b'U' => {
                let length = usize::from(self.byte()?);
                self.text(length)?;
            }
            b'q' => {
                let key = u32::from(self.byte()?);
                self.remember(key)?;
            }
            b'r' => {
                let key = u32::from_le_bytes(self.array()?);
                self.remember(key)?;
            }
            b'h' => {
                let key = u32::from(self.byte()?);
                self.recall(key)?;
            }
            b'j' => {
                let key = u32::from_le_bytes(self.array()?);
                self.recall(key)?;
            }
            b'c' => self.global()?,
            b'R' => self.call()?,
            b'Q' => self.storage()?,
            b's' => {
                let items = self.pop_several(2)?;
                self.set_items(&items)?;
            }
            b'u' => {
                let items = self.since_mark()?;
                self.set_items(&items)?;
            }
            b'a' => {
                let items = self.pop_several(1)?;
                self.append(items)?;
            }
            b'e' => {
                let items = self.since_mark()?;
                self.append(items)?;
            }
            b'b' => self.set_attributes()?,
            other => {
                return Err(format!(
                    "its pickle has an operation ({other:#04x}) that no state dict needs, so it was not carried out"
                ));
            }
        }
        Ok(None)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(count).filter(|&end| end <= self.bytes.len()).ok_or_else(cut)?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        self.take(1).map(|taken| taken[0])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        self.take(N).map(|taken| taken.try_into().expect("as many as were asked for"))
    }

    fn length(&mut self) -> Result<usize, String> {
        usize::try_from(u32::from_le_bytes(self.array()?)).map_err(|_| cut())
    }

    /// Up to the end of the line.
    fn line(&mut self) -> Result<&'a str, String> {
        let length = self.bytes[self.at..].iter().position(|&byte| byte == b'\n').ok_or_else(cut)?;
        let line = self.take(length + 1)?;
        std::str::from_utf8(&line[..length]).map_err(|_| damaged("a name is no text"))
    }

    fn push(&mut self, value: Value<'a>) {
        self.stack.push(self.values.len());
        self.values.push(value);
    }

    /// The topmost value, if it lies above the last mark.
    fn pop(&mut self) -> Result<Place, String> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err(damaged("its pickle takes a value where there is none"));
        }
        Ok(self.stack.pop().expect("it is higher than its floor"))
    }

    fn pop_several(&mut self, count: usize) -> Result<Vec<Place>, String> {
        let mut items = (0..count).map(|_| self.pop()).collect::<Result<Vec<_>, _>>()?;
        items.reverse();
        Ok(items)
    }

    fn since_mark(&mut self) -> Result<Vec<Place>, String> {
        let mark = self.marks.pop().ok_or_else(|| damaged("its pickle closes what was not opened"))?;
        Ok(self.stack.split_off(mark))
    }

    fn top(&self) -> Result<Place, String> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.last() {
            Some(&top) if self.stack.len() > floor => Ok(top),
            _ => Err(damaged("its pickle uses a value where there is none")),
        }
    }

    fn long(&mut self) -> Result<(), String> {
        let length = usize::from(self.byte()?);
        let bytes = self.take(length)?;
        if length > 8 {
            return Err(damaged("a number has more than 64 bits"));
        }
        let filler = if bytes.last().is_some_and(|&last| last >= 0x80) { 0xff } else { 0 };
        let mut whole = [filler; 8];
        whole[..length].copy_from_slice(bytes);
        self.push(Value::Integer(i64::from_le_bytes(whole)));
        Ok(())
    }

    fn text(&mut self, length: usize) -> Result<(), String> {
        let bytes = self.take(length)?;
        let text = std::str::from_utf8(bytes).map_err(|_| damaged("a text is not UTF-8"))?;
        self.push(Value::Text(text));
        Ok(())
    }

    fn remember(&mut self, key: u32) -> Result<(), String> {
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, key: u32) -> Result<(), String> {
        let place =
            *self.memo.get(&key).ok_or_else(|| damaged("its pickle recalls what it did not remember"))?;
        self.stack.push(place);
        Ok(())
    }

    fn global(&mut self) -> Result<(), String> {
        let (module, name) = (self.line()?, self.line()?);
        let callable = Callable::find(module, name).ok_or_else(|| {
            format!(
                "it asks for {module}.{name}, which the weights of a model don't need; nothing of it was run"
            )
        })?;
        self.push(Value::Callable(callable));
        Ok(())
    }

    fn call(&mut self) -> Result<(), String> {
        let (arguments, callable) = (self.pop()?, self.pop()?);
        let (Value::Callable(callable), Value::Tuple(arguments)) =
            (&self.values[callable], &self.values[arguments])
        else {
            return Err(damaged("its pickle calls what is no function"));
        };
        let made = match (callable, arguments.as_slice()) {
            (Callable::OrderedDict, []) => Value::Dictionary(Vec::new()),
            (Callable::RebuildTensor, [storage, offset, shape, strides, ..]) => {
                let (Value::Storage(storage), Value::Integer(offset)) =
                    (&self.values[*storage], &self.values[*offset])
                else {
                    return Err(damaged("a tensor has no storage"));
                };
                Value::Tensor(View {
                    storage: storage.clone(),
                    offset: *offset,
                    shape: self.sides(*shape)?,
                    strides: self.sides(*strides)?,
                })
            }
            _ => return Err(damaged("its pickle calls a function in a way that makes no tensor")),
        };
        self.push(made);
        Ok(())
    }

    fn sides(&self, place: Place) -> Result<Vec<i64>, String> {
        let Value::Tuple(items) = &self.values[place] else {
            return Err(damaged("a tensor's shape is no tuple"));
        };
        if items.len() > MOST_SIDES {
            return Err(damaged("a tensor has more sides than any network's"));
        }
        items
            .iter()
            .map(|&item| match self.values[item] {
                Value::Integer(side) => Ok(side),
                _ => Err(damaged("a tensor's side is no number")),
            })
            .collect()
    }

    /// `('storage', kind, key, device, count)`, with one more in older files.
    fn storage(&mut self) -> Result<(), String> {
        let place = self.pop()?;
        let wrong = || damaged("a storage is described in a way that is not known");
        let Value::Tuple(items) = &self.values[place] else { return Err(wrong()) };
        let [word, kind, key, _device, count, rest @ ..] = items.as_slice() else { return Err(wrong()) };
        let values = [word, kind, key, count].map(|&item| &self.values[item]);
        let [
            Value::Text("storage"),
            Value::Callable(Callable::Storage(kind)),
            Value::Text(key),
            Value::Integer(count),
        ] = values
        else {
            return Err(wrong());
        };
        // A view of another storage was a thing of the oldest versions.
        if rest.iter().any(|&item| !matches!(self.values[item], Value::Other("None"))) {
            return Err(wrong());
        }
        let storage = Storage { key, kind: *kind, count: *count };
        self.push(Value::Storage(storage));
        Ok(())
    }

    fn set_items(&mut self, items: &[Place]) -> Result<(), String> {
        let top = self.top()?;
        match &mut self.values[top] {
            Value::Dictionary(all) if items.len().is_multiple_of(2) => {
                all.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1])));
                Ok(())
            }
            _ => Err(damaged("its pickle adds to what is no dictionary")),
        }
    }

    fn append(&mut self, items: Vec<Place>) -> Result<(), String> {
        let top = self.top()?;
        match &mut self.values[top] {
            Value::List(all) => {
                all.extend(items);
                Ok(())
            }
            _ => Err(damaged("its pickle adds to what is no list")),
        }
    }

    /// A state dict carries versions of its layers as an attribute, which nothing here needs.
    fn set_attributes(&mut self) -> Result<(), String> {
        self.pop()?;
        match &self.values[self.top()?] {
            Value::Dictionary(_) => Ok(()),
            other => Err(damaged(&format!("its pickle gives attributes to {}", other.what()))),
        }
    }
}
