//! The `response` object, on its own or inside stream events.

use crate::error::{ErrorKind, ProviderError};
use crate::formats::chat_completions::FinishReason;
use crate::formats::responses::EchoedFields;
use crate::formats::responses::output_item::ItemStatus;
use crate::json::{Text, Writer};
use crate::translator::Attempt;
use crate::usage::Usage;

/// What all forms of one response share.
#[derive(Clone, Copy)]
pub(crate) struct ResponseObject<'a> {
    pub(crate) attempt: &'a Attempt,
    pub(crate) echo: &'a EchoedFields,
    /// Unix seconds.
    pub(crate) created_at: u64,
    pub(crate) model: Text<'a>,
}

/// The state of a response.
#[derive(Clone, Copy)]
pub(crate) enum Status<'a> {
    InProgress,
    Finished(FinishReason),
    Failed(&'a ProviderError),
}

impl Status<'_> {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Finished(FinishReason::Stop | FinishReason::ToolCalls) => "completed",
            Self::Finished(FinishReason::Length | FinishReason::ContentFilter) => "incomplete",
            Self::Failed(_) => "failed",
        }
    }
}

/// The status of items that were open when the response finished.
pub(crate) fn last_item_status(reason: FinishReason) -> ItemStatus {
    match reason {
        FinishReason::Stop | FinishReason::ToolCalls => ItemStatus::Completed,
        FinishReason::Length | FinishReason::ContentFilter => ItemStatus::Incomplete,
    }
}

impl ResponseObject<'_> {
    /// Writes the object. `output` writes its items.
    pub(crate) fn write(
        &self,
        status: Status<'_>,
        usage: Option<&Usage>,
        output: impl FnOnce(&mut Writer<'_>),
        w: &mut Writer<'_>,
    ) {
        w.object(|w| {
            w.field("id")
                .string(&format!("resp_{}", self.attempt.request_id));
            w.field("object").string("response");
            w.field("created_at").number(self.created_at);
            w.field("status").string(status.as_str());
            w.field("background").bool(false);
            match status {
                Status::Failed(error) => w.field("error").object(|w| {
                    w.field("code").string(error_code(error.kind));
                    w.field("message").string(&error.message);
                }),
                Status::InProgress | Status::Finished(_) => w.field("error").null(),
            }
            match incomplete_reason(status) {
                Some(reason) => w
                    .field("incomplete_details")
                    .object(|w| w.field("reason").string(reason)),
                None => w.field("incomplete_details").null(),
            }
            w.field("model").text(self.model);
            w.field("output").array(output);
            self.echo.write(w);
            match usage {
                Some(usage) => write_usage(w.field("usage"), usage),
                None => w.field("usage").null(),
            }
        });
    }
}

fn incomplete_reason(status: Status<'_>) -> Option<&'static str> {
    match status {
        Status::Finished(FinishReason::Length) => Some("max_output_tokens"),
        Status::Finished(FinishReason::ContentFilter) => Some("content_filter"),
        Status::Finished(FinishReason::Stop | FinishReason::ToolCalls)
        | Status::InProgress
        | Status::Failed(_) => None,
    }
}

/// `error.code`: a closed list in typed clients.
fn error_code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::RateLimited | ErrorKind::QuotaExhausted => "rate_limit_exceeded",
        ErrorKind::InvalidRequest
        | ErrorKind::UnsupportedField
        | ErrorKind::ContextLength
        | ErrorKind::ContentPolicy => "invalid_prompt",
        ErrorKind::Authentication
        | ErrorKind::Permission
        | ErrorKind::Refused
        | ErrorKind::EndpointNotFound
        | ErrorKind::ModelNotFound
        | ErrorKind::NotFound
        | ErrorKind::RequestTooLarge
        | ErrorKind::Overloaded
        | ErrorKind::Timeout
        | ErrorKind::Server => "server_error",
    }
}

fn write_usage(w: &mut Writer<'_>, usage: &Usage) {
    w.object(|w| {
        w.field("input_tokens").number(usage.prompt);
        w.field("input_tokens_details").object(|w| {
            w.field("cached_tokens").number(usage.cached);
            w.field("cache_write_tokens").number(usage.cache_written);
        });
        w.field("output_tokens").number(usage.completion);
        w.field("output_tokens_details")
            .object(|w| w.field("reasoning_tokens").number(usage.reasoning));
        w.field("total_tokens").number(usage.total());
    });
}
