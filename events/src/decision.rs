//! The decision event: one per request, built when it has ended, however it ended.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::event::EventId;
use crate::few::Few;
use crate::timestamp::Timestamp;
use crate::trace::{SpanId, TraceContext};

/// Everything that was decided about one request, and its outcome. Field names are those of the JSON.
///
/// Texts borrow where possible, and a list of one does not allocate, because a gateway creates an event for each
/// request. Readers own their data: `DecisionEvent<'static>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionEvent<'a> {
    /// `evt_…`; the same event delivered twice has the same id.
    pub id: EventId,
    /// When the request arrived.
    pub timestamp: Timestamp,
    /// Envoy's request id, also in the response's `x-keeptrusts-request-id`.
    pub request_id: Cow<'a, str>,
    /// The decision of content policies and limits.
    pub decision: Decision,
    /// As requested by the client.
    pub model: Cow<'a, str>,
    /// The requested group; `null` for a model that is no group.
    pub model_group: Option<Cow<'a, str>>,
    /// The model that served, or was tried last; `null` if none was tried.
    pub resolved_model: Option<Cow<'a, str>>,
    /// Id of the target that served, or was tried last; `null` if none was tried.
    pub provider: Option<Cow<'a, str>>,
    /// Vendor of that target.
    pub vendor: Option<Cow<'a, str>>,
    /// The member's arm of an experiment.
    #[serde(default)]
    pub tag: Option<Cow<'a, str>>,
    /// The member's or the target's region.
    #[serde(default)]
    pub region: Option<Cow<'a, str>>,
    /// Canonical name of the strategy that picked the plan's primary.
    pub strategy: Option<Cow<'a, str>>,
    /// Cosine similarity by which a semantic group picked the primary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub similarity: Option<f32>,
    /// Path of the endpoint as the documentation names it, such as `/v1/chat/completions`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Cow<'a, str>>,
    /// The client asked for a stream.
    pub stream: bool,
    /// The client's status; 0 if it disconnected before a response.
    pub status_code: u16,
    /// `error.code` of a response made by the gateway itself; of an answer that failed after it had begun, why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<Cow<'a, str>>,
    /// The client disconnected before the response was complete.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub client_gone: bool,
    /// From the request's first byte to the response's last, in milliseconds.
    pub latency_ms: u64,
    /// Duration of the attempt that served, in milliseconds; `null` if none served.
    pub upstream_latency_ms: Option<u64>,
    /// From the request's first byte to the first content sent to the client, in milliseconds; for streams only.
    pub time_to_first_token_ms: Option<u64>,
    /// Why the model stopped, in the words of OpenAI's `finish_reason`; absent where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<Cow<'a, str>>,
    /// Billed tokens; `null` if no provider responded.
    pub tokens: Option<Tokens>,
    /// Expected cost of the plan's primary, in US dollars; `null` without a known price.
    pub estimated_cost_usd: Option<f64>,
    /// Billed tokens at the price in force, in US dollars; `null` without a known price or without tokens.
    pub actual_cost_usd: Option<f64>,
    /// Targets before the one that served: failed attempts, or an excluded preferred target.
    pub fallback_count: u32,
    /// Whether another than the first choice served, and why.
    pub failover: FailoverSummary<'a>,
    /// Every attempt, in order.
    #[serde(default)]
    pub attempts: Few<AttemptRecord<'a>>,
    /// Targets that were excluded from the plan, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<SkippedTarget<'a>>,
    /// Every content policy that ran.
    #[serde(default)]
    pub policies_evaluated: Cow<'a, [PolicyResult<'a>]>,
    /// Name of the client's gateway key.
    #[serde(default)]
    pub key_name: Option<Cow<'a, str>>,
    /// Team of that key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<Cow<'a, str>>,
    /// Simulated providers answer: nothing was spent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
    /// Hash of the conversation id.
    #[serde(default)]
    pub conversation_id: Option<Cow<'a, str>>,
    /// The request's span; only where the policy's `telemetry` exports traces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
    /// Version of the policy in force.
    #[serde(default)]
    pub config_version: Cow<'a, str>,
    /// The gateway's name.
    #[serde(default)]
    pub gateway_id: Cow<'a, str>,
    /// The Envoy process, which counts its own spending (see [`crate::ControlState`]).
    #[serde(default)]
    pub instance_id: Cow<'a, str>,
    /// Only with `log_bodies: true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_body: Option<Cow<'a, str>>,
    /// Only with `log_bodies: true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_body: Option<Cow<'a, str>>,
    /// Names of the fields that were truncated, see [`crate::MAX_EVENT_BYTES`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub truncated: Vec<Cow<'a, str>>,
}

impl DecisionEvent<'_> {
    /// The answer began well and failed on its way to the client: a stream that broke, fell silent, or held an error.
    pub fn is_broken(&self) -> bool {
        (200..400).contains(&self.status_code) && self.error_code.is_some()
    }
}

/// The gateway's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Nothing objected.
    Allowed,
    /// A content policy, key or budget refused it.
    Blocked,
    /// Allowed, but a content policy flagged it.
    Flagged,
}

impl Decision {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Blocked => "blocked",
            Self::Flagged => "flagged",
        }
    }
}

/// Billed tokens in OpenAI's sense.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Input, including cached input.
    pub prompt: u64,
    /// Output, including reasoning.
    pub completion: u64,
    /// Input read from the provider's cache; included in `prompt`.
    #[serde(default)]
    pub cached: u64,
    /// Input written to the provider's cache; included in `prompt`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_written: u64,
    /// Output spent on reasoning; included in `completion`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reasoning: u64,
    /// `prompt + completion`.
    pub total: u64,
    /// The provider reported no usage: these are the gateway's estimates.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Whether another than the first choice served.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailoverSummary<'a> {
    /// Another target served.
    pub triggered: bool,
    /// Id of the first choice.
    pub original_provider: Option<Cow<'a, str>>,
    /// Why it did not serve: `upstream_timeout`, `unhealthy`, …
    pub reason: Option<Cow<'a, str>>,
}

/// One attempt at one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRecord<'a> {
    /// Target id.
    pub provider: Cow<'a, str>,
    /// Model name sent to it.
    pub model: Cow<'a, str>,
    /// Its status; `null` if it did not respond.
    pub status_code: Option<u16>,
    /// Why it failed; `null` for the one that served.
    pub reason: Option<Cow<'a, str>>,
    /// Its duration in milliseconds.
    pub latency_ms: u64,
    /// Milliseconds from the request's arrival to its begin; only where the event has a `trace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_after_ms: Option<u64>,
    /// Its span; only where the event has a `trace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span_id: Option<SpanId>,
}

/// A target that could have served but was excluded from the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedTarget<'a> {
    /// Target id.
    pub provider: Cow<'a, str>,
    /// `unhealthy`, `over_budget`, `unsupported`, …
    pub reason: Cow<'a, str>,
}

/// The result of one content policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyResult<'a> {
    /// Its name in the policy document.
    pub name: Cow<'a, str>,
    /// Its verdict.
    pub result: PolicyVerdict,
}

/// Verdict of a content policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyVerdict {
    /// Found nothing.
    Passed,
    /// Found something and only reports it.
    Flagged,
    /// Found something and removed it.
    Redacted,
    /// Found something and stopped the request.
    Blocked,
    /// Could not be evaluated in time; the request continued.
    Skipped,
    /// Recorded (audit logger).
    Logged,
}

impl PolicyVerdict {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Flagged => "flagged",
            Self::Redacted => "redacted",
            Self::Blocked => "blocked",
            Self::Skipped => "skipped",
            Self::Logged => "logged",
        }
    }
}
