//! What was made lately, within a budget of bytes: the oldest gives way.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// Things by key.
pub(super) struct ByteCache<T> {
    budget: usize,
    entries: Mutex<Entries<T>>,
}

struct Entries<T> {
    by_key: HashMap<String, (Arc<T>, usize)>,
    /// Oldest first.
    order: VecDeque<String>,
    bytes: usize,
}

impl<T> ByteCache<T> {
    pub(super) fn new(budget: usize) -> ByteCache<T> {
        let entries = Entries { by_key: HashMap::new(), order: VecDeque::new(), bytes: 0 };
        ByteCache { budget, entries: Mutex::new(entries) }
    }

    /// The thing of this key, made where it is not there; an error is not kept. Two threads that ask at once may both
    /// make it, and get the same.
    pub(super) fn get_or_make<E>(
        &self,
        key: &str,
        size: impl FnOnce(&T) -> usize,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        if let Some((thing, _)) = self.lock().by_key.get(key) {
            return Ok(thing.clone());
        }
        let thing = Arc::new(make()?);
        self.lock().keep(key, &thing, size(&thing), self.budget);
        Ok(thing)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Entries<T>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Entries<T> {
    fn keep(&mut self, key: &str, thing: &Arc<T>, bytes: usize, budget: usize) {
        if self.by_key.contains_key(key) {
            return;
        }
        self.by_key.insert(key.to_owned(), (thing.clone(), bytes));
        self.order.push_back(key.to_owned());
        self.bytes += bytes;
        while self.bytes > budget && self.order.len() > 1 {
            let Some(oldest) = self.order.pop_front() else { return };
            self.bytes -= self.by_key.remove(&oldest).map_or(0, |(_, bytes)| bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_gives_way_and_what_is_kept_is_not_made_again() {
        let recent = ByteCache::new(20);
        let ask = |key: &str| {
            let mut made = false;
            let thing = recent.get_or_make(
                key,
                |_| 8,
                || {
                    made = true;
                    Ok::<_, ()>(key.len())
                },
            );
            assert_eq!(thing.map(|thing| *thing), Ok(key.len()));
            made
        };
        assert!(ask("a") && ask("bb") && !ask("a"));
        assert!(ask("ccc"), "24 bytes: the first goes");
        assert!(!ask("bb") && ask("a"));
        assert_eq!(recent.get_or_make("d", |_| 1, || Err("broken")).err(), Some("broken"));
        assert!(ask("d"), "a failure is tried again");
    }
}
