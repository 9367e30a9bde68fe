//! The encoding of a [`HealthTable`] in shared data.
//!
//! Header: `KTHL`, version, record length, number of records (u16). Then one fixed-length record per target; numbers
//! are little-endian. Invalid bytes decode to an empty table, invalid records are skipped: health then starts afresh,
//! which is safe.

use policy::order::by_rank;

use super::TargetKey;
use super::circuit_breaker::{CircuitBreaker, CircuitState, Phase};
use super::signal::Reason;
use super::table::{HealthTable, MAX_TARGETS};

const MAGIC: &[u8] = b"KTHL";
/// Incremented when the record or its clock changes, so that two versions of the module side by side ignore each other.
const VERSION: u8 = 2;
const RECORD: usize = 72;
const HEADER: usize = 8;

impl HealthTable {
    /// Decodes shared data.
    pub fn decode(bytes: &[u8]) -> Self {
        let Some(records) = records(bytes) else {
            return Self::default();
        };
        let mut breakers: Vec<(TargetKey, CircuitBreaker)> = records
            .chunks_exact(RECORD)
            .take(MAX_TARGETS)
            .filter_map(|record| read(&mut Reader(record)))
            .collect();
        breakers = by_rank(breakers, |(key, _)| key.0);
        breakers.dedup_by_key(|(key, _)| *key);
        Self { breakers }
    }

    /// Encodes for shared data.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + self.breakers.len() * RECORD);
        bytes.extend_from_slice(MAGIC);
        bytes.push(VERSION);
        bytes.push(RECORD as u8);
        let count = u16::try_from(self.breakers.len()).unwrap_or(u16::MAX);
        bytes.extend_from_slice(&count.to_le_bytes());
        for (key, breaker) in &self.breakers {
            write(&mut bytes, *key, breaker);
        }
        bytes
    }
}

fn records(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (&version, rest) = rest.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (count, rest) = rest.split_first_chunk::<2>()?;
    if version != VERSION || usize::from(length) != RECORD {
        return None;
    }
    let expected = usize::from(u16::from_le_bytes(*count)).saturating_mul(RECORD);
    Some(rest.get(..expected).unwrap_or(rest))
}

fn write(bytes: &mut Vec<u8>, key: TargetKey, breaker: &CircuitBreaker) {
    let start = bytes.len();
    bytes.extend_from_slice(&key.0.to_le_bytes());
    bytes.push(breaker.circuit as u8);
    bytes.push(breaker.announced as u8);
    bytes.push(breaker.reason as u8);
    bytes.push(u8::from(breaker.credential_missing));
    for number in [
        breaker.status,
        breaker.failures,
        breaker.traffic_failures,
        breaker.successes,
        breaker.half_open_requests,
        breaker.unspecified_waits,
    ] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(&breaker.latency_ms.to_le_bytes());
    for time in [
        breaker.since_ms,
        breaker.backoff_until_ms,
        breaker.recovered_ms,
        breaker.last_check_ms,
        breaker.last_half_open_ms,
    ] {
        bytes.extend_from_slice(&time.to_le_bytes());
    }
    bytes.resize(start + RECORD, 0);
}

fn read(record: &mut Reader<'_>) -> Option<(TargetKey, CircuitBreaker)> {
    let key = TargetKey(record.u64()?);
    let breaker = CircuitBreaker {
        circuit: CircuitState::numbered(record.u8()?)?,
        announced: Phase::numbered(record.u8()?)?,
        reason: Reason::numbered(record.u8()?)?,
        credential_missing: record.u8()? != 0,
        status: record.u16()?,
        failures: record.u16()?,
        traffic_failures: record.u16()?,
        successes: record.u16()?,
        half_open_requests: record.u16()?,
        unspecified_waits: record.u16()?,
        latency_ms: u32::from_le_bytes(record.take()?),
        since_ms: record.u64()?,
        backoff_until_ms: record.u64()?,
        recovered_ms: record.u64()?,
        last_check_ms: record.u64()?,
        last_half_open_ms: record.u64()?,
    };
    Some((key, breaker))
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take::<1>().map(u8::from_le_bytes)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}
