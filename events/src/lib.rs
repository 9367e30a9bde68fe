//! The protocol between gateways and their collector: decision and health events, their batches, and the control state
//! (keys and budgets) that the collector returns.
//!
//! The format of an event is a contract with every consumer; see `docs/events.md`. Times and randomness are arguments.
#![forbid(unsafe_code)]

mod batch;
mod control;
mod decision;
mod event;
mod few;
mod fit;
mod gateway_report;
mod health_changed;
mod json;
mod known_control;
mod ndjson;
mod outbox;
mod period;
mod timestamp;
mod trace;

pub use batch::{Acknowledgement, BatchLine, EventError, Rejection, lines, read_event};
pub use control::{
    BudgetPeriod, ControlState, GatewayKey, KEY_PREFIX, LostState, ProviderBudget, SpendingLimit,
    key_hash_hex,
};
pub use decision::{
    AttemptRecord, Decision, DecisionEvent, FailoverSummary, PolicyResult, PolicyVerdict,
    SkippedTarget, Tokens,
};
pub use event::{Event, EventId};
pub use few::Few;
pub use fit::{MAX_BODY_BYTES, MAX_EVENT_BYTES, MAX_TEXT_BYTES, UNKNOWN_MEMBERS};
pub use gateway_report::{GatewayReport, ProviderReport};
pub use health_changed::HealthChangedEvent;
pub use json::hex_byte;
pub use known_control::KnownControl;
pub use ndjson::WriteNdjson;
pub use outbox::{Outbox, OutboxLimits};
pub use timestamp::Timestamp;
pub use trace::{SpanId, TraceContext, TraceId};

/// Nano US dollars per US dollar: sums of costs in nano dollars are exact.
pub const NANOS_PER_USD: f64 = 1e9;

/// US dollars as whole nano US dollars; negative and undefined amounts become 0.
pub fn nanos(usd: f64) -> u64 {
    // Float casts saturate, and turn NaN into 0.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let nanos = (usd * NANOS_PER_USD).round() as u64;
    nanos
}

/// Nano US dollars as US dollars.
pub fn usd(nanos: u64) -> f64 {
    // Exact up to 9 million dollars; events and budgets are below that.
    #[allow(clippy::cast_precision_loss)]
    let nanos = nanos as f64;
    nanos / NANOS_PER_USD
}

/// Rounds US dollars to the nano dollar, so that binary fractions do not show in JSON.
pub fn whole_nanos(amount: f64) -> f64 {
    usd(nanos(amount))
}

#[cfg(test)]
mod tests;
