//! Evidence: what this gateway did, as events for the collector.

mod bodies;
mod decision;
mod event_exporter;
mod health;
mod request_log;

pub(crate) use bodies::Excerpt;
pub(crate) use decision::{RejectedRequest, bills, of_context, of_refusal};
pub(crate) use event_exporter::{Address, EventExporter};
pub(crate) use health::HealthChanged;
pub(crate) use request_log::RequestLog;

use events::EventId;
use routing::Random;

/// An id that sorts by time.
fn id(random: &mut Random, unix_ms: u64) -> EventId {
    let high = u128::from(random.next_u64()) << 64;
    EventId::new(unix_ms, high | u128::from(random.next_u64()))
}
