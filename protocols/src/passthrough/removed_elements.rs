//! Removes elements of arrays from a body that is otherwise forwarded unchanged.

use std::ops::Range;

use crate::body_edit::Splice;
use crate::scanner::{JsonError, Kind, Scanner};

/// The ranges to remove from the array in member `name` of `body`. `element` reads one value, returns its range and
/// whether to remove it, and adds removals inside it. An array that would become empty stays unchanged.
///
/// # Errors
/// The body is not JSON.
pub(crate) fn removals<'a>(
    body: &'a [u8],
    name: &str,
    mut element: impl FnMut(
        &mut Scanner<'a>,
        &mut Vec<Splice>,
    ) -> Result<(Range<usize>, bool), JsonError>,
) -> Result<Vec<Splice>, JsonError> {
    let mut removals = Vec::new();
    let mut scanner = Scanner::new(body)?;
    if scanner.kind()? != Kind::Object {
        return Ok(removals);
    }
    scanner.object(|scanner, key| {
        if !key.is(name) {
            return scanner.value().map(|_| ());
        }
        let elements = Elements::read(scanner, |scanner| element(scanner, &mut removals))?;
        if !elements.are_all_removed() {
            removals.extend(elements.removals());
        }
        Ok::<(), JsonError>(())
    })?;
    Ok(removals)
}

/// The elements of one array: their ranges, and whether to remove them.
#[derive(Debug, Default)]
pub(crate) struct Elements {
    found: Vec<(Range<usize>, bool)>,
}

impl Elements {
    /// Elements in ascending order, and whether to remove each.
    pub(crate) fn of(found: Vec<(Range<usize>, bool)>) -> Self {
        Self { found }
    }

    /// Reads an array. `element` reads one value and returns its range and whether to remove it. Anything but an array
    /// has no elements.
    pub(crate) fn read<'a>(
        scanner: &mut Scanner<'a>,
        mut element: impl FnMut(&mut Scanner<'a>) -> Result<(Range<usize>, bool), JsonError>,
    ) -> Result<Self, JsonError> {
        let mut elements = Self::default();
        if scanner.kind()? == Kind::Array {
            scanner.array(|scanner, _| {
                elements.found.push(element(scanner)?);
                Ok::<(), JsonError>(())
            })?;
        } else {
            scanner.value()?;
        }
        Ok(elements)
    }

    /// Every element of a non-empty array would be removed.
    pub(crate) fn are_all_removed(&self) -> bool {
        !self.found.is_empty() && self.found.iter().all(|(_, removed)| *removed)
    }

    /// The ranges to remove, such that remaining elements are separated by one comma.
    pub(crate) fn removals(&self) -> impl Iterator<Item = Splice> {
        let last_kept = self.found.iter().rposition(|(_, removed)| !removed);
        let behind_last_kept = last_kept
            .and_then(|last| self.found.get(last))
            .map(|(span, _)| span.end);
        // Up to the last element that stays, each removal includes the following comma.
        let inner = self
            .found
            .iter()
            .zip(self.found.iter().skip(1))
            .enumerate()
            .filter(move |(index, ((_, removed), _))| {
                *removed && last_kept.is_some_and(|last| *index < last)
            })
            .map(|(_, ((span, _), (next, _)))| span.start..next.start);
        // The rest is one removal that includes the preceding comma.
        let tail = self.found.last().and_then(|(span, removed)| {
            removed.then(|| {
                let first = self
                    .found
                    .first()
                    .map_or(span.start, |(first, _)| first.start);
                behind_last_kept.unwrap_or(first)..span.end
            })
        });
        inner.chain(tail).map(|span| (span, Vec::new()))
    }
}

#[cfg(test)]
mod tests;
