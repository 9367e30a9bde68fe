//! Spent and reserved amounts by account.

use std::ops::Range;

use super::{Account, AccountKey};

/// Most lines kept; claims on further accounts are refused.
pub(super) const MAX_LINES: usize = 32_768;
/// Periods kept per account.
const PERIODS: usize = 2;

/// All accounts that were ever claimed on. Shared data holds the [`Ledger::encode`]d bytes; writers use
/// compare-and-swap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Sorted by key and period.
    pub(super) lines: Vec<(LineKey, Line)>,
}

/// An account in one of its periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LineKey {
    pub(super) account: AccountKey,
    pub(super) period_start_ms: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) spent: u64,
    pub(super) reserved: u64,
}

/// A request to spend.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The account.
    pub account: &'a Account,
    /// Nano US dollars; 0 if the price is unknown.
    pub estimate: u64,
}

/// A granted claim, to be settled with [`Ledger::settle`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reservation {
    key: LineKey,
    amount: u64,
}

/// The state of an account, in nano US dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// By all processes.
    pub spent: u64,
    /// For requests in flight in this process.
    pub reserved: u64,
    /// The limit.
    pub limit: u64,
}

// === impl Ledger ===

impl Ledger {
    /// Reserves all of `claims`, in order, or none.
    ///
    /// # Errors
    /// The accounts without enough budget.
    pub fn reserve(&mut self, claims: &[Claim<'_>]) -> Result<Vec<Reservation>, Vec<AccountKey>> {
        let mut refused: Vec<AccountKey> = Vec::new();
        for claim in claims {
            let key = claim.account.key;
            let wanted = claims
                .iter()
                .filter(|other| other.account.key == key)
                .fold(0_u64, |sum, other| sum.saturating_add(other.estimate));
            if !refused.contains(&key) && !self.has_room(claim.account, wanted) {
                refused.push(key);
            }
        }
        if !refused.is_empty() {
            return Err(refused);
        }
        let mut granted = Vec::with_capacity(claims.len());
        for claim in claims {
            let mut line = self.line(claim.account);
            line.reserved = line.reserved.saturating_add(claim.estimate);
            let key = LineKey::of(claim.account);
            self.store(key, line);
            granted.push(Reservation {
                key,
                amount: claim.estimate,
            });
        }
        Ok(granted)
    }

    /// Replaces a reservation by the billed amount; 0 releases it. Counts in the period in which it was granted.
    pub fn settle(&mut self, reservation: &Reservation, billed: u64) {
        let Ok(position) = self.position(reservation.key) else {
            return;
        };
        if let Some((_, line)) = self.lines.get_mut(position) {
            line.reserved = line.reserved.saturating_sub(reservation.amount);
            line.spent = line.spent.saturating_add(billed);
        }
    }

    /// The state of `account`.
    pub fn usage(&self, account: &Account) -> Usage {
        let line = self.line(account);
        Usage {
            spent: account.spent_elsewhere.saturating_add(line.spent),
            reserved: line.reserved,
            limit: account.limit,
        }
    }

    /// Removes every account that `keep` rejects. Returns `true` if any was removed.
    pub fn retain(&mut self, keep: impl Fn(AccountKey) -> bool) -> bool {
        let before = self.lines.len();
        self.lines.retain(|(key, _)| keep(key.account));
        self.lines.len() != before
    }

    fn has_room(&self, account: &Account, wanted: u64) -> bool {
        let is_known = !self.periods_of(account.key).is_empty();
        let is_full = !is_known && self.lines.len() >= MAX_LINES;
        let usage = self.usage(account);
        let used = usage.spent.saturating_add(usage.reserved);
        !is_full && !usage.is_spent() && used.saturating_add(wanted) <= usage.limit
    }

    /// The account's line in the current period; an empty one in a new period.
    fn line(&self, account: &Account) -> Line {
        let known = self
            .position(LineKey::of(account))
            .ok()
            .and_then(|position| self.lines.get(position))
            .map(|(_, line)| *line)
            .unwrap_or_default();
        Line {
            spent: known.spent.max(account.spent_here),
            ..known
        }
    }

    fn position(&self, key: LineKey) -> Result<usize, usize> {
        self.lines.binary_search_by_key(&key, |(key, _)| *key)
    }

    /// The positions of the account's lines.
    fn periods_of(&self, account: AccountKey) -> Range<usize> {
        let start = self.lines.partition_point(|(key, _)| key.account < account);
        let end = self
            .lines
            .partition_point(|(key, _)| key.account <= account);
        start..end
    }

    fn store(&mut self, key: LineKey, line: Line) {
        let position = match self.position(key) {
            Ok(position) => {
                if let Some(slot) = self.lines.get_mut(position) {
                    slot.1 = line;
                }
                return;
            }
            Err(position) => position,
        };
        self.lines.insert(position, (key, line));
        let periods = self.periods_of(key.account);
        if periods.len() > PERIODS {
            let distance = |position: &usize| {
                let other = self
                    .lines
                    .get(*position)
                    .map_or(0, |(other, _)| other.period_start_ms);
                other.abs_diff(key.period_start_ms)
            };
            // Of two at equal distance, the earlier: a clock will reach the later one.
            if let Some(farthest) = periods.rev().max_by_key(distance) {
                self.lines.remove(farthest);
            }
        }
    }
}

// === impl LineKey ===

impl LineKey {
    fn of(account: &Account) -> Self {
        Self {
            account: account.key,
            period_start_ms: account.period_start_ms,
        }
    }
}

// === impl Usage ===

impl Usage {
    /// Nothing may be spent any more, whatever the estimate.
    pub fn is_spent(&self) -> bool {
        self.spent >= self.limit
    }
}
