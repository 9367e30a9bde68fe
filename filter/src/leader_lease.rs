//! One of many: the worker that probes targets for all of them.
//!
//! Every worker of Envoy runs a health checker, and one of them holds a lease in shared data. It renews the lease on its
//! tick; where it no longer can, because its VM has trapped or its thread hangs, the next one to look takes the lease over.

use crate::host::{Host, Shared};
use crate::shared::key;

/// Milliseconds that a lease lasts without being renewed.
const LEASE_MS: u64 = 1_500;
/// Milliseconds that are left when it is renewed.
const RENEW_MS: u64 = 1_000;
const NS_PER_MS: u64 = 1_000_000;

/// One candidate for the lease.
#[derive(Debug)]
pub(crate) struct LeaderLease {
    candidate: u64,
    /// Monotonic nanoseconds; `None` while another candidate leads.
    held_until_ns: Option<u64>,
}

impl LeaderLease {
    pub(crate) fn new(host: &impl Host) -> Self {
        Self {
            candidate: host.random(),
            held_until_ns: None,
        }
    }

    /// Takes or renews the lease if nobody else holds it.
    pub(crate) fn acquire(&mut self, host: &impl Host) -> bool {
        let now_ns = host.now().monotonic_ns;
        if let Some(until_ns) = self.held_until_ns
            && until_ns.saturating_sub(now_ns) > RENEW_MS.saturating_mul(NS_PER_MS)
        {
            return true;
        }
        let until_ns = now_ns.saturating_add(LEASE_MS.saturating_mul(NS_PER_MS));
        self.held_until_ns = self.write(host, now_ns, until_ns).then_some(until_ns);
        self.held_until_ns.is_some()
    }

    /// Lets the next candidate lead at once.
    pub(crate) fn release(&mut self, host: &impl Host) {
        if self.held_until_ns.take().is_some() {
            self.write(host, host.now().monotonic_ns, 0);
        }
    }

    fn write(&self, host: &impl Host, now_ns: u64, until_ns: u64) -> bool {
        let Ok(Shared { value, cas }) = host.shared(key::HEALTH_CHECKER) else {
            return host
                .set_shared(key::HEALTH_CHECKER, &self.encode(until_ns), None)
                .is_ok();
        };
        let (leader, led_until_ns) = decode(&value).unwrap_or_default();
        let is_free = leader == self.candidate || led_until_ns <= now_ns;
        is_free
            && host
                .set_shared(key::HEALTH_CHECKER, &self.encode(until_ns), Some(cas))
                .is_ok()
    }

    fn encode(&self, until_ns: u64) -> Vec<u8> {
        [self.candidate, until_ns]
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect()
    }
}

/// Whether no health checker leads, and none has for a moment.
pub(crate) fn is_vacant(host: &impl Host) -> bool {
    let Ok(Shared { value, .. }) = host.shared(key::HEALTH_CHECKER) else {
        return true;
    };
    decode(&value).is_none_or(|(_, until_ns)| until_ns <= host.now().monotonic_ns)
}

/// Who leads, and until when in monotonic nanoseconds.
fn decode(value: &[u8]) -> Option<(u64, u64)> {
    let (leader, until_ns) = value.split_first_chunk::<8>()?;
    let until_ns = until_ns.try_into().ok()?;
    Some((u64::from_le_bytes(*leader), u64::from_le_bytes(until_ns)))
}
