//! The one thread that writes. Batches that wait together are written in one transaction, so that the disk is asked
//! once for all of them.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use events::{EventId, Timestamp};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::{feedback, health, rollup};
use crate::feedback::Feedback;
use crate::store::{
    HealthMinutes, Inserted, IsInTheWay, MS_PER_DAY, NewEvent, Record, RecordKind, SPENT_DAYS,
    StoreError,
};

/// Batches that wait for the thread; who comes later waits before the queue, so memory is bounded.
const QUEUE: usize = 8;
/// Events that go into one transaction.
const TOGETHER: usize = 10_000;
/// Events that are forgotten at once.
const PORTION: usize = 2_000;

pub(super) struct Writer {
    queue: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

enum Job {
    Insert(Vec<NewEvent>, SyncSender<Result<Inserted, StoreError>>),
    Change(Change, SyncSender<Result<u64, StoreError>>),
}

/// A change other than new events.
pub(super) enum Change {
    Put {
        kind: RecordKind,
        record: Record,
    },
    PutUnless {
        kind: RecordKind,
        record: Record,
        is_in_the_way: IsInTheWay,
    },
    Delete {
        kind: RecordKind,
        id: String,
    },
    Forget {
        before: Timestamp,
    },
    Feedback {
        id: EventId,
        feedback: Feedback,
    },
    Health(Vec<HealthMinutes>),
}

// === impl Writer ===

impl Writer {
    pub(super) fn start(mut connection: Connection) -> Result<Self, StoreError> {
        let (queue, jobs) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("kt-store".to_owned())
            .spawn(move || work(&mut connection, &jobs))
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    pub(super) fn insert(&self, batch: Vec<NewEvent>) -> Result<Inserted, StoreError> {
        self.ask(|answer| Job::Insert(batch, answer))
    }

    /// How many rows changed.
    pub(super) fn change(&self, change: Change) -> Result<u64, StoreError> {
        self.ask(|answer| Job::Change(change, answer))
    }

    fn ask<T>(
        &self,
        job: impl FnOnce(SyncSender<Result<T, StoreError>>) -> Job,
    ) -> Result<T, StoreError> {
        let gone = || StoreError::Unavailable("the writer has ended".to_owned());
        let (answer, answered) = sync_channel(1);
        let queue = self.queue.as_ref().ok_or_else(gone)?;
        queue.send(job(answer)).map_err(|_| gone())?;
        answered.recv().map_err(|_| gone())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The thread ends when nobody can ask any more, and closes the file.
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn work(connection: &mut Connection, jobs: &Receiver<Job>) {
    while let Ok(job) = jobs.recv() {
        let mut next = Some(job);
        while let Some(job) = next.take() {
            match job {
                Job::Change(change, answer) => {
                    let _ = answer.send(apply(connection, change));
                }
                Job::Insert(batch, answer) => {
                    let mut answers = vec![(batch.len(), answer)];
                    let mut together = batch;
                    while together.len() < TOGETHER {
                        match jobs.try_recv() {
                            Ok(Job::Insert(batch, answer)) => {
                                answers.push((batch.len(), answer));
                                together.extend(batch);
                            }
                            Ok(other) => {
                                next = Some(other);
                                break;
                            }
                            Err(_) => break,
                        }
                    }
                    reply(insert(connection, &together), answers);
                }
            }
        }
    }
}

/// Gives each batch its part of the outcome.
fn reply(
    outcome: Result<Vec<bool>, StoreError>,
    answers: Vec<(usize, SyncSender<Result<Inserted, StoreError>>)>,
) {
    let mut outcome = outcome.map(Vec::into_iter);
    for (len, answer) in answers {
        let part = match &mut outcome {
            Ok(new) => Ok(Inserted {
                new: new.by_ref().take(len).collect(),
            }),
            Err(error) => Err(StoreError::Unavailable(error.to_string())),
        };
        // Who asked may have gone.
        let _ = answer.send(part);
    }
}

fn insert(connection: &mut Connection, events: &[NewEvent]) -> Result<Vec<bool>, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let new = insert_events(&transaction, events)?;
    transaction.commit()?;
    Ok(new)
}

fn insert_events(
    transaction: &Transaction<'_>,
    events: &[NewEvent],
) -> Result<Vec<bool>, StoreError> {
    let mut row = transaction.prepare_cached(
        "INSERT INTO event (id, ts, is_decision, status_code, failover, latency_ms, ttft_ms, prompt_tokens,
            completion_tokens, cached_tokens, total_tokens, cost_nanos, is_priced, decision, provider, vendor, model,
            resolved_model, model_group, tag, region, strategy, key_name, gateway_id, instance_id, team,
            is_simulated, is_broken)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
            ?23, ?24, ?25, ?26, ?27, ?28)
         ON CONFLICT (id) DO NOTHING",
    )?;
    let mut text =
        transaction.prepare_cached("INSERT INTO event_text (seq, json) VALUES (?1, ?2)")?;
    let mut attempt = transaction.prepare_cached(
        "INSERT INTO attempt (seq, number, attempt_provider, attempt_model, attempt_status, attempt_failed,
            attempt_latency_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let mut spent: HashMap<(u64, [&str; 4]), u64> = HashMap::new();
    let mut new = Vec::with_capacity(events.len());
    for event in events {
        let columns = &event.columns;
        let inserted = row.execute(params![
            event.id.to_bytes(),
            signed(event.timestamp.micros()),
            columns.is_decision,
            columns.status_code,
            columns.failover,
            columns.latency_ms.map(signed),
            columns.ttft_ms.map(signed),
            signed(columns.prompt_tokens),
            signed(columns.completion_tokens),
            signed(columns.cached_tokens),
            signed(columns.total_tokens),
            signed(columns.cost_nanos.unwrap_or(0)),
            columns.cost_nanos.is_some(),
            columns.decision,
            columns.provider,
            columns.vendor,
            columns.model,
            columns.resolved_model,
            columns.model_group,
            columns.tag,
            columns.region,
            columns.strategy,
            columns.key_name,
            columns.gateway_id,
            columns.instance_id,
            columns.team,
            columns.is_simulated,
            columns.is_broken,
        ])? > 0;
        new.push(inserted);
        if !inserted {
            continue;
        }
        let seq = transaction.last_insert_rowid();
        text.execute(params![seq, event.json])?;
        for (number, one) in columns.attempts.iter().enumerate() {
            attempt.execute(params![
                seq,
                i64::try_from(number).unwrap_or(i64::MAX),
                one.provider,
                one.model,
                one.status_code,
                one.is_failed,
                one.latency_ms.map(signed),
            ])?;
        }
        if let Some(nanos) = columns.spent_nanos() {
            let day = event.timestamp.millis() / MS_PER_DAY;
            let sum = spent
                .entry((
                    day,
                    [
                        &columns.provider,
                        &columns.vendor,
                        &columns.key_name,
                        &columns.instance_id,
                    ]
                    .map(|name| name.as_deref().unwrap_or_default()),
                ))
                .or_default();
            *sum = sum.saturating_add(nanos);
        }
    }
    let are_new = events.iter().zip(&new).filter(|&(_, &is_new)| is_new);
    rollup::add(transaction, are_new.map(|(event, _)| event))?;
    // A sum that is too large for an integer would become a floating point number, and be read by nobody any more.
    let mut sum = transaction.prepare_cached(
        "INSERT INTO spent (day, provider, vendor, key_name, instance_id, nanos) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (day, provider, vendor, key_name, instance_id)
         DO UPDATE SET nanos = MIN(nanos + excluded.nanos, 9223372036854775807)",
    )?;
    for ((day, [provider, vendor, key, instance]), nanos) in spent {
        sum.execute(params![
            signed(day),
            provider,
            vendor,
            key,
            instance,
            signed(nanos)
        ])?;
    }
    Ok(new)
}

fn apply(connection: &mut Connection, change: Change) -> Result<u64, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let changed = match change {
        Change::Put { kind, record } => put(&transaction, kind, &record)?,
        Change::PutUnless {
            kind,
            record,
            is_in_the_way,
        } => {
            if super::records(&transaction, kind)?
                .iter()
                .any(is_in_the_way)
            {
                0
            } else {
                put(&transaction, kind, &record)?
            }
        }
        Change::Delete { kind, id } => {
            let deleted = transaction.execute(
                "DELETE FROM record WHERE kind = ?1 AND id = ?2",
                params![kind.name(), id],
            )?;
            count_change(&transaction, kind)?;
            deleted
        }
        Change::Forget { before } => forget(&transaction, before)?,
        Change::Feedback { id, feedback } => feedback::put(&transaction, id, &feedback)?,
        Change::Health(minutes) => health::add(&transaction, &minutes)?,
    };
    transaction.commit()?;
    Ok(u64::try_from(changed).unwrap_or(0))
}

fn put(
    transaction: &Transaction<'_>,
    kind: RecordKind,
    record: &Record,
) -> Result<usize, StoreError> {
    count_change(transaction, kind)?;
    Ok(transaction.execute(
        "INSERT INTO record (kind, id, json) VALUES (?1, ?2, ?3)
         ON CONFLICT (kind, id) DO UPDATE SET json = excluded.json",
        params![kind.name(), record.id, record.json],
    )?)
}

fn count_change(transaction: &Transaction<'_>, kind: RecordKind) -> Result<(), StoreError> {
    if kind.is_control() {
        transaction.execute("UPDATE identity SET generation = generation + 1", [])?;
    }
    Ok(())
}

fn forget(transaction: &Transaction<'_>, before: Timestamp) -> Result<usize, StoreError> {
    let mut old =
        transaction.prepare_cached("SELECT seq FROM event WHERE ts < ?1 ORDER BY ts LIMIT ?2")?;
    let limit = i64::try_from(PORTION).unwrap_or(i64::MAX);
    let numbers: Vec<i64> = old
        .query_map(params![signed(before.micros()), limit], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for number in &numbers {
        transaction
            .prepare_cached("DELETE FROM event WHERE seq = ?1")?
            .execute([number])?;
        transaction
            .prepare_cached("DELETE FROM event_text WHERE seq = ?1")?
            .execute([number])?;
        transaction
            .prepare_cached("DELETE FROM attempt WHERE seq = ?1")?
            .execute([number])?;
        transaction
            .prepare_cached("DELETE FROM feedback WHERE seq = ?1")?
            .execute([number])?;
    }
    let day = (before.millis() / MS_PER_DAY).saturating_sub(SPENT_DAYS);
    transaction.execute("DELETE FROM spent WHERE day < ?1", [signed(day)])?;
    rollup::forget_minutes(transaction, signed(day * MS_PER_DAY * 1_000))?;
    health::forget_before(transaction, day * MS_PER_DAY / 60_000)?;
    Ok(numbers.len())
}

/// SQLite's integers are signed. All of ours are below 2^63 by their construction.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
