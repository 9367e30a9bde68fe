//! The encoding of a [`Ledger`] in shared data.
//!
//! Header: `KTBL`, version. Then for each account and period its key, the start of the period, the spent and the
//! reserved amount, as little-endian u64. Invalid bytes decode to an empty ledger, which [`Account::spent_here`]
//! corrects once the collector has reported.
//!
//! [`Account::spent_here`]: super::Account::spent_here

use policy::order::by_rank;

use super::AccountKey;
use super::ledger::{Ledger, Line, LineKey, MAX_LINES};

const MAGIC: &[u8] = b"KTBL";
/// Incremented when the meaning of a record changes, so that two versions of the module side by side ignore each other.
const VERSION: u8 = 2;
const RECORD: usize = 32;

impl Ledger {
    /// Decodes shared data.
    pub fn decode(bytes: &[u8]) -> Self {
        let records = bytes
            .strip_prefix(MAGIC)
            .and_then(|rest| rest.strip_prefix(&[VERSION]));
        let mut lines: Vec<(LineKey, Line)> = records
            .unwrap_or_default()
            .chunks_exact(RECORD)
            .take(MAX_LINES)
            .filter_map(read)
            .collect();
        lines = by_rank(lines, |(key, _)| key.period_start_ms);
        lines = by_rank(lines, |(key, _)| key.account.0);
        lines.dedup_by_key(|(key, _)| *key);
        Self { lines }
    }

    /// Encodes for shared data.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MAGIC.len() + 1 + self.lines.len() * RECORD);
        bytes.extend_from_slice(MAGIC);
        bytes.push(VERSION);
        for (key, line) in &self.lines {
            for number in [
                key.account.0,
                key.period_start_ms,
                line.spent,
                line.reserved,
            ] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
        }
        bytes
    }
}

fn read(record: &[u8]) -> Option<(LineKey, Line)> {
    let mut numbers = record.chunks_exact(8).map(|bytes| {
        let bytes = bytes.try_into().ok()?;
        Some(u64::from_le_bytes(bytes))
    });
    let mut next = || numbers.next().flatten();
    Some((
        LineKey {
            account: AccountKey(next()?),
            period_start_ms: next()?,
        },
        Line {
            spent: next()?,
            reserved: next()?,
        },
    ))
}
