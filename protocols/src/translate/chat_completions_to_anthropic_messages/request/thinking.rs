//! The thinking budget and the output limit.
//!
//! OpenAI's limit includes reasoning, as Anthropic's does. A budget therefore leaves half of the client's limit for the
//! response; if the client gave none, the budget is added to the target's default.

use catalog::{Dialect, Effort, ReasoningRequest};
use serde_json::value::RawValue;

use crate::error::RequestError;
use crate::formats::anthropic_messages::{MIN_THINKING_BUDGET, thinking_budget};
use crate::json::{self, Object, Writer};

/// The requested thinking and what constrains it.
pub(super) struct ThinkingRequest<'a> {
    /// Of the model.
    pub(super) dialect: &'a Dialect,
    pub(super) effort: Option<Effort>,
    /// Anthropic's own `thinking`; forwarded unchanged.
    pub(super) thinking: Option<&'a RawValue>,
    pub(super) max_tokens: Option<u64>,
    pub(super) default_max_tokens: u64,
    /// The model must call a tool, which Anthropic refuses together with thinking.
    pub(super) forced_tool: bool,
    /// See [`super::conversation::Conversation::is_unsigned_tool_loop`].
    pub(super) unsigned_tool_loop: bool,
}

/// The values to send.
pub(super) struct ThinkingPlan<'a> {
    pub(super) max_tokens: u64,
    /// `output_config.effort`
    pub(super) effort: Option<&'static str>,
    mode: Mode<'a>,
}

enum Mode<'a> {
    Off,
    Client { raw: &'a RawValue, on: bool },
    Adaptive,
    Budget(u64),
}

impl<'a> ThinkingPlan<'a> {
    /// Plans thinking for a request.
    ///
    /// # Errors
    /// The client's `thinking` has no `type`.
    pub(super) fn new(requested: &ThinkingRequest<'a>) -> Result<Self, RequestError> {
        let effort = requested
            .effort
            .and_then(|effort| requested.dialect.efforts.nearest(effort))
            .map(Effort::as_str);
        let (mode, budget) = match requested.thinking {
            Some(raw) => client_mode(raw)?,
            None => own_mode(requested),
        };
        let max_tokens = requested
            .max_tokens
            .unwrap_or_else(|| requested.default_max_tokens.saturating_add(budget));
        Ok(Self {
            max_tokens,
            effort,
            mode,
        })
    }

    /// The model will think; Anthropic then refuses sampling parameters.
    pub(super) fn is_on(&self) -> bool {
        match self.mode {
            Mode::Off => false,
            Mode::Client { on, .. } => on,
            Mode::Adaptive | Mode::Budget(_) => true,
        }
    }

    /// Writes the field `thinking`.
    pub(super) fn write(&self, w: &mut Writer<'_>) {
        match self.mode {
            Mode::Off => {}
            Mode::Client { raw, .. } => w.field("thinking").raw(raw),
            Mode::Adaptive => w
                .field("thinking")
                .object(|w| w.field("type").string("adaptive")),
            Mode::Budget(budget) => w.field("thinking").object(|w| {
                w.field("type").string("enabled");
                w.field("budget_tokens").number(budget);
            }),
        }
    }
}

/// The client's own `thinking`, with its budget.
fn client_mode(raw: &RawValue) -> Result<(Mode<'_>, u64), RequestError> {
    let fields: Object<'_> = json::read(raw, "thinking", "an object")?;
    let kind = fields
        .get("type")
        .ok_or_else(|| RequestError::missing("thinking.type"))?;
    let on = json::characters(kind, "thinking.type")? != "disabled";
    let budget = match fields.get("budget_tokens") {
        Some(budget) => json::read(budget, "thinking.budget_tokens", "a whole number")?,
        None => 0,
    };
    Ok((Mode::Client { raw, on }, budget))
}

/// What `reasoning_effort` means for this model, with its budget.
fn own_mode<'a>(requested: &ThinkingRequest<'a>) -> (Mode<'a>, u64) {
    let Some(effort) = requested.effort else {
        return (Mode::Off, 0);
    };
    if effort == Effort::None || requested.forced_tool {
        return (Mode::Off, 0);
    }
    match requested.dialect.reasoning_request {
        ReasoningRequest::AdaptiveThinking => (Mode::Adaptive, 0),
        ReasoningRequest::ThinkingBudget if requested.unsigned_tool_loop => (Mode::Off, 0),
        ReasoningRequest::ThinkingBudget => {
            let most = requested.max_tokens.map_or(u64::MAX, |limit| limit / 2);
            let budget = thinking_budget(effort).min(most);
            if budget < MIN_THINKING_BUDGET {
                (Mode::Off, 0)
            } else {
                (Mode::Budget(budget), budget)
            }
        }
        // The model cannot be told, or not in the words of this format.
        ReasoningRequest::None
        | ReasoningRequest::ReasoningEffort
        | ReasoningRequest::Thinking
        | ReasoningRequest::EnableThinking
        | ReasoningRequest::Reasoning
        | ReasoningRequest::ReasoningConfig
        | ReasoningRequest::ChatTemplate => (Mode::Off, 0),
    }
}
