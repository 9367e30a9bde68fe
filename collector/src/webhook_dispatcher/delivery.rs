//! One webhook's messages: in their order, one at a time, and no matter to any other webhook.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use ureq::Agent;
use ureq::config::Config;
use ureq::unversioned::transport::DefaultConnector;

use super::destination::{self, GuardedResolver};
use crate::webhooks::StoredWebhook;

/// One try. A receiver that needs longer does its work in the wrong place.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(5);
/// Messages that wait for one webhook; more push out the oldest.
const MAX_WAITING: usize = 100;
/// Between tries; after the last one the message is given up.
const RETRY_INTERVALS: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(120),
    Duration::from_secs(600),
];
/// What waited longer than this behind others is not news any more.
const MAX_AGE: Duration = Duration::from_secs(20 * 60);

/// The messages of one webhook.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<Message>,
    /// The first of them is under way.
    in_flight: bool,
    /// When the first of them is to be tried; at once if there is no time.
    due: Option<Instant>,
}

#[derive(Debug)]
struct Message {
    body: Arc<str>,
    made: Instant,
    tries: usize,
}

/// What became of a try.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Delivered,
    /// Tried again after this long.
    Retried(Duration),
    /// The message is given up after so many tries.
    GivenUp(usize),
}

// === impl Queue ===

impl Queue {
    /// Appends a message; `true` if an older one had to go.
    pub(super) fn push(&mut self, body: Arc<str>, now: Instant) -> bool {
        self.waiting.push_back(Message {
            body,
            made: now,
            tries: 0,
        });
        let full = self.waiting.len() > MAX_WAITING;
        if full {
            // The first one may be under way: what comes of that belongs to it.
            self.waiting.remove(usize::from(self.in_flight));
        }
        full
    }

    /// Nothing waits and nothing is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && !self.in_flight
    }

    /// When there is something to do next.
    pub(super) fn due(&self) -> Option<Instant> {
        let first = self.waiting.front().filter(|_| !self.in_flight)?;
        Some(self.due.unwrap_or(first.made))
    }

    /// Takes the first message on its way, if it is due.
    pub(super) fn take(&mut self, now: Instant) -> Option<Arc<str>> {
        if self.in_flight || self.due.is_some_and(|due| due > now) {
            return None;
        }
        let first = self.waiting.front()?;
        self.in_flight = true;
        Some(Arc::clone(&first.body))
    }

    /// The message under way is back.
    pub(super) fn finish(&mut self, delivered: bool, now: Instant) -> Outcome {
        self.in_flight = false;
        self.due = None;
        let Some(mut message) = self.waiting.pop_front() else {
            return Outcome::Delivered;
        };
        if delivered {
            return Outcome::Delivered;
        }
        message.tries += 1;
        let interval = RETRY_INTERVALS.get(message.tries - 1).copied();
        // A receiver that is away for long is not asked once a second for each message.
        let longest = RETRY_INTERVALS.last().copied().unwrap_or_default();
        self.due = Some(now + interval.unwrap_or(longest));
        let outcome = match interval {
            Some(interval) => Outcome::Retried(interval),
            None => Outcome::GivenUp(message.tries),
        };
        if interval.is_some() {
            self.waiting.push_front(message);
        }
        self.waiting
            .retain(|message| message.tries > 0 || now.duration_since(message.made) <= MAX_AGE);
        outcome
    }
}

/// What all deliveries are made with: no redirects, and no way to a metadata service.
pub(super) fn agent() -> Agent {
    let config = Config::builder()
        .timeout_global(Some(DELIVERY_TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0)
        .build();
    Agent::with_parts(
        config,
        DefaultConnector::default(),
        GuardedResolver::default(),
    )
}

/// Tries once.
///
/// # Errors
/// Why it was not delivered, without secrets.
pub(super) fn deliver(
    agent: &Agent,
    webhook: &StoredWebhook,
    body: &str,
    unix_seconds: u64,
) -> Result<(), String> {
    let uri = destination::parse(&webhook.webhook.url).map_err(|error| error.to_string())?;
    if agent.config().proxy().is_some() {
        destination::check_behind_proxy(&uri).map_err(|error| destination::shown_error(&error))?;
    }
    let sent = agent
        .post(uri)
        .header("content-type", "application/json")
        .header(
            "x-keeptrusts-signature",
            signature(&webhook.secret, unix_seconds, body),
        )
        .send(body.as_bytes());
    match sent {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!("answered {}", answer.status())),
        Err(error) => Err(destination::shown_error(&error)),
    }
}

/// `t=SECONDS,v1=HEX`: HMAC-SHA-256 of `SECONDS.BODY`. The time is signed so that an old message cannot come again.
fn signature(secret: &str, unix_seconds: u64, body: &str) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(format!("{unix_seconds}.{body}").as_bytes());
    let digest = events::key_hash_hex(&mac.finalize().into_bytes());
    format!("t={unix_seconds},v1={digest}")
}

#[cfg(test)]
mod tests;
