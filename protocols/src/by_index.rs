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
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn values_are_found_replaced_and_taken_in_the_order_of_their_indexes() {
        let mut open = ByIndex::default();
        for (index, value) in [(7, 'c'), (1, 'a'), (4, 'x'), (4, 'b')] {
            open.insert(index, value);
        }
        assert_eq!(open.len(), 3);
        assert_eq!((open.get(4), open.get(5)), (Some(&'b'), None));
        if let Some(value) = open.get_mut(7) {
            *value = 'd';
        }
        assert_eq!((open.remove(1), open.remove(1)), (Some('a'), None));
        assert_eq!(open.take().collect::<String>(), "bd");
        assert_eq!(open.len(), 0);
    }
}
