//! Sums by minute, hour and day, kept when the events are removed: by them a report over a year reads thousands of rows
//! instead of millions.
//!
//! They are written with the events, in the same transaction, twice: in detail by hour and day, by every field that a
//! report may name and that has few values; and in brief by minute, hour and day, by the few fields that pages name which
//! ask every few seconds. A report takes whole days, hours and minutes from here and the rest from the events.

mod cover;

use std::collections::HashMap;

use cover::{Source, Span};
use rusqlite::types::{ToSql, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::aggregate::{self, Groups, Part, Question};
use super::condition::{Conditions, micros};
use crate::query::{Column, Dimension, EventFilter, Field};
use crate::store::totals::Measure;
use crate::store::{AttemptColumns, Columns, Group, MOST_GROUPS, NewEvent, StoreError, Totals};

/// Sums of one batch, by table, span, begin and key.
type Sums = HashMap<(Table, Span, i64, Vec<u8>), (Totals, Key)>;

/// How finely sums are kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Table {
    /// By all of [`NAMES`].
    Detailed,
    /// By those of [`BRIEF`] alone.
    Brief,
}

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

/// What brief sums are kept apart by, beside `is_simulated`.
const BRIEF: [&str; 5] = [
    "provider",
    "vendor",
    "model_group",
    "gateway_id",
    "attempt_provider",
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

    /// Without what [`BRIEF`] does not name.
    fn brief(mut self) -> Self {
        for (name, text) in NAMES.iter().zip(&mut self.texts) {
            if !BRIEF.contains(name) {
                *text = None;
            }
        }
        self.status_code = None;
        self
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
        count(&mut sums, ts, &Key::of(columns, None), |totals| {
            totals.count_request(columns);
        });
        for attempt in &columns.attempts {
            count(&mut sums, ts, &Key::of(columns, Some(attempt)), |totals| {
                totals.count_attempt(columns, attempt);
            });
        }
    }
    for ((table, span, ts, bytes), (mut totals, key)) in sums {
        let key_id = key_id(transaction, &bytes, &key)?;
        let before: Option<Vec<u8>> = transaction
            .prepare_cached(table.select())?
            .query_row(params![span.micros(), ts, key_id], |row| row.get(0))
            .optional()?;
        if let Some(before) = before {
            read(&mut totals, &before, true)?;
        }
        transaction
            .prepare_cached(table.insert())?
            .execute(params![span.micros(), ts, key_id, totals.encode()])?;
    }
    Ok(())
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Self::Detailed => "rollup",
            Self::Brief => "rollup_brief",
        }
    }

    fn select(self) -> &'static str {
        match self {
            Self::Detailed => {
                "SELECT totals FROM rollup WHERE span = ?1 AND ts = ?2 AND key_id = ?3"
            }
            Self::Brief => {
                "SELECT totals FROM rollup_brief WHERE span = ?1 AND ts = ?2 AND key_id = ?3"
            }
        }
    }

    fn insert(self) -> &'static str {
        match self {
            Self::Detailed => {
                "INSERT OR REPLACE INTO rollup (span, ts, key_id, totals) VALUES (?1, ?2, ?3, ?4)"
            }
            Self::Brief => {
                "INSERT OR REPLACE INTO rollup_brief (span, ts, key_id, totals) VALUES (?1, ?2, ?3, ?4)"
            }
        }
    }

    /// From coarse to fine.
    fn spans(self) -> &'static [Span] {
        match self {
            Self::Detailed => &[Span::Day, Span::Hour],
            Self::Brief => &[Span::Day, Span::Hour, Span::Minute],
        }
    }
}

fn count(sums: &mut Sums, ts: i64, key: &Key, add: impl Fn(&mut Totals)) {
    for table in [Table::Detailed, Table::Brief] {
        let key = match table {
            Table::Detailed => key.clone(),
            Table::Brief => key.clone().brief(),
        };
        let bytes = key.bytes();
        for &span in table.spans() {
            let (totals, _) = sums
                .entry((table, span, span.begin(ts), bytes.clone()))
                .or_insert_with(|| (Totals::default(), key.clone()));
            add(totals);
        }
    }
}

/// Removes sums by minute of the time before `ts`, in microseconds; those by hour and day stay.
pub(super) fn forget_minutes(transaction: &Transaction<'_>, ts: i64) -> Result<(), StoreError> {
    transaction
        .prepare_cached("DELETE FROM rollup_brief WHERE span = ?1 AND ts < ?2")?
        .execute(params![Span::Minute.micros(), ts])?;
    Ok(())
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
    totals.merge_encoded(bytes, distributions).ok_or_else(|| {
        StoreError::Damaged("a sum of a minute, an hour or a day cannot be read".to_owned())
    })
}

/// The answer of a question by sums, and by events for what is no whole hour; `None` where they cannot answer it.
pub(super) fn aggregate(
    connection: &Connection,
    question: Question<'_>,
) -> Result<Option<Groups>, StoreError> {
    // One state of the file for all parts.
    let snapshot = connection.unchecked_transaction()?;
    let complete_from: (i64, i64) = snapshot
        .prepare_cached("SELECT complete_from, brief_complete_from FROM rollup_state")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let filter = question.filter;
    let range = (
        filter.since.map_or(i64::MIN, micros),
        filter.until.map_or(i64::MAX, micros),
    );
    let Some((table, complete_from)) = table_for(question, range.0, complete_from) else {
        return Ok(None);
    };
    let coarsest = coarsest(question.group_by);
    let spans: Vec<Span> = (table.spans().iter().copied())
        .filter(|span| span.micros() <= coarsest.micros())
        .collect();
    let parts = cover::parts(range, complete_from, &spans);
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
            Source::Sums(span) => sums(&snapshot, question, table, span)?,
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

/// The sums that answer a question about the time since `from`, and from when on they know of everything; `None` if it asks
/// what no sums know.
fn table_for(
    question: Question<'_>,
    from: i64,
    (detailed_from, brief_from): (i64, i64),
) -> Option<(Table, i64)> {
    let knows = |names: &[&str]| {
        let has = |name: &str| names.contains(&name);
        let has_dimension = |one: &Dimension| match one.column() {
            Column::Named(name) => has(name),
            Column::PeriodOf(_) | Column::Month => true,
        };
        let has_field = |field: Field| match field {
            Field::Simulated => true,
            // That one of its attempts was there: sums of requests do not tell.
            Field::AttemptProvider => false,
            field => has(field.name()),
        };
        question.group_by.iter().all(has_dimension)
            && (question.filter.conditions.iter()).all(|condition| has_field(condition.field))
    };
    let by_minute = question.group_by.contains(&Dimension::Minute);
    let detailed = knows(&NAMES) && !by_minute;
    // A file may have begun with brief sums later than with detailed ones.
    let brief = knows(&BRIEF) && (brief_from <= from.max(detailed_from) || !detailed);
    match (brief, detailed) {
        (true, _) => Some((Table::Brief, brief_from)),
        (false, true) => Some((Table::Detailed, detailed_from)),
        (false, false) => None,
    }
}

/// The longest time that rows of these dimensions may share.
fn coarsest(group_by: &[Dimension]) -> Span {
    if group_by.contains(&Dimension::Minute) {
        Span::Minute
    } else if group_by.contains(&Dimension::Hour) {
        Span::Hour
    } else {
        Span::Day
    }
}

fn sums(
    connection: &Connection,
    question: Question<'_>,
    table: Table,
    span: Span,
) -> Result<Groups, StoreError> {
    let Question {
        filter,
        group_by,
        measures,
    } = question;
    let mut conditions = Conditions::of(filter, true);
    let of_attempts = group_by.iter().any(|one| one.is_of_attempts());
    conditions.add(&format!("span = {}", span.micros()));
    conditions.add(&format!("is_attempt = {}", u8::from(of_attempts)));
    let dimensions: String = group_by
        .iter()
        .map(|&one| format!("{}, ", aggregate::expression(one)))
        .collect();
    let names = NAMES.join(", ");
    let sql = format!(
        "SELECT {dimensions}totals FROM (
            SELECT span, ts, totals, 1 AS is_decision, is_simulated, is_attempt, {names}
            FROM {table} JOIN rollup_key USING (key_id)
        ) {}",
        conditions.wherever(),
        table = table.name()
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
