//! Why a request body is refused. The path of the field is built on the way out.

use std::fmt::Display;

use crate::error::RequestError;
use crate::scanner::{JsonError, Kind};

/// The first error of a body.
#[derive(Debug)]
pub(super) enum Mismatch {
    NotJson(JsonError),
    /// `path` is empty for the body itself.
    Field {
        path: String,
        problem: Problem,
    },
}

#[derive(Debug)]
pub(super) enum Problem {
    WrongType {
        expected: &'static str,
        found: &'static str,
    },
    Value(String),
    Missing,
    Twice,
}

impl Mismatch {
    /// The current field has another type.
    pub(super) fn wrong_type(expected: &'static str, found: Kind) -> Self {
        Self::here(Problem::WrongType {
            expected,
            found: found.words(),
        })
    }

    /// The current field has an invalid value.
    pub(super) fn value(why: impl Into<String>) -> Self {
        Self::here(Problem::Value(why.into()))
    }

    /// A required field is missing.
    pub(super) fn missing(name: &str) -> Self {
        Self::here(Problem::Missing).under(name)
    }

    /// The current field occurs twice.
    pub(super) fn twice() -> Self {
        Self::here(Problem::Twice)
    }

    /// The same error, seen from the object that has the field as member `name`.
    pub(super) fn under(self, name: impl Display) -> Self {
        self.prefixed(name, ".")
    }

    /// The same error, seen from the array that has it at `index`.
    pub(super) fn at(self, index: usize) -> Self {
        self.prefixed(format_args!("[{index}]"), ".")
    }

    fn here(problem: Problem) -> Self {
        Self::Field {
            path: String::new(),
            problem,
        }
    }

    fn prefixed(self, outer: impl Display, separator: &str) -> Self {
        match self {
            Self::NotJson(_) => self,
            Self::Field { path, problem } => {
                let separator = if path.is_empty() || path.starts_with('[') {
                    ""
                } else {
                    separator
                };
                Self::Field {
                    path: format!("{outer}{separator}{path}"),
                    problem,
                }
            }
        }
    }
}

impl From<JsonError> for Mismatch {
    fn from(error: JsonError) -> Self {
        Self::NotJson(error)
    }
}

impl From<Mismatch> for RequestError {
    fn from(mismatch: Mismatch) -> Self {
        match mismatch {
            Mismatch::NotJson(error) => Self::not_json(error),
            Mismatch::Field { path, problem } => match problem {
                Problem::WrongType { expected, found } if path.is_empty() => Self::new(format!(
                    "the request body: expected {expected}, found {found}"
                )),
                Problem::WrongType { expected, found } => Self::wrong_type(path, expected, found),
                Problem::Value(why) => Self::invalid_value(path, why),
                Problem::Missing => Self::missing(path),
                Problem::Twice => Self::invalid_value(path, "expected once, found twice"),
            },
        }
    }
}
