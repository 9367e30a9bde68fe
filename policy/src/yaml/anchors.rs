//! Values that aliases repeat, and how much of it a document may do.

use std::collections::BTreeMap;

use super::{MAX_ALIASED_BYTES, MAX_ALIASED_NODES, MAX_DEPTH, Node};

/// What is in a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Extent {
    /// Values, itself included.
    pub(super) nodes: usize,
    /// Bytes of text, of keys as well.
    pub(super) bytes: usize,
    /// Levels of collections, itself included.
    pub(super) height: usize,
}

impl Extent {
    pub(super) fn of_scalar(text: &str) -> Self {
        Self {
            nodes: 1,
            bytes: text.len(),
            height: 0,
        }
    }

    pub(super) fn of_empty_collection() -> Self {
        Self {
            nodes: 1,
            bytes: 0,
            height: 1,
        }
    }

    /// `inner` is one level below.
    pub(super) fn add_child(&mut self, inner: Self) {
        self.nodes = self.nodes.saturating_add(inner.nodes);
        self.bytes = self.bytes.saturating_add(inner.bytes);
        self.height = self.height.max(inner.height.saturating_add(1));
    }
}

/// Anchored values, and what aliases have repeated of them so far.
#[derive(Default)]
pub(super) struct Anchors {
    values: BTreeMap<usize, (Node, Extent)>,
    repeated: Extent,
}

impl Anchors {
    /// `node` can be repeated from here on, where it has an anchor: numbers count from 1.
    pub(super) fn insert(&mut self, anchor: usize, node: &Node, extent: Extent) {
        if anchor > 0 {
            self.values.insert(anchor, (node.clone(), extent));
        }
    }

    /// The value of `anchor`, to stand below `depth` collections; else what is wrong with that.
    pub(super) fn repeat(&mut self, anchor: usize, depth: usize) -> Result<(Node, Extent), String> {
        let Some((node, extent)) = self.values.get(&anchor) else {
            return Err("this alias stands inside the value that it repeats".to_owned());
        };
        self.repeated.add_child(*extent);
        if self.repeated.nodes > MAX_ALIASED_NODES {
            return Err(format!(
                "aliases repeat more than {MAX_ALIASED_NODES} values"
            ));
        }
        if self.repeated.bytes > MAX_ALIASED_BYTES {
            return Err(format!(
                "aliases repeat more than {MAX_ALIASED_BYTES} bytes of text"
            ));
        }
        if depth.saturating_add(extent.height) > MAX_DEPTH {
            return Err(super::too_deep());
        }
        Ok((node.clone(), *extent))
    }
}
