//! Slow start: a recovered target gets a growing share of traffic, so that it is not overloaded again.

use crate::affinity::ConversationId;
use crate::hash;
use crate::health::SLOW_START_MS;
use crate::plan::context::{Candidate, Context, Eligibility};

/// The initial share, in thousandths.
const INITIAL_SHARE_THOUSANDTHS: u64 = 100;
/// The share is counted per slice of this length, in milliseconds.
const SLICE_MS: u64 = 1_000;
/// Requests per slice that are admitted regardless of the share, so that light traffic returns at once.
const FREE_REQUESTS: u64 = 3;

/// One worker's counters for one recovering target.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SlowStart {
    since_ms: u64,
    slice: u64,
    wanted: u64,
    admitted: u64,
}

/// Whether `candidate` may be the primary now. Conversations return one by one, each permanently.
pub(super) fn admits(
    candidate: Option<&Candidate<'_>>,
    conversation: Option<ConversationId>,
    context: &mut Context<'_>,
) -> bool {
    let Some(candidate) = candidate else {
        return true;
    };
    let Eligibility::Recovering { since_ms } = candidate.eligibility else {
        return true;
    };
    let elapsed = context.now_ms.saturating_sub(since_ms);
    let share = (elapsed.saturating_mul(1_000) / SLOW_START_MS).max(INITIAL_SHARE_THOUSANDTHS);
    match conversation {
        Some(conversation) => {
            let turn = hash::combine(candidate.deployment.identity, conversation.0) % 1_000;
            turn < share
        }
        None => context
            .worker
            .slow_start(candidate.deployment.target)
            .admits(since_ms, elapsed / SLICE_MS, share),
    }
}

impl SlowStart {
    fn admits(&mut self, since_ms: u64, slice: u64, share: u64) -> bool {
        if (self.since_ms, self.slice) != (since_ms, slice) {
            *self = Self {
                since_ms,
                slice,
                ..Self::default()
            };
        }
        self.wanted = self.wanted.saturating_add(1);
        let allowed = FREE_REQUESTS.saturating_add(self.wanted.saturating_mul(share) / 1_000);
        let admits = self.admitted < allowed;
        self.admitted = self.admitted.saturating_add(u64::from(admits));
        admits
    }
}
