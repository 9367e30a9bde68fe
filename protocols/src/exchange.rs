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
    /// 5xx, an error body that says overloaded or quota exhausted, or an answer that cannot be read.
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

impl FailoverReason {
    /// The string in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UpstreamTimeout => "upstream_timeout",
            Self::UpstreamConnect => "upstream_connect",
            Self::UpstreamReset => "upstream_reset",
            Self::UpstreamRateLimited => "upstream_rate_limited",
            Self::Upstream5xx => "upstream_5xx",
            Self::UpstreamAuth => "upstream_auth",
            Self::ModelNotFound => "model_not_found",
            Self::ContextLength => "context_length",
            Self::ContentPolicy => "content_policy",
            Self::ErrorInStream => "error_in_stream",
            Self::EmptyStream => "empty_stream",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// Decision on an upstream's answer, given on its head and on each piece of its body.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Not decided: nothing may reach the router. Output gathers in `out`.
    Hold,
    /// The piece goes on as it is; nothing was appended to `out`.
    PassUnchanged,
    /// What was appended to `out` goes on, in place of the piece. After [`Verdict::Hold`] the head goes first, as
    /// [`Exchange::response_headers`] gives it.
    Pass,
    /// Another target may do better; `out` is empty. On the last attempt [`Exchange::error_answer`] is the client's.
    FailOver(FailoverReason),
}

/// Header list: lower-case names, values as bytes.
pub type Headers = Vec<(String, Vec<u8>)>;

/// One attempt. Made by [`Exchange::new`], fed by the target filter:
///
/// 1. [`Exchange::request`] once;
/// 2. [`Exchange::response_head`] once: `Hold` or `FailOver`;
/// 3. [`Exchange::response_body`] with each new piece and one `out` that is emptied only when it was passed on; the last
///    call has `end`, with an empty piece where the answer has no body;
/// 4. or [`Exchange::on_reset`] where the upstream breaks off.
///
/// After `FailOver` nothing more is asked of it but [`Exchange::error_answer`] and [`Exchange::report`].
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

    /// The upstream's status and headers. `Hold` or `FailOver`; the body, even an empty one, decides the rest.
    pub fn response_head(
        &mut self,
        _status: u16,
        _headers: &Headers,
        _end_of_stream: bool,
    ) -> Verdict {
        Verdict::Hold
    }

    /// The next piece of the upstream's body. What the client gets is appended to `out`, which keeps what was appended
    /// while the verdict was `Hold`.
    pub fn response_body(&mut self, _chunk: &[u8], _end: bool, _out: &mut Vec<u8>) -> Verdict {
        Verdict::Hold
    }

    /// The upstream broke off. Before anything was passed on this is a failover; after that what is appended to `out` is
    /// the end of the client's stream.
    pub fn on_reset(&mut self, _out: &mut Vec<u8>) -> Verdict {
        Verdict::Hold
    }

    /// Status and complete header list for the client, from the upstream's list. Asked for at the first `Pass`.
    pub fn response_headers(&self, _upstream: &Headers) -> (u16, Headers) {
        (200, Headers::new())
    }

    /// After `FailOver` because of an answer: that answer in the client's shape, for a last attempt.
    pub fn error_answer(&self) -> Option<(u16, Headers, Vec<u8>)> {
        None
    }

    /// What is known so far.
    pub fn report(&self) -> Report {
        Report::default()
    }
}
