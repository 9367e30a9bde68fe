//! One webhook's messages: in their order, one at a time, and no matter to any other webhook.

use std::collections::VecDeque;
use std::io::Read as _;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use ureq::Agent;
use ureq::config::Config;
use ureq::http::StatusCode;
use ureq::unversioned::transport::DefaultConnector;

use super::destination::{self, GuardedResolver};
use super::format;
use crate::webhook::{Delivery, WebhookFormat};
use crate::webhooks::StoredWebhook;

/// One try. A receiver that needs longer does its work in the wrong place.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of an answer that are kept.
const ANSWER_BYTES: u64 = 500;
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
    delivery: Delivery,
    made: Instant,
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

/// A try that has ended, and whom it concerns.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) outcome: Outcome,
    /// `None` if nothing was under way.
    pub(super) delivery: Option<Delivery>,
    /// Others that are no news any more.
    pub(super) expired: Vec<Delivery>,
}

/// What came of a try.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tried {
    /// Of the answer, if there was one.
    pub(crate) status: Option<u16>,
    /// How its body begins.
    pub(crate) answer: Option<String>,
    /// Why it was not delivered, without secrets.
    pub(crate) error: Option<String>,
}

// === impl Queue ===

impl Queue {
    /// Appends a message; gives back an older one if it had to go.
    pub(super) fn push(&mut self, delivery: Delivery, now: Instant) -> Option<Delivery> {
        self.waiting.push_back(Message {
            delivery,
            made: now,
        });
        if self.waiting.len() <= MAX_WAITING {
            return None;
        }
        // The first one may be under way: what comes of that belongs to it.
        let oldest = self.waiting.remove(usize::from(self.in_flight));
        oldest.map(|message| message.delivery)
    }

    /// Appends a message that waited when the process before ended. The first one is tried when it would have been.
    pub(super) fn restore(&mut self, delivery: Delivery, now: Instant, now_ms: u64) {
        let age = Duration::from_millis(now_ms.saturating_sub(delivery.made_at_ms));
        let until_due = delivery.next_try_ms.unwrap_or(0).saturating_sub(now_ms);
        if self.waiting.is_empty() {
            let longest = RETRY_INTERVALS.last().copied().unwrap_or_default();
            self.due = Some(now + Duration::from_millis(until_due).min(longest));
        }
        self.waiting.push_back(Message {
            delivery,
            made: now.checked_sub(age).unwrap_or(now),
        });
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
    pub(super) fn take(&mut self, now: Instant) -> Option<String> {
        if self.in_flight || self.due.is_some_and(|due| due > now) {
            return None;
        }
        let first = self.waiting.front()?;
        self.in_flight = true;
        Some(first.delivery.message.get().to_owned())
    }

    /// The message under way is back.
    pub(super) fn finish(&mut self, delivered: bool, now: Instant) -> Finished {
        self.in_flight = false;
        self.due = None;
        let nothing_expired = |outcome, delivery| Finished {
            outcome,
            delivery,
            expired: Vec::new(),
        };
        let Some(mut message) = self.waiting.pop_front() else {
            return nothing_expired(Outcome::Delivered, None);
        };
        message.delivery.tries += 1;
        if delivered {
            return nothing_expired(Outcome::Delivered, Some(message.delivery));
        }
        let tries = usize::try_from(message.delivery.tries).unwrap_or(usize::MAX);
        let interval = RETRY_INTERVALS.get(tries - 1).copied();
        // A receiver that is away for long is not asked once a second for each message.
        let longest = RETRY_INTERVALS.last().copied().unwrap_or_default();
        self.due = Some(now + interval.unwrap_or(longest));
        let outcome = match interval {
            Some(interval) => Outcome::Retried(interval),
            None => Outcome::GivenUp(tries),
        };
        let delivery = message.delivery.clone();
        let mut expired = Vec::new();
        let is_news = |message: &Message| {
            message.delivery.tries > 0 || now.duration_since(message.made) <= MAX_AGE
        };
        for other in std::mem::take(&mut self.waiting) {
            if is_news(&other) {
                self.waiting.push_back(other);
            } else {
                expired.push(other.delivery);
            }
        }
        if interval.is_some() {
            self.waiting.push_front(message);
        }
        Finished {
            outcome,
            delivery: Some(delivery),
            expired,
        }
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

/// Tries once, in the webhook's format.
pub(super) fn deliver(
    agent: &Agent,
    webhook: &StoredWebhook,
    message: &str,
    unix_seconds: u64,
) -> Tried {
    let format = webhook.webhook.format;
    let written = format::write(format, message, webhook.routing_key.as_deref())
        .map_err(|error| error.to_string());
    match written.and_then(|body| send(agent, webhook, &body, unix_seconds)) {
        Ok((status, answer)) => Tried {
            error: (!status.is_success()).then(|| format!("answered {status}")),
            status: Some(status.as_u16()),
            answer: (!answer.is_empty()).then_some(answer),
        },
        Err(error) => Tried {
            error: Some(error),
            ..Tried::default()
        },
    }
}

fn send(
    agent: &Agent,
    webhook: &StoredWebhook,
    body: &str,
    unix_seconds: u64,
) -> Result<(StatusCode, String), String> {
    let uri = destination::parse(&webhook.webhook.url).map_err(|error| error.to_string())?;
    if agent.config().proxy().is_some() {
        destination::check_behind_proxy(&uri).map_err(|error| destination::shown_error(&error))?;
    }
    let mut request = agent.post(uri).header("content-type", "application/json");
    if webhook.webhook.format == WebhookFormat::Generic {
        let signature = signature(&webhook.secret, unix_seconds, body);
        request = request.header("x-keeptrusts-signature", signature);
    }
    let mut answer = request
        .send(body.as_bytes())
        .map_err(|error| destination::shown_error(&error))?;
    let mut begin = Vec::new();
    // The status says whether it is delivered; what the body says is for people, if it can be read.
    let _ = (answer.body_mut().as_reader())
        .take(ANSWER_BYTES)
        .read_to_end(&mut begin);
    let text = String::from_utf8_lossy(&begin);
    let text: String = text.chars().filter(|one| !one.is_control()).collect();
    Ok((answer.status(), text))
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
