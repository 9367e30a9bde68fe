//! Sums and distributions by group: one pass over the rows that count, in memory that grows with the groups alone.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::condition::{Conditions, micros};
use crate::query::{Column, Dimension, EventFilter};
use crate::store::{Group, MOST_GROUPS, StoreError, Totals};

/// Columns before those of the dimensions; see [`add`].
const MEASURES: &str = "decision = 'blocked', status_code, failover, prompt_tokens, completion_tokens, cached_tokens, \
     total_tokens, cost_nanos, latency_ms, ttft_ms";
const FIRST_DIMENSION: usize = 10;

/// Groups by the values of their dimensions, see [`append`].
pub(super) type Groups = HashMap<Vec<u8>, Group>;

/// Which rows, by their order of arrival.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    /// Those whose time the filter names, found by an index.
    ByTime,
    /// All before a row.
    Before(i64),
    /// A row and all after it.
    From(i64),
}

/// Fewer rows than this are not worth a second thread.
const ROWS_FOR_TWO: i64 = 2_000;

/// Whether the time of a filter is more than an eighth of all time: then reading every row in the order of the file is
/// faster than finding rows by their time. If so: the row in the middle, so that two can read a half each.
pub(super) fn middle(
    connection: &Connection,
    filter: &EventFilter,
) -> Result<Option<i64>, StoreError> {
    let bound = |what: &str| -> Result<i64, StoreError> {
        let sql = format!("SELECT {what} FROM event");
        let found: Option<i64> = connection
            .prepare_cached(&sql)?
            .query_row([], |row| row.get(0))?;
        Ok(found.unwrap_or(0))
    };
    let (first, last) = (bound("min(ts)")?, bound("max(ts)")?);
    let since = filter.since.map_or(first, micros).max(first);
    let until = filter.until.map_or(last, micros).min(last);
    let (first_row, last_row) = (bound("min(seq)")?, bound("max(seq)")?);
    let covers_much = until.saturating_sub(since) >= last.saturating_sub(first) / 8;
    let many = last_row.saturating_sub(first_row) >= ROWS_FOR_TWO;
    Ok((covers_much && many).then(|| first_row + (last_row - first_row) / 2))
}

/// Adds one part's groups to another's.
pub(super) fn merge(mut one: Groups, other: Groups) -> Result<Groups, StoreError> {
    for (key, group) in other {
        match one.entry(key) {
            Entry::Occupied(mut same) => same.get_mut().totals.merge(&group.totals),
            Entry::Vacant(free) => drop(free.insert(group)),
        }
    }
    if one.len() > MOST_GROUPS {
        return Err(StoreError::TooManyGroups { most: MOST_GROUPS });
    }
    Ok(one)
}

pub(super) fn aggregate(
    connection: &Connection,
    filter: &EventFilter,
    group_by: &[Dimension],
    part: Part,
) -> Result<Groups, StoreError> {
    let mut conditions = Conditions::of(filter, true);
    let dimensions: String = group_by
        .iter()
        .map(|&dimension| format!(", {}", expression(dimension)))
        .collect();
    let sources = match part {
        Part::ByTime => conditions.sources(false),
        Part::Before(row) => conditions.scan("<", row),
        Part::From(row) => conditions.scan(">=", row),
    };
    let sql = format!("SELECT {MEASURES}{dimensions} {sources}");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(conditions.values())?;
    let mut groups = Groups::new();
    let mut key = Vec::new();
    while let Some(row) = rows.next()? {
        key.clear();
        for index in 0..group_by.len() {
            append(&mut key, row.get_ref(FIRST_DIMENSION + index)?);
        }
        if let Some(group) = groups.get_mut(&key) {
            add(&mut group.totals, row)?;
            continue;
        }
        if groups.len() >= MOST_GROUPS {
            return Err(StoreError::TooManyGroups { most: MOST_GROUPS });
        }
        let values = group_by
            .iter()
            .enumerate()
            .map(|(index, &dimension)| Ok(value(dimension, row.get_ref(FIRST_DIMENSION + index)?)));
        let mut group = Group {
            key: values.collect::<Result<_, StoreError>>()?,
            totals: Totals::default(),
        };
        add(&mut group.totals, row)?;
        groups.insert(key.clone(), group);
    }
    Ok(groups)
}

fn expression(dimension: Dimension) -> String {
    match dimension.column() {
        Column::Named(name) => name.to_owned(),
        Column::PeriodOf(micros) => format!("ts / {micros}"),
    }
}

/// Unambiguous: every value says how long it is.
fn append(key: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Text(text) => {
            key.push(1);
            key.extend(text.len().to_le_bytes());
            key.extend(text);
        }
        ValueRef::Integer(number) => {
            key.push(2);
            key.extend(number.to_le_bytes());
        }
        ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => key.push(0),
    }
}

fn value(dimension: Dimension, value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Integer(number) => {
            Some(dimension.text_of_number(u64::try_from(number).unwrap_or(0)))
        }
        ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => None,
    }
}

fn add(totals: &mut Totals, row: &Row<'_>) -> Result<(), StoreError> {
    let number = |index: usize| -> Result<Option<u64>, StoreError> {
        Ok(match row.get_ref(index)? {
            ValueRef::Integer(number) => u64::try_from(number).ok(),
            ValueRef::Null | ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_) => None,
        })
    };
    let blocked = number(0)? == Some(1);
    let status = number(1)?.unwrap_or(0);
    totals.requests += 1;
    totals.blocked += u64::from(blocked);
    totals.errors += u64::from(!blocked && status >= 400);
    totals.failovers += number(2)?.unwrap_or(0);
    totals.prompt_tokens += number(3)?.unwrap_or(0);
    totals.completion_tokens += number(4)?.unwrap_or(0);
    totals.cached_tokens += number(5)?.unwrap_or(0);
    totals.total_tokens += number(6)?.unwrap_or(0);
    totals.add_cost(number(7)?.unwrap_or(0));
    if let Some(latency) = number(8)?.filter(|_| (200..400).contains(&status)) {
        totals.add_latency(latency);
    }
    if let Some(ttft) = number(9)? {
        totals.ttft.record(ttft);
    }
    Ok(())
}
