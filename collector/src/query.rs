//! Questions about events. The same types are asked of a store at hand and, as query parameters, over HTTP.

mod cursor;
mod dimension;
mod field;
mod filter;
mod metric;
mod parameters;
mod time;

pub use cursor::{Cursor, InvalidCursor};
pub(crate) use dimension::Column;
pub use dimension::Dimension;
pub use field::{Field, FieldKind};
pub use filter::{Condition, EventFilter, EventKind};
pub use metric::{Metric, Unit};
pub use parameters::InvalidQuery;
pub(crate) use parameters::{Asked, LONGEST_WAIT_SECONDS, read, read_comparison};
pub use time::{InvalidTime, parse_time};

/// How many events a page has unless more or fewer are asked for.
pub const DEFAULT_PAGE: usize = 100;
/// The most events in one page.
pub const LARGEST_PAGE: usize = 1_000;

/// Asks for events themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventQuery {
    /// Which ones.
    pub filter: EventFilter,
    /// By `timestamp`.
    pub order: Order,
    /// 1 to [`LARGEST_PAGE`]; other values become the nearest of these.
    pub limit: usize,
    /// `next_cursor` of the page before.
    pub cursor: Option<Cursor>,
}

impl Default for EventQuery {
    fn default() -> Self {
        Self {
            filter: EventFilter::default(),
            order: Order::default(),
            limit: DEFAULT_PAGE,
            cursor: None,
        }
    }
}

/// In which order events come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// Latest first: `order=desc`.
    #[default]
    NewestFirst,
    /// Earliest first: `order=asc`.
    OldestFirst,
}

/// Asks for numbers about decision events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AggregateQuery {
    /// Which events count.
    pub filter: EventFilter,
    /// One row for each combination of their values; none: one row for everything.
    pub group_by: Vec<Dimension>,
    /// The columns; none: [`Metric::USUAL`].
    pub metrics: Vec<Metric>,
    /// The most rows, see [`crate::AggregateReport::rows`]; `None` is all. The store refuses to keep more than [`crate::MOST_GROUPS`] at once.
    pub limit: Option<usize>,
}

/// Asks how the arms of an experiment differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompareQuery {
    /// Which events count.
    pub filter: EventFilter,
    /// What tells the arms apart.
    pub by: Vec<Dimension>,
}

impl Default for CompareQuery {
    fn default() -> Self {
        Self {
            filter: EventFilter::default(),
            by: vec![Dimension::Provider, Dimension::ResolvedModel],
        }
    }
}
