//! The collector: stores events and answers questions about them. Reports, spend, budgets, gateway keys and audit
//! records.
//!
//! [`Api`] is what people and their commands ask, whether the store is at hand ([`Local`]) or behind HTTP ([`Remote`]).
//! [`Collector`] is the service that gateways deliver to. [`Store`] is where events rest.
#![forbid(unsafe_code)]

mod api;
mod budget;
mod compare;
mod histogram;
mod key;
mod local;
mod query;
mod remote;
mod report;
mod serve;
mod settings;
mod store;
mod tokens;
mod webhook;

pub use api::{Api, ApiError};
pub use budget::{Budget, NewBudget};
pub use compare::{Arm, Comparison, Difference, Estimate, Measure};
pub use events::BudgetPeriod;
pub use histogram::Histogram;
pub use key::{CreatedKey, KeyInfo, KeyLimit, KeyState, NewKey};
pub use local::Local;
pub use query::{
    AggregateQuery, CompareQuery, Condition, Cursor, DEFAULT_PAGE, Dimension, EventFilter,
    EventKind, EventQuery, Field, FieldKind, InvalidCursor, InvalidQuery, InvalidTime,
    LARGEST_PAGE, Metric, Order, Unit, parse_time,
};
pub use remote::Remote;
pub use report::{AggregateReport, AggregateRow, EventPage};
pub use serve::{Collector, Running, StartError};
pub use settings::{AuditScope, KeyRule, MAX_BATCH_BYTES, Rules, Settings};
pub use store::{
    Arrivals, ClickHouseLocation, Days, Group, Inserted, Instances, InvalidLocation, MOST_GROUPS,
    NewEvent, Record, RecordKind, Spender, Store, StoreError, StoreLocation, Totals, open,
};
pub use tokens::Tokens;
pub use webhook::{CreatedWebhook, NewWebhook, Webhook, WebhookEvent};
