//! Sums and distributions by group, made by the server.

use serde_json::Value;

use super::condition::conditions;
use super::connection::{Connection, Statement};
use super::wherever;
use crate::histogram::Histogram;
use crate::query::{Column, Dimension, EventFilter};
use crate::store::{Group, MOST_GROUPS, StoreError, Totals};

/// Columns before those of the dimensions; see [`totals`].
const MEASURES: &str = "count(),
    countIf(decision != 'blocked' AND status_code >= 400),
    countIf(decision = 'blocked'),
    sum(failover),
    sum(prompt_tokens),
    sum(completion_tokens),
    sum(cached_tokens),
    sum(total_tokens),
    sum(cost_nanos),
    sum(toFloat64(cost_nanos) * toFloat64(cost_nanos)),
    sumMapIf([latency_bucket], [toUInt64(1)], status_code >= 200 AND status_code < 400),
    sumIf(ifNull(latency_ms, 0), status_code >= 200 AND status_code < 400),
    sumIf(toFloat64(ifNull(latency_ms, 0)) * toFloat64(ifNull(latency_ms, 0)), status_code >= 200 AND status_code < 400),
    sumMapIf([ttft_bucket], [toUInt64(1)], ttft_ms IS NOT NULL),
    sum(ifNull(ttft_ms, 0))";
const FIRST_DIMENSION: usize = 15;

pub(super) fn aggregate(
    connection: &Connection,
    filter: &EventFilter,
    group_by: &[Dimension],
) -> Result<Vec<Group>, StoreError> {
    let mut statement = Statement::default();
    let clauses = conditions(&mut statement, filter, true);
    let dimensions: Vec<String> = group_by.iter().map(|&one| expression(one)).collect();
    let selected: String = dimensions.iter().map(|one| format!(", {one}")).collect();
    let grouped = if dimensions.is_empty() {
        // One row for nothing is no group.
        "HAVING count() > 0".to_owned()
    } else {
        format!("GROUP BY {}", dimensions.join(", "))
    };
    statement.sql = format!(
        "SELECT {MEASURES}{selected} FROM kt_event FINAL {} {grouped} LIMIT {}",
        wherever(&clauses),
        MOST_GROUPS + 1
    );
    let rows: Vec<Vec<Value>> = connection.rows(&statement)?;
    if rows.len() > MOST_GROUPS {
        return Err(StoreError::TooManyGroups { most: MOST_GROUPS });
    }
    rows.iter()
        .map(|row| {
            let key = group_by
                .iter()
                .zip(row.iter().skip(FIRST_DIMENSION))
                .map(|(&dimension, value)| match value {
                    Value::String(text) if text.is_empty() => None,
                    Value::String(text) => Some(text.clone()),
                    other => other
                        .as_u64()
                        .map(|number| dimension.text_of_number(number)),
                })
                .collect();
            let totals = totals(row).ok_or_else(|| {
                StoreError::Damaged("ClickHouse sent another row than asked for".to_owned())
            })?;
            Ok(Group { key, totals })
        })
        .collect()
}

fn expression(dimension: Dimension) -> String {
    match dimension.column() {
        Column::Named(name) => name.to_owned(),
        Column::PeriodOf(micros) => format!("intDiv(ts, {micros})"),
    }
}

fn totals(row: &[Value]) -> Option<Totals> {
    let number = |index: usize| row.get(index)?.as_u64();
    let float = |index: usize| row.get(index)?.as_f64();
    let histogram = |buckets: usize, sum: usize| -> Option<Histogram> {
        // `([bucket, …], [count, …])`.
        let [numbers, counts] = row.get(buckets)?.as_array()?.as_slice() else {
            return None;
        };
        let pairs = numbers.as_array()?.iter().zip(counts.as_array()?);
        let pairs = pairs
            .map(|(number, count)| Some((u32::try_from(number.as_u64()?).ok()?, count.as_u64()?)))
            .collect::<Option<Vec<_>>>()?;
        Some(Histogram::from_buckets(pairs, number(sum)?))
    };
    Some(Totals {
        requests: number(0)?,
        errors: number(1)?,
        blocked: number(2)?,
        failovers: number(3)?,
        prompt_tokens: number(4)?,
        completion_tokens: number(5)?,
        cached_tokens: number(6)?,
        total_tokens: number(7)?,
        cost_nanos: number(8)?,
        cost_nanos_squared: float(9)?,
        latency: histogram(10, 11)?,
        latency_ms_squared: float(12)?,
        ttft: histogram(13, 14)?,
    })
}
