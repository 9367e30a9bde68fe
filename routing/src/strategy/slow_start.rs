//! A target that has just recovered gets a growing share of traffic, so that the crowd does not knock it over again.

use crate::affinity::ConversationId;
use crate::hash;
use crate::health::RAMP_MS;
use crate::plan::context::{Contender, Context, Standing};

/// The share at the very beginning, in thousandths.
const FIRST_SHARE: u64 = 100;
/// The share is counted anew in each slice of this many milliseconds.
const SLICE_MS: u64 = 1_000;
/// Requests per slice that are let in whatever the share, so that light traffic returns at once.
const FREE_REQUESTS: u64 = 3;

/// One worker's count for one recovering target.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SlowStart {
    since_ms: u64,
    slice: u64,
    wanted: u64,
    admitted: u64,
}

/// Whether `contender` may be the head now. Conversations come back one by one, each for good.
pub(super) fn admits(
    contender: Option<&Contender<'_>>,
    conversation: Option<ConversationId>,
    context: &mut Context<'_>,
) -> bool {
    let Some(contender) = contender else {
        return true;
    };
    let Standing::Recovering { since_ms } = contender.standing else {
        return true;
    };
    let elapsed = context.now_ms.saturating_sub(since_ms);
    let share = (elapsed.saturating_mul(1_000) / RAMP_MS).max(FIRST_SHARE);
    match conversation {
        Some(conversation) => {
            let turn = hash::combine(contender.candidate.identity, conversation.0) % 1_000;
            turn < share
        }
        None => context
            .worker
            .slow_start(contender.candidate.target)
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
