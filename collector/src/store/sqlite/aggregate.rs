//! Sums and distributions by group: one pass over the rows that count, in memory that grows with the groups alone.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::condition::{Conditions, micros};
use crate::query::{Column, Dimension, EventFilter};
use crate::store::totals::{Ending, Measure};
use crate::store::{Group, MOST_GROUPS, StoreError, Totals};

/// What a report wants to know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) filter: &'a EventFilter,
    pub(super) group_by: &'a [Dimension],
    pub(super) measures: &'a [Measure],
}

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
    /// Those that have feedback, found by an index.
    Scored,
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
    question: Question<'_>,
    part: Part,
) -> Result<Groups, StoreError> {
    let Question {
        filter,
        group_by,
        measures,
    } = question;
    let mut conditions = Conditions::of(filter, true);
    let dimensions = group_by.iter().map(|&dimension| expression(dimension));
    let of_attempts = group_by.iter().any(|one| one.is_of_attempts());
    let measured = measures.iter().map(|&measure| {
        let column = if of_attempts { attempt_column } else { column };
        column(measure).to_owned()
    });
    let selected: Vec<String> = dimensions.chain(measured).collect();
    let selected = if selected.is_empty() {
        "1".to_owned()
    } else {
        selected.join(", ")
    };
    if of_attempts {
        conditions.joins_attempts = true;
    }
    if let Part::Scored = part {
        conditions.add("score_millionths IS NOT NULL");
    }
    let sources = match part {
        Part::Scored => conditions.sources(false),
        Part::ByTime => conditions.sources(false),
        Part::Before(row) => conditions.scan("<", row),
        Part::From(row) => conditions.scan(">=", row),
    };
    let sql = format!("SELECT {selected} {sources}");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(conditions.values())?;
    let mut groups = Groups::new();
    let mut key = Vec::new();
    while let Some(row) = rows.next()? {
        key.clear();
        for index in 0..group_by.len() {
            append(&mut key, row.get_ref(index)?);
        }
        if let Some(group) = groups.get_mut(&key) {
            add(
                &mut group.totals,
                row,
                group_by.len(),
                measures,
                of_attempts,
            )?;
            continue;
        }
        if groups.len() >= MOST_GROUPS {
            return Err(StoreError::TooManyGroups { most: MOST_GROUPS });
        }
        let values = group_by
            .iter()
            .enumerate()
            .map(|(index, &dimension)| Ok(value(dimension, row.get_ref(index)?)));
        let mut group = Group {
            key: values.collect::<Result<_, StoreError>>()?,
            totals: Totals::default(),
        };
        add(
            &mut group.totals,
            row,
            group_by.len(),
            measures,
            of_attempts,
        )?;
        groups.insert(key.clone(), group);
    }
    Ok(groups)
}

pub(super) fn expression(dimension: Dimension) -> String {
    match dimension.column() {
        Column::Named(name) => name.to_owned(),
        Column::PeriodOf(micros) => format!("ts / {micros}"),
        Column::Month => "strftime('%Y-%m', ts / 1000000, 'unixepoch')".to_owned(),
    }
}

/// Unambiguous: every value says how long it is.
pub(super) fn append(key: &mut Vec<u8>, value: ValueRef<'_>) {
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

pub(super) fn value(dimension: Dimension, value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Integer(number) => {
            Some(dimension.text_of_number(u64::try_from(number).unwrap_or(0)))
        }
        ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => None,
    }
}

/// Where a measure is.
fn column(measure: Measure) -> &'static str {
    match measure {
        Measure::Status => "status_code",
        Measure::Blocked => "decision = 'blocked'",
        Measure::Failed => "is_broken",
        Measure::Failover => "failover",
        Measure::PromptTokens => "prompt_tokens",
        Measure::CompletionTokens => "completion_tokens",
        Measure::CachedTokens => "cached_tokens",
        Measure::TotalTokens => "total_tokens",
        Measure::Cost => "CASE WHEN is_priced THEN cost_nanos END",
        Measure::Latency => "CASE WHEN is_broken THEN NULL ELSE latency_ms END",
        Measure::Ttft => "ttft_ms",
        Measure::Score => "score_millionths",
    }
}

/// `$value` where the attempt's answer went to the client, whole or broken; else `$otherwise`.
macro_rules! served {
    ($value:literal, $otherwise:literal) => {
        concat!(
            "CASE WHEN NOT attempt_failed
                OR (is_broken AND attempt_provider = provider AND attempt_status BETWEEN 200 AND 399)
                THEN ",
            $value,
            " ELSE ",
            $otherwise,
            " END"
        )
    };
}

/// Where a measure of an attempt is. Tokens and cost are those of the request, and belong to the attempt that served.
fn attempt_column(measure: Measure) -> &'static str {
    match measure {
        Measure::Status => "attempt_status",
        Measure::Blocked => "0",
        Measure::Failed => "attempt_failed",
        Measure::Failover => served!("failover", "0"),
        Measure::PromptTokens => served!("prompt_tokens", "0"),
        Measure::CompletionTokens => served!("completion_tokens", "0"),
        Measure::CachedTokens => served!("cached_tokens", "0"),
        Measure::TotalTokens => served!("total_tokens", "0"),
        Measure::Cost => served!("CASE WHEN is_priced THEN cost_nanos END", "NULL"),
        Measure::Latency => "CASE WHEN attempt_failed THEN NULL ELSE attempt_latency_ms END",
        Measure::Ttft => served!("ttft_ms", "NULL"),
        Measure::Score => served!("score_millionths", "NULL"),
    }
}

/// Adds a row, whose measures begin at column `first`.
fn add(
    totals: &mut Totals,
    row: &Row<'_>,
    first: usize,
    measures: &[Measure],
    of_attempts: bool,
) -> Result<(), StoreError> {
    let (mut status, mut is_blocked, mut has_failed, mut latency) = (0, false, false, None);
    let (mut cost, mut tokens) = (None, 0);
    for (index, measure) in measures.iter().enumerate() {
        let ValueRef::Integer(number) = row.get_ref(first + index)? else {
            continue;
        };
        let number = u64::try_from(number).unwrap_or(0);
        match measure {
            Measure::Status => status = number,
            Measure::Blocked => is_blocked = number == 1,
            Measure::Failed => has_failed = number == 1,
            Measure::Failover => totals.failovers += number,
            Measure::PromptTokens => totals.prompt_tokens += number,
            Measure::CompletionTokens => totals.completion_tokens += number,
            Measure::CachedTokens => totals.cached_tokens += number,
            Measure::TotalTokens => {
                tokens = number;
                totals.total_tokens += number;
            }
            Measure::Cost => cost = Some(number),
            Measure::Latency => latency = Some(number),
            Measure::Ttft => totals.ttft.record(number),
            Measure::Score => totals.add_score(number),
        }
    }
    let ending = if of_attempts {
        Ending::OfAttempt {
            is_failed: has_failed,
        }
    } else {
        Ending::OfRequest {
            is_broken: has_failed,
        }
    };
    totals.add_status(status, is_blocked, ending);
    if measures.contains(&Measure::Cost) {
        let is_success = (200..400).contains(&status) && !has_failed;
        totals.add_cost(cost, tokens, is_success);
    }
    if let Some(latency) = latency.filter(|_| (200..400).contains(&status)) {
        totals.add_latency(latency);
    }
    Ok(())
}
