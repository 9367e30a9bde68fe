//! Text inside of text: a string of JSON that holds JSON, whose strings hold JSON again.
//!
//! Nobody says which texts do. So every text is read with its escape sequences once, and again with those that came to
//! light, as long as there are any: what one reader of the request sees is in one of these layers.

use std::ops::Range;

use crate::escapes;
use crate::source_map::SourceMap;

/// Layers that are read exactly, one for each time that a text was written as JSON. What lies deeper is read at once.
pub(crate) const MAX_LAYERS: usize = 6;

/// The layers of one text. Layer 0 is the text as it stands in the body, and each other one is the one before with its
/// escape sequences read.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    /// From layer 1 on.
    layers: Vec<Layer>,
}

#[derive(Debug, Default)]
struct Layer {
    text: String,
    map: SourceMap,
    /// There is a backslash that an escape sequence stood for.
    has_backslash: bool,
}

impl Layers {
    /// All layers of `text` and one in which nothing is left to read, layer 1 at least.
    pub(crate) fn all_of(text: &str) -> Self {
        let mut layers = Self::default();
        while layers.add(text) && layers.layers.last().is_some_and(|last| last.has_backslash) {}
        layers
    }

    pub(crate) fn clear(&mut self) {
        self.layers.clear();
    }

    /// The text of layer `level`; `text` is layer 0. Behind the last layer nothing changes any more.
    pub(crate) fn text<'a>(&'a self, text: &'a str, level: usize) -> &'a str {
        let layer = self.layers.iter().take(level).next_back();
        layer.map_or(text, |layer| &layer.text)
    }

    /// Adds a layer; the last one reads all that is left at once. `false` where there is no room for one.
    pub(crate) fn add(&mut self, text: &str) -> bool {
        let level = self.layers.len();
        if level >= MAX_LAYERS {
            return false;
        }
        let last = self.text(text, level);
        let layer = if level.saturating_add(1) == MAX_LAYERS {
            Layer::read_fully(last)
        } else {
            Layer::read(last)
        };
        self.layers.push(layer);
        true
    }

    /// Where `span` of layer `level` stands in layer 0.
    pub(crate) fn source(&self, level: usize, span: Range<usize>) -> Range<usize> {
        let layers = self.layers.iter().take(level).rev();
        layers.fold(span, |span, layer| layer.map.source(&span))
    }

    /// Where the part `span` of layer `level` is in the next layer, if that reads one layer only.
    pub(crate) fn inner(&self, level: usize, span: &Range<usize>) -> Option<Range<usize>> {
        if level.saturating_add(1) >= MAX_LAYERS {
            return None;
        }
        Some(match self.layers.get(level) {
            Some(layer) => layer.map.made(span.start)..layer.map.made(span.end),
            None => span.clone(),
        })
    }

    /// `span` of layer 0 so that it holds no escape sequence of any layer by half, see [`SourceMap::align`].
    pub(crate) fn align(&self, span: Range<usize>) -> Range<usize> {
        let innermost = self.layers.iter().fold(span, |span, layer| {
            let span = layer.map.align(&span);
            layer.map.made(span.start)..layer.map.made(span.end)
        });
        self.source(self.layers.len(), innermost)
    }
}

impl Layer {
    fn read(text: &str) -> Self {
        let mut layer = Self::default();
        layer.map.restart();
        let mut rest = text;
        while let Some((plain, behind)) = rest.split_once('\\') {
            layer.text.push_str(plain);
            let at = place(text, behind).saturating_sub(1);
            rest = match escapes::escaped(behind) {
                None => {
                    layer.text.push('\\');
                    behind
                }
                Some((char, behind)) => {
                    layer.has_backslash |= char == '\\';
                    layer.push(char, at, place(text, behind));
                    behind
                }
            };
        }
        layer.text.push_str(rest);
        layer
    }

    /// Takes a backslash, however many others stand before it, for the beginning of an escape sequence, and what that stands
    /// for too. Each byte is looked at once.
    fn read_fully(text: &str) -> Self {
        let mut layer = Self::default();
        layer.map.restart();
        // Where the backslashes begin.
        let mut open = None;
        let mut rest = text;
        loop {
            let behind = match (open, rest.strip_prefix('\\')) {
                (_, Some(behind)) => {
                    open.get_or_insert(place(text, rest));
                    rest = behind;
                    continue;
                }
                (None, None) => {
                    let plain = rest.find('\\').unwrap_or(rest.len());
                    let (plain, behind) = rest.split_at_checked(plain).unwrap_or((rest, ""));
                    layer.text.push_str(plain);
                    behind
                }
                (Some(start), None) => match escapes::escaped_deeply(rest) {
                    Some(('\\', behind)) => behind,
                    Some((char, behind)) => {
                        layer.push(char, start, place(text, behind));
                        open = None;
                        behind
                    }
                    None => {
                        layer.push('\\', start, place(text, rest));
                        open = None;
                        rest
                    }
                },
            };
            if behind.is_empty() {
                break;
            }
            rest = behind;
        }
        if let Some(start) = open {
            layer.push('\\', start, text.len());
        }
        layer
    }

    /// `char` stands for what is from `start` to `end`.
    fn push(&mut self, char: char, start: usize, end: usize) {
        self.map.mark(self.text.len(), start, false);
        self.text.push(char);
        self.map.mark(self.text.len(), end, true);
    }
}

/// Where `rest`, the end of `text`, begins.
fn place(text: &str, rest: &str) -> usize {
    text.len().saturating_sub(rest.len())
}

#[cfg(test)]
mod tests;
