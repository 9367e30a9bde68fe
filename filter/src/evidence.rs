//! Evidence: what this gateway did, as events for the collector.

mod bodies;
mod courier;
mod decision;
mod dossier;
mod health;

pub(crate) use bodies::Excerpt;
pub(crate) use courier::{Address, Courier};
pub(crate) use decision::{Refused, bills, of_journey, of_refusal};
pub(crate) use dossier::Dossier;
pub(crate) use health::HealthChanged;

use events::EventId;
use routing::Random;

/// An id that sorts by time.
fn id(random: &mut Random, unix_ms: u64) -> EventId {
    let high = u128::from(random.next_u64()) << 64;
    EventId::new(unix_ms, high | u128::from(random.next_u64()))
}
