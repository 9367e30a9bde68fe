//! The decision event: one for each request, built when it has ended, however it ended.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::event::EventId;
use crate::few::Few;
use crate::timestamp::Timestamp;

/// Everything that was decided about one request, and what came of it. Field names are those of the JSON.
///
/// Text borrows where the writer has it at hand, and a list of one needs no memory of its own: a gateway makes an event
/// for each request. Readers own what they read: `DecisionEvent<'static>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionEvent<'a> {
    /// `evt_…`; the same event delivered twice has the same id.
    pub id: EventId,
    /// When the request came in.
    pub timestamp: Timestamp,
    /// Envoy's request id, also in the answer's `x-keeptrusts-request-id`.
    pub request_id: Cow<'a, str>,
    /// What the gateway's content policies and limits said.
    pub decision: Decision,
    /// As the client asked for it.
    pub model: Cow<'a, str>,
    /// The group that was asked for; `null` for a model that is no group.
    pub model_group: Option<Cow<'a, str>>,
    /// The model that served, or was tried last; `null` where none was tried.
    pub resolved_model: Option<Cow<'a, str>>,
    /// Id of the target that served, or was tried last; `null` where none was tried.
    pub provider: Option<Cow<'a, str>>,
    /// Vendor of that target.
    pub vendor: Option<Cow<'a, str>>,
    /// The member's arm of an experiment.
    #[serde(default)]
    pub tag: Option<Cow<'a, str>>,
    /// The member's or the target's region.
    #[serde(default)]
    pub region: Option<Cow<'a, str>>,
    /// Canonical name of the strategy that picked the plan's head.
    pub strategy: Option<Cow<'a, str>>,
    /// Cosine similarity by which a semantic group picked the head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub similarity: Option<f32>,
    /// The client asked for a stream.
    pub stream: bool,
    /// What the client got; 0 when it left before an answer.
    pub status_code: u16,
    /// `error.code` of an answer that the gateway made itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<Cow<'a, str>>,
    /// The client hung up before the answer was complete.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub client_gone: bool,
    /// From the request's first byte to the answer's last, in milliseconds.
    pub latency_ms: u64,
    /// Of the attempt that served, from its begin to its end; `null` where none served.
    pub upstream_latency_ms: Option<u64>,
    /// From the request's first byte to the first content sent to the client, in milliseconds; for streams only.
    pub time_to_first_token_ms: Option<u64>,
    /// What the provider billed; `null` where no provider answered.
    pub tokens: Option<Tokens>,
    /// What the plan's head was expected to cost, in US dollars; `null` without a known price.
    pub estimated_cost_usd: Option<f64>,
    /// Billed tokens at the price in force, in US dollars; `null` without a known price or without tokens.
    pub actual_cost_usd: Option<f64>,
    /// Targets passed over before the one that served: tried in vain, or left out of the plan's head.
    pub fallback_count: u32,
    /// Whether another than the first choice served, and why.
    pub failover: FailoverSummary<'a>,
    /// Every attempt, in order.
    #[serde(default)]
    pub attempts: Few<AttemptRecord<'a>>,
    /// Targets that were left out of the plan, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<SkippedTarget<'a>>,
    /// Every content policy that ran.
    #[serde(default)]
    pub policies_evaluated: Cow<'a, [PolicyResult<'a>]>,
    /// Name of the gateway key that the client presented.
    #[serde(default)]
    pub key_name: Option<Cow<'a, str>>,
    /// Hash of the conversation id.
    #[serde(default)]
    pub conversation_id: Option<Cow<'a, str>>,
    /// Version of the policy that decided.
    #[serde(default)]
    pub config_version: Cow<'a, str>,
    /// The gateway's name.
    #[serde(default)]
    pub gateway_id: Cow<'a, str>,
    /// The Envoy process: what it has spent, it counts itself (see [`crate::ControlState`]).
    #[serde(default)]
    pub instance_id: Cow<'a, str>,
    /// Only with `log_bodies: true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_body: Option<Cow<'a, str>>,
    /// Only with `log_bodies: true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_body: Option<Cow<'a, str>>,
    /// Names of the fields of which something was cut, see [`crate::MAX_EVENT_BYTES`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub truncated: Vec<Cow<'a, str>>,
}

/// What the gateway decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Nothing was in the way.
    Allowed,
    /// A content policy, key or budget refused it.
    Blocked,
    /// Let through, and a content policy took notice.
    Flagged,
}

impl Decision {
    /// As it stands in JSON.
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
    /// Input, cached input included.
    pub prompt: u64,
    /// Output, reasoning included.
    pub completion: u64,
    /// Input read from the provider's cache; part of `prompt`.
    #[serde(default)]
    pub cached: u64,
    /// Input written to the provider's cache; part of `prompt`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_written: u64,
    /// `prompt + completion`.
    pub total: u64,
    /// The provider sent no usage: these are the gateway's estimate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Whether another than the first choice served.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailoverSummary<'a> {
    /// It did.
    pub triggered: bool,
    /// Id of the first choice.
    pub original_provider: Option<Cow<'a, str>>,
    /// Why it did not serve: `upstream_timeout`, `unhealthy`, …
    pub reason: Option<Cow<'a, str>>,
}

/// One try of one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRecord<'a> {
    /// Target id.
    pub provider: Cow<'a, str>,
    /// Model name sent to it.
    pub model: Cow<'a, str>,
    /// Its status; `null` where it did not answer.
    pub status_code: Option<u16>,
    /// Why it failed; `null` for the one that served.
    pub reason: Option<Cow<'a, str>>,
    /// From its begin to its end, in milliseconds.
    pub latency_ms: u64,
}

/// A target that could have served but was left out of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedTarget<'a> {
    /// Target id.
    pub provider: Cow<'a, str>,
    /// `unhealthy`, `over_budget`, `unsupported`, …
    pub reason: Cow<'a, str>,
}

/// What one content policy said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyResult<'a> {
    /// As named in the policy document.
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
    /// Found something, and only says so.
    Flagged,
    /// Found something and removed it.
    Redacted,
    /// Found something and stopped the request.
    Blocked,
    /// Could not be evaluated in time; the request went on.
    Skipped,
    /// Recorded (audit logger).
    Logged,
}

impl PolicyVerdict {
    /// As it stands in JSON.
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
