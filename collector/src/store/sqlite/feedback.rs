//! What was said of events.

use events::EventId;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use crate::feedback::Feedback;
use crate::store::StoreError;

/// Keeps it, and the mean of all that was said of the event beside the event. How many rows changed: 0 if there is no
/// such event.
pub(super) fn put(
    transaction: &Transaction<'_>,
    id: EventId,
    feedback: &Feedback,
) -> Result<usize, StoreError> {
    let seq: Option<i64> = transaction
        .prepare_cached("SELECT seq FROM event WHERE id = ?1 AND is_decision")?
        .query_row([id.to_bytes()], |row| row.get(0))
        .optional()?;
    let Some(seq) = seq else {
        return Ok(0);
    };
    transaction
        .prepare_cached(
            "INSERT INTO feedback (seq, label, score_millionths, given_at_ms) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (seq, label) DO UPDATE
             SET score_millionths = excluded.score_millionths, given_at_ms = excluded.given_at_ms",
        )?
        .execute(params![
            seq,
            feedback.label.as_deref().unwrap_or_default(),
            feedback.score_millionths(),
            i64::try_from(feedback.given_at_ms).unwrap_or(i64::MAX),
        ])?;
    Ok(transaction
        .prepare_cached(
            "UPDATE event SET score_millionths =
                (SELECT CAST(round(avg(score_millionths)) AS INTEGER) FROM feedback WHERE feedback.seq = ?1)
             WHERE seq = ?1",
        )?
        .execute([seq])?)
}

/// What was said of an event, by label.
pub(super) fn of(connection: &Connection, id: EventId) -> Result<Vec<Feedback>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT feedback.label, feedback.score_millionths, given_at_ms
         FROM event JOIN feedback USING (seq) WHERE id = ?1 ORDER BY label",
    )?;
    let rows = statement.query_map([id.to_bytes()], |row| {
        let given_at_ms: i64 = row.get(2)?;
        Ok(Feedback::of_store(
            row.get(0)?,
            row.get(1)?,
            u64::try_from(given_at_ms).unwrap_or(0),
        ))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
