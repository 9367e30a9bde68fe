//! Budgets: hard ceilings on what providers and gateway keys may spend in a period.
//!
//! One [`Ledger`] in shared data counts, for all workers of a process, what was spent here and what is reserved for
//! requests in flight. What everybody else has spent comes with the [`Account`], from the collector.
//!
//! - Before a request leaves, the estimate of every attempt that it may make is reserved, all of them or none.
//! - A reservation is granted only where `elsewhere + spent + reserved + estimate ≤ limit`.
//! - When the request has ended, each reservation is settled by the bill, in the period that it was granted in.
//! - Of each account the two periods that are nearest to the present one are kept: a clock that jumps ahead and back finds
//!   again what was spent before.
//!
//! So what is spent here is at most the limit and, for the requests that were in flight when the last reservation was
//! granted, the sum of what their bills exceed their estimates by. What other processes spend between two looks at the
//! collector comes on top. A worker that dies never settles: what it had reserved counts as spent until the period ends.

mod codec;
mod ledger;
#[cfg(test)]
mod tests;

use crate::hash;

pub use ledger::{Claim, Ledger, Reservation, Usage};

/// Identifies an account in shared data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountKey(u64);

impl AccountKey {
    /// Of a provider's budget for periods of this name: it may have one for each.
    pub fn of_provider(target_id: &str, period: &str) -> Self {
        Self(hash::of_parts(&[
            b"provider",
            target_id.as_bytes(),
            period.as_bytes(),
        ]))
    }

    /// Of a gateway key's budget.
    pub fn of_gateway_key(key_id: &str) -> Self {
        Self(hash::of_parts(&[b"gateway_key", key_id.as_bytes()]))
    }
}

/// A ceiling in one of its periods. Amounts are nano US dollars. Which period is in force is the caller's to say: it knows
/// the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// Whose.
    pub key: AccountKey,
    /// For each period.
    pub limit: u64,
    /// Begin of the period in force, Unix milliseconds.
    pub period_start_ms: u64,
    /// In the period, by other processes, as far as the collector knows.
    pub spent_elsewhere: u64,
    /// In the period, by this process, as far as the collector knows. It may know of spending before there was a limit.
    pub spent_here: u64,
}
