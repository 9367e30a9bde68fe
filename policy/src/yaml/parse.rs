//! Events to tree, with limits, duplicate keys, aliases and merge keys.

use std::collections::BTreeMap;
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::anchors::{Anchors, Extent};
use super::{
    At, Entry, MAX_BYTES, MAX_DEPTH, MAX_NODES, Node, PathId, Paths, Scalar, Segment, Value,
};
use crate::lint::MAX_FINDINGS;

/// A parsed text.
#[derive(Debug)]
pub(crate) struct Document {
    /// `None` if the text is no YAML, or a kind of YAML that we refuse.
    pub(crate) root: Option<Node>,
    pub(crate) paths: Paths,
    /// Each is an E111.
    pub(crate) errors: Vec<SyntaxError>,
}

/// What is wrong, where.
#[derive(Debug)]
pub(crate) struct SyntaxError {
    pub(crate) at: At,
    pub(crate) message: String,
    pub(crate) suggestion: Option<String>,
}

/// Parses one document of YAML or JSON.
pub(crate) fn parse(text: &str) -> Document {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = super::json::join_surrogates(text);
    let mut builder = Builder {
        paths: Paths::new(),
        errors: Vec::new(),
        stack: Vec::new(),
        root: None,
        anchors: Anchors::default(),
        nodes: 0,
    };
    let complete = if text.len() > MAX_BYTES {
        let message = format!(
            "the document has {} bytes: expected at most {MAX_BYTES}",
            text.len()
        );
        builder.error(At::START, &message, None);
        false
    } else {
        builder
            .run(&mut Parser::new_from_str(&text), &text)
            .is_some()
    };
    let root = builder.root.take().filter(|_| complete);
    Document {
        root,
        paths: builder.paths,
        errors: builder.errors,
    }
}

struct Builder {
    paths: Paths,
    errors: Vec<SyntaxError>,
    /// Collections that are still open, outermost first.
    stack: Vec<Open>,
    root: Option<Node>,
    anchors: Anchors,
    /// Keys and values so far.
    nodes: usize,
}

/// A collection that is being read.
struct Open {
    at: At,
    anchor: usize,
    /// Of what has been read of it.
    extent: Extent,
    collection: Collection,
}

enum Collection {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<Entry>,
        /// Keys with the line of their first appearance.
        seen: BTreeMap<Rc<str>, u32>,
        /// The key whose value comes next.
        pending: Option<(Key, At)>,
        /// Mappings given to `<<`, in the order of precedence.
        merged: Vec<Node>,
    },
}

/// What becomes of the value behind a key.
enum Key {
    Entry(Rc<str>),
    /// `<<`
    Merge,
    /// A duplicate: already reported, the first one counts.
    Ignored,
}

/// The reading cannot go on; the reason is already among the errors.
type Halted<T> = Option<T>;

impl Builder {
    fn run<'t>(
        &mut self,
        parser: &mut Parser<'t, saphyr_parser::StrInput<'t>>,
        text: &str,
    ) -> Halted<()> {
        let mut seen_document = false;
        while let Some(event) = parser.next_event() {
            let (event, span) = match event {
                Ok(event) => event,
                Err(error) => return self.scan_error(&error, text),
            };
            match event {
                Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
                Event::DocumentStart(_) => {
                    if std::mem::replace(&mut seen_document, true) {
                        return self.halt(
                            place(span),
                            "a policy is one YAML document, and a second one begins here",
                            None,
                        );
                    }
                }
                Event::Alias(anchor) => self.alias(anchor, span)?,
                Event::Scalar(text, style, anchor, tag) => {
                    let plain = self.is_plain(style, tag.as_deref(), span)?;
                    self.scalar(
                        Scalar {
                            text: text.into(),
                            plain,
                        },
                        anchor,
                        span,
                    )?;
                }
                Event::SequenceStart(anchor, tag) => {
                    self.is_plain(ScalarStyle::Plain, tag.as_deref(), span)?;
                    self.open(anchor, span, Collection::Sequence(Vec::new()))?;
                }
                Event::MappingStart(anchor, tag) => {
                    self.is_plain(ScalarStyle::Plain, tag.as_deref(), span)?;
                    let (entries, seen, merged) = (Vec::new(), BTreeMap::new(), Vec::new());
                    self.open(
                        anchor,
                        span,
                        Collection::Mapping {
                            entries,
                            seen,
                            pending: None,
                            merged,
                        },
                    )?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.close()?,
            }
        }
        Some(())
    }

    /// The rest of the text cannot be read.
    fn halt<T>(&mut self, at: At, message: &str, suggestion: Option<&str>) -> Halted<T> {
        self.error(at, message, suggestion);
        None
    }

    fn error(&mut self, at: At, message: &str, suggestion: Option<&str>) {
        self.errors.push(SyntaxError {
            at,
            message: message.to_owned(),
            suggestion: suggestion.map(str::to_owned),
        });
    }

    fn scan_error(&mut self, error: &ScanError, text: &str) -> Halted<()> {
        let marker = error.marker();
        let at = place(Span::new(*marker, *marker));
        let line = text
            .lines()
            .nth(at.line.saturating_sub(1) as usize)
            .unwrap_or_default();
        let indent_has_tab = line
            .chars()
            .take_while(|c| c.is_whitespace())
            .any(|c| c == '\t');
        let next_has_tab = text
            .lines()
            .nth(at.line as usize)
            .is_some_and(|line| line.starts_with('\t'));
        let suggestion = (indent_has_tab || next_has_tab)
            .then_some("YAML is indented with spaces; a tab cannot indent a line");
        self.halt(at, &format!("not valid YAML: {}", error.info()), suggestion)
    }

    /// Whether a scalar may be something else than a string. Tags of other schemas are refused: they would call code
    /// elsewhere, and here they would silently mean nothing.
    fn is_plain(&mut self, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Halted<bool> {
        let plain = style == ScalarStyle::Plain;
        match tag {
            None => Some(plain),
            Some(tag) if tag.is_yaml_core_schema() => {
                Some(tag.suffix != "str" && (plain || tag.suffix != "null"))
            }
            Some(tag) if tag.handle == "!" && tag.suffix.is_empty() => Some(false),
            Some(tag) => self.halt(
                place(span),
                &format!("the tag `{tag}` is not supported"),
                None,
            ),
        }
    }

    /// The place of the value that begins at `span`, with its path. For a key, the path that its value will have.
    fn at(&mut self, span: Span) -> At {
        let path = match self.stack.last() {
            None => PathId::ROOT,
            Some(Open {
                at,
                collection: Collection::Sequence(items),
                ..
            }) => self.paths.child(at.path, Segment::Index(items.len())),
            Some(Open {
                collection:
                    Collection::Mapping {
                        pending: Some((_, key_at)),
                        ..
                    },
                ..
            }) => key_at.path,
            Some(Open {
                at,
                collection: Collection::Mapping { pending: None, .. },
                ..
            }) => at.path,
        };
        At {
            path,
            ..place(span)
        }
    }

    /// A scalar is waited for as a key.
    fn wants_key(&self) -> bool {
        matches!(
            self.stack.last(),
            Some(Open {
                collection: Collection::Mapping { pending: None, .. },
                ..
            })
        )
    }

    fn scalar(&mut self, scalar: Scalar, anchor: usize, span: Span) -> Halted<()> {
        let at = self.at(span);
        self.count(at)?;
        if self.wants_key() {
            return self.key(scalar, at);
        }
        let extent = Extent::of_scalar(&scalar.text);
        let node = Node {
            at,
            value: Value::Scalar(scalar),
        };
        self.anchors.insert(anchor, &node, extent);
        self.add(node, extent)
    }

    /// One more key or value stands at `at`.
    fn count(&mut self, at: At) -> Halted<()> {
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes <= MAX_NODES {
            return Some(());
        }
        self.halt(
            at,
            &format!("the document holds more than {MAX_NODES} keys and values"),
            None,
        )
    }

    fn key(&mut self, scalar: Scalar, at: At) -> Halted<()> {
        if scalar.is_null() {
            return self.halt(at, "a key is missing before the `:`", None);
        }
        let key = Rc::clone(&scalar.text);
        let at = At {
            path: self.paths.child(at.path, Segment::Key(Rc::clone(&key))),
            ..at
        };
        let Some(Open {
            extent,
            collection: Collection::Mapping { pending, seen, .. },
            ..
        }) = self.stack.last_mut()
        else {
            return None;
        };
        extent.bytes = extent.bytes.saturating_add(key.len());
        if scalar.plain && &*key == "<<" {
            *pending = Some((Key::Merge, at));
        } else if let Some(first) = seen.get(&key) {
            let message = format!(
                "duplicate key `{}`: it already stands on line {first}",
                super::shorten(&key)
            );
            *pending = Some((Key::Ignored, at));
            if self.errors.len() >= MAX_FINDINGS {
                return self.halt(at, &message, Some("there are too many of them to go on"));
            }
            self.error(at, &message, Some("remove one of them"));
        } else {
            seen.insert(Rc::clone(&key), at.line);
            *pending = Some((Key::Entry(key), at));
        }
        Some(())
    }

    /// A finished value goes into the collection around it.
    fn add(&mut self, node: Node, extent: Extent) -> Halted<()> {
        let Some(open) = self.stack.last_mut() else {
            self.root = Some(node);
            return Some(());
        };
        open.extent.add_child(extent);
        match &mut open.collection {
            Collection::Sequence(items) => items.push(node),
            Collection::Mapping {
                entries, pending, ..
            } => match pending.take() {
                None => {
                    return self.halt(
                        node.at,
                        "a key must be a string, not a list or a mapping",
                        None,
                    );
                }
                Some((Key::Ignored, _)) => {}
                Some((Key::Merge, _)) => return self.merge(node),
                Some((Key::Entry(key), key_at)) => entries.push(Entry {
                    key,
                    key_at,
                    value: node,
                }),
            },
        }
        Some(())
    }

    fn merge(&mut self, node: Node) -> Halted<()> {
        let at = node.at;
        let sources = match &node.value {
            Value::Sequence(items) => items,
            Value::Mapping(_) | Value::Scalar(_) => std::slice::from_ref(&node),
        };
        if sources
            .iter()
            .any(|source| !matches!(source.value, Value::Mapping(_)))
        {
            return self.halt(
                at,
                "`<<` merges a mapping or a list of mappings, usually by alias: `<<: *name`",
                None,
            );
        }
        if let Some(Open {
            collection: Collection::Mapping { merged, .. },
            ..
        }) = self.stack.last_mut()
        {
            merged.extend(sources.iter().cloned());
        }
        Some(())
    }

    fn open(&mut self, anchor: usize, span: Span, collection: Collection) -> Halted<()> {
        let at = self.at(span);
        if self.wants_key() {
            return self.halt(at, "a key must be a string, not a list or a mapping", None);
        }
        self.count(at)?;
        if self.stack.len() >= MAX_DEPTH {
            return self.halt(at, &super::too_deep(), None);
        }
        self.stack.push(Open {
            at,
            anchor,
            extent: Extent::of_empty_collection(),
            collection,
        });
        Some(())
    }

    fn close(&mut self) -> Halted<()> {
        let Open {
            at,
            anchor,
            extent,
            collection,
        } = self.stack.pop()?;
        let value = match collection {
            Collection::Sequence(items) => Value::Sequence(items.into()),
            Collection::Mapping {
                mut entries,
                mut seen,
                merged,
                ..
            } => {
                for source in merged {
                    let Value::Mapping(merged) = source.value else {
                        continue;
                    };
                    for entry in merged.iter() {
                        if seen
                            .insert(Rc::clone(&entry.key), entry.key_at.line)
                            .is_none()
                        {
                            entries.push(entry.clone());
                        }
                    }
                }
                Value::Mapping(entries.into())
            }
        };
        let node = Node { at, value };
        self.anchors.insert(anchor, &node, extent);
        self.add(node, extent)
    }

    /// The anchored value stands where the alias stood. Findings in it point at the original.
    fn alias(&mut self, anchor: usize, span: Span) -> Halted<()> {
        let at = place(span);
        if self.wants_key() {
            return self.halt(at, "an alias cannot be a key", None);
        }
        match self.anchors.repeat(anchor, self.stack.len()) {
            Ok((node, extent)) => self.add(node, extent),
            Err(message) => self.halt(at, &message, None),
        }
    }
}

/// The parser's lines count from 1, its columns from 0.
fn place(span: Span) -> At {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let column = number(span.start.col().saturating_add(1));
    let one_line = span.start.line() == span.end.line() && span.end.col() > span.start.col();
    let end_column = if one_line {
        number(span.end.col().saturating_add(1))
    } else {
        column.saturating_add(1)
    };
    At {
        line: number(span.start.line().max(1)),
        column,
        end_column,
        path: PathId::ROOT,
    }
}
