//! Events in ClickHouse, for fleets: several collectors may write to the same database.

mod aggregate;
mod condition;
mod connection;
mod schema;

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use events::{EventId, Timestamp};
use serde_json::json;
use serde_json::value::RawValue;

use crate::feedback::Feedback;
use crate::histogram;
use crate::offsets::Offsets;
use crate::query::{Cursor, Dimension, EventFilter, EventQuery, LARGEST_PAGE, Metric, Order};
use crate::report::EventPage;
use crate::store::{
    Arrival, Arrivals, ClickHouseLocation, Days, Group, HealthMinutes, Inserted, IsInTheWay,
    MS_PER_DAY, NewEvent, Record, RecordKind, SPENT_DAYS, Spender, Spent, Store, StoreError,
    StoreIdentity, event_text,
};
use crate::tokens;
use condition::{conditions, micros};
use connection::{Connection, Statement};

/// Ids in one statement: its text is limited, too.
const IDS_AT_ONCE: usize = 2_000;

/// A store on a server.
pub(super) struct ClickHouseStore {
    connection: Connection,
    /// The latest place that was given, so that no two events have the same.
    latest: AtomicU64,
    writer: Mutex<Writer>,
}

/// Numbers the events of this process in the order in which they become visible: one insert at a time, each into one
/// partition, so that it is there whole or not at all.
struct Writer {
    id: String,
    last: u64,
}

impl Writer {
    fn new() -> Result<Self, StoreError> {
        let mut id =
            tokens::random_hex().map_err(|error| StoreError::Unavailable(error.to_string()))?;
        id.truncate(16);
        Ok(Self { id, last: 0 })
    }
}

impl ClickHouseStore {
    /// Makes the tables that are not there.
    pub(super) fn open(location: &ClickHouseLocation) -> Result<Self, StoreError> {
        let connection = Connection::new(location);
        for table in schema::TABLES {
            connection.execute(&Statement::new(table))?;
        }
        Ok(Self {
            connection,
            latest: AtomicU64::new(0),
            writer: Mutex::new(Writer::new()?),
        })
    }

    /// Microseconds since 1970, later than every place given before.
    fn places(&self, count: usize) -> u64 {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(0));
        let count = count as u64;
        let next = |latest: u64| Some(latest.max(now) + count);
        self.latest
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
            .map_or(now, |latest| latest.max(now))
            + 1
    }

    /// Events of one partition.
    fn insert_events(&self, events: &[&NewEvent]) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let arrived = self.places(events.len())..;
        let mut rows = String::new();
        let mut last = writer.last;
        for (event, arrived) in events.iter().zip(arrived) {
            last += 1;
            rows.push_str(&event_row(event, arrived, &writer.id, last));
            rows.push('\n');
        }
        let inserted = self.connection.insert("kt_event", &rows);
        if inserted.is_ok() {
            writer.last = last;
        } else {
            // What failed may still become visible, at any time: what comes next is another writer's.
            *writer = Writer::new()?;
        }
        inserted
    }

    fn stored_ids(&self, batch: &[NewEvent]) -> Result<HashSet<String>, StoreError> {
        let mut stored = HashSet::new();
        for part in batch.chunks(IDS_AT_ONCE) {
            let times = || part.iter().map(|event| micros(event.timestamp));
            let mut statement = Statement::default();
            let first = statement.number(times().min().unwrap_or(0));
            let last = statement.number(times().max().unwrap_or(0));
            // Ids are hexadecimal digits: nothing in them needs escaping.
            let ids: Vec<String> = part.iter().map(|event| format!("'{}'", event.id)).collect();
            statement.sql = format!(
                "SELECT DISTINCT id FROM kt_event WHERE ts >= {first} AND ts <= {last} AND id IN ({})",
                ids.join(",")
            );
            let found: Vec<(String,)> = self.connection.rows(&statement)?;
            stored.extend(found.into_iter().map(|(id,)| id));
        }
        Ok(stored)
    }
}

impl Store for ClickHouseStore {
    fn insert(&self, batch: Vec<NewEvent>) -> Result<Inserted, StoreError> {
        let mut known = self.stored_ids(&batch)?;
        let new: Vec<bool> = batch
            .iter()
            .map(|event| known.insert(event.id.to_string()))
            .collect();
        // By partition: see `schema`.
        let mut partitions: BTreeMap<(u64, u64), Vec<&NewEvent>> = BTreeMap::new();
        let mut spent = String::new();
        for (event, _) in batch.iter().zip(&new).filter(|&(_, &new)| new) {
            partitions.entry(month(event)).or_default().push(event);
            if event.columns.spent_nanos().is_some() {
                spent.push_str(&spent_row(event));
                spent.push('\n');
            }
        }
        // Costs first: an event that is there is never sent again, and then its cost must be there, too.
        if !spent.is_empty() {
            self.connection.insert("kt_spent", &spent)?;
        }
        for events in partitions.values() {
            self.insert_events(events)?;
        }
        Ok(Inserted { new })
    }

    fn page(&self, query: &EventQuery) -> Result<EventPage, StoreError> {
        let limit = query.limit.clamp(1, LARGEST_PAGE);
        let mut statement = Statement::default();
        let mut clauses = conditions(&mut statement, &query.filter, false);
        let (comparison, direction) = match query.order {
            Order::NewestFirst => ("<", "DESC"),
            Order::OldestFirst => (">", "ASC"),
        };
        if let Some(Cursor::Time { timestamp, id }) = query.cursor {
            let time = statement.number(micros(timestamp));
            let id = statement.text(&id.to_string());
            clauses.push(format!("(ts, id) {comparison} ({time}, {id})"));
        }
        statement.sql = format!(
            "SELECT ts, id, json FROM kt_event FINAL {} ORDER BY ts {direction}, id {direction} LIMIT {}",
            wherever(&clauses),
            limit + 1
        );
        let mut rows: Vec<(u64, String, String)> = self.connection.rows(&statement)?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).and_then(|(ts, id, _)| {
            let timestamp = Timestamp::from_micros(*ts);
            let id = EventId::parse(id)?;
            Some(Cursor::Time { timestamp, id }.to_string())
        });
        let data = rows
            .into_iter()
            .map(|(_, id, json)| event_text(EventId::parse(&id), json))
            .collect();
        Ok(EventPage { data, next_cursor })
    }

    fn event(&self, id: EventId) -> Result<Option<Box<RawValue>>, StoreError> {
        let mut statement = Statement::default();
        let bound = statement.text(&id.to_string());
        statement.sql = format!("SELECT json FROM kt_event WHERE id = {bound} LIMIT 1");
        let rows: Vec<(String,)> = self.connection.rows(&statement)?;
        let found = rows.into_iter().next();
        Ok(found.map(|(json,)| event_text(Some(id), json)))
    }

    fn put_feedback(&self, id: EventId, feedback: &Feedback) -> Result<bool, StoreError> {
        let mut statement = Statement::default();
        let bound = statement.text(&id.to_string());
        statement.sql =
            format!("SELECT ts FROM kt_event WHERE id = {bound} AND is_decision LIMIT 1");
        let rows: Vec<(u64,)> = self.connection.rows(&statement)?;
        let Some(&(ts,)) = rows.first() else {
            return Ok(false);
        };
        let row = json!({
            "id": id.to_string(), "label": feedback.label.as_deref().unwrap_or_default(), "ts": ts,
            "score_millionths": feedback.score_millionths(), "given_at_ms": feedback.given_at_ms,
            "version": self.places(1),
        });
        self.connection.insert("kt_feedback", &row.to_string())?;
        Ok(true)
    }

    fn feedback(&self, id: EventId) -> Result<Vec<Feedback>, StoreError> {
        let mut statement = Statement::default();
        let bound = statement.text(&id.to_string());
        statement.sql = format!(
            "SELECT label, score_millionths, given_at_ms FROM kt_feedback FINAL WHERE id = {bound} ORDER BY label"
        );
        let rows: Vec<(String, u32, u64)> = self.connection.rows(&statement)?;
        Ok(rows
            .into_iter()
            .map(|(label, millionths, at)| Feedback::of_store(label, millionths, at))
            .collect())
    }

    fn arrivals(
        &self,
        filter: &EventFilter,
        after: Option<&Offsets>,
        limit: usize,
    ) -> Result<Arrivals, StoreError> {
        let newest =
            Statement::new("SELECT toString(writer) AS name, max(seq) FROM kt_event GROUP BY name");
        let newest: Vec<(String, u64)> = self.connection.rows(&newest)?;
        let mut statement = Statement::default();
        let mut clauses = conditions(&mut statement, filter, false);
        // What comes while this is asked waits for the next time.
        let mut bounds = Vec::new();
        for (writer, last) in &newest {
            let seen = after.and_then(|offsets| offsets.get(writer)).unwrap_or(0);
            let name = statement.text(writer);
            bounds.push(format!(
                "(writer = {name} AND seq > {seen} AND seq <= {last})"
            ));
        }
        if bounds.is_empty() {
            bounds.push(String::from("0"));
        }
        clauses.push(format!("({})", bounds.join(" OR ")));
        let direction = if after.is_none() { "DESC" } else { "ASC" };
        statement.sql = format!(
            "SELECT toString(writer), seq, json FROM kt_event FINAL {} ORDER BY arrived {direction}, seq {direction} LIMIT {limit}",
            wherever(&clauses)
        );
        let rows: Vec<(String, u64, String)> = self.connection.rows(&statement)?;
        let mut last = after.cloned().unwrap_or_default();
        if after.is_some() && rows.len() >= limit {
            // There may be more between the last one and the newest.
            for (writer, seq, _) in &rows {
                last.advance(writer, *seq);
            }
        } else {
            for (writer, seq) in &newest {
                last.advance(writer, *seq);
            }
        }
        let mut data = rows
            .into_iter()
            .map(|(writer, place, json)| Arrival {
                writer,
                place,
                json: event_text(None, json),
            })
            .collect::<Vec<_>>();
        if after.is_none() {
            data.reverse();
        }
        Ok(Arrivals { data, last })
    }

    fn aggregate(
        &self,
        filter: &EventFilter,
        group_by: &[Dimension],
        metrics: &[Metric],
    ) -> Result<Vec<Group>, StoreError> {
        aggregate::aggregate(&self.connection, filter, group_by, metrics)
    }

    fn spent(&self, by: Spender<'_>, period: Days, instance_id: &str) -> Result<Spent, StoreError> {
        let mut statement = Statement::default();
        let instance = statement.text(instance_id);
        let is_spender = match by {
            Spender::Provider(name) => {
                let name = statement.text(name);
                format!("(provider = {name} OR vendor = {name})")
            }
            Spender::Key(name) => format!("key_name = {}", statement.text(name)),
        };
        // A sum of 64 bits would begin anew where it is too large.
        let sum = |comparison: &str, instance: &str| {
            let sum = format!("sumIf(toUInt128(nanos), instance_id {comparison} {instance})");
            format!("toUInt64(least({sum}, toUInt128({})))", u64::MAX)
        };
        statement.sql = format!(
            "SELECT {}, {}
             FROM kt_spent FINAL WHERE {is_spender} AND day >= {} AND day < {}",
            sum("=", &instance),
            sum("!=", &instance),
            period.from,
            period.until
        );
        let rows: Vec<(u64, u64)> = self.connection.rows(&statement)?;
        Ok(rows
            .first()
            .map_or_else(Spent::default, |&(here, elsewhere)| Spent {
                here,
                elsewhere,
            }))
    }

    fn forget_before(&self, moment: Timestamp) -> Result<u64, StoreError> {
        let mut count = Statement::default();
        let before = count.number(micros(moment));
        count.sql = format!("SELECT count() FROM kt_event WHERE ts < {before}");
        let rows: Vec<(u64,)> = self.connection.rows(&count)?;
        let forgotten = rows.first().map_or(0, |(count,)| *count);
        if forgotten > 0 {
            // Mutations take no parameters; these are numbers.
            let sql = format!("ALTER TABLE kt_event DELETE WHERE ts < {}", moment.micros());
            self.connection.execute(&Statement::new(sql))?;
            let sql = format!(
                "ALTER TABLE kt_feedback DELETE WHERE ts < {}",
                moment.micros()
            );
            self.connection.execute(&Statement::new(sql))?;
            let day = (moment.millis() / MS_PER_DAY).saturating_sub(SPENT_DAYS);
            let sql = format!("ALTER TABLE kt_spent DELETE WHERE day < {day}");
            self.connection.execute(&Statement::new(sql))?;
            let minute = day * MS_PER_DAY / 60_000;
            let sql = format!("ALTER TABLE kt_health DELETE WHERE minute < {minute}");
            self.connection.execute(&Statement::new(sql))?;
        }
        Ok(forgotten)
    }

    fn add_health(&self, minutes: &[HealthMinutes]) -> Result<(), StoreError> {
        let rows: Vec<String> = (minutes.iter())
            .map(|one| {
                let [healthy, degraded, unhealthy] = one.ms;
                json!({
                    "minute": one.minute, "gateway_id": one.gateway_id, "provider": one.provider,
                    "healthy_ms": healthy, "degraded_ms": degraded, "unhealthy_ms": unhealthy,
                })
                .to_string()
            })
            .collect();
        self.connection.insert("kt_health", &rows.join("\n"))
    }

    fn health(&self, from: u64, until: u64, step: u64) -> Result<Vec<HealthMinutes>, StoreError> {
        let step = step.max(1);
        let sql = format!(
            "SELECT intDiv(minute, {step}) * {step} AS begin, toString(gateway_id) AS gateway, toString(provider) AS target,
                sum(healthy_ms), sum(degraded_ms), sum(unhealthy_ms)
             FROM kt_health WHERE minute >= {from} AND minute < {until}
             GROUP BY begin, gateway, target ORDER BY begin, gateway, target"
        );
        let rows: Vec<(u64, String, String, u64, u64, u64)> =
            self.connection.rows(&Statement::new(sql))?;
        Ok(rows
            .into_iter()
            .map(
                |(minute, gateway_id, provider, healthy, degraded, unhealthy)| HealthMinutes {
                    minute,
                    gateway_id,
                    provider,
                    ms: [healthy, degraded, unhealthy],
                },
            )
            .collect())
    }

    fn identity(&self) -> Result<StoreIdentity, StoreError> {
        let ids = || -> Result<Vec<(String,)>, StoreError> {
            // Two collectors may have made one each at the same time: both take the earlier one.
            let sql = "SELECT id FROM kt_record WHERE kind = 'store' ORDER BY version, id LIMIT 1";
            self.connection.rows(&Statement::new(sql))
        };
        let mut found = ids()?;
        if found.is_empty() {
            let id = crate::tokens::random_hex()
                .map_err(|error| StoreError::Unavailable(error.to_string()))?;
            let row = json!({
                "kind": "store", "id": id, "json": "", "deleted": 0, "version": self.places(1),
            });
            self.connection.insert("kt_record", &row.to_string())?;
            found = ids()?;
        }
        let no_identity = || StoreError::Damaged("the database has no identity".to_owned());
        let (id,) = found.into_iter().next().ok_or_else(no_identity)?;
        // Replicas lag behind each other: a lower number would not mean an older copy.
        Ok(StoreIdentity { id, generation: 0 })
    }

    fn records(&self, kind: RecordKind) -> Result<Vec<Record>, StoreError> {
        let mut statement = Statement::default();
        let kind = statement.text(kind.name());
        statement.sql = format!(
            "SELECT id, json FROM kt_record FINAL WHERE kind = {kind} AND deleted = 0 ORDER BY id"
        );
        let rows: Vec<(String, String)> = self.connection.rows(&statement)?;
        Ok(rows
            .into_iter()
            .map(|(id, json)| Record { id, json })
            .collect())
    }

    fn put_record(&self, kind: RecordKind, record: &Record) -> Result<(), StoreError> {
        let row = json!({
            "kind": kind.name(), "id": record.id, "json": record.json, "deleted": 0, "version": self.places(1),
        });
        self.connection.insert("kt_record", &row.to_string())
    }

    fn put_record_unless(
        &self,
        kind: RecordKind,
        record: &Record,
        is_in_the_way: IsInTheWay,
    ) -> Result<bool, StoreError> {
        if self.records(kind)?.iter().any(is_in_the_way) {
            return Ok(false);
        }
        self.put_record(kind, record)?;
        Ok(true)
    }

    fn delete_record(&self, kind: RecordKind, id: &str) -> Result<bool, StoreError> {
        if !self.records(kind)?.iter().any(|record| record.id == id) {
            return Ok(false);
        }
        let row = json!({
            "kind": kind.name(), "id": id, "json": "", "deleted": 1, "version": self.places(1),
        });
        self.connection.insert("kt_record", &row.to_string())?;
        Ok(true)
    }
}

fn wherever(clauses: &[String]) -> String {
    if clauses.is_empty() {
        String::new()
    } else {
        format!("WHERE {}", clauses.join(" AND "))
    }
}

/// Year and month of an event's own time, as the table is partitioned.
fn month(event: &NewEvent) -> (u64, u64) {
    let text = event.timestamp.to_string();
    let number = |range| text.get(range).and_then(|digits: &str| digits.parse().ok());
    (number(0..4).unwrap_or(0), number(5..7).unwrap_or(0))
}

fn event_row(event: &NewEvent, arrived: u64, writer: &str, seq: u64) -> String {
    let columns = &event.columns;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    json!({
        "id": event.id.to_string(),
        "ts": event.timestamp.micros(),
        "arrived": arrived,
        "writer": writer,
        "seq": seq,
        "is_decision": u8::from(columns.is_decision),
        "status_code": columns.status_code.unwrap_or(0),
        "is_broken": u8::from(columns.is_broken),
        "failover": u8::from(columns.failover),
        "latency_ms": columns.latency_ms,
        "latency_bucket": columns.latency_ms.map_or(0, histogram::bucket),
        "ttft_ms": columns.ttft_ms,
        "ttft_bucket": columns.ttft_ms.map_or(0, histogram::bucket),
        "prompt_tokens": columns.prompt_tokens,
        "completion_tokens": columns.completion_tokens,
        "cached_tokens": columns.cached_tokens,
        "total_tokens": columns.total_tokens,
        "cost_nanos": columns.cost_nanos.unwrap_or(0),
        "is_priced": u8::from(columns.cost_nanos.is_some()),
        "decision": text(&columns.decision),
        "provider": text(&columns.provider),
        "vendor": text(&columns.vendor),
        "model": text(&columns.model),
        "resolved_model": text(&columns.resolved_model),
        "model_group": text(&columns.model_group),
        "tag": text(&columns.tag),
        "region": text(&columns.region),
        "strategy": text(&columns.strategy),
        "key_name": text(&columns.key_name),
        "gateway_id": text(&columns.gateway_id),
        "instance_id": text(&columns.instance_id),
        "team": text(&columns.team),
        "is_simulated": u8::from(columns.is_simulated),
        "json": event.json,
    })
    .to_string()
}

fn spent_row(event: &NewEvent) -> String {
    let columns = &event.columns;
    json!({
        "day": event.timestamp.millis() / MS_PER_DAY,
        "id": event.id.to_string(),
        "provider": columns.provider.as_deref().unwrap_or_default(),
        "vendor": columns.vendor.as_deref().unwrap_or_default(),
        "key_name": columns.key_name.as_deref().unwrap_or_default(),
        "instance_id": columns.instance_id.as_deref().unwrap_or_default(),
        "nanos": columns.cost_nanos.unwrap_or(0),
    })
    .to_string()
}
