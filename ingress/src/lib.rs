//! Turns a client's request into a plan: shared by the gateway filter and `kt policy explain`.
//!
//! `protocols` reads a request and `routing` decides; this crate connects the two.
#![forbid(unsafe_code)]

mod body;
mod capability;
mod conversation;
#[cfg(test)]
mod tests;

use policy::{Policy, Strategy};
use protocols::request_info::{self, RequestInfo};
use protocols::{ClientFormat, RequestError};
use routing::{Plan, PlanError, Request};

pub use body::{BodyView, ScannedChunks};
pub use capability::capability_probe;
pub use conversation::{Conversation, ConversationSource};

/// What a policy requires of request parsing, computed once.
#[derive(Debug, Clone)]
pub struct Ingress {
    capabilities: capability::CapabilityTable,
    counts_tokens: bool,
    compares_meanings: bool,
}

/// A parsed request.
pub struct ParsedRequest<'a> {
    /// The endpoint that was called.
    pub client: ClientFormat,
    /// The result of scanning its body.
    pub info: RequestInfo<'a>,
    /// Its conversation.
    pub conversation: Conversation,
    /// Estimate for prompt, tools and images.
    pub prompt_tokens: u32,
    /// See [`Request::query_embedding`].
    pub query_embedding: Option<Vec<f32>>,
    /// See [`Request::allows`].
    pub allows: Option<&'a dyn Fn(&str) -> bool>,
}

impl Ingress {
    /// For `policy`.
    pub fn new(policy: &Policy) -> Self {
        Self {
            capabilities: capability::CapabilityTable::of(policy),
            counts_tokens: plans_by_tokens(policy),
            compares_meanings: (policy.groups.iter())
                .any(|group| matches!(group.strategy, Strategy::Semantic(_))),
        }
    }

    /// A scanner for a body that arrives in chunks, from which [`Ingress::read`] can plan. `None` if plans depend on
    /// the text itself. `has_budgets`: tokens are counted regardless of the policy.
    pub fn scan_in_chunks(&self, has_budgets: bool) -> Option<ScannedChunks> {
        let counts_tokens = self.needs_tokens(has_budgets);
        (!self.compares_meanings)
            .then(|| ScannedChunks::keeping(conversation::END_BYTES, counts_tokens))
    }

    /// The policy or a budget needs an accurate token count.
    pub fn needs_tokens(&self, has_budgets: bool) -> bool {
        self.counts_tokens || has_budgets
    }

    /// Parses a request. `header` returns the value of a header by its lower-case name. With `has_budgets` tokens are
    /// counted regardless of the policy.
    ///
    /// # Errors
    /// See [`request_info::scan`]; or a header gives an invalid name for the conversation ([`protocols::check_name`]).
    pub fn read<'a>(
        &self,
        client: ClientFormat,
        body_view: impl Into<BodyView<'a>>,
        header: impl Fn(&str) -> Option<&'a str>,
        has_budgets: bool,
    ) -> Result<ParsedRequest<'a>, RequestError> {
        let body_view = body_view.into();
        let body = body_view.body();
        let info = request_info::scan(client, body)?;
        Ok(ParsedRequest {
            client,
            conversation: Conversation::of(header, &info, body)?,
            prompt_tokens: self.prompt_tokens(&info, body_view, has_budgets),
            info,
            query_embedding: None,
            allows: None,
        })
    }

    /// Plans with `make`, which calls [`routing::plan::make`].
    ///
    /// Prefers targets that can express the request. If there is none, plans as if all could: the translator then
    /// refuses the attempt and names the field.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn plan(
        &self,
        parsed: &ParsedRequest<'_>,
        mut make: impl FnMut(&Request<'_>) -> Result<Plan, PlanError>,
    ) -> Result<Plan, PlanError> {
        let ParsedRequest { client, info, .. } = parsed;
        let able = |target| self.capabilities.can_serve(target, *client, info.required);
        let mut request = Request {
            model: &info.model,
            conversation: Some(parsed.conversation.id),
            prompt_tokens: parsed.prompt_tokens,
            max_output_tokens: info.max_output_tokens,
            choices: info.choices,
            last_user_message: info.last_user_message.as_deref(),
            query_embedding: parsed.query_embedding.as_deref(),
            can_serve: &able,
            allows: parsed.allows,
        };
        match make(&request) {
            Err(PlanError::Unsupported { .. }) => {
                request.can_serve = &|_| true;
                make(&request)
            }
            planned => planned,
        }
    }

    /// Counts accurately only if needed; four bytes per token suffice for an event's estimate.
    fn prompt_tokens(
        &self,
        info: &RequestInfo<'_>,
        body_view: BodyView<'_>,
        has_budgets: bool,
    ) -> u32 {
        let counted = if self.needs_tokens(has_budgets) {
            body_view.prompt_tokens()
        } else {
            None
        };
        counted.unwrap_or_else(|| u32::try_from(info.text_bytes / 4).unwrap_or(u32::MAX))
    }
}

fn plans_by_tokens(policy: &Policy) -> bool {
    policy.groups.iter().any(|group| {
        matches!(group.strategy, Strategy::Cost(_))
            || group
                .members
                .iter()
                .any(|member| member.context_window.is_some())
    })
}
