//! Rows that say what words of error bodies mean, as `errors.toml` and the providers' files have them.

use serde::Deserialize;

use crate::Problem;
use crate::error_rule::{ErrorKind, Fault};
use crate::source::{Grade, ShortNames, check};
use crate::words::Word;

/// `errors.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErrorsFile {
    pub(crate) contradictions: Vec<ErrorRow>,
    pub(crate) names: Vec<ErrorRow>,
    pub(crate) sentences: Vec<ErrorRow>,
    pub(crate) vague_names: Vec<ErrorRow>,
}

/// `[errors]` of a provider's file: what this provider only says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderErrors {
    grade: Grade,
    source: Vec<String>,
    pub(crate) rows: Vec<ErrorRow>,
}

/// One row. A provider's row that does not say where it is from is as its `[errors]` say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErrorRow {
    name: Option<String>,
    member: Option<String>,
    is: Option<String>,
    begins: Option<Vec<String>>,
    contains: Option<Vec<String>>,
    #[serde(default)]
    statuses: Vec<u16>,
    means: String,
    grade: Option<Grade>,
    source: Option<Vec<String>>,
    note: Option<String>,
}

impl ErrorsFile {
    pub(crate) fn checked(self) -> Result<Self, Problem> {
        let lists = [
            &self.contradictions,
            &self.names,
            &self.sentences,
            &self.vague_names,
        ];
        for row in lists.into_iter().flatten() {
            let grade = row.grade.ok_or_else(|| format!("{row:?}: no grade"))?;
            let source = row.source.as_deref().unwrap_or_default();
            row.check(grade, source, &ShortNames::new())?;
        }
        Ok(self)
    }
}

impl ProviderErrors {
    pub(crate) fn check(&self, names: &ShortNames) -> Result<(), Problem> {
        self.rows.iter().try_for_each(|row| {
            let grade = row.grade.unwrap_or(self.grade);
            row.check(grade, row.source.as_deref().unwrap_or(&self.source), names)
        })
    }
}

impl ErrorRow {
    fn check(&self, grade: Grade, source: &[String], names: &ShortNames) -> Result<(), Problem> {
        let what = format!("error {self:?}");
        check(grade, source, self.note.as_deref(), &what, names)?;
        let kind = self.kind()?;
        self.pattern()?;
        let texts = self.begins.iter().chain(&self.contains).flatten();
        if let Some(text) = texts
            .chain(&self.is)
            .find(|text| **text != text.to_lowercase())
        {
            return Err(format!("{what}: expected lower case, found `{text}`"));
        }
        // Providers quote their clients in messages of bad requests, and never beside these statuses.
        let is_quotable = |status: &u16| *status < 500 && !matches!(status, 402 | 429 | 498);
        let may_be_quoted = self.statuses.is_empty() || self.statuses.iter().any(is_quotable);
        if self.contains.is_some() && kind.fault() == Fault::Target && may_be_quoted {
            return Err(format!(
                "{what}: a client could send these words and blame the target: use `begins`, or name `statuses`"
            ));
        }
        Ok(())
    }

    fn kind(&self) -> Result<ErrorKind, Problem> {
        ErrorKind::named(&self.means)
            .ok_or_else(|| format!("error {self:?}: unknown meaning `{}`", self.means))
    }

    /// As Rust writes it.
    fn pattern(&self) -> Result<String, Problem> {
        let given = [
            self.name.as_ref().map(|name| format!("Name({name:?})")),
            self.member.as_ref().map(|at| format!("Member({at:?})")),
            self.is.as_ref().map(|text| format!("Is({text:?})")),
            self.begins
                .as_ref()
                .map(|texts| format!("Begins(&{texts:?})")),
            self.contains
                .as_ref()
                .map(|texts| format!("Contains(&{texts:?})")),
        ];
        let mut given = given.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(pattern), None) => Ok(format!("ErrorPattern::{pattern}")),
            (None, _) if !self.statuses.is_empty() => Ok(String::from("ErrorPattern::Any")),
            (None, _) => Err(format!("error {self:?}: fits everything")),
            (Some(_), Some(_)) => Err(format!("error {self:?}: expected one pattern, found two")),
        }
    }

    /// As Rust writes it.
    pub(crate) fn literal(&self) -> Result<String, Problem> {
        Ok(format!(
            "ErrorRule {{ pattern: {}, statuses: &{:?}, kind: ErrorKind::{:?} }}",
            self.pattern()?,
            self.statuses,
            self.kind()?
        ))
    }
}
