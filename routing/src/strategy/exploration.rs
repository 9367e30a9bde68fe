//! Explores members without measurements by a few counted requests, so that other traffic does not follow, and members
//! whose measurements have aged by one request in twenty.

use crate::latency::Measured;
use crate::plan::context::{Candidate, Context, Eligibility};

/// Shortest time after which samples in flight count as lost, because their client disconnected or the provider asked
/// to wait.
const MIN_EXPLORATION_MS: u64 = 10_000;
/// Of so many requests, one at most explores a member that was measured before.
const EXPLORE_ONE_IN: u32 = 20;
/// Samples that make a member known, where a policy asks for more of them in each window.
const KNOWN_SAMPLES: u32 = 16;

/// One worker's exploration of one deployment: samples started and not yet in the snapshot.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Exploration {
    since_ms: u64,
    under_way: u32,
    /// Last time that a request explored it.
    explored_ms: u64,
}

/// What is known of each candidate.
pub(super) struct Measurements {
    /// In the group's window.
    recent: Vec<Measured>,
    /// The last estimates, however old.
    last: Vec<Measured>,
    enough: u32,
}

impl Measurements {
    pub(super) fn of(
        candidates: &[Candidate<'_>],
        settings: &policy::LatencySettings,
        context: &Context<'_>,
    ) -> Self {
        let latency = context.view.latency;
        let keys = || candidates.iter().map(|one| one.deployment.key());
        Self {
            recent: keys()
                .map(|key| latency.measured(key, settings.window_ms))
                .collect(),
            last: keys()
                .map(|key| latency.last_measured(key, settings.min_sample_count))
                .collect(),
            enough: settings.min_sample_count,
        }
    }

    /// What each candidate is taken for: as it was measured recently, where that is enough samples, else the last estimate.
    pub(super) fn believed(&self) -> Vec<Measured> {
        let pairs = self.recent.iter().zip(&self.last);
        pairs
            .map(|(recent, last)| {
                let has_enough = recent.samples() >= self.enough;
                if has_enough { *recent } else { *last }
            })
            .collect()
    }

    /// The member to explore with this request. First those that were never measured or have just recovered: the one with
    /// the fewest samples, the first of equals, until all have enough or have enough in flight. Then, with one request in
    /// [`EXPLORE_ONE_IN`], the member whose window has forgotten it and that was explored longest ago.
    pub(super) fn explore(
        &self,
        candidates: &[Candidate<'_>],
        context: &mut Context<'_>,
    ) -> Option<usize> {
        let now_ms = context.now_ms;
        let group = context.group;
        let requests = context.worker.since_exploration(group);
        *requests = requests.saturating_add(1);
        let is_due = *requests >= EXPLORE_ONE_IN;
        let mut fewest: Option<(usize, u32)> = None;
        let mut longest_ago: Option<(usize, u64)> = None;
        let known = self.recent.iter().zip(&self.last);
        for (position, (candidate, (recent, last))) in candidates.iter().zip(known).enumerate() {
            if recent.samples() >= self.enough {
                continue;
            }
            let exploration = context.worker.exploration(candidate.deployment.key());
            let period_ms = candidate.deployment.timeout_ms.max(MIN_EXPLORATION_MS);
            if now_ms.abs_diff(exploration.since_ms) >= period_ms {
                exploration.since_ms = 0;
                exploration.under_way = 0;
            }
            let has_recovered = matches!(candidate.eligibility, Eligibility::Recovering { .. });
            let (samples, wanted) = if has_recovered {
                (recent.samples(), self.enough)
            } else {
                (last.samples(), self.enough.min(KNOWN_SAMPLES))
            };
            let expected = samples.saturating_add(exploration.under_way);
            if samples < wanted {
                if expected < wanted && fewest.is_none_or(|(_, least)| expected < least) {
                    fewest = Some((position, expected));
                }
            } else if is_due
                && recent.samples().saturating_add(exploration.under_way) < self.enough
                && longest_ago.is_none_or(|(_, longest)| exploration.explored_ms < longest)
            {
                longest_ago = Some((position, exploration.explored_ms));
            }
        }
        let position = match (fewest, longest_ago) {
            (Some((position, _)), _) => position,
            (None, Some((position, _))) => {
                *context.worker.since_exploration(group) = 0;
                position
            }
            (None, None) => return None,
        };
        let deployment = candidates.get(position)?.deployment.key();
        context.worker.exploration(deployment).start(now_ms);
        Some(position)
    }
}

impl Exploration {
    /// The snapshot now includes `samples` more of this worker.
    pub(crate) fn arrived(&mut self, samples: u32) {
        self.under_way = self.under_way.saturating_sub(samples);
    }

    fn start(&mut self, now_ms: u64) {
        if self.under_way == 0 {
            self.since_ms = now_ms;
        }
        self.under_way = self.under_way.saturating_add(1);
        self.explored_ms = now_ms;
    }
}
