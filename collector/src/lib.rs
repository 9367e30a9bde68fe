//! The collector: stores events and answers questions about them. Reports, spend, budgets, gateway keys and audit
//! records.
//!
//! [`Api`] is what people and their commands ask, whether the store is at hand ([`Local`]) or behind HTTP ([`Remote`]).
//! [`Collector`] is the service that gateways deliver to. [`Store`] is where events rest.
#![forbid(unsafe_code)]

mod alerts;
mod api;
mod audit;
mod budget;
mod budgets;
mod compare;
mod connections;
mod control;
mod deliveries;
mod event_schema;
mod explain;
mod feedback;
mod fleet;
mod gateways;
mod health;
mod health_history;
mod histogram;
mod http;
mod key;
mod keys;
mod local;
mod login;
mod offsets;
mod openapi;
mod otlp;
mod period;
mod query;
mod records;
mod remote;
mod report;
mod serve;
mod settings;
mod statistics;
mod store;
mod tokens;
mod upkeep;
mod webhook;
mod webhook_dispatcher;
mod webhooks;

pub use alerts::{Alert, NewThreshold, Panel, Threshold, ThresholdUnit};
pub use api::{Api, ApiError};
pub use audit::{
    AuditError, AuditReport, Damage, KeeperError as AuditWithStoreError, verify as verify_audit,
    verify_with_store as verify_audit_with_store,
};
pub use budget::{Budget, NewBudget};
pub use compare::{Arm, Comparison, Difference, Estimate, Measure};
pub use connections::default_max_connections;
pub use event_schema::event_schema;
pub use events::BudgetPeriod;
pub use explain::{ExplainQuestion, Explainer};
pub use feedback::{Feedback, NewFeedback};
pub use histogram::Histogram;
pub use key::{CreatedKey, KeyInfo, KeyLimit, KeyState, NewKey, Rotation};
pub use local::{Clock, Local};
pub use login::{InvalidLogin, LoginSettings, Role};
pub use offsets::Offsets;
pub use openapi::openapi;
pub use otlp::{OtlpSettings, OtlpTarget};
pub use query::{
    AggregateQuery, CompareQuery, Condition, Cursor, DEFAULT_PAGE, Dimension, EventFilter,
    EventKind, EventQuery, Field, FieldKind, InvalidCursor, InvalidQuery, InvalidTime,
    LARGEST_PAGE, Metric, Order, Unit, parse_time,
};
pub use remote::Remote;
pub use report::{AggregateReport, AggregateRow, EventPage};
pub use semconv::LabelChoice;
pub use serve::{Collector, Running, StartError};
pub use settings::{AuditScope, KeyRule, MAX_BATCH_BYTES, Rules, Settings};
pub use store::{
    Arrival, Arrivals, AttemptColumns, ClickHouseLocation, Columns, Days, Group, HealthMinutes,
    Inserted, InvalidLocation, IsInTheWay, LineError, MAX_COST_NANOS, MOST_GROUPS, NewEvent,
    Record, RecordKind, Spender, Spent, Store, StoreError, StoreIdentity, StoreLocation, Totals,
    open, snapshot,
};
pub use tokens::Tokens;
pub use webhook::{
    CreatedWebhook, Delivery, DeliveryState, LastDelivery, NewWebhook, Webhook, WebhookEvent,
    WebhookFormat,
};
