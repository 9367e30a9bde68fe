//! Where events rest.

mod clickhouse;
mod error;
mod location;
mod new_event;
mod sqlite;
pub(crate) mod totals;

pub use error::StoreError;
pub use location::{ClickHouseLocation, InvalidLocation, StoreLocation};
pub use new_event::{AttemptColumns, Columns, LineError, MAX_COST_NANOS, NewEvent};
pub use sqlite::snapshot;
pub use totals::{Group, Totals};

use std::sync::Arc;

use events::{EventId, Timestamp};
use serde_json::value::RawValue;

use crate::feedback::Feedback;
use crate::offsets::Offsets;
use crate::query::{Dimension, EventFilter, EventQuery, Metric};
use crate::report::EventPage;

/// More groups than this in one report are refused: each costs memory.
pub const MOST_GROUPS: usize = 10_000;

/// A place that keeps events, and the few records that people make. All calls block.
pub trait Store: Send + Sync {
    /// Stores events that are not there yet; on return they survive a crash of this process. Either all of the batch
    /// is stored or nothing.
    ///
    /// # Errors
    /// The store failed; nothing was stored, and the batch may come again.
    fn insert(&self, batch: Vec<NewEvent>) -> Result<Inserted, StoreError>;

    /// A page of events by time.
    ///
    /// # Errors
    /// The store failed.
    fn page(&self, query: &EventQuery) -> Result<EventPage, StoreError>;

    /// One event.
    ///
    /// # Errors
    /// The store failed.
    fn event(&self, id: EventId) -> Result<Option<Box<RawValue>>, StoreError>;

    /// Keeps what was said of an event, in place of what was said of it under the same label before; `false` if there is
    /// no such event.
    ///
    /// # Errors
    /// The store failed.
    fn put_feedback(&self, id: EventId, feedback: &Feedback) -> Result<bool, StoreError>;

    /// What was said of an event, by label.
    ///
    /// # Errors
    /// The store failed.
    fn feedback(&self, id: EventId) -> Result<Vec<Feedback>, StoreError>;

    /// What arrived after `after`, oldest first, and how far was looked. Without `after`: the latest.
    ///
    /// # Errors
    /// The store failed.
    fn arrivals(
        &self,
        filter: &EventFilter,
        after: Option<&Offsets>,
        limit: usize,
    ) -> Result<Arrivals, StoreError>;

    /// Sums and distributions of decision events for each combination of the dimensions' values: at least those that
    /// `metrics` are computed from; others may be left at nothing.
    ///
    /// # Errors
    /// The store failed, or there are more than [`MOST_GROUPS`] groups.
    fn aggregate(
        &self,
        filter: &EventFilter,
        group_by: &[Dimension],
        metrics: &[Metric],
    ) -> Result<Vec<Group>, StoreError>;

    /// What was spent in a period, by the Envoy process `instance_id` and by all others.
    ///
    /// # Errors
    /// The store failed.
    fn spent(&self, by: Spender<'_>, period: Days, instance_id: &str) -> Result<Spent, StoreError>;

    /// Removes events before a moment, and says how many. What was spent, and sums by minute, are kept 62 days longer; sums
    /// by hour and day stay.
    ///
    /// # Errors
    /// The store failed.
    fn forget_before(&self, moment: Timestamp) -> Result<u64, StoreError>;

    /// Adds to how long providers were in which state.
    ///
    /// # Errors
    /// The store failed; nothing was added.
    fn add_health(&self, minutes: &[HealthMinutes]) -> Result<(), StoreError>;

    /// How long providers were in which state, from one minute until another, in steps of so many minutes: by time,
    /// gateway and provider.
    ///
    /// # Errors
    /// The store failed.
    fn health(&self, from: u64, until: u64, step: u64) -> Result<Vec<HealthMinutes>, StoreError>;

    /// Which store this is, and how far its keys and budgets have changed.
    ///
    /// # Errors
    /// The store failed.
    fn identity(&self) -> Result<StoreIdentity, StoreError>;

    /// The records of a kind, by id.
    ///
    /// # Errors
    /// The store failed.
    fn records(&self, kind: RecordKind) -> Result<Vec<Record>, StoreError>;

    /// Writes a record, new or changed.
    ///
    /// # Errors
    /// The store failed.
    fn put_record(&self, kind: RecordKind, record: &Record) -> Result<(), StoreError>;

    /// Writes a record, unless one of its kind is in its way; `false` if one was. With SQLite, nobody writes between the
    /// look and the write, in no process; two collectors that share a ClickHouse may.
    ///
    /// # Errors
    /// The store failed.
    fn put_record_unless(
        &self,
        kind: RecordKind,
        record: &Record,
        is_in_the_way: IsInTheWay,
    ) -> Result<bool, StoreError>;

    /// Removes a record; `false` if there was none.
    ///
    /// # Errors
    /// The store failed.
    fn delete_record(&self, kind: RecordKind, id: &str) -> Result<bool, StoreError>;
}

/// Tells a store from every other, and from older copies of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreIdentity {
    /// Random, made with the store. Copies have the same.
    pub id: String,
    /// Grows with every change of keys and budgets; lower than it was: this is an older copy. Always 0 where that cannot
    /// be told.
    pub generation: u64,
}

/// What became of a batch: for each of its events in order, whether it was new.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inserted {
    /// `false`: an event of this id was stored before, or comes earlier in the batch.
    pub new: Vec<bool>,
}

/// Events by arrival.
#[derive(Debug, Clone, Default)]
pub struct Arrivals {
    /// In their order.
    pub data: Vec<Arrival>,
    /// Where to go on.
    pub last: Offsets,
}

/// An event that arrived.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Which collector wrote it; empty where the store has one writer.
    pub writer: String,
    /// Its number among those of its writer: later ones have higher numbers.
    pub place: u64,
    /// As written by the gateway.
    pub json: Box<RawValue>,
}

/// Whose spending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spender<'a> {
    /// A target's, by id, or a vendor's, by name: all its targets together.
    Provider(&'a str),
    /// A gateway key's, by name.
    Key(&'a str),
}

/// Nano US dollars that were spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// By the Envoy process that was named.
    pub here: u64,
    /// By all others.
    pub elsewhere: u64,
}

impl Spent {
    /// By everybody.
    pub fn everywhere(self) -> u64 {
        self.here.saturating_add(self.elsewhere)
    }
}

/// How long a provider was in which state, as a gateway's processes saw it together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthMinutes {
    /// The first one, since 1970.
    pub minute: u64,
    /// The gateway.
    pub gateway_id: String,
    /// Target id.
    pub provider: String,
    /// Milliseconds healthy, degraded and unhealthy.
    pub ms: [u64; 3],
}

/// Days since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// The first one.
    pub from: u32,
    /// The first one that does not count any more.
    pub until: u32,
}

/// What people make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// Provider budgets.
    Budget,
    /// Gateway keys.
    Key,
    /// Webhooks.
    Webhook,
    /// What webhooks were told, so that they are not told twice.
    Notice,
    /// Changed health thresholds.
    Threshold,
    /// Providers beyond a threshold.
    Alert,
    /// What gateways serve with.
    Gateway,
    /// Messages to webhooks.
    Delivery,
    /// Audit trails that were written from this store.
    AuditTrail,
}

/// Whether a record forbids another.
pub type IsInTheWay = Box<dyn Fn(&Record) -> bool + Send>;

/// Something that people made, as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Unique within its kind.
    pub id: String,
    /// Its content.
    pub json: String,
}

/// Opens the store at a location, and makes it if it is not there.
///
/// # Errors
/// It cannot be opened, or is of a later version.
pub fn open(location: &StoreLocation) -> Result<Arc<dyn Store>, StoreError> {
    match location {
        StoreLocation::Sqlite(path) => Ok(Arc::new(sqlite::SqliteStore::open(path)?)),
        StoreLocation::ClickHouse(server) => {
            Ok(Arc::new(clickhouse::ClickHouseStore::open(server)?))
        }
    }
}

/// The text of a stored event. One that is damaged is replaced by one that says so, and takes no other down.
fn event_text(id: Option<EventId>, json: String) -> Box<RawValue> {
    RawValue::from_string(json).unwrap_or_else(|error| {
        let unreadable = serde_json::json!({
            "event_type": "unreadable",
            "id": id.map(|id| id.to_string()),
            "error": format!("what is stored of this event cannot be read: {error}"),
        });
        serde_json::value::to_raw_value(&unreadable).unwrap_or_default()
    })
}

/// Days are counted since 1970.
pub(crate) const MS_PER_DAY: u64 = 86_400_000;
/// Spending is kept that much longer than events: the longest period of a budget, twice.
const SPENT_DAYS: u64 = 62;

impl RecordKind {
    /// In a store.
    fn name(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::Key => "key",
            Self::Webhook => "webhook",
            Self::Notice => "notice",
            Self::Threshold => "threshold",
            Self::Alert => "alert",
            Self::Gateway => "gateway",
            Self::Delivery => "delivery",
            Self::AuditTrail => "audit_trail",
        }
    }

    /// Whether gateways follow records of this kind: then a change is a new generation.
    fn is_control(self) -> bool {
        matches!(self, Self::Budget | Self::Key)
    }
}
