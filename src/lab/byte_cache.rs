//! What was made lately, within a budget of bytes: what was longest not asked for gives way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Things by key.
pub(super) struct ByteCache<T> {
    budget: usize,
    entries: Mutex<Entries<T>>,
}

struct Entries<T> {
    by_key: HashMap<String, Entry<T>>,
    bytes: usize,
    /// Counts what is asked for, so that each entry knows how long ago it was.
    clock: u64,
}

struct Entry<T> {
    thing: Arc<T>,
    bytes: usize,
    used: u64,
}

impl<T> ByteCache<T> {
    pub(super) fn new(budget: usize) -> ByteCache<T> {
        let entries = Entries { by_key: HashMap::new(), bytes: 0, clock: 0 };
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
        if let Some(thing) = self.get(key) {
            return Ok(thing);
        }
        let thing = Arc::new(make()?);
        self.insert(key, &thing, size(&thing));
        Ok(thing)
    }

    /// The thing of this key, if it is still there.
    pub(super) fn get(&self, key: &str) -> Option<Arc<T>> {
        self.lock().get(key)
    }

    /// Keeps a thing, or notes that it was asked for again.
    pub(super) fn insert(&self, key: &str, thing: &Arc<T>, bytes: usize) {
        self.lock().insert(key, thing, bytes, self.budget);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Entries<T>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Entries<T> {
    fn get(&mut self, key: &str) -> Option<Arc<T>> {
        self.clock += 1;
        let entry = self.by_key.get_mut(key)?;
        entry.used = self.clock;
        Some(entry.thing.clone())
    }

    fn insert(&mut self, key: &str, thing: &Arc<T>, bytes: usize, budget: usize) {
        if self.get(key).is_some() {
            return;
        }
        self.by_key.insert(key.to_owned(), Entry { thing: thing.clone(), bytes, used: self.clock });
        self.bytes += bytes;
        while self.bytes > budget && self.by_key.len() > 1 {
            let oldest = self.by_key.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone());
            let Some(oldest) = oldest.and_then(|key| self.by_key.remove(&key)) else { return };
            self.bytes -= oldest.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_longest_not_asked_for_gives_way_and_what_is_kept_is_not_made_again() {
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
        assert!(ask("ccc"), "24 bytes: “bb” goes, as “a” was asked for later");
        assert!(!ask("a") && ask("bb") && ask("ccc"));
        assert_eq!(recent.get_or_make("d", |_| 1, || Err("broken")).err(), Some("broken"));
        assert!(ask("d"), "a failure is tried again");
    }
}
