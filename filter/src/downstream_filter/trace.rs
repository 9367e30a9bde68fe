//! The span of a request: it continues its client's trace, or begins one.

use events::{SpanId, TraceContext, TraceId};

use crate::config::GatewayConfig;
use crate::headers::TRACEPARENT;
use crate::host::HeaderList;
use crate::worker::Worker;

/// Bits that samplers compare: as many as a floating point number holds exactly.
const SAMPLER_BITS: u32 = 53;

/// A client that sent `traceparent` has decided whether its trace is recorded; of others the policy's share is.
pub(super) fn begin(vm: &Worker, config: &GatewayConfig, headers: &HeaderList) -> TraceContext {
    let mut random = vm.random.borrow_mut();
    let span_id = SpanId::new(random.next_u64());
    let parent = headers.text(TRACEPARENT);
    if let Some(context) = parent.and_then(|parent| TraceContext::below(parent, span_id)) {
        return context;
    }
    let high = u128::from(random.next_u64()) << 64;
    let trace_id = TraceId::new(high | u128::from(random.next_u64()));
    TraceContext {
        trace_id,
        span_id,
        parent_span_id: None,
        sampled: is_sampled(trace_id, config.policy.telemetry.sampling),
    }
}

/// The same for every gateway that sees the same trace.
fn is_sampled(trace_id: TraceId, share: f64) -> bool {
    let bits = trace_id.random_bits() >> (64 - SAMPLER_BITS);
    // Both are exact: 53 bits.
    #[allow(clippy::cast_precision_loss)]
    let (bits, all) = (bits as f64, (1_u64 << SAMPLER_BITS) as f64);
    bits < share * all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_kept_and_its_ends_are_exact() {
        let ids = (0..10_000_u128)
            .map(|n| TraceId::new(n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)));
        let count = |share| ids.clone().filter(|id| is_sampled(*id, share)).count();
        assert_eq!(count(0.0), 0);
        assert_eq!(count(1.0), 10_000);
        assert!((2_300..2_700).contains(&count(0.25)), "{}", count(0.25));
    }
}
