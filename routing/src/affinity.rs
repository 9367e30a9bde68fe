//! Session affinity: all turns of a conversation go to one member, without shared state.
//!
//! Weighted rendezvous hashing: each member draws a number from the hash of (conversation, member), and the best draw
//! serves. A member that drops out only moves its own conversations, and gets them back when it returns. The hash is
//! XXH64 over names from the policy, and the arithmetic uses only operations that IEEE 754 defines exactly, so every
//! worker and machine, native or wasm, decides alike.

use crate::hash;
use crate::plan::context::Candidate;

/// Hash of what identifies a conversation; stable across turns, workers, restarts and machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConversationId(pub u64);

/// The conversation identified by `parts`: an explicit id, or gateway key, system prompt and first user message.
pub fn conversation_id(parts: &[&[u8]]) -> ConversationId {
    ConversationId(hash::of_parts(parts))
}

/// The candidate for the conversation, as a position; `None` if the strategy has nothing to distribute.
pub(crate) fn choose(
    conversation: ConversationId,
    candidates: &[Candidate<'_>],
    share: impl Fn(&Candidate<'_>) -> Option<u32>,
) -> Option<usize> {
    let shares: Vec<u32> = candidates.iter().map(share).collect::<Option<_>>()?;
    let weightless = shares.iter().all(|&share| share == 0);
    let mut best: Option<(usize, f64)> = None;
    for (position, (candidate, share)) in candidates.iter().zip(shares).enumerate() {
        let weight = if weightless { 1 } else { share };
        if weight == 0 {
            continue;
        }
        let draw = hash::combine(conversation.0, candidate.deployment.identity);
        let score = exponential(draw) / f64::from(weight);
        if best.is_none_or(|(_, lowest)| score < lowest) {
            best = Some((position, score));
        }
    }
    best.map(|(position, _)| position)
}

/// −ln of `draw` taken as a fraction in (0, 1): exponentially distributed for uniform draws.
///
/// Implemented here because `f64::ln` may differ in its last bit between platforms.
fn exponential(draw: u64) -> f64 {
    // 53 bits and a half: never 0, never 1.
    let fraction = ((draw >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0;
    let bits = fraction.to_bits();
    let exponent = i32::try_from(bits >> 52).unwrap_or(0) - 1_023;
    let mantissa = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | (1_023 << 52));
    // ln m = 2 artanh((m − 1) / (m + 1)); the argument is at most 1/3, so ten terms reach 1e-11.
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let mut power = ratio;
    let mut sum = ratio;
    for odd in [3.0, 5.0, 7.0, 9.0, 11.0, 13.0, 15.0, 17.0, 19.0] {
        power *= square;
        sum += power / odd;
    }
    -(2.0 * sum + f64::from(exponent) * std::f64::consts::LN_2)
}
