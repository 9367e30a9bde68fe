//! What the event of a request will say beside its plan and its attempts.

use std::rc::Rc;

use events::{Decision, PolicyResult, PolicyVerdict, TraceContext, hex_byte};
use routing::affinity::ConversationId;

use super::Excerpt;
use crate::budget::BudgetReservation;
use crate::control::Key;
use crate::host::Now;

/// A conversation as events name it: the 16 hexadecimal digits of its id.
#[derive(Debug)]
pub(crate) struct ConversationName([u8; 16]);

impl From<ConversationId> for ConversationName {
    fn from(id: ConversationId) -> Self {
        let mut digits = [b'0'; 16];
        for (pair, byte) in digits.as_chunks_mut().0.iter_mut().zip(id.0.to_be_bytes()) {
            *pair = hex_byte(byte);
        }
        Self(digits)
    }
}

impl ConversationName {
    pub(crate) fn as_str(&self) -> &str {
        // Digits are text.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Gathered on the way of one request.
#[derive(Debug)]
pub(crate) struct RequestLog {
    /// When its head came in.
    pub(crate) arrived: Now,
    /// Path of the endpoint.
    pub(crate) endpoint: &'static str,
    /// Its span, where the policy wants that.
    pub(crate) trace: Option<TraceContext>,
    /// The key that was presented, where one is needed.
    pub(crate) key: Option<Rc<Key>>,
    /// What it belongs to; `None` before it was read.
    pub(crate) conversation: Option<ConversationName>,
    /// Estimate.
    pub(crate) prompt_tokens: u32,
    /// What content policies said.
    pub(crate) policies: Vec<PolicyResult<'static>>,
    /// `error.code` of an answer that the gateway made itself.
    pub(crate) error_code: Option<String>,
    /// What it holds of budgets.
    pub(crate) hold: BudgetReservation,
    /// With `log_bodies` only.
    pub(crate) request_body: Option<Excerpt>,
    /// With `log_bodies` only.
    pub(crate) response_body: Option<Excerpt>,
}

impl RequestLog {
    /// Of a request that has just come in.
    pub(crate) fn opened(arrived: Now, endpoint: &'static str) -> Self {
        Self {
            arrived,
            endpoint,
            trace: None,
            key: None,
            conversation: None,
            prompt_tokens: 0,
            policies: Vec::new(),
            error_code: None,
            hold: BudgetReservation::default(),
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
