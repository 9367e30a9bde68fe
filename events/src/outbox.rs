//! The outbox: events that wait for the collector, in batches, within bounded memory.
//!
//! ```text
//!  push ─▶ open batch ── full, or old enough ─▶ sealed batches ─▶ in flight ── acknowledged ─▶ gone
//!                                                   ▲  │              │
//!                                                   │  └ over bound ─▶ dropped, counted ◀─ refused
//!                                                   └──── failed: after a wait ────┘
//! ```
//!
//! An event is delivered at least once or counted as dropped. None is dropped for its size: an event that is too long
//! is truncated and says so. Time and randomness are arguments.

use std::collections::VecDeque;

use crate::fit::MAX_EVENT_BYTES;
use crate::ndjson::WriteNdjson;

/// Sizes and times of an [`Outbox`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxLimits {
    /// Bytes of waiting events, including those in flight; at least two batches. Older events beyond the limit are
    /// dropped. Memory for two more batches is kept in addition.
    pub memory_bytes: usize,
    /// Bytes per batch; at least a few kilobytes. An event has at most [`MAX_EVENT_BYTES`] and is truncated to that.
    pub batch_bytes: usize,
    /// Milliseconds that an event waits for others to share its batch.
    pub flush_after_ms: u64,
    /// Milliseconds after which a batch without a response counts as failed. Longer than the timeout of a callout, so
    /// that it only matters if the response was lost.
    pub answer_within_ms: u64,
    /// Milliseconds before the first retry of a failed batch; doubled with each further failure.
    pub first_wait_ms: u64,
    /// Longest backoff, in milliseconds.
    pub longest_wait_ms: u64,
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self {
            memory_bytes: 8 * 1024 * 1024,
            batch_bytes: 256 * 1024,
            flush_after_ms: 1_000,
            answer_within_ms: 15_000,
            first_wait_ms: 500,
            longest_wait_ms: 5_000,
        }
    }
}

/// Events on their way to the collector: one batch at a time, oldest first.
#[derive(Debug, Default)]
pub struct Outbox {
    limits: OutboxLimits,
    /// The event being written; reuses its allocation.
    line: Vec<u8>,
    open: Batch,
    /// When the oldest event of the open batch arrived.
    open_since_ms: u64,
    sealed: VecDeque<Batch>,
    in_flight: Option<InFlight>,
    /// Allocation for the next batch.
    spare: Vec<u8>,
    /// Consecutive failures.
    failures: u32,
    not_before_ms: u64,
    dropped: u64,
}

#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    events: u64,
}

#[derive(Debug)]
struct InFlight {
    batch: Batch,
    since_ms: u64,
}

// === impl Batch ===

impl Batch {
    /// Both halves of the events, in order. There are at least two events.
    fn halves(mut self) -> [Self; 2] {
        let first = self.events / 2;
        let ends = self.bytes.iter().enumerate();
        let mut ends = ends.filter(|(_, byte)| **byte == b'\n');
        let last = usize::try_from(first.saturating_sub(1)).unwrap_or(usize::MAX);
        let at = ends.nth(last).map_or(0, |(at, _)| at.saturating_add(1));
        let second = Self {
            bytes: self.bytes.get(at..).unwrap_or_default().to_vec(),
            events: self.events.saturating_sub(first),
        };
        self.bytes.truncate(at);
        self.events = first;
        [self, second]
    }
}

// === impl Outbox ===

impl Outbox {
    /// An empty outbox.
    pub fn new(limits: OutboxLimits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Writes `event` as a line of the open batch. Drops older events if memory is short.
    pub fn push(&mut self, event: &impl WriteNdjson, now_ms: u64) {
        self.line.clear();
        event.write_ndjson(&mut self.line);
        self.line.push(b'\n');
        // Including the line end.
        let most = self
            .limits
            .batch_bytes
            .min(MAX_EVENT_BYTES.saturating_add(1));
        if self.line.len() > most {
            self.cut(event, most);
        }
        if self.line.len() > self.limits.batch_bytes {
            self.line = Vec::new();
            self.count_dropped(1);
            return;
        }
        let length = self.open.bytes.len().saturating_add(self.line.len());
        if length > self.limits.batch_bytes {
            self.seal();
        }
        if self.open.events == 0 {
            self.open_since_ms = now_ms;
            // Once per batch, and usually the allocation of an earlier one.
            self.open.bytes.reserve_exact(self.limits.batch_bytes);
        }
        self.open.bytes.extend_from_slice(&self.line);
        self.open.events = self.open.events.saturating_add(1);
        self.make_room();
    }

    fn cut(&mut self, event: &impl WriteNdjson, most: usize) {
        let line_bytes = self.line.len().saturating_sub(1);
        // Its allocation is not kept: such events are rare.
        self.line = Vec::new();
        event.write_fitted_ndjson(line_bytes, most.saturating_sub(1), &mut self.line);
        self.line.push(b'\n');
    }

    /// The batch to send now, if one is due; marks it in flight. Call again after each response and on each tick.
    pub fn take_due(&mut self, now_ms: u64, random: u64) -> Option<&[u8]> {
        if let Some(in_flight) = &self.in_flight {
            let waited_ms = now_ms.saturating_sub(in_flight.since_ms);
            if waited_ms < self.limits.answer_within_ms {
                return None;
            }
            self.failed(now_ms, random);
        }
        if now_ms < self.not_before_ms {
            return None;
        }
        let is_old = now_ms.saturating_sub(self.open_since_ms) >= self.limits.flush_after_ms;
        if self.sealed.is_empty() && self.open.events > 0 && is_old {
            self.seal();
        }
        let batch = self.sealed.pop_front()?;
        let in_flight = self.in_flight.insert(InFlight {
            batch,
            since_ms: now_ms,
        });
        Some(&in_flight.batch.bytes)
    }

    /// The collector has accepted the batch in flight.
    pub fn acknowledged(&mut self) {
        self.let_go();
    }

    /// The collector will never accept the batch in flight: drops it. Returns the number of events.
    pub fn refused(&mut self) -> u64 {
        let events = self.let_go();
        self.count_dropped(events);
        events
    }

    /// The batch in flight is too large for the collector: its halves are sent separately. Returns the number of events
    /// lost: a single event that is too large.
    pub fn refused_as_too_large(&mut self) -> u64 {
        match self
            .in_flight
            .take_if(|in_flight| in_flight.batch.events > 1)
        {
            Some(InFlight { batch, .. }) => {
                self.failures = 0;
                self.not_before_ms = 0;
                let [first, second] = batch.halves();
                self.sealed.push_front(second);
                self.sealed.push_front(first);
                0
            }
            None => self.refused(),
        }
    }

    /// The batch in flight failed, as far as is known: it is retried after a backoff, which `random` spreads over the
    /// upper half of its length.
    pub fn failed(&mut self, now_ms: u64, random: u64) {
        let Some(in_flight) = self.in_flight.take() else {
            return;
        };
        self.sealed.push_front(in_flight.batch);
        let factor = 1_u64.checked_shl(self.failures).unwrap_or(u64::MAX);
        let wait_ms = self
            .limits
            .first_wait_ms
            .saturating_mul(factor)
            .min(self.limits.longest_wait_ms);
        let half = wait_ms / 2;
        let jitter = random.checked_rem(half.saturating_add(1)).unwrap_or(0);
        self.not_before_ms = now_ms.saturating_add(wait_ms - half).saturating_add(jitter);
        self.failures = self.failures.saturating_add(1).min(63);
        self.make_room();
    }

    /// Events that wait or are in flight.
    pub fn pending(&self) -> u64 {
        let in_flight = self.in_flight.as_ref().map(|in_flight| &in_flight.batch);
        self.sealed
            .iter()
            .chain(in_flight)
            .chain([&self.open])
            .fold(0, |sum, batch| sum.saturating_add(batch.events))
    }

    /// Events dropped so far.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Consecutive failures.
    pub fn failures_in_a_row(&self) -> u32 {
        self.failures
    }

    /// Removes the batch in flight. Returns the number of events.
    fn let_go(&mut self) -> u64 {
        self.failures = 0;
        self.not_before_ms = 0;
        let Some(InFlight { mut batch, .. }) = self.in_flight.take() else {
            return 0;
        };
        batch.bytes.clear();
        self.spare = batch.bytes;
        batch.events
    }

    fn seal(&mut self) {
        if self.open.events > 0 {
            let next = Batch {
                bytes: std::mem::take(&mut self.spare),
                events: 0,
            };
            self.sealed
                .push_back(std::mem::replace(&mut self.open, next));
        }
    }

    /// Drops the oldest sealed batches until the rest fits. The batch in flight stays, because the collector may
    /// already have it.
    fn make_room(&mut self) {
        while self.bytes() > self.limits.memory_bytes {
            let Some(oldest) = self.sealed.pop_front() else {
                return;
            };
            self.count_dropped(oldest.events);
        }
    }

    fn bytes(&self) -> usize {
        let in_flight = self.in_flight.as_ref().map(|in_flight| &in_flight.batch);
        self.sealed
            .iter()
            .chain(in_flight)
            .chain([&self.open])
            .fold(0, |sum, batch| sum.saturating_add(batch.bytes.len()))
    }

    fn count_dropped(&mut self, events: u64) {
        self.dropped = self.dropped.saturating_add(events);
    }
}

#[cfg(test)]
mod tests;
