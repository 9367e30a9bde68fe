//! Budgets: hard limits on what providers and gateway keys may spend in a period.
//!
//! One [`Ledger`] in shared data counts, for all workers of a process, what was spent and what is reserved for requests
//! in flight. What other processes spent comes with the [`Account`], from the collector.
//!
//! - Before a request is sent, the estimate of every attempt that it may make is reserved: all of them or none.
//! - A reservation is granted only if `elsewhere + spent + reserved + estimate ≤ limit`.
//! - When the request ends, each reservation is settled with the billed amount, in the period that it was granted in.
//! - The two periods of an account nearest to the current one are kept, so that a clock that jumps ahead and back finds
//!   earlier spending again.
//!
//! Local spending therefore exceeds the limit at most by the sum of what the bills of requests in flight at the last
//! grant exceed their estimates. Spending by other processes between two reports of the collector comes on top. A
//! worker that dies never settles: its reservations count as spent until the period ends.

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
    /// Of a provider's budget for periods with this name; a provider may have one for each.
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

/// A budget in one period. Amounts are nano US dollars. The caller, which knows the calendar, decides which period is
/// current.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// The account.
    pub key: AccountKey,
    /// Limit per period.
    pub limit: u64,
    /// Start of the current period, Unix milliseconds.
    pub period_start_ms: u64,
    /// Spent in the period by other processes, as reported by the collector.
    pub spent_elsewhere: u64,
    /// Spent in the period by this process, as reported by the collector. It may know of spending before there was a
    /// limit.
    pub spent_here: u64,
}
