//! Where the parts of a text that was made from another one stand in that other one.

use std::ops::Range;

/// Leads from a text that was made to its source and back.
#[derive(Debug, Default)]
pub(crate) struct SourceMap {
    /// In ascending order of both places.
    marks: Vec<Mark>,
}

/// From here on, up to the next mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    made: usize,
    source: usize,
    /// Both sides advance byte by byte. Otherwise all that was made up to the next mark was made of all up to there.
    is_copy: bool,
}

impl SourceMap {
    /// Of texts of which nothing is known yet: they begin with a copy.
    pub(crate) fn restart(&mut self) {
        self.marks.clear();
        self.mark(0, 0, true);
    }

    /// From `made` and `source` on, what was made is a copy, or else something else, which another mark has to end.
    pub(crate) fn mark(&mut self, made: usize, source: usize, is_copy: bool) {
        let mark = Mark {
            made,
            source,
            is_copy,
        };
        match self.marks.last_mut() {
            Some(last) if (last.made, last.source) == (made, source) => *last = mark,
            _ => self.marks.push(mark),
        }
    }

    /// What became `made`, which is not empty. What became nothing is not part of it at its ends.
    pub(crate) fn source(&self, made: &Range<usize>) -> Range<usize> {
        let behind_start = self.marks.partition_point(|mark| mark.made <= made.start);
        let start = match self.before(behind_start) {
            Some(mark) if mark.is_copy => advance(mark.source, mark.made, made.start),
            Some(mark) => mark.source,
            None => 0,
        };
        let behind_end = self.marks.partition_point(|mark| mark.made < made.end);
        let next = self.marks.get(behind_end);
        let end = match (self.before(behind_end), next) {
            (_, Some(next)) if next.made == made.end => next.source,
            (Some(mark), _) if mark.is_copy => advance(mark.source, mark.made, made.end),
            (_, Some(next)) => next.source,
            (_, None) => start,
        };
        start..end
    }

    /// What was made of what begins at `source`.
    pub(crate) fn made(&self, source: usize) -> usize {
        let behind = self.marks.partition_point(|mark| mark.source <= source);
        match self.before(behind) {
            Some(mark) if mark.is_copy => advance(mark.made, mark.source, source),
            Some(mark) => mark.made,
            None => 0,
        }
    }

    /// `source` without the part of what was made as one at its beginning, and with all of it at its end: half an escape
    /// sequence must not remain.
    pub(crate) fn align(&self, source: &Range<usize>) -> Range<usize> {
        let start = match self.around(source.start) {
            Some(whole) if whole.end < source.end => whole.end,
            Some(whole) => whole.start,
            None => source.start,
        };
        let end = self
            .around(source.end)
            .map_or(source.end, |whole| whole.end);
        start..end
    }

    /// What was made as one and has `place` in its middle.
    fn around(&self, place: usize) -> Option<Range<usize>> {
        let behind = self.marks.partition_point(|mark| mark.source < place);
        let mark = self.before(behind).filter(|mark| !mark.is_copy)?;
        let next = self.marks.get(behind).filter(|next| next.source > place)?;
        Some(mark.source..next.source)
    }

    fn before(&self, index: usize) -> Option<&Mark> {
        self.marks.get(index.checked_sub(1)?)
    }
}

/// As far behind `to` as `place` is behind `from`.
fn advance(to: usize, from: usize, place: usize) -> usize {
    to.saturating_add(place.saturating_sub(from))
}
