//! Sums by hour and by day, kept when the events are removed: by them a report over a year reads thousands of rows instead
//! of millions.
//!
//! They are written with the events, in the same transaction, by every field that a report may name and that has few
//! values. A report takes whole days and hours from here and the rest from the events.

use std::collections::HashMap;

use rusqlite::types::{ToSql, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::aggregate::{self, Groups, Part, Question};
use super::condition::{Conditions, micros};
use crate::query::{Dimension, EventFilter, Field};
use crate::store::totals::Measure;
use crate::store::{AttemptColumns, Columns, Group, MOST_GROUPS, NewEvent, StoreError, Totals};

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;
/// Shorter times than this are not worth a look here.
const WORTH: i64 = 2 * HOUR;

/// Sums of one batch, by span, begin and key.
type Sums = HashMap<(i64, i64, Vec<u8>), (Totals, Key)>;

/// What sums are kept apart by: names of the columns of `rollup_key` in this order.
const NAMES: [&str; 14] = [
    "provider",
    "vendor",
    "resolved_model",
    "model_group",
    "tag",
    "region",
    "strategy",
    "decision",
    "key_name",
    "team",
    "gateway_id",
    "attempt_provider",
    "attempt_model",
    "status_code",
];

/// Values of a row of `rollup_key`.
#[derive(Debug, Clone)]
struct Key {
    texts: [Option<String>; 13],
    status_code: Option<u16>,
    is_simulated: bool,
    is_attempt: bool,
}

impl Key {
    fn of(columns: &Columns, attempt: Option<&AttemptColumns>) -> Self {
        Self {
            texts: [
                columns.provider.clone(),
                columns.vendor.clone(),
                columns.resolved_model.clone(),
                columns.model_group.clone(),
                columns.tag.clone(),
                columns.region.clone(),
                columns.strategy.clone(),
                columns.decision.clone(),
                columns.key_name.clone(),
                columns.team.clone(),
                columns.gateway_id.clone(),
                attempt.and_then(|attempt| attempt.provider.clone()),
                attempt.and_then(|attempt| attempt.model.clone()),
            ],
            status_code: columns.status_code,
            is_simulated: columns.is_simulated,
            is_attempt: attempt.is_some(),
        }
    }

    /// The same for the same values alone.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![u8::from(self.is_attempt), u8::from(self.is_simulated)];
        bytes.extend(
            self.status_code
                .map_or(0, |code| u32::from(code) + 1)
                .to_le_bytes(),
        );
        for text in &self.texts {
            match text {
                None => bytes.push(0),
                Some(text) => {
                    bytes.push(1);
                    bytes.extend(text.len().to_le_bytes());
                    bytes.extend(text.bytes());
                }
            }
        }
        bytes
    }
}

/// Adds events that are new.
pub(super) fn add<'a>(
    transaction: &Transaction<'_>,
    events: impl Iterator<Item = &'a NewEvent>,
) -> Result<(), StoreError> {
    let mut sums = Sums::new();
    for event in events.filter(|event| event.columns.is_decision) {
        let columns = &event.columns;
        let ts = micros(event.timestamp);
        count(&mut sums, ts, Key::of(columns, None), |totals| {
            totals.count_request(columns);
        });
        for attempt in &columns.attempts {
            count(&mut sums, ts, Key::of(columns, Some(attempt)), |totals| {
                totals.count_attempt(columns, attempt);
            });
        }
    }
    let mut known = transaction
        .prepare_cached("SELECT totals FROM rollup WHERE span = ?1 AND ts = ?2 AND key_id = ?3")?;
    let mut write = transaction.prepare_cached(
        "INSERT OR REPLACE INTO rollup (span, ts, key_id, totals) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for ((span, ts, bytes), (mut totals, key)) in sums {
        let key_id = key_id(transaction, &bytes, &key)?;
        let before: Option<Vec<u8>> = known
            .query_row(params![span, ts, key_id], |row| row.get(0))
            .optional()?;
        if let Some(before) = before {
            read(&mut totals, &before, true)?;
        }
        write.execute(params![span, ts, key_id, totals.encode()])?;
    }
    Ok(())
}

fn count(sums: &mut Sums, ts: i64, key: Key, add: impl Fn(&mut Totals)) {
    let bytes = key.bytes();
    for span in [HOUR, DAY] {
        let (totals, _) = sums
            .entry((span, ts - ts.rem_euclid(span), bytes.clone()))
            .or_insert_with(|| (Totals::default(), key.clone()));
        add(totals);
    }
}

fn key_id(transaction: &Transaction<'_>, bytes: &[u8], key: &Key) -> Result<i64, StoreError> {
    let found: Option<i64> = transaction
        .prepare_cached("SELECT key_id FROM rollup_key WHERE key = ?1")?
        .query_row([bytes], |row| row.get(0))
        .optional()?;
    if let Some(id) = found {
        return Ok(id);
    }
    let names = NAMES.join(", ");
    let places: Vec<String> = (1..=NAMES.len() + 3)
        .map(|place| format!("?{place}"))
        .collect();
    let mut values: Vec<&dyn ToSql> = key.texts.iter().map(|text| text as &dyn ToSql).collect();
    values.extend([
        &key.status_code as &dyn ToSql,
        &key.is_simulated,
        &key.is_attempt,
        &bytes,
    ]);
    let sql = format!(
        "INSERT INTO rollup_key ({names}, is_simulated, is_attempt, key) VALUES ({})",
        places.join(", ")
    );
    transaction
        .prepare_cached(&sql)?
        .execute(values.as_slice())?;
    Ok(transaction.last_insert_rowid())
}

fn read(totals: &mut Totals, bytes: &[u8], distributions: bool) -> Result<(), StoreError> {
    totals
        .merge_encoded(bytes, distributions)
        .ok_or_else(|| StoreError::Damaged("a sum of an hour or a day cannot be read".to_owned()))
}

/// From where a part of a report is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Events,
    Hours,
    Days,
}

/// The answer of a question by sums, and by events for what is no whole hour; `None` where they cannot answer it.
pub(super) fn aggregate(
    connection: &Connection,
    question: Question<'_>,
) -> Result<Option<Groups>, StoreError> {
    if !can_answer(question) {
        return Ok(None);
    }
    // One state of the file for all parts.
    let snapshot = connection.unchecked_transaction()?;
    let complete_from: i64 = snapshot
        .prepare_cached("SELECT complete_from FROM rollup_state")?
        .query_row([], |row| row.get(0))?;
    let filter = question.filter;
    let range = (
        filter.since.map_or(i64::MIN, micros),
        filter.until.map_or(i64::MAX, micros),
    );
    let by_hour = question.group_by.contains(&Dimension::Hour);
    let parts = parts(range, complete_from, by_hour);
    if parts.iter().all(|(source, ..)| *source == Source::Events) {
        return Ok(None);
    }
    // What is said of answers comes after them, and is read from the events that it is about.
    let measures: Vec<Measure> = (question.measures.iter().copied())
        .filter(|&measure| measure != Measure::Score)
        .collect();
    let mut groups = Groups::new();
    for (source, from, until) in parts {
        let moment = |at: i64| events::Timestamp::from_micros(u64::try_from(at).unwrap_or(0));
        let filter = EventFilter {
            since: (from != i64::MIN).then(|| moment(from)),
            until: (until != i64::MAX).then(|| moment(until)),
            ..filter.clone()
        };
        let question = Question {
            filter: &filter,
            measures: &measures,
            ..question
        };
        let more = match source {
            Source::Events => aggregate::aggregate(&snapshot, question, Part::ByTime)?,
            Source::Hours => sums(&snapshot, question, HOUR)?,
            Source::Days => sums(&snapshot, question, DAY)?,
        };
        groups = aggregate::merge(groups, more)?;
    }
    if question.measures.contains(&Measure::Score) {
        for (key, scored) in aggregate::aggregate(&snapshot, question, Part::Scored)? {
            if let Some(group) = groups.get_mut(&key) {
                let totals = &mut group.totals;
                totals.scored = scored.totals.scored;
                totals.score_millionths = scored.totals.score_millionths;
                totals.score_millionths_squared = scored.totals.score_millionths_squared;
            }
        }
    }
    Ok(Some(groups))
}

/// Nothing is asked that sums do not know.
fn can_answer(question: Question<'_>) -> bool {
    let is_dimension = |one: &Dimension| !matches!(one, Dimension::Model | Dimension::Minute);
    let is_field = |field: Field| field == Field::Simulated || NAMES.contains(&field.name());
    question.group_by.iter().all(is_dimension)
        && (question.filter.conditions.iter()).all(|condition| is_field(condition.field))
}

/// A time as parts that follow each other: whole days where there are some, whole hours around them, and the events of what
/// is left. Before `complete_from` there are only events.
pub(super) fn parts(
    (from, until): (i64, i64),
    complete_from: i64,
    by_hour: bool,
) -> Vec<(Source, i64, i64)> {
    let up = |at: i64, span: i64| match at.rem_euclid(span) {
        0 => at,
        over => at.saturating_add(span - over),
    };
    let down = |at: i64, span: i64| {
        if at == i64::MAX {
            at
        } else {
            at - at.rem_euclid(span)
        }
    };
    let first_hour = if from <= complete_from && complete_from <= 0 {
        // Complete from the first event on.
        from
    } else {
        up(from.max(complete_from), HOUR)
    };
    let last_hour = down(until, HOUR);
    if last_hour.saturating_sub(first_hour) < WORTH {
        return vec![(Source::Events, from, until)];
    }
    let first_day = if first_hour == i64::MIN {
        first_hour
    } else {
        up(first_hour, DAY)
    };
    let last_day = down(last_hour, DAY);
    let whole = if by_hour || last_day <= first_day {
        vec![(Source::Hours, first_hour, last_hour)]
    } else {
        vec![
            (Source::Hours, first_hour, first_day),
            (Source::Days, first_day, last_day),
            (Source::Hours, last_day, last_hour),
        ]
    };
    let edges = [
        (Source::Events, from, first_hour),
        (Source::Events, last_hour, until),
    ];
    let mut parts = whole;
    parts.extend(edges);
    parts.retain(|&(_, from, until)| from < until);
    parts
}

fn sums(connection: &Connection, question: Question<'_>, span: i64) -> Result<Groups, StoreError> {
    let Question {
        filter,
        group_by,
        measures,
    } = question;
    let mut conditions = Conditions::of(filter, true);
    let of_attempts = group_by.iter().any(|one| one.is_of_attempts());
    conditions.add(&format!("span = {span}"));
    conditions.add(&format!("is_attempt = {}", u8::from(of_attempts)));
    let dimensions: String = group_by
        .iter()
        .map(|&one| format!("{}, ", aggregate::expression(one)))
        .collect();
    let names = NAMES.join(", ");
    let sql = format!(
        "SELECT {dimensions}totals FROM (
            SELECT span, ts, totals, 1 AS is_decision, is_simulated, is_attempt, {names}
            FROM rollup JOIN rollup_key USING (key_id)
        ) {}",
        conditions.wherever()
    );
    let distributions = measures
        .iter()
        .any(|one| matches!(one, Measure::Latency | Measure::Ttft));
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(conditions.values())?;
    let mut groups = Groups::new();
    let mut key = Vec::new();
    while let Some(row) = rows.next()? {
        key.clear();
        for index in 0..group_by.len() {
            aggregate::append(&mut key, row.get_ref(index)?);
        }
        if !groups.contains_key(&key) {
            if groups.len() >= MOST_GROUPS {
                return Err(StoreError::TooManyGroups { most: MOST_GROUPS });
            }
            let values = group_by
                .iter()
                .enumerate()
                .map(|(index, &one)| Ok(aggregate::value(one, row.get_ref(index)?)));
            let group = Group {
                key: values.collect::<Result<_, StoreError>>()?,
                totals: Totals::default(),
            };
            groups.insert(key.clone(), group);
        }
        let ValueRef::Blob(bytes) = row.get_ref(group_by.len())? else {
            continue;
        };
        if let Some(group) = groups.get_mut(&key) {
            read(&mut group.totals, bytes, distributions)?;
        }
    }
    Ok(groups)
}

#[cfg(test)]
mod tests;
