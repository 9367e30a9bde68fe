//! The encoding of merged windows in shared data.
//!
//! `KTLW`, version, then LEB128 numbers: deployments; for each its key and buckets; for each bucket its sums and its
//! histogram's slots as (distance from the previous slot, count). Decoding stops at the first invalid byte;
//! measurements then start afresh.

use std::collections::BTreeMap;

use super::bucket::{Bucket, MAX_BUCKETS, Series};
use super::histogram::{Histogram, SLOTS};
use super::{DeploymentKey, MAX_DEPLOYMENTS};

const MAGIC: &[u8] = b"KTLW";
/// Incremented when the layout changes, so that two versions of the module side by side ignore each other.
const VERSION: u8 = 2;

pub(super) fn encode(deployments: &BTreeMap<DeploymentKey, Series>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(deployments.len().saturating_mul(256));
    bytes.extend_from_slice(MAGIC);
    bytes.push(VERSION);
    write(&mut bytes, deployments.len() as u64);
    for (deployment, series) in deployments {
        bytes.extend_from_slice(&deployment.0.to_le_bytes());
        write(&mut bytes, series.0.len() as u64);
        for bucket in &series.0 {
            write_bucket(&mut bytes, bucket);
        }
    }
    bytes
}

pub(super) fn decode(bytes: &[u8]) -> BTreeMap<DeploymentKey, Series> {
    let mut deployments = BTreeMap::new();
    let Some(bytes) = bytes.strip_prefix(MAGIC) else {
        return deployments;
    };
    let Some((&VERSION, bytes)) = bytes.split_first() else {
        return deployments;
    };
    let mut reader = Reader(bytes);
    let count = reader.number().unwrap_or(0).min(MAX_DEPLOYMENTS as u64);
    for _ in 0..count {
        let Some((deployment, series)) = read_deployment(&mut reader) else {
            break;
        };
        deployments.insert(deployment, series);
    }
    deployments
}

fn write_bucket(bytes: &mut Vec<u8>, bucket: &Bucket) {
    for number in [
        bucket.number,
        u64::from(bucket.successes),
        bucket.latency_sum,
        u64::from(bucket.failures),
        bucket.waited_sum,
        bucket.tokens,
        bucket.token_ms,
    ] {
        write(bytes, number);
    }
    bytes.extend_from_slice(&bucket.square_sum.to_le_bytes());
    let slots = bucket.histogram.slots();
    write(bytes, slots.len() as u64);
    let mut last = 0;
    for (slot, count) in slots {
        write(bytes, u64::from(slot.saturating_sub(last)));
        write(bytes, u64::from(*count));
        last = *slot;
    }
}

fn read_deployment(reader: &mut Reader<'_>) -> Option<(DeploymentKey, Series)> {
    let deployment = DeploymentKey(u64::from_le_bytes(reader.take()?));
    let count = reader.number()?;
    if count > MAX_BUCKETS {
        return None;
    }
    let mut series = Series::default();
    for _ in 0..count {
        let bucket = read_bucket(reader)?;
        if let Some(known) = series.bucket(bucket.number) {
            *known = bucket;
        }
    }
    Some((deployment, series))
}

fn read_bucket(reader: &mut Reader<'_>) -> Option<Bucket> {
    let mut bucket = Bucket {
        number: reader.number()?,
        successes: u32::try_from(reader.number()?).ok()?,
        latency_sum: reader.number()?,
        failures: u32::try_from(reader.number()?).ok()?,
        waited_sum: reader.number()?,
        tokens: reader.number()?,
        token_ms: reader.number()?,
        square_sum: f64::from_le_bytes(reader.take()?),
        histogram: Histogram::default(),
    };
    if !bucket.square_sum.is_finite() || bucket.square_sum < 0.0 {
        return None;
    }
    let slots = reader.number()?;
    if slots > u64::from(SLOTS) {
        return None;
    }
    let mut slot = 0_u16;
    for _ in 0..slots {
        slot = slot.checked_add(u16::try_from(reader.number()?).ok()?)?;
        let count = u32::try_from(reader.number()?).ok()?;
        bucket.histogram.add(slot, count);
    }
    Some(bucket)
}

/// LEB128: seven bits per byte, lowest first.
fn write(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.take()?;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}
