//! Budgets: hard ceilings on what providers and gateway keys may spend in a period.
//!
//! One [`Ledger`] in shared data counts, for all workers of a process, what was spent here and what is reserved for
//! requests in flight. What everybody else has spent comes with the [`Account`], from the collector.
//!
//! - Before a request leaves, the estimate of every attempt that it may make is reserved, all of them or none.
//! - A reservation is granted only where `elsewhere + spent + reserved + estimate ≤ limit`.
//! - When the request has ended, each reservation is settled by the bill.
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

/// A ceiling, and what is known of its present period. Amounts are nano US dollars, times Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// Whose.
    pub key: AccountKey,
    /// For each period.
    pub limit: u64,
    /// In the period, by other processes.
    pub spent_elsewhere: u64,
    /// In the period, by this process, as far as the collector knows. It may know of spending before there was a limit.
    pub spent_here: u64,
    /// Begin of the period.
    pub period_start_ms: u64,
    /// First moment of the next period. From then on nothing counts as spent elsewhere, until the collector says more.
    pub period_end_ms: u64,
}

/// What the period holds that is in force at one moment.
#[derive(Debug, Clone, Copy)]
struct Period {
    start_ms: u64,
    spent_elsewhere: u64,
    spent_here: u64,
}

impl Account {
    fn period_at(&self, now_ms: u64) -> Period {
        if now_ms < self.period_end_ms {
            Period {
                start_ms: self.period_start_ms,
                spent_elsewhere: self.spent_elsewhere,
                spent_here: self.spent_here,
            }
        } else {
            Period {
                start_ms: self.period_end_ms,
                spent_elsewhere: 0,
                spent_here: 0,
            }
        }
    }
}
