//! What the content policies say of a request.

use policy::ContentCategory;

use crate::redaction::Splice;

/// Every policy's result, and what follows from all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// In the order in which the policies run.
    pub results: Vec<PolicyResult>,
    /// The strongest consequence.
    pub verdict: Verdict,
}

/// One line of the event's `policies_evaluated`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyResult {
    /// The policy's name.
    pub name: String,
    /// What it came to.
    pub result: Outcome,
}

/// What one policy came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// An audit log takes note of every request.
    Recorded,
    /// Nothing was found.
    Passed,
    /// Something was found and goes on.
    Flagged,
    /// Something was found and is replaced.
    Redacted,
    /// Something was found, and the request is refused; or nobody could judge it, and the policy refuses then.
    Blocked,
    /// The moderation target did not answer, and the policy lets requests go on then.
    NotJudged,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on as it is.
    Allow,
    /// It goes on as it is, and the event says so.
    Flag,
    /// It goes on with these replacements ([`crate::apply`]).
    Redact(Vec<Splice>),
    /// 409 `policy_violation` `input_blocked`.
    Block {
        /// The first policy that refuses.
        policy: String,
        /// Why, in the order of the documentation. Empty where a moderation target gave no categories or no answer.
        categories: Vec<ContentCategory>,
    },
}

impl Outcome {
    /// As it stands in events.
    pub fn name(self) -> &'static str {
        match self {
            Self::Recorded => "logged",
            Self::Passed => "passed",
            Self::Flagged => "flagged",
            Self::Redacted => "redacted",
            Self::Blocked => "blocked",
            Self::NotJudged => "skipped",
        }
    }
}

impl Verdict {
    /// The event's `decision`.
    pub fn decision(&self) -> &'static str {
        match self {
            Self::Allow => "allowed",
            Self::Flag | Self::Redact(_) => "flagged",
            Self::Block { .. } => "blocked",
        }
    }

    /// What the client of a blocked request is told: policy and categories, never what was found. `None` where nothing
    /// is blocked.
    pub fn block_message(&self) -> Option<String> {
        let Self::Block { policy, categories } = self else {
            return None;
        };
        let names: Vec<&str> = categories.iter().map(|category| category.name()).collect();
        Some(if names.is_empty() {
            format!("the request was blocked by the content policy `{policy}`")
        } else {
            format!(
                "the request was blocked by the content policy `{policy}`: {}",
                names.join(", ")
            )
        })
    }
}
