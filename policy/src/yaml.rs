//! YAML and JSON text as a tree in which every node knows where it stands.
//!
//! The parser below is `saphyr-parser`: YAML 1.2, maintained, linear in time, without recursion, and it gives the place
//! of every event; it costs the wasm module about 115 KB. `serde_yaml` is archived, and its forks (`serde_yaml_ng`,
//! `serde_norway`) keep its design: they tell the place of a syntax error but not of a value, they cost 200 KB, and
//! they rest on a C library translated to unsafe Rust. The tree builders on top of `saphyr-parser` were not taken,
//! because limits, merge keys and duplicate keys are ours to decide.

mod anchors;
mod json;
mod parse;
mod scalar;
mod to_json;

pub(crate) use parse::parse;
pub(crate) use scalar::Scalar;
pub use to_json::to_json;

use std::borrow::Cow;
use std::rc::Rc;

/// Deeper documents are refused. The deepest key of any dialect is 8 levels down.
pub(crate) const MAX_DEPTH: usize = 64;
/// Longer documents are refused before they are read. Ten thousand groups of two members take about 1 MB.
pub const MAX_BYTES: usize = 4 << 20;
/// A document may hold this many keys and values, as written. `[1,1,1,` makes a value of two bytes.
pub(crate) const MAX_NODES: usize = 500_000;
/// Aliases may repeat this many values in total ("billion laughs").
pub(crate) const MAX_ALIASED_NODES: usize = 100_000;
/// Aliases may repeat this many bytes of text in total: a few long texts do what a billion short ones do.
pub(crate) const MAX_ALIASED_BYTES: usize = 4 << 20;

/// Characters of a key that a path shows. No name of a policy is longer.
const LONGEST_SEGMENT: usize = 256;
/// Bytes of a path behind which no further step is shown.
const LONGEST_PATH: usize = 1_024;

/// The place of a value or key: first line, columns on it, and path in the document. Counts from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) line: u32,
    pub(crate) column: u32,
    /// After the last character on the first line.
    pub(crate) end_column: u32,
    pub(crate) path: PathId,
}

/// Position of a path in [`Paths`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PathId(u32);

/// One step of a path.
#[derive(Debug, Clone)]
pub(crate) enum Segment {
    Key(Rc<str>),
    Index(usize),
}

/// All paths of a document as a tree of steps; written out only for findings.
#[derive(Debug)]
pub(crate) struct Paths {
    steps: Vec<(PathId, Segment)>,
}

/// A value with its place. Cloning shares what is in it, so that aliases repeat nothing in memory.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) at: At,
    pub(crate) value: Value,
}

/// What YAML values there are. Scalars stay text until someone says what type is expected.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Scalar(Scalar),
    Sequence(Rc<[Node]>),
    Mapping(Rc<[Entry]>),
}

/// A key and its value. Keys are unique within a mapping, merge keys are already expanded.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Rc<str>,
    pub(crate) key_at: At,
    pub(crate) value: Node,
}

impl At {
    /// Where an empty document would have begun.
    pub(crate) const START: Self = Self {
        line: 1,
        column: 1,
        end_column: 2,
        path: PathId::ROOT,
    };

    /// The place of `name`, where a reader finds what the whole is called, with the path of the whole.
    pub(crate) fn shown_at(self, name: Option<Self>) -> Self {
        Self {
            path: self.path,
            ..name.unwrap_or(self)
        }
    }
}

impl PathId {
    /// The document itself.
    pub(crate) const ROOT: Self = Self(0);
}

impl Paths {
    pub(crate) fn new() -> Self {
        Self { steps: Vec::new() }
    }

    /// The path one step below `parent`.
    pub(crate) fn child(&mut self, parent: PathId, segment: Segment) -> PathId {
        self.steps.push((parent, segment));
        // Four billion values do not fit into a policy; a wrong path in a message would be the only harm.
        PathId(u32::try_from(self.steps.len()).unwrap_or(u32::MAX))
    }

    /// Such as `model_groups[0].models[1].weight`. Findings may be many and keys long, so a long path is cut.
    pub(crate) fn render(&self, path: PathId) -> String {
        let mut segments = Vec::new();
        let mut next = path;
        while let Some((parent, segment)) = (next.0 as usize)
            .checked_sub(1)
            .and_then(|index| self.steps.get(index))
        {
            segments.push(segment);
            next = *parent;
        }
        let mut out = String::new();
        for segment in segments.iter().rev() {
            if out.len() > LONGEST_PATH {
                out.push('…');
                break;
            }
            match segment {
                Segment::Key(key) => {
                    if !out.is_empty() {
                        out.push('.');
                    }
                    out.push_str(&cut(key, LONGEST_SEGMENT));
                }
                Segment::Index(index) => out.push_str(&format!("[{index}]")),
            }
        }
        out
    }
}

impl Node {
    /// Nothing was written: `key:` or `key: null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.is_null())
    }

    /// What it is, for messages. Scalars are quoted.
    pub(crate) fn describe(&self) -> String {
        match &self.value {
            Value::Scalar(scalar) if scalar.is_null() => "nothing".to_owned(),
            Value::Scalar(scalar) => format!("`{}`", shorten(&scalar.text)),
            Value::Sequence(_) => "a list".to_owned(),
            Value::Mapping(_) => "a mapping".to_owned(),
        }
    }
}

fn too_deep() -> String {
    format!("nested more than {MAX_DEPTH} levels deep")
}

/// Keeps messages on one line and of bearable length.
pub(crate) fn shorten(text: &str) -> String {
    const LONGEST: usize = 80;
    cut(text, LONGEST).replace(char::is_control, " ")
}

/// The first characters of `text`, with an ellipsis where there are more.
fn cut(text: &str, longest: usize) -> Cow<'_, str> {
    match text.char_indices().nth(longest) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
    }
}
