//! Collects findings while a document is read and resolved.

use std::rc::Rc;

use crate::finding::{Code, Finding, Severity};
use crate::order;
use crate::suggest;
use crate::yaml::{At, Paths, Segment};

/// Findings that are listed one by one; nobody reads so many, and each takes memory of its own.
pub(crate) const MAX_FINDINGS: usize = 30_000;
/// Characters that may be looked at for suggestions in one document: a file full of mistakes still lints at once.
const SUGGESTION_BUDGET: usize = 8_000_000;

/// A value and the place where it was given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) at: At,
}

/// The findings so far.
pub(crate) struct Lint {
    paths: Paths,
    problems: Vec<Problem>,
    /// The first that is more than can be listed, an error before a warning, and how many more there are behind it.
    overflow: Option<(Problem, usize)>,
    suggestions_left: usize,
}

/// A finding whose path is not written out yet.
pub(crate) struct Problem {
    severity: Severity,
    code: Code,
    at: At,
    message: String,
    suggestion: Option<String>,
    sensitive: bool,
}

impl Problem {
    /// With the code's own severity.
    pub(crate) fn new(code: Code, at: At, message: impl Into<String>) -> Self {
        Self {
            severity: code.severity(),
            code,
            at,
            message: message.into(),
            suggestion: None,
            sensitive: false,
        }
    }

    pub(crate) fn suggest(self, suggestion: impl Into<Option<String>>) -> Self {
        Self {
            suggestion: suggestion.into(),
            ..self
        }
    }

    /// The source line may hold a key and must not be shown.
    pub(crate) fn sensitive(self) -> Self {
        Self {
            sensitive: true,
            ..self
        }
    }

    /// It makes the policy unusable although its code is a warning's.
    pub(crate) fn error_if(self, strict: bool) -> Self {
        if strict {
            Self {
                severity: Severity::Error,
                ..self
            }
        } else {
            self
        }
    }
}

impl Lint {
    pub(crate) fn new(paths: Paths) -> Self {
        Self {
            paths,
            problems: Vec::new(),
            overflow: None,
            suggestions_left: SUGGESTION_BUDGET,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    pub(crate) fn add(&mut self, problem: Problem) {
        if self.problems.len() < MAX_FINDINGS.saturating_sub(1) {
            self.problems.push(problem);
            return;
        }
        self.overflow = Some(match self.overflow.take() {
            None => (problem, 0),
            Some((first, more)) => {
                let is_worse =
                    first.severity == Severity::Warning && problem.severity == Severity::Error;
                let shown = if is_worse { problem } else { first };
                (shown, more.saturating_add(1))
            }
        });
    }

    /// Adds a finding that needs no suggestion.
    pub(crate) fn report(&mut self, code: Code, at: At, message: impl Into<String>) {
        self.add(Problem::new(code, at, message));
    }

    /// The place of `key` in the mapping at `at`, for what should be there and is not.
    pub(crate) fn missing(&mut self, at: At, key: &str) -> At {
        At {
            path: self.paths.child(at.path, Segment::Key(Rc::from(key))),
            ..at
        }
    }

    /// "did you mean …", as long as the budget lasts.
    pub(crate) fn did_you_mean(
        &mut self,
        word: &str,
        candidates: &mut dyn Iterator<Item = &str>,
    ) -> Option<String> {
        suggest::nearest(word, candidates, &mut self.suggestions_left)
            .map(|near| format!("did you mean `{near}`?"))
    }

    /// All findings by position.
    pub(crate) fn finish(self) -> Vec<Finding> {
        let Self {
            paths,
            mut problems,
            overflow,
            ..
        } = self;
        if let Some((mut last, more)) = overflow {
            if more > 0 {
                last.message.push_str(&format!(
                    " (and {more} more findings, which are not listed)"
                ));
            }
            problems.push(last);
        }
        problems = order::by_rank(problems, |problem| {
            u64::from(problem.at.line) << 32 | u64::from(problem.at.column)
        });
        let finish = |problem: Problem| Finding {
            severity: problem.severity,
            code: problem.code,
            path: paths.render(problem.at.path),
            line: problem.at.line,
            column: problem.at.column,
            end_column: problem.at.end_column,
            message: problem.message,
            suggestion: problem.suggestion,
            sensitive: problem.sensitive,
        };
        problems.into_iter().map(finish).collect()
    }
}
