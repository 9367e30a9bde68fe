//! What people and their commands ask, wherever the collector is.

use std::time::Duration;

use events::EventId;
use serde_json::value::RawValue;

use crate::budget::{Budget, NewBudget};
use crate::compare::Comparison;
use crate::feedback::{Feedback, NewFeedback};
use crate::key::{CreatedKey, KeyInfo, NewKey, Rotation};
use crate::query::{AggregateQuery, CompareQuery, EventQuery, InvalidQuery};
use crate::report::{AggregateReport, EventPage};
use crate::store::StoreError;
use crate::webhook::{CreatedWebhook, Delivery, NewWebhook, Webhook};

/// Reports, budgets, keys and webhooks. Calls block: use a thread for blocking work where that matters.
pub trait Api: Send + Sync {
    /// A page of events.
    ///
    /// # Errors
    /// See [`ApiError`], here and below.
    fn events(&self, query: &EventQuery) -> Result<EventPage, ApiError>;

    /// One event; `None` if there is none of this id.
    ///
    /// # Errors
    /// See [`ApiError`].
    fn event(&self, id: EventId) -> Result<Option<Box<RawValue>>, ApiError>;

    /// Says how good the answer of a request was: by the event's id, or by the `x-keeptrusts-request-id` that its answer
    /// has. What was said under the same label before is replaced.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] if there is no such decision event (yet: events arrive some seconds after their answers);
    /// [`ApiError::Invalid`] for a score out of range.
    fn add_feedback(&self, event: &str, new: &NewFeedback) -> Result<Feedback, ApiError>;

    /// What was said of an event, by label.
    ///
    /// # Errors
    /// See [`ApiError`].
    fn feedback(&self, id: EventId) -> Result<Vec<Feedback>, ApiError>;

    /// Events as they arrive, oldest first, for `tail -f`. Without a cursor: the latest `query.limit` ones, at once, and
    /// the cursor to go on from. With it: those that arrived since, or else the first to arrive within `wait` (50
    /// seconds at most), or none. `query.order` does not count.
    ///
    /// # Errors
    /// See [`ApiError`].
    fn follow(&self, query: &EventQuery, wait: Duration) -> Result<EventPage, ApiError>;

    /// Numbers about decision events.
    ///
    /// # Errors
    /// See [`ApiError`].
    fn aggregate(&self, query: &AggregateQuery) -> Result<AggregateReport, ApiError>;

    /// How the arms of an experiment differ.
    ///
    /// # Errors
    /// See [`ApiError`].
    fn compare(&self, query: &CompareQuery) -> Result<Comparison, ApiError>;

    /// All budgets, by provider and period.
    ///
    /// # Errors
    /// See [`ApiError`].
    fn budgets(&self) -> Result<Vec<Budget>, ApiError>;

    /// Sets a provider's ceiling.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for a limit that is not above 0.
    fn create_budget(&self, new: &NewBudget) -> Result<Budget, ApiError>;

    /// Takes a ceiling away.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] if there is none of this id.
    fn delete_budget(&self, id: &str) -> Result<(), ApiError>;

    /// All gateway keys, newest first, those out of force too.
    ///
    /// # Errors
    /// See [`ApiError`].
    fn keys(&self) -> Result<Vec<KeyInfo>, ApiError>;

    /// Makes a gateway key.
    ///
    /// # Errors
    /// [`ApiError::Conflict`] if a key in force has this name; [`ApiError::Invalid`] for values out of range.
    fn create_key(&self, new: &NewKey) -> Result<CreatedKey, ApiError>;

    /// Makes a key in force anew, by its id or its name: it keeps its name, limits and spending.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] if there is none; [`ApiError::Conflict`] if it is out of force.
    fn rotate_key(&self, id_or_name: &str, rotation: Rotation) -> Result<CreatedKey, ApiError>;

    /// Takes a key out of force, by its id or, if one key in force has it, its name.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] if there is none.
    fn revoke_key(&self, id_or_name: &str) -> Result<KeyInfo, ApiError>;

    /// All webhooks.
    ///
    /// # Errors
    /// See [`ApiError`].
    fn webhooks(&self) -> Result<Vec<Webhook>, ApiError>;

    /// Adds a webhook.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for a URL that is none.
    fn create_webhook(&self, new: &NewWebhook) -> Result<CreatedWebhook, ApiError>;

    /// Removes a webhook.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] if there is none of this id.
    fn delete_webhook(&self, id: &str) -> Result<(), ApiError>;

    /// Tells a webhook a test message, at once; [`Delivery::state`] says what came of it.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] if there is none of this id.
    fn test_webhook(&self, id: &str) -> Result<Delivery, ApiError>;

    /// The latest messages of a webhook, latest first.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] if there is none of this id.
    fn deliveries(&self, webhook_id: &str) -> Result<Vec<Delivery>, ApiError>;
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The question cannot be answered.
    #[error("{0}")]
    Query(#[from] InvalidQuery),
    /// What was asked for cannot be made.
    #[error("{0}")]
    Invalid(String),
    /// There is no such thing.
    #[error("there is no {what} {id:?}")]
    NotFound {
        /// What was looked for.
        what: &'static str,
        /// By which id or name.
        id: String,
    },
    /// It is there already.
    #[error("{0}")]
    Conflict(String),
    /// The store at hand failed.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The collector could not be reached, or did not speak its protocol.
    #[error("cannot reach the collector at {url}: {reason}")]
    Unreachable {
        /// Base URL.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// The collector refused.
    #[error("the collector answered {status}: {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// `error.message` of its answer.
        message: String,
    },
}
