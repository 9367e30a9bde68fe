//! Events in an SQLite file: one thread writes, others read beside it.

mod aggregate;
mod condition;
mod feedback;
mod health;
mod pages;
mod rollup;
mod schema;
mod snapshot;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use events::{EventId, Timestamp};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use serde_json::value::RawValue;

use crate::feedback::Feedback;
use crate::offsets::Offsets;
use crate::query::{Dimension, EventFilter, EventQuery, Metric};
use crate::report::EventPage;
use crate::store::{
    Arrivals, Days, Group, HealthMinutes, Inserted, IsInTheWay, NewEvent, Record, RecordKind,
    Spender, Spent, Store, StoreError, StoreIdentity, event_text, totals::Measure,
};
pub use snapshot::snapshot;

use aggregate::{Part, Question};
use writer::{Change, Writer};

/// How long to wait for another program that has the file: `kt` beside a running gateway.
const BUSY: Duration = Duration::from_secs(10);
/// Pages that the writer has in memory, in KiB: the ends of its indices.
const WRITER_KIB: i64 = 8 * 1_024;
/// Pages that each reader has: reports read most pages once.
const READER_KIB: i64 = 2 * 1_024;
/// Connections kept for readers.
const IDLE_READERS: usize = 4;

/// A store in a file.
pub(super) struct SqliteStore {
    path: PathBuf,
    /// Dropped before the writer, which leaves one file behind as the last one that has it open.
    readers: Mutex<Vec<Connection>>,
    writer: Writer,
}

impl SqliteStore {
    /// Opens or makes the file, readable for its owner alone.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        make_private(path)
            .map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))?;
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, WRITER_KIB)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // An event that was acknowledged is on the disk.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        schema::migrate(&mut connection)?;
        Ok(Self {
            path: path.to_owned(),
            writer: Writer::start(connection)?,
            readers: Mutex::default(),
        })
    }

    fn read<T>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = || {
            self.readers
                .lock()
                .unwrap_or_else(|broken| broken.into_inner())
        };
        let kept = idle().pop();
        let connection = match kept {
            Some(connection) => connection,
            None => connect(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY, READER_KIB)?,
        };
        let answer = question(&connection);
        let mut readers = idle();
        if readers.len() < IDLE_READERS {
            readers.push(connection);
        }
        answer
    }
}

fn connect(path: &Path, access: OpenFlags, cache_kib: i64) -> Result<Connection, StoreError> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Events name who asked what: the file is its owner's.
fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map(drop)
}

impl Store for SqliteStore {
    fn insert(&self, batch: Vec<NewEvent>) -> Result<Inserted, StoreError> {
        self.writer.insert(batch)
    }

    fn page(&self, query: &EventQuery) -> Result<EventPage, StoreError> {
        self.read(|connection| pages::page(connection, query))
    }

    fn event(&self, id: EventId) -> Result<Option<Box<RawValue>>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT json FROM event JOIN event_text USING (seq) WHERE id = ?1")?
                .query_row([id.to_bytes()], |row| Ok(lossy(row.get_ref(0)?)))
                .optional()?
                .map(|json| Ok(event_text(Some(id), json)))
                .transpose()
        })
    }

    fn put_feedback(&self, id: EventId, feedback: &Feedback) -> Result<bool, StoreError> {
        let feedback = feedback.clone();
        Ok(self.writer.change(Change::Feedback { id, feedback })? > 0)
    }

    fn feedback(&self, id: EventId) -> Result<Vec<Feedback>, StoreError> {
        self.read(|connection| feedback::of(connection, id))
    }

    fn arrivals(
        &self,
        filter: &EventFilter,
        after: Option<&Offsets>,
        limit: usize,
    ) -> Result<Arrivals, StoreError> {
        self.read(|connection| pages::arrivals(connection, filter, after, limit))
    }

    fn aggregate(
        &self,
        filter: &EventFilter,
        group_by: &[Dimension],
        metrics: &[Metric],
    ) -> Result<Vec<Group>, StoreError> {
        let question = Question {
            filter,
            group_by,
            measures: &Measure::of(metrics),
        };
        if let Some(groups) = self.read(|connection| rollup::aggregate(connection, question))? {
            return Ok(groups.into_values().collect());
        }
        let part = |part| self.read(|connection| aggregate::aggregate(connection, question, part));
        let groups = match self.read(|connection| aggregate::middle(connection, filter))? {
            None => part(Part::ByTime)?,
            Some(middle) => std::thread::scope(|scope| {
                let later = scope.spawn(|| part(Part::From(middle)));
                let earlier = part(Part::Before(middle))?;
                let failed = |_| StoreError::Unavailable("a report failed".to_owned());
                aggregate::merge(earlier, later.join().map_err(failed)??)
            })?,
        };
        Ok(groups.into_values().collect())
    }

    fn spent(&self, by: Spender<'_>, period: Days, instance_id: &str) -> Result<Spent, StoreError> {
        const IN_PERIOD: &str = "day >= ?2 AND day < ?3";
        // Each half by its own index. A name may be both a target's and its vendor's.
        let (rows, name) = match by {
            Spender::Provider(name) => (
                format!(
                    "SELECT instance_id, nanos FROM spent WHERE provider = ?1 AND {IN_PERIOD}
                     UNION ALL
                     SELECT instance_id, nanos FROM spent WHERE vendor = ?1 AND provider <> ?1 AND {IN_PERIOD}"
                ),
                name,
            ),
            Spender::Key(name) => (
                format!("SELECT instance_id, nanos FROM spent WHERE key_name = ?1 AND {IN_PERIOD}"),
                name,
            ),
        };
        // Apart, neither sum is too large for an integer.
        const WHOLE: u64 = 1_000_000_000;
        let sum = |whole: i64, rest: i64| {
            let unsigned = |number: i64| u64::try_from(number).unwrap_or(0);
            (unsigned(whole).saturating_mul(WHOLE)).saturating_add(unsigned(rest))
        };
        let sql = format!(
            "SELECT COALESCE(SUM(nanos / {WHOLE}) FILTER (WHERE instance_id = ?4), 0),
                COALESCE(SUM(nanos % {WHOLE}) FILTER (WHERE instance_id = ?4), 0),
                COALESCE(SUM(nanos / {WHOLE}) FILTER (WHERE instance_id <> ?4), 0),
                COALESCE(SUM(nanos % {WHOLE}) FILTER (WHERE instance_id <> ?4), 0)
             FROM ({rows})"
        );
        self.read(|connection| {
            let spent = connection.prepare_cached(&sql)?.query_row(
                params![name, period.from, period.until, instance_id],
                |row| {
                    Ok(Spent {
                        here: sum(row.get(0)?, row.get(1)?),
                        elsewhere: sum(row.get(2)?, row.get(3)?),
                    })
                },
            )?;
            Ok(spent)
        })
    }

    fn forget_before(&self, moment: Timestamp) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        loop {
            // In portions: batches come in between.
            match self.writer.change(Change::Forget { before: moment })? {
                0 => return Ok(forgotten),
                some => forgotten += some,
            }
        }
    }

    fn add_health(&self, minutes: &[HealthMinutes]) -> Result<(), StoreError> {
        self.writer.change(Change::Health(minutes.to_vec()))?;
        Ok(())
    }

    fn health(&self, from: u64, until: u64, step: u64) -> Result<Vec<HealthMinutes>, StoreError> {
        self.read(|connection| health::between(connection, (from, until), step))
    }

    fn identity(&self) -> Result<StoreIdentity, StoreError> {
        self.read(|connection| {
            let (id, generation): (String, i64) = connection
                .prepare_cached("SELECT id, generation FROM identity")?
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(StoreIdentity {
                id,
                generation: u64::try_from(generation).unwrap_or(0),
            })
        })
    }

    fn records(&self, kind: RecordKind) -> Result<Vec<Record>, StoreError> {
        self.read(|connection| records(connection, kind))
    }

    fn put_record(&self, kind: RecordKind, record: &Record) -> Result<(), StoreError> {
        self.writer.change(Change::Put {
            kind,
            record: record.clone(),
        })?;
        Ok(())
    }

    fn put_record_unless(
        &self,
        kind: RecordKind,
        record: &Record,
        is_in_the_way: IsInTheWay,
    ) -> Result<bool, StoreError> {
        let changed = self.writer.change(Change::PutUnless {
            kind,
            record: record.clone(),
            is_in_the_way,
        })?;
        Ok(changed > 0)
    }

    fn delete_record(&self, kind: RecordKind, id: &str) -> Result<bool, StoreError> {
        let id = id.to_owned();
        Ok(self.writer.change(Change::Delete { kind, id })? > 0)
    }
}

fn records(connection: &Connection, kind: RecordKind) -> Result<Vec<Record>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT id, json FROM record WHERE kind = ?1 ORDER BY id")?;
    let records = statement.query_map([kind.name()], |row| {
        // Whatever is in a damaged row, the others can be read.
        Ok(Record {
            id: lossy(row.get_ref(0)?),
            json: lossy(row.get_ref(1)?),
        })
    })?;
    Ok(records.collect::<Result<_, _>>()?)
}

fn lossy(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => String::new(),
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged(error.to_string())
            }
            _ => Self::Unavailable(error.to_string()),
        }
    }
}
