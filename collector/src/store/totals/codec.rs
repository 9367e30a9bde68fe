//! [`Totals`] in few bytes, as rollups keep them: whole numbers of variable length (LEB128), distributions by their
//! buckets that are not empty. What is said of answers is not in it: it comes after them.

use super::Totals;
use crate::histogram::Histogram;

/// Before the first byte's meaning changes, this does.
const VERSION: u8 = 1;

impl Totals {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        for number in [
            self.requests,
            self.errors,
            self.blocked,
            self.successes,
            self.rate_limited,
            self.client_errors,
            self.server_errors,
            // Nothing, or one more than the number.
            self.failed_attempts
                .map_or(0, |failed| failed.saturating_add(1)),
            self.failovers,
            self.prompt_tokens,
            self.completion_tokens,
            self.cached_tokens,
            self.total_tokens,
            self.priced,
            self.priced_successes,
            self.priced_tokens,
            self.unpriced,
            self.cost_nanos,
        ] {
            put(&mut out, number);
        }
        for number in [self.cost_nanos_squared, self.latency_ms_squared] {
            out.extend(number.to_le_bytes());
        }
        for histogram in [&self.latency, &self.ttft] {
            put(&mut out, histogram.sum());
            let buckets: Vec<(u32, u32)> = histogram.buckets().collect();
            put(&mut out, buckets.len() as u64);
            let mut last = 0;
            for (bucket, count) in buckets {
                put(&mut out, u64::from(bucket - last));
                put(&mut out, u64::from(count));
                last = bucket;
            }
        }
        out
    }

    /// Adds what [`Totals::encode`] wrote; distributions only with `distributions`. `None`: it is something else.
    pub(crate) fn merge_encoded(&mut self, bytes: &[u8], distributions: bool) -> Option<()> {
        let mut rest = bytes;
        if rest.split_off_first()? != &VERSION {
            return None;
        }
        let mut next = || take(&mut rest);
        let sums = Self {
            requests: next()?,
            errors: next()?,
            blocked: next()?,
            successes: next()?,
            rate_limited: next()?,
            client_errors: next()?,
            server_errors: next()?,
            failed_attempts: next()?.checked_sub(1),
            failovers: next()?,
            prompt_tokens: next()?,
            completion_tokens: next()?,
            cached_tokens: next()?,
            total_tokens: next()?,
            priced: next()?,
            priced_successes: next()?,
            priced_tokens: next()?,
            unpriced: next()?,
            cost_nanos: next()?,
            ..Self::default()
        };
        self.merge(&sums);
        let mut float = || Some(f64::from_le_bytes(*rest.split_off(..8)?.first_chunk()?));
        self.cost_nanos_squared += float()?;
        self.latency_ms_squared += float()?;
        if distributions {
            merge_histogram(&mut self.latency, &mut rest)?;
            merge_histogram(&mut self.ttft, &mut rest)?;
        }
        Some(())
    }
}

fn merge_histogram(histogram: &mut Histogram, rest: &mut &[u8]) -> Option<()> {
    let sum = take(rest)?;
    let mut bucket = 0_u32;
    for _ in 0..take(rest)? {
        bucket = bucket.checked_add(u32::try_from(take(rest)?).ok()?)?;
        histogram.add_many(bucket, take(rest)?);
    }
    histogram.add_sum(sum);
    Some(())
}

fn put(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = *rest.split_off_first()?;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            numbers in prop::collection::vec(any::<u32>(), 17),
            cost in any::<u64>(),
            failed in any::<Option<u32>>(),
            values in prop::collection::vec(any::<u64>(), 0..50),
        ) {
            let mut numbers = numbers.into_iter().map(u64::from);
            let mut next = || numbers.next().unwrap();
            let mut totals = Totals {
                requests: next(), errors: next(), blocked: next(), successes: next(), rate_limited: next(),
                client_errors: next(), server_errors: next(), failed_attempts: failed.map(u64::from), failovers: next(),
                prompt_tokens: next(), completion_tokens: next(), cached_tokens: next(), total_tokens: next(),
                priced: next(), priced_successes: next(), priced_tokens: next(), unpriced: next(), cost_nanos: cost,
                cost_nanos_squared: 0.5, ..Totals::default()
            };
            for value in values {
                totals.add_latency(value);
                totals.ttft.record(value / 3);
            }
            let bytes = totals.encode();
            let mut read = Totals::default();
            prop_assert_eq!(read.merge_encoded(&bytes, true), Some(()));
            prop_assert_eq!(&read, &totals);
            // What is cut off is no totals.
            prop_assert_eq!(Totals::default().merge_encoded(&bytes[..bytes.len() - 1], true), None);
        }
    }
}
