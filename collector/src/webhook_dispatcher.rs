//! Tells webhooks at once what people asked to be told. What waits is in the store, and is told by the next process when
//! this one ends; a message may so be told twice, with the same id.
//!
//! One thread decides what is told to whom. Each webhook has a queue of its own, and deliveries run on threads of their
//! own, so a receiver that hangs delays its own messages alone.

mod delivery;
mod destination;
mod format;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::watch;
use ureq::Agent;

use crate::api::ApiError;
use crate::budgets::{self, EVERYBODY, StoredBudget};
use crate::deliveries;
use crate::local::Local;
use crate::period;
use crate::records;
use crate::store::{Inserted, NewEvent, Record, RecordKind, Spender};
use crate::webhook::{Delivery, DeliveryState, WebhookEvent};
use crate::webhooks::{self, StoredWebhook};
use delivery::{Outcome, Queue, Tried};

pub(crate) use destination::{InvalidDestination, parse as parse_destination};

const LOG: &str = "keeptrusts::collector";
/// Notifications that wait for the thread; more are dropped with a word in the log.
const MAX_NOTIFICATIONS: usize = 1_000;
/// Deliveries under way at the same time: each holds a thread for some seconds at most.
const MAX_IN_FLIGHT: usize = 16;
/// How often budgets are looked at that nobody spends: one that was lowered beside the collector is told, too.
const BUDGET_INTERVAL: Duration = Duration::from_secs(60);

/// Takes notifications from those who store batches. The thread ends with the last of these.
#[derive(Clone)]
pub(crate) struct WebhookDispatcher(Arc<Handle>);

struct Handle {
    inputs: SyncSender<Input>,
}

enum Input {
    Notifications(Notifications),
    /// A try of a webhook's first message has ended.
    Tried {
        webhook_id: String,
        shown: String,
        tried: Tried,
    },
    End,
}

/// What may be worth telling.
#[derive(Debug, Default)]
pub(crate) struct Notifications {
    /// With the place in the batch: repeats are no news.
    health: Vec<(usize, String)>,
    /// Targets and vendors whose budgets may have reached a threshold.
    spenders: BTreeSet<String>,
    /// Messages that are ready.
    messages: Vec<(WebhookEvent, String)>,
}

// === impl WebhookDispatcher ===

impl WebhookDispatcher {
    /// Starts the thread.
    pub(crate) fn start(
        api: Local,
        ending: watch::Receiver<bool>,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (inputs, received) = sync_channel(MAX_NOTIFICATIONS);
        let worker = Worker {
            api,
            ending,
            agent: delivery::agent(),
            inputs: inputs.clone(),
            queues: HashMap::new(),
            in_flight: 0,
            budgets_due: Instant::now() + BUDGET_INTERVAL,
        };
        let thread = std::thread::Builder::new()
            .name("kt-webhooks".to_owned())
            .spawn(move || worker.run(&received))?;
        Ok((Self(Arc::new(Handle { inputs })), thread))
    }

    /// What is in a batch before it is stored.
    pub(crate) fn notifications(&self, batch: &[NewEvent]) -> Notifications {
        let mut found = Notifications::default();
        for (index, event) in batch.iter().enumerate() {
            if !event.columns.is_decision {
                found.health.push((index, event.json.clone()));
            } else if event.columns.spent_nanos().is_some() {
                let names = [&event.columns.provider, &event.columns.vendor];
                for name in names.into_iter().flatten() {
                    if !found.spenders.contains(name) {
                        found.spenders.insert(name.clone());
                    }
                }
            }
        }
        found
    }

    /// Passes them on once the batch is stored.
    pub(crate) fn dispatch(&self, mut found: Notifications, inserted: &Inserted) {
        found
            .health
            .retain(|&(index, _)| inserted.new.get(index) == Some(&true));
        self.send(found);
    }

    /// Passes messages on.
    pub(crate) fn announce(&self, messages: Vec<(WebhookEvent, String)>) {
        self.send(Notifications {
            messages,
            ..Notifications::default()
        });
    }

    /// A provider's budget has changed: it may be spent already.
    pub(crate) fn budget_changed(&self, provider: &str) {
        self.send(Notifications {
            spenders: [provider.to_owned()].into(),
            ..Notifications::default()
        });
    }

    fn send(&self, found: Notifications) {
        if found.health.is_empty() && found.spenders.is_empty() && found.messages.is_empty() {
            return;
        }
        if let Err(TrySendError::Full(_)) = self.0.inputs.try_send(Input::Notifications(found)) {
            log::warn!(target: LOG, "Webhooks: more news than can be told; some are dropped");
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // The thread that reads it may have ended before.
        let _ = self.inputs.send(Input::End);
    }
}

/// What the thread knows.
struct Worker {
    api: Local,
    ending: watch::Receiver<bool>,
    agent: Agent,
    /// For threads that deliver.
    inputs: SyncSender<Input>,
    /// By the webhook's id.
    queues: HashMap<String, Queue>,
    in_flight: usize,
    budgets_due: Instant,
}

// === impl Worker ===

impl Worker {
    fn run(mut self, received: &Receiver<Input>) {
        self.restore();
        loop {
            match received.recv_timeout(self.pause()) {
                Ok(Input::Notifications(found)) => self.enqueue(&found),
                Ok(Input::Tried {
                    webhook_id,
                    shown,
                    tried,
                }) => self.finish(&webhook_id, &shown, tried),
                Ok(Input::End) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if *self.ending.borrow() {
                return;
            }
            if Instant::now() >= self.budgets_due {
                self.budgets_due = Instant::now() + BUDGET_INTERVAL;
                self.enqueue_budgets();
            }
            self.start_deliveries();
        }
    }

    /// Takes up what waited when the process before ended.
    fn restore(&mut self) {
        let waiting = match deliveries::all(self.api.store.as_ref()) {
            Ok(all) => all,
            Err(error) => {
                log::warn!(target: LOG, "Webhooks: {error}");
                return;
            }
        };
        let (now, now_ms) = (Instant::now(), self.api.now_ms());
        for one in waiting {
            if one.state == DeliveryState::Waiting {
                let queue = self.queues.entry(one.webhook_id.clone()).or_default();
                queue.restore(one, now, now_ms);
            }
        }
    }

    /// What became of a message, for the log and for the next process.
    fn keep(&self, delivery: &Delivery) {
        let store = self.api.store.as_ref();
        let mut kept = deliveries::put(store, delivery);
        if delivery.state != DeliveryState::Waiting && kept.is_ok() {
            kept = deliveries::prune(store, &delivery.webhook_id).map_err(ApiError::from);
        }
        if let Err(error) = kept {
            log::warn!(target: LOG, "Webhooks: {error}");
        }
    }

    /// A message that is not tried any more.
    fn give_up(&self, mut delivery: Delivery, why: &str) {
        let id = &delivery.webhook_id;
        log::warn!(target: LOG, "Webhook {id}: a message is dropped: {why}");
        delivery.state = DeliveryState::GivenUp;
        delivery.next_try_ms = None;
        delivery.error = Some(why.to_owned());
        self.keep(&delivery);
    }

    /// Until there is something to do that nobody will tell.
    fn pause(&self) -> Duration {
        let next = if self.in_flight < MAX_IN_FLIGHT {
            self.queues.values().filter_map(Queue::due).min()
        } else {
            None
        };
        let next = next.map_or(self.budgets_due, |due| due.min(self.budgets_due));
        next.saturating_duration_since(Instant::now())
    }

    fn enqueue_budgets(&mut self) {
        let providers = || -> Result<BTreeSet<String>, ApiError> {
            let budgets = budgets::stored(self.api.store.as_ref())?.readable;
            Ok(budgets.into_iter().map(|budget| budget.provider).collect())
        };
        match providers() {
            Ok(spenders) => self.enqueue(&Notifications {
                spenders,
                ..Notifications::default()
            }),
            Err(error) => log::warn!(target: LOG, "Webhooks: {error}"),
        }
    }

    fn enqueue(&mut self, found: &Notifications) {
        if let Err(error) = self.try_enqueue(found) {
            log::warn!(target: LOG, "Webhooks: {error}");
        }
    }

    fn try_enqueue(&mut self, found: &Notifications) -> Result<(), ApiError> {
        let webhooks = webhooks::stored(self.api.store.as_ref())?.readable;
        if webhooks.is_empty() {
            return Ok(());
        }
        let mut messages: Vec<(WebhookEvent, Arc<str>)> = found
            .health
            .iter()
            .map(|(_, json)| (WebhookEvent::HealthChanged, json.as_str().into()))
            .collect();
        for (about, body) in &found.messages {
            messages.push((*about, body.as_str().into()));
        }
        if !found.spenders.is_empty() {
            for message in budget_messages(&self.api, &found.spenders)? {
                messages.push((WebhookEvent::BudgetThresholdReached, message.into()));
            }
        }
        let wanted = |webhook: &StoredWebhook, about: WebhookEvent| {
            let types = &webhook.webhook.event_types;
            types.is_empty() || types.contains(&about)
        };
        let now = Instant::now();
        for webhook in &webhooks {
            for (about, body) in messages.iter().filter(|(about, _)| wanted(webhook, *about)) {
                let id = &webhook.webhook.id;
                let delivery = deliveries::new(id, about.name(), body, self.api.now_ms())?;
                self.keep(&delivery);
                let queue = self.queues.entry(id.clone()).or_default();
                if let Some(oldest) = queue.push(delivery, now) {
                    self.give_up(oldest, "too many messages wait");
                }
            }
        }
        Ok(())
    }

    /// Starts what is due, for webhooks that are still there.
    fn start_deliveries(&mut self) {
        self.queues.retain(|_, queue| !queue.is_empty());
        let now = Instant::now();
        let is_due = |queue: &Queue| queue.due().is_some_and(|due| due <= now);
        if self.in_flight >= MAX_IN_FLIGHT || !self.queues.values().any(is_due) {
            return;
        }
        let webhooks = match webhooks::stored(self.api.store.as_ref()) {
            Ok(webhooks) => webhooks.readable,
            Err(error) => {
                log::warn!(target: LOG, "Webhooks: {error}");
                return;
            }
        };
        self.queues.retain(|id, _| {
            let there = webhooks.iter().any(|webhook| webhook.webhook.id == *id);
            if !there {
                log::info!(target: LOG, "Webhook {id} was deleted: what waited for it is dropped");
            }
            there
        });
        for webhook in webhooks {
            if self.in_flight >= MAX_IN_FLIGHT {
                return;
            }
            let queue = self.queues.get_mut(&webhook.webhook.id);
            if let Some(body) = queue.and_then(|queue| queue.take(now)) {
                self.start(webhook, body);
            }
        }
    }

    fn start(&mut self, webhook: StoredWebhook, message: String) {
        let (agent, inputs) = (self.agent.clone(), self.inputs.clone());
        let unix_seconds = self.api.now_ms() / 1_000;
        let webhook_id = webhook.webhook.id.clone();
        let delivering = std::thread::Builder::new()
            .name("kt-webhook".to_owned())
            .spawn(move || {
                let tried = delivery::deliver(&agent, &webhook, &message, unix_seconds);
                // Who asked may have ended.
                let _ = inputs.send(Input::Tried {
                    webhook_id: webhook.webhook.id,
                    shown: destination::shown_url(&webhook.webhook.url),
                    tried,
                });
            });
        match delivering {
            Ok(_) => self.in_flight += 1,
            Err(error) => {
                let tried = Tried {
                    error: Some(format!("no thread: {error}")),
                    ..Tried::default()
                };
                self.count_try(&webhook_id, "", tried);
            }
        }
    }

    fn finish(&mut self, webhook_id: &str, shown: &str, tried: Tried) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.count_try(webhook_id, shown, tried);
    }

    fn count_try(&mut self, webhook_id: &str, shown: &str, tried: Tried) {
        let Some(queue) = self.queues.get_mut(webhook_id) else {
            // It was deleted meanwhile.
            return;
        };
        let finished = queue.finish(tried.error.is_none(), Instant::now());
        let now_ms = self.api.now_ms();
        let reason = tried.error.as_deref().unwrap_or_default();
        let (state, next_try_ms) = match finished.outcome {
            Outcome::Delivered => (DeliveryState::Delivered, None),
            Outcome::Retried(interval) => {
                log::info!(
                    target: LOG,
                    "Webhook {webhook_id} ({shown}): {reason}; again in {} s",
                    interval.as_secs()
                );
                let interval_ms = u64::try_from(interval.as_millis()).unwrap_or(0);
                (
                    DeliveryState::Waiting,
                    Some(now_ms.saturating_add(interval_ms)),
                )
            }
            Outcome::GivenUp(tries) => {
                log::warn!(
                    target: LOG,
                    "Webhook {webhook_id} ({shown}): a message is given up after {tries} tries: {reason}"
                );
                (DeliveryState::GivenUp, None)
            }
        };
        if let Some(mut delivery) = finished.delivery {
            delivery.state = state;
            delivery.next_try_ms = next_try_ms;
            delivery.last_try_ms = Some(now_ms);
            delivery.status = tried.status;
            delivery.error = tried.error;
            delivery.answer = tried.answer;
            self.keep(&delivery);
        }
        for old in finished.expired {
            self.give_up(old, "it waited too long behind others");
        }
    }
}

/// Tells a webhook a test message, at once and once, and keeps what came of it.
pub(crate) fn test(api: &Local, webhook_id: &str) -> Result<Delivery, ApiError> {
    let store = api.store.as_ref();
    let webhook = webhooks::find(store, webhook_id)?;
    let now_ms = api.now_ms();
    let message = json!({
        "event_type": format::TEST,
        "id": records::id_of("ntc_", format!("{webhook_id} {now_ms}").as_bytes()),
        "timestamp": api.now().to_string(),
    });
    let mut delivery = deliveries::new(webhook_id, format::TEST, &message.to_string(), now_ms)?;
    let tried = delivery::deliver(
        &delivery::agent(),
        &webhook,
        delivery.message.get(),
        now_ms / 1_000,
    );
    delivery.state = if tried.error.is_none() {
        DeliveryState::Delivered
    } else {
        DeliveryState::GivenUp
    };
    delivery.tries = 1;
    delivery.last_try_ms = Some(now_ms);
    delivery.next_try_ms = None;
    delivery.status = tried.status;
    delivery.error = tried.error;
    delivery.answer = tried.answer;
    deliveries::put(store, &delivery)?;
    deliveries::prune(store, webhook_id)?;
    Ok(delivery)
}

/// The thresholds that these providers' budgets have reached and nobody was told of.
fn budget_messages(api: &Local, providers: &BTreeSet<String>) -> Result<Vec<String>, ApiError> {
    let store = api.store.as_ref();
    let now_ms = api.now_ms();
    let notices = store.records(RecordKind::Notice)?;
    let mut messages = Vec::new();
    for budget in budgets::stored(store)?.readable {
        if !providers.contains(&budget.provider) {
            continue;
        }
        let days = period::around(budget.period, now_ms);
        let spent = store
            .spent(Spender::Provider(&budget.provider), days, EVERYBODY)?
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
            if notices.contains(&notice) {
                continue;
            }
            store.put_record(RecordKind::Notice, &notice)?;
            messages.push(threshold_message(api, &budget, &notice, spent, threshold));
        }
    }
    Ok(messages)
}

fn threshold_message(
    api: &Local,
    budget: &StoredBudget,
    notice: &Record,
    spent_nanos: u64,
    threshold: u64,
) -> String {
    let period_start_ms = period::start_ms(period::around(budget.period, api.now_ms()));
    json!({
        "event_type": WebhookEvent::BudgetThresholdReached.name(),
        "id": records::id_of("ntc_", format!("{}{}", notice.id, notice.json).as_bytes()),
        "timestamp": api.now().to_string(),
        "provider": budget.provider,
        "period": budget.period.name(),
        "period_start_ms": period_start_ms,
        "limit_usd": budget.limit_usd,
        "spent_usd": events::usd(spent_nanos),
        "threshold_percent": threshold,
    })
    .to_string()
}
