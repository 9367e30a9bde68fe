//! What was spent and what is reserved, by account.

use super::{Account, AccountKey};

/// Most accounts that are kept; further ones are refused.
pub(super) const MAX_ACCOUNTS: usize = 16_384;

/// The accounts that were ever claimed on. Shared data holds [`Ledger::encode`]d bytes; writers use compare-and-swap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Sorted by key.
    pub(super) lines: Vec<(AccountKey, Line)>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) period_start_ms: u64,
    pub(super) spent: u64,
    pub(super) reserved: u64,
}

/// A wish to spend.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// From which account.
    pub account: &'a Account,
    /// Nano US dollars; 0 where no price is known.
    pub estimate: u64,
}

/// A granted claim: give it back with [`Ledger::settle`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reservation {
    /// The account.
    pub key: AccountKey,
    period_start_ms: u64,
    amount: u64,
}

/// How an account stands, in nano US dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// By everybody.
    pub spent: u64,
    /// For requests in flight here.
    pub reserved: u64,
    /// The limit.
    pub limit: u64,
}

// === impl Ledger ===

impl Ledger {
    /// Reserves all of `claims`, in their order, or nothing.
    ///
    /// # Errors
    /// The accounts that have not enough left.
    pub fn reserve(
        &mut self,
        claims: &[Claim<'_>],
        now_ms: u64,
    ) -> Result<Vec<Reservation>, Vec<AccountKey>> {
        let mut refused: Vec<AccountKey> = Vec::new();
        for claim in claims {
            let key = claim.account.key;
            let wanted = claims
                .iter()
                .filter(|other| other.account.key == key)
                .fold(0_u64, |sum, other| sum.saturating_add(other.estimate));
            if !refused.contains(&key) && !self.has_room(claim.account, wanted, now_ms) {
                refused.push(key);
            }
        }
        if !refused.is_empty() {
            return Err(refused);
        }
        let mut granted = Vec::with_capacity(claims.len());
        for claim in claims {
            let mut line = self.line(claim.account, now_ms);
            line.reserved = line.reserved.saturating_add(claim.estimate);
            self.store(claim.account.key, line);
            granted.push(Reservation {
                key: claim.account.key,
                period_start_ms: line.period_start_ms,
                amount: claim.estimate,
            });
        }
        Ok(granted)
    }

    /// Turns a reservation into what was billed; 0 releases it. What began in a period that is over counts there, and
    /// changes nothing here.
    pub fn settle(&mut self, reservation: &Reservation, billed: u64) {
        let Ok(position) = self.position(reservation.key) else {
            return;
        };
        if let Some((_, line)) = self.lines.get_mut(position)
            && line.period_start_ms == reservation.period_start_ms
        {
            line.reserved = line.reserved.saturating_sub(reservation.amount);
            line.spent = line.spent.saturating_add(billed);
        }
    }

    /// How `account` stands.
    pub fn usage(&self, account: &Account, now_ms: u64) -> Usage {
        let line = self.line(account, now_ms);
        Usage {
            spent: account
                .period_at(now_ms)
                .spent_elsewhere
                .saturating_add(line.spent),
            reserved: line.reserved,
            limit: account.limit,
        }
    }

    /// Forgets every account that `keep` does not name. `true` when something went.
    pub fn retain(&mut self, keep: impl Fn(AccountKey) -> bool) -> bool {
        let before = self.lines.len();
        self.lines.retain(|(key, _)| keep(*key));
        self.lines.len() != before
    }

    fn has_room(&self, account: &Account, wanted: u64, now_ms: u64) -> bool {
        let is_full = self.position(account.key).is_err() && self.lines.len() >= MAX_ACCOUNTS;
        let usage = self.usage(account, now_ms);
        let used = usage.spent.saturating_add(usage.reserved);
        !is_full && !usage.is_spent() && used.saturating_add(wanted) <= usage.limit
    }

    /// The account's line as of now: in a new period, a new one.
    fn line(&self, account: &Account, now_ms: u64) -> Line {
        let period = account.period_at(now_ms);
        let known = self
            .position(account.key)
            .ok()
            .and_then(|position| self.lines.get(position))
            .map(|(_, line)| *line)
            // A later period than the account's was begun by a worker that knows more: it stands.
            .filter(|line| line.period_start_ms >= period.start_ms);
        match known {
            Some(line) if line.period_start_ms == period.start_ms => Line {
                spent: line.spent.max(period.spent_here),
                ..line
            },
            Some(line) => line,
            None => Line {
                period_start_ms: period.start_ms,
                spent: period.spent_here,
                reserved: 0,
            },
        }
    }

    fn position(&self, key: AccountKey) -> Result<usize, usize> {
        self.lines.binary_search_by_key(&key, |(key, _)| *key)
    }

    fn store(&mut self, key: AccountKey, line: Line) {
        match self.position(key) {
            Ok(position) => {
                if let Some(slot) = self.lines.get_mut(position) {
                    slot.1 = line;
                }
            }
            Err(position) => self.lines.insert(position, (key, line)),
        }
    }
}

// === impl Usage ===

impl Usage {
    /// Nothing may be spent any more, whatever it costs.
    pub fn is_spent(&self) -> bool {
        self.spent >= self.limit
    }
}
