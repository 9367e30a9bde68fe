//! Webhooks: tells people at once what they asked to be told. Best effort: what is not told when the process ends is
//! not told.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;
use tokio::sync::watch;
use ureq::Agent;

use crate::api::ApiError;
use crate::budgets;
use crate::budgets::EVERYBODY;
use crate::local::Local;
use crate::period;
use crate::records;
use crate::store::{Inserted, NewEvent, Record, RecordKind, Spender};
use crate::webhook::WebhookEvent;
use crate::webhooks::{self, StoredWebhook};

const LOG: &str = "keeptrusts::collector";
/// News that wait; more are dropped with a word in the log.
const QUEUE: usize = 1_000;
/// Deliveries that wait for their next try.
const MOST_WAITING: usize = 1_000;
/// One try. A receiver that needs longer does its work in the wrong place.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between tries; after the last one the message is given up.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(120),
    Duration::from_secs(600),
];
/// Takes news from those who store batches.
#[derive(Clone)]
pub(crate) struct Teller {
    queue: SyncSender<News>,
}

/// What may be worth telling.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// With the place in the batch: repeats are no news.
    health: Vec<(usize, String)>,
    /// Targets that cost something.
    spenders: BTreeSet<String>,
    /// Messages that are ready.
    messages: Vec<(WebhookEvent, String)>,
}

struct Delivery {
    webhook: StoredWebhook,
    body: Arc<str>,
    tries: usize,
    due: Instant,
}

impl Teller {
    /// Starts the thread that tells; it ends when the last `Teller` is gone.
    pub(crate) fn start(
        api: Local,
        ending: watch::Receiver<bool>,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (queue, news) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("kt-webhooks".to_owned())
            .spawn(move || work(&api, &news, &ending))?;
        Ok((Self { queue }, thread))
    }

    /// What is in a batch before it is stored.
    pub(crate) fn news(&self, batch: &[NewEvent]) -> News {
        let mut news = News::default();
        for (index, event) in batch.iter().enumerate() {
            if !event.columns.is_decision {
                news.health.push((index, event.json.clone()));
            } else if event.columns.cost_nanos.is_some_and(|nanos| nanos > 0)
                && let Some(provider) = &event.columns.provider
                && !news.spenders.contains(provider)
            {
                news.spenders.insert(provider.clone());
            }
        }
        news
    }

    /// Passes messages on.
    pub(crate) fn announce(&self, messages: Vec<(WebhookEvent, String)>) {
        let news = News {
            messages,
            ..News::default()
        };
        if !news.messages.is_empty() && self.queue.try_send(news).is_err() {
            log::warn!(target: LOG, "Webhooks: more news than can be told; some are dropped");
        }
    }

    /// Passes them on once it is stored.
    pub(crate) fn tell(&self, mut news: News, inserted: &Inserted) {
        news.health
            .retain(|&(index, _)| inserted.new.get(index) == Some(&true));
        let empty = news.health.is_empty() && news.spenders.is_empty();
        if !empty && self.queue.try_send(news).is_err() {
            log::warn!(target: LOG, "Webhooks: more news than can be told; some are dropped");
        }
    }
}

fn work(api: &Local, news: &Receiver<News>, ending: &watch::Receiver<bool>) {
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .into();
    let mut waiting: Vec<Delivery> = Vec::new();
    loop {
        let next = waiting.iter().map(|delivery| delivery.due).min();
        let pause = next.map_or(Duration::from_secs(3_600), |due| {
            due.saturating_duration_since(Instant::now())
        });
        match news.recv_timeout(pause) {
            Ok(news) => match deliveries(api, &news) {
                Ok(new) => waiting.extend(new),
                Err(error) => log::warn!(target: LOG, "Webhooks: {error}"),
            },
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if waiting.len() > MOST_WAITING {
            let dropped = waiting.len() - MOST_WAITING;
            log::warn!(target: LOG, "Webhooks: {dropped} of too many waiting messages are dropped");
            waiting.drain(..dropped);
        }
        let now = Instant::now();
        let (due, later) = waiting
            .into_iter()
            .partition(|delivery| delivery.due <= now);
        waiting = later;
        for delivery in due {
            if *ending.borrow() {
                return;
            }
            waiting.extend(attempt(&agent, api.now_ms() / 1_000, delivery));
        }
    }
}

/// Tries once, and gives it back if it is to be tried again.
fn attempt(agent: &Agent, unix_seconds: u64, mut delivery: Delivery) -> Option<Delivery> {
    let reason = deliver(agent, unix_seconds, &delivery).err()?;
    let url = &delivery.webhook.webhook.url;
    let Some(&pause) = PAUSES.get(delivery.tries) else {
        log::warn!(target: LOG, "Webhook {url}: given up after {} tries: {reason}", delivery.tries + 1);
        return None;
    };
    log::info!(target: LOG, "Webhook {url}: {reason}; again in {} s", pause.as_secs());
    delivery.tries += 1;
    delivery.due = Instant::now() + pause;
    Some(delivery)
}

fn deliver(agent: &Agent, unix_seconds: u64, delivery: &Delivery) -> Result<(), String> {
    let StoredWebhook { webhook, secret } = &delivery.webhook;
    let answer = agent
        .post(&webhook.url)
        .header("content-type", "application/json")
        .header(
            "x-keeptrusts-signature",
            signature(secret, unix_seconds, &delivery.body),
        )
        .send(delivery.body.as_bytes());
    match answer {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!("answered {}", answer.status())),
        Err(error) => Err(error.to_string()),
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

fn deliveries(api: &Local, news: &News) -> Result<Vec<Delivery>, ApiError> {
    let webhooks = webhooks::stored(api.store.as_ref())?.readable;
    if webhooks.is_empty() {
        return Ok(Vec::new());
    }
    let mut messages: Vec<(WebhookEvent, Arc<str>)> = news
        .health
        .iter()
        .map(|(_, json)| (WebhookEvent::HealthChanged, json.as_str().into()))
        .collect();
    for (about, body) in &news.messages {
        messages.push((*about, body.as_str().into()));
    }
    for provider in &news.spenders {
        for message in budget_messages(api, provider)? {
            messages.push((WebhookEvent::BudgetThresholdReached, message.into()));
        }
    }
    let wanted = |webhook: &StoredWebhook, about: WebhookEvent| {
        let types = &webhook.webhook.event_types;
        types.is_empty() || types.contains(&about)
    };
    let mut deliveries = Vec::new();
    for (about, body) in messages {
        for webhook in webhooks.iter().filter(|webhook| wanted(webhook, about)) {
            deliveries.push(Delivery {
                webhook: webhook.clone(),
                body: Arc::clone(&body),
                tries: 0,
                due: Instant::now(),
            });
        }
    }
    Ok(deliveries)
}

/// The thresholds that a provider's budgets have reached and nobody was told of.
fn budget_messages(api: &Local, provider: &str) -> Result<Vec<String>, ApiError> {
    let store = api.store.as_ref();
    let now_ms = api.now_ms();
    let mut messages = Vec::new();
    for budget in budgets::stored(store)?.readable {
        if budget.provider != provider {
            continue;
        }
        let days = period::around(budget.period, now_ms);
        let spent = store
            .spent(Spender::Provider(provider), days, EVERYBODY)?
            .everywhere();
        let limit = events::nanos(budget.limit_usd);
        for threshold in budgets::THRESHOLDS {
            if u128::from(spent) * 100 < u128::from(limit) * u128::from(threshold) {
                continue;
            }
            // One notice a budget and threshold, with the period and the limit that it was for: the next period and a
            // changed limit overwrite it, and are told.
            let notice = Record {
                json: format!("{} {limit}", period::start_ms(days)),
                id: budgets::notice_id(&budget.id, threshold),
            };
            if store.records(RecordKind::Notice)?.contains(&notice) {
                continue;
            }
            store.put_record(RecordKind::Notice, &notice)?;
            let message = json!({
                "event_type": "budget.threshold_reached",
                "id": records::id_of("ntc_", format!("{}{}", notice.id, notice.json).as_bytes()),
                "timestamp": api.now().to_string(),
                "provider": provider,
                "period": budget.period.name(),
                "period_start_ms": period::start_ms(days),
                "limit_usd": budget.limit_usd,
                "spent_usd": events::usd(spent),
                "threshold_percent": threshold,
            });
            messages.push(message.to_string());
        }
    }
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_hmac_of_time_and_body() {
        // printf '1700000000.{}' | openssl dgst -sha256 -hmac Jefe
        assert_eq!(
            signature("Jefe", 1_700_000_000, "{}"),
            format!("t=1700000000,v1={OPENSSL}")
        );
    }

    const OPENSSL: &str = "d3793e2b4103edfbd98cc19591832f5fad701d413db9fcae0ae7dab8184ed207";
}
