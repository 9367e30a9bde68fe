//! The API on a store at hand: inside a running collector, or for a command that opens the store itself.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use events::{EventId, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::api::{Api, ApiError};
use crate::budget::{Budget, NewBudget};
use crate::budgets;
use crate::compare::Comparison;
use crate::deliveries;
use crate::feedback::{Feedback, NewFeedback};
use crate::key::{CreatedKey, KeyInfo, NewKey, Rotation};
use crate::keys;
use crate::query::{
    AggregateQuery, CompareQuery, Condition, Cursor, EventFilter, EventQuery, InvalidQuery,
    LARGEST_PAGE, LONGEST_WAIT_SECONDS, Metric,
};
use crate::report::{AggregateReport, AggregateRow, EventPage};
use crate::store::{Group, Store};
use crate::webhook::{CreatedWebhook, Delivery, NewWebhook, Webhook};
use crate::webhook_dispatcher;
use crate::webhooks;

/// How often a follower looks for new events: often enough to feel live, seldom enough to cost nothing.
const LOOK: Duration = Duration::from_millis(100);

/// A clock: Unix milliseconds.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The API on a store at hand.
#[derive(Clone)]
pub struct Local {
    pub(crate) store: Arc<dyn Store>,
    clock: Clock,
    /// Held while keys are looked at and then changed.
    keys: Arc<Mutex<()>>,
}

impl Local {
    /// On this store, by the system's clock.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self::with_clock(store, Arc::new(system_ms))
    }

    /// On this store, by a clock of the caller's.
    pub fn with_clock(store: Arc<dyn Store>, clock: Clock) -> Self {
        Self {
            store,
            clock,
            keys: Arc::default(),
        }
    }

    /// The latest decision event of a request: applications know the request's id, from its answer.
    fn decision_of(&self, request_id: &str) -> Result<Option<EventId>, ApiError> {
        #[derive(Deserialize)]
        struct WithId {
            id: String,
        }
        let page = self.store.page(&EventQuery {
            filter: EventFilter {
                conditions: vec![Condition::try_new("request_id", request_id)?],
                ..EventFilter::default()
            },
            limit: 1,
            ..EventQuery::default()
        })?;
        let found = page.data.first();
        Ok(found.and_then(|event| {
            let event: WithId = serde_json::from_str(event.get()).ok()?;
            EventId::parse(&event.id)
        }))
    }

    /// Unix milliseconds.
    pub(crate) fn now_ms(&self) -> u64 {
        (self.clock)()
    }

    /// Now, as queries need it.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now_ms())
    }
}

fn system_ms() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
}

impl Api for Local {
    fn events(&self, query: &EventQuery) -> Result<EventPage, ApiError> {
        if let Some(Cursor::Arrival(_)) = query.cursor {
            return Err(wrong_cursor("a cursor of a page"));
        }
        Ok(self.store.page(query)?)
    }

    fn event(&self, id: EventId) -> Result<Option<Box<RawValue>>, ApiError> {
        Ok(self.store.event(id)?)
    }

    fn add_feedback(&self, event: &str, new: &NewFeedback) -> Result<Feedback, ApiError> {
        let feedback = new.checked(self.now_ms())?;
        let not_found = || ApiError::NotFound {
            what: "decision event",
            id: event.to_owned(),
        };
        let id = match EventId::parse(event) {
            Some(id) => id,
            None => self.decision_of(event)?.ok_or_else(not_found)?,
        };
        if self.store.put_feedback(id, &feedback)? {
            Ok(feedback)
        } else {
            Err(not_found())
        }
    }

    fn feedback(&self, id: EventId) -> Result<Vec<Feedback>, ApiError> {
        Ok(self.store.feedback(id)?)
    }

    fn follow(&self, query: &EventQuery, wait: Duration) -> Result<EventPage, ApiError> {
        let after = match &query.cursor {
            None => None,
            Some(Cursor::Arrival(offsets)) => Some(offsets.clone()),
            Some(Cursor::Time { .. }) => return Err(wrong_cursor("a cursor of a follower")),
        };
        let limit = query.limit.clamp(1, LARGEST_PAGE);
        let end = Instant::now() + wait.min(Duration::from_secs(LONGEST_WAIT_SECONDS));
        let mut seen = after.clone();
        loop {
            let arrivals = self.store.arrivals(&query.filter, seen.as_ref(), limit)?;
            let left = end.saturating_duration_since(Instant::now());
            if !arrivals.data.is_empty() || after.is_none() || left.is_zero() {
                return Ok(EventPage {
                    data: arrivals.data.into_iter().map(|one| one.json).collect(),
                    next_cursor: Some(Cursor::Arrival(arrivals.last).to_string()),
                });
            }
            seen = Some(arrivals.last);
            std::thread::sleep(LOOK.min(left));
        }
    }

    fn aggregate(&self, query: &AggregateQuery) -> Result<AggregateReport, ApiError> {
        let metrics = if query.metrics.is_empty() {
            Metric::USUAL.to_vec()
        } else {
            query.metrics.clone()
        };
        let mut groups = (self.store).aggregate(&query.filter, &query.group_by, &metrics)?;
        if groups.is_empty() && query.group_by.is_empty() {
            // Nothing happened: that is an answer, too.
            groups.push(Group::default());
        }
        let by_time = query.group_by.first().is_some_and(|first| first.is_time());
        groups.sort_by(|a, b| {
            let by_size = b.totals.requests.cmp(&a.totals.requests);
            if by_time {
                a.key
                    .first()
                    .cmp(&b.key.first())
                    .then(by_size)
                    .then(a.key.cmp(&b.key))
            } else {
                by_size.then(a.key.cmp(&b.key))
            }
        });
        let total_rows = groups.len();
        let beyond = total_rows.saturating_sub(query.limit.unwrap_or(usize::MAX));
        if by_time {
            // The latest ones are those that people ask for.
            groups.drain(..beyond);
        } else {
            groups.truncate(total_rows - beyond);
        }
        let rows = groups
            .into_iter()
            .map(|group| AggregateRow {
                values: metrics
                    .iter()
                    .map(|&metric| group.totals.metric(metric))
                    .collect(),
                group: group.key,
            })
            .collect();
        Ok(AggregateReport {
            group_by: query.group_by.clone(),
            metrics,
            rows,
            total_rows,
        })
    }

    fn compare(&self, query: &CompareQuery) -> Result<Comparison, ApiError> {
        let groups = (self.store).aggregate(&query.filter, &query.by, Comparison::METRICS)?;
        Ok(Comparison::of(&query.by, &groups))
    }

    fn budgets(&self) -> Result<Vec<Budget>, ApiError> {
        budgets::list(self.store.as_ref(), self.now_ms())
    }

    fn create_budget(&self, new: &NewBudget) -> Result<Budget, ApiError> {
        budgets::create(self.store.as_ref(), self.now_ms(), new)
    }

    fn delete_budget(&self, id: &str) -> Result<(), ApiError> {
        budgets::delete(self.store.as_ref(), id)
    }

    fn keys(&self) -> Result<Vec<KeyInfo>, ApiError> {
        keys::list(self.store.as_ref(), self.now_ms())
    }

    fn create_key(&self, new: &NewKey) -> Result<CreatedKey, ApiError> {
        let _alone = self
            .keys
            .lock()
            .unwrap_or_else(|broken| broken.into_inner());
        keys::create(self.store.as_ref(), self.now_ms(), new)
    }

    fn rotate_key(&self, id_or_name: &str, rotation: Rotation) -> Result<CreatedKey, ApiError> {
        let _alone = self
            .keys
            .lock()
            .unwrap_or_else(|broken| broken.into_inner());
        let grace_ms = rotation.grace_seconds.saturating_mul(1_000);
        keys::rotate(self.store.as_ref(), self.now_ms(), id_or_name, grace_ms)
    }

    fn revoke_key(&self, id_or_name: &str) -> Result<KeyInfo, ApiError> {
        let _alone = self
            .keys
            .lock()
            .unwrap_or_else(|broken| broken.into_inner());
        keys::revoke(self.store.as_ref(), self.now_ms(), id_or_name)
    }

    fn webhooks(&self) -> Result<Vec<Webhook>, ApiError> {
        webhooks::list(self.store.as_ref())
    }

    fn create_webhook(&self, new: &NewWebhook) -> Result<CreatedWebhook, ApiError> {
        webhooks::create(self.store.as_ref(), self.now_ms(), new)
    }

    fn delete_webhook(&self, id: &str) -> Result<(), ApiError> {
        webhooks::delete(self.store.as_ref(), id)
    }

    fn test_webhook(&self, id: &str) -> Result<Delivery, ApiError> {
        webhook_dispatcher::test(self, id)
    }

    fn deliveries(&self, webhook_id: &str) -> Result<Vec<Delivery>, ApiError> {
        webhooks::find(self.store.as_ref(), webhook_id)?;
        Ok(deliveries::of(self.store.as_ref(), webhook_id)?)
    }
}

fn wrong_cursor(expected: &'static str) -> ApiError {
    InvalidQuery::BadValue {
        parameter: "cursor".to_owned(),
        expected,
        found: "one of another question".to_owned(),
    }
    .into()
}
