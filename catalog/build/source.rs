//! A fact, and where it is from.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::Problem;

/// How sure a fact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Grade {
    /// The provider's own documentation, types or code.
    A,
    /// Several independent implementations or reports agree.
    B,
    /// One implementation or report.
    C,
    /// Taken to be so: needs a `note` that says why it is worth it.
    D,
}

/// A value with its grade and its sources.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fact<T> {
    pub(crate) value: T,
    grade: Grade,
    source: Vec<String>,
    #[serde(default)]
    note: Option<String>,
}

/// Short names of sources, and what they stand for.
pub(crate) type ShortNames = BTreeMap<String, String>;

impl<T> Fact<T> {
    /// # Errors
    /// The fact has no source, or is a guess without a reason.
    pub(crate) fn check(&self, what: &str, names: &ShortNames) -> Result<(), Problem> {
        check(self.grade, &self.source, self.note.as_deref(), what, names)
    }
}

/// # Errors
/// As [`Fact::check`].
pub(crate) fn check(
    grade: Grade,
    source: &[String],
    note: Option<&str>,
    what: &str,
    names: &ShortNames,
) -> Result<(), Problem> {
    if source.iter().all(|source| source.trim().is_empty()) {
        return Err(format!("{what}: a fact needs a source"));
    }
    if grade == Grade::D && note.is_none_or(|note| note.trim().is_empty()) {
        return Err(format!(
            "{what}: grade D needs a note that says why it is taken to be so"
        ));
    }
    let speaks = |source: &String| source.contains(['/', ' ', '#']) || source == "inference";
    let unknown = source
        .iter()
        .find(|source| !speaks(source) && !names.contains_key(source.as_str()));
    unknown.map_or(Ok(()), |source| {
        Err(format!(
            "{what}: `{source}` is not among the file's sources"
        ))
    })
}
