//! Sums and distributions by group: one pass over the rows that count, in memory that grows with the groups alone.

use std::collections::HashMap;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::condition::{Conditions, micros};
use crate::query::{Dimension, EventFilter};
use crate::store::{Group, MOST_GROUPS, StoreError, Totals};

/// Columns before those of the dimensions; see [`add`].
const MEASURES: &str = "decision = 'blocked', status_code, failover, prompt_tokens, completion_tokens, cached_tokens, \
     total_tokens, cost_nanos, latency_ms, ttft_ms";
const FIRST_DIMENSION: usize = 10;

pub(super) fn aggregate(
    connection: &Connection,
    filter: &EventFilter,
    group_by: &[Dimension],
) -> Result<Vec<Group>, StoreError> {
    let conditions = Conditions::of(filter, true);
    let dimensions: String = group_by
        .iter()
        .map(|&dimension| format!(", {}", expression(dimension)))
        .collect();
    let sources = if covers_much(connection, filter)? {
        conditions.scan()
    } else {
        conditions.sources(false)
    };
    let sql = format!("SELECT {MEASURES}{dimensions} {sources}");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(conditions.values())?;
    let mut groups: HashMap<Vec<u8>, Group> = HashMap::new();
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
    Ok(groups.into_values().collect())
}

/// Whether the time of a filter is more than an eighth of all time: then reading every row in the order of the file is
/// faster than finding rows by their time.
fn covers_much(connection: &Connection, filter: &EventFilter) -> Result<bool, StoreError> {
    let bound = |which: &str| -> Result<Option<i64>, StoreError> {
        let sql = format!("SELECT {which}(ts) FROM event");
        Ok(connection
            .prepare_cached(&sql)?
            .query_row([], |row| row.get(0))?)
    };
    let (Some(first), Some(last)) = (bound("min")?, bound("max")?) else {
        return Ok(false);
    };
    let since = filter.since.map_or(first, micros).max(first);
    let until = filter.until.map_or(last, micros).min(last);
    Ok(until.saturating_sub(since) >= last.saturating_sub(first) / 8)
}

fn expression(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Provider => "provider",
        Dimension::Vendor => "vendor",
        Dimension::Model => "model",
        Dimension::ResolvedModel => "resolved_model",
        Dimension::ModelGroup => "model_group",
        Dimension::Tag => "tag",
        Dimension::Region => "region",
        Dimension::Strategy => "strategy",
        Dimension::StatusCode => "status_code",
        Dimension::Decision => "decision",
        Dimension::KeyName => "key_name",
        Dimension::GatewayId => "gateway_id",
        Dimension::Hour => "ts / 3600000000",
        Dimension::Day => "ts / 86400000000",
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
