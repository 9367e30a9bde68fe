//! What the event of a request will say beside its plan and its attempts.

use std::rc::Rc;

use events::{Decision, PolicyResult, PolicyVerdict};
use routing::affinity::ConversationId;

use super::Excerpt;
use crate::books::Hold;
use crate::control::Key;
use crate::host::Moment;

/// Gathered on the way of one request.
#[derive(Debug)]
pub(crate) struct Dossier {
    /// When its head came in.
    pub(crate) arrived: Moment,
    /// The key that was presented, where one is needed.
    pub(crate) key: Option<Rc<Key>>,
    /// What it belongs to; `None` before it was read.
    pub(crate) conversation: Option<ConversationId>,
    /// Estimate.
    pub(crate) prompt_tokens: u32,
    /// What content policies said.
    pub(crate) policies: Vec<PolicyResult<'static>>,
    /// `error.code` of an answer that the gateway made itself.
    pub(crate) error_code: Option<String>,
    /// What it holds of budgets.
    pub(crate) hold: Hold,
    /// With `log_bodies` only.
    pub(crate) request_body: Option<Excerpt>,
    /// With `log_bodies` only.
    pub(crate) response_body: Option<Excerpt>,
}

impl Dossier {
    /// Of a request that has just come in.
    pub(crate) fn opened(arrived: Moment) -> Self {
        Self {
            arrived,
            key: None,
            conversation: None,
            prompt_tokens: 0,
            policies: Vec::new(),
            error_code: None,
            hold: Hold::default(),
            request_body: None,
            response_body: None,
        }
    }

    /// What was decided about a request that was let through.
    pub(crate) fn decision(&self) -> Decision {
        let has_found = self.policies.iter().any(|policy| {
            matches!(
                policy.result,
                PolicyVerdict::Flagged | PolicyVerdict::Redacted
            )
        });
        if has_found {
            Decision::Flagged
        } else {
            Decision::Allowed
        }
    }
}
