//! Sums and distributions by group, made by the server.

use serde_json::Value;

use super::condition::conditions;
use super::connection::{Connection, Statement};
use super::wherever;
use crate::histogram::Histogram;
use crate::query::{Column, Dimension, EventFilter, Metric};
use crate::store::totals::Measure;
use crate::store::{Group, MOST_GROUPS, StoreError, Totals};

/// Columns before those of the dimensions; see [`totals`].
const MEASURES: &str = "count(),
    countIf(decision != 'blocked' AND (status_code >= 400 OR is_broken)),
    countIf(decision = 'blocked'),
    sum(failover),
    sum(prompt_tokens),
    sum(completion_tokens),
    sum(cached_tokens),
    sum(total_tokens),
    toUInt64(least(sum(toUInt128(cost_nanos)), toUInt128(18446744073709551615))),
    sum(toFloat64(cost_nanos) * toFloat64(cost_nanos)),
    sumMapIf([latency_bucket], [toUInt64(1)], status_code >= 200 AND status_code < 400 AND NOT is_broken),
    sumIf(ifNull(latency_ms, 0), status_code >= 200 AND status_code < 400 AND NOT is_broken),
    sumIf(toFloat64(ifNull(latency_ms, 0)) * toFloat64(ifNull(latency_ms, 0)), status_code >= 200 AND status_code < 400 AND NOT is_broken),
    sumMapIf([ttft_bucket], [toUInt64(1)], ttft_ms IS NOT NULL),
    sum(ifNull(ttft_ms, 0)),
    countIf(status_code >= 200 AND status_code < 400 AND NOT is_broken),
    countIf(status_code = 429 AND decision != 'blocked'),
    countIf(status_code >= 400 AND status_code < 500 AND decision != 'blocked'),
    countIf(status_code >= 500 AND decision != 'blocked'),
    NULL,
    countIf(is_priced),
    countIf(is_priced AND status_code >= 200 AND status_code < 400 AND NOT is_broken),
    sumIf(total_tokens, is_priced),
    countIf(NOT is_priced AND total_tokens > 0)";
/// After the measures, where scores are asked for: feedback on a request belongs to the attempt that served.
const SCORES: &str = "countIf(score IS NOT NULL),
    toUInt64(sum(ifNull(score, 0))),
    sum(toFloat64(ifNull(score, 0)) * toFloat64(ifNull(score, 0)))";
const ATTEMPT_SCORES: &str = "countIf(score IS NOT NULL AND attempt_served),
    toUInt64(sumIf(ifNull(score, 0), attempt_served)),
    sumIf(toFloat64(ifNull(score, 0)) * toFloat64(ifNull(score, 0)), attempt_served)";
const NO_SCORES: &str = "0, 0, 0.0";
/// Events with their scores: `NULL` without feedback.
const SCORED_EVENTS: &str = "(SELECT kt_event.*, mean AS score FROM (SELECT * FROM kt_event FINAL) AS kt_event
    LEFT JOIN (SELECT id, toNullable(toUInt32(round(avg(score_millionths)))) AS mean FROM kt_feedback FINAL GROUP BY id)
        AS kt_score ON kt_event.id = kt_score.id)";
const EVENTS: &str = "kt_event FINAL";
/// The same of attempts, whose columns [`ATTEMPTS`] adds. Tokens and cost belong to the one that served.
const ATTEMPT_MEASURES: &str = "count(),
    countIf(attempt_status >= 400 OR attempt_failed),
    0,
    sumIf(failover, attempt_served),
    sumIf(prompt_tokens, attempt_served),
    sumIf(completion_tokens, attempt_served),
    sumIf(cached_tokens, attempt_served),
    sumIf(total_tokens, attempt_served),
    toUInt64(least(sumIf(toUInt128(cost_nanos), attempt_served), toUInt128(18446744073709551615))),
    sumIf(toFloat64(cost_nanos) * toFloat64(cost_nanos), attempt_served),
    sumMapIf([attempt_latency_bucket], [toUInt64(1)], NOT attempt_failed AND attempt_status < 400),
    sumIf(attempt_latency_ms, NOT attempt_failed AND attempt_status < 400),
    sumIf(toFloat64(attempt_latency_ms) * toFloat64(attempt_latency_ms), NOT attempt_failed AND attempt_status < 400),
    sumMapIf([ttft_bucket], [toUInt64(1)], ttft_ms IS NOT NULL AND attempt_served),
    sumIf(ifNull(ttft_ms, 0), attempt_served),
    countIf(NOT attempt_failed AND attempt_status >= 200 AND attempt_status < 400),
    countIf(attempt_status = 429),
    countIf(attempt_status >= 400 AND attempt_status < 500),
    countIf(attempt_status >= 500 OR (attempt_failed AND attempt_status = 0)),
    countIf(attempt_failed),
    countIf(is_priced AND attempt_served),
    countIf(is_priced AND NOT attempt_failed AND attempt_status >= 200 AND attempt_status < 400),
    sumIf(total_tokens, is_priced AND attempt_served),
    countIf(NOT is_priced AND attempt_served AND total_tokens > 0)";
/// A row for each attempt of an event.
const ATTEMPTS: &str = "*,
    arrayJoin(JSONExtractArrayRaw(json, 'attempts')) AS attempt,
    JSONExtractString(attempt, 'provider') AS attempt_provider,
    JSONExtractString(attempt, 'model') AS attempt_model,
    JSONExtractUInt(attempt, 'status_code') AS attempt_status,
    JSONExtractString(attempt, 'reason') != '' AS attempt_failed,
    NOT attempt_failed
        OR (is_broken AND attempt_provider = provider AND attempt_status >= 200 AND attempt_status < 400) AS attempt_served,
    JSONExtractUInt(attempt, 'latency_ms') AS attempt_latency_ms,
    greatest(length(bin(attempt_latency_ms)) - position(bin(attempt_latency_ms), '1') + 1, 11) - 11 AS dropped_bits,
    toUInt32(bitOr(bitShiftLeft(dropped_bits, 11), bitShiftRight(attempt_latency_ms, dropped_bits)))
        AS attempt_latency_bucket";
const FIRST_DIMENSION: usize = 27;

pub(super) fn aggregate(
    connection: &Connection,
    filter: &EventFilter,
    group_by: &[Dimension],
    metrics: &[Metric],
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
    let limit = MOST_GROUPS + 1;
    let condition = wherever(&clauses);
    let has_scores = Measure::of(metrics).contains(&Measure::Score);
    let (events, scores, attempt_scores) = if has_scores {
        (SCORED_EVENTS, SCORES, ATTEMPT_SCORES)
    } else {
        (EVENTS, NO_SCORES, NO_SCORES)
    };
    statement.sql = if group_by.iter().any(|one| one.is_of_attempts()) {
        format!(
            "SELECT {ATTEMPT_MEASURES}, {attempt_scores}{selected}
            FROM (SELECT {ATTEMPTS} FROM {events} {condition}) {grouped} LIMIT {limit}"
        )
    } else {
        format!(
            "SELECT {MEASURES}, {scores}{selected} FROM {events} {condition} {grouped} LIMIT {limit}"
        )
    };
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
        Column::Month => {
            "formatDateTime(toDateTime(intDiv(ts, 1000000), 'UTC'), '%Y-%m')".to_owned()
        }
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
        successes: number(15)?,
        rate_limited: number(16)?,
        client_errors: number(17)?,
        server_errors: number(18)?,
        failed_attempts: number(19),
        priced: number(20)?,
        priced_successes: number(21)?,
        priced_tokens: number(22)?,
        unpriced: number(23)?,
        scored: number(24)?,
        score_millionths: number(25)?,
        score_millionths_squared: float(26)?,
    })
}
