//! The open parts of a stream, by the index that the upstream assigns.

/// Values sorted by index. A list, because rarely more than one is open and a tree costs 6 KB of wasm for each value
/// type. The caller bounds the length.
#[derive(Debug, Clone)]
pub(crate) struct ByIndex<V>(Vec<(u64, V)>);

impl<V> ByIndex<V> {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn get(&self, index: u64) -> Option<&V> {
        let at = self.place(index).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, index: u64) -> Option<&mut V> {
        let at = self.place(index).ok()?;
        self.0.get_mut(at).map(|(_, value)| value)
    }

    /// Replaces a value with the same index.
    pub(crate) fn insert(&mut self, index: u64, value: V) {
        match self.place(index) {
            Ok(at) => {
                if let Some(known) = self.0.get_mut(at) {
                    known.1 = value;
                }
            }
            // The search result: at most the length.
            Err(at) => self.0.insert(at, (index, value)),
        }
    }

    pub(crate) fn remove(&mut self, index: u64) -> Option<V> {
        // The search result: below the length.
        self.place(index).ok().map(|at| self.0.remove(at).1)
    }

    /// Removes and returns all values.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = V> + use<V> {
        std::mem::take(&mut self.0)
            .into_iter()
            .map(|(_, value)| value)
    }

    fn place(&self, index: u64) -> Result<usize, usize> {
        self.0.binary_search_by_key(&index, |(known, _)| *known)
    }
}

impl<V> Default for ByIndex<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

#[cfg(test)]
mod tests;
