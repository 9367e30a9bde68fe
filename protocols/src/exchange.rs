//! One attempt's conversation with an upstream, around a [`Translator`].

use crate::error::{ProviderError, RequestError};
use crate::translator::{Attempt, OutgoingRequest, Translator};
use crate::usage::Usage;

/// Why another target is tried; the strings of `failover.reason` in events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailoverReason {
    /// No answer, or no content, in time.
    UpstreamTimeout,
    /// No connection.
    UpstreamConnect,
    /// The connection broke before content came.
    UpstreamReset,
    /// 429.
    UpstreamRateLimited,
    /// 5xx, or an error body that says overloaded or quota exhausted.
    Upstream5xx,
    /// 401, 403.
    UpstreamAuth,
    /// 404 for the model or deployment.
    ModelNotFound,
    /// The prompt is too long for this model.
    ContextLength,
    /// Refused by the provider's filter.
    ContentPolicy,
    /// A stream began with an error.
    ErrorInStream,
    /// A stream ended before any content.
    EmptyStream,
    /// Left out of the plan.
    Unhealthy,
}

/// Decision on an upstream's answer, given on its head and on each piece of its body.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Not decided: nothing may reach the router. Output gathers in `out`.
    Hold,
    /// The piece goes on as it is; nothing was appended to `out`.
    PassUnchanged,
    /// What was appended to `out` goes on, in place of the piece. After [`Verdict::Hold`] the head goes first.
    Pass,
    /// Another target may do better; on the last attempt the error is the client's answer.
    FailOver(FailoverReason),
}

/// Header list: lower-case names, values as bytes.
pub type Headers = Vec<(String, Vec<u8>)>;

/// One attempt. Made by [`Exchange::new`], fed by the target filter.
pub struct Exchange {
    #[allow(dead_code)]
    attempt: Attempt,
    #[allow(dead_code)]
    translator: Box<dyn Translator>,
}

/// What an exchange has to report when it is over, and on the way.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Billed tokens, when the provider said.
    pub usage: Option<Usage>,
    /// The model that the provider says has answered.
    pub served_model: Option<String>,
    /// The provider's error, when it sent one, before or inside a stream.
    pub error: Option<ProviderError>,
    /// Content reached the client.
    pub content_sent: bool,
    /// The answer came to its proper end.
    pub complete: bool,
}

impl Exchange {
    /// Picks the translator for the attempt's pair of formats.
    ///
    /// # Errors
    /// The upstream cannot serve this endpoint at all.
    pub fn new(_attempt: Attempt) -> Result<Self, RequestError> {
        Err(RequestError::new("not built"))
    }

    /// The upstream's request for the client's body.
    ///
    /// # Errors
    /// The client's request cannot be said in the upstream's protocol.
    pub fn request(&mut self, body: &[u8]) -> Result<OutgoingRequest, RequestError> {
        self.translator.request(body)
    }
}
