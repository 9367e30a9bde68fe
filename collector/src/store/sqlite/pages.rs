//! Events themselves, by time and by arrival.

use events::{EventId, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _};

use super::condition::{Conditions, micros};
use super::lossy;
use crate::offsets::Offsets;
use crate::query::{Cursor, EventFilter, EventQuery, LARGEST_PAGE, Order};
use crate::report::EventPage;
use crate::store::{Arrival, Arrivals, StoreError, event_text};

/// Of events in one page, in bytes: with bodies in them, a thousand would be too many.
const LARGEST_PAGE_BYTES: usize = 8 << 20;

pub(super) fn page(connection: &Connection, query: &EventQuery) -> Result<EventPage, StoreError> {
    let limit = query.limit.clamp(1, LARGEST_PAGE);
    let mut conditions = Conditions::of(&query.filter, false);
    let (comparison, direction) = match query.order {
        Order::NewestFirst => ("<", "DESC"),
        Order::OldestFirst => (">", "ASC"),
    };
    if let Some(Cursor::Time { timestamp, id }) = query.cursor {
        let time = conditions.bind(Value::Integer(micros(timestamp)));
        let id = conditions.bind(Value::Blob(id.to_bytes().to_vec()));
        conditions.add(&format!("(ts, id) {comparison} ({time}, {id})"));
    }
    // One more than asked for tells whether there is another page.
    let one_more = conditions.bind(integer(limit + 1));
    let sql = format!(
        "SELECT ts, id, json {} ORDER BY ts {direction}, id {direction} LIMIT {one_more}",
        conditions.sources(true)
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(conditions.values())?;
    let mut data = Vec::with_capacity(limit);
    let mut last = None;
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        if data.len() == limit || bytes > LARGEST_PAGE_BYTES {
            let next_cursor = last.as_ref().map(Cursor::to_string);
            return Ok(EventPage { data, next_cursor });
        }
        let ts: i64 = row.get(0)?;
        let id = EventId::from_bytes(row.get(1)?);
        last = Some(Cursor::Time {
            timestamp: Timestamp::from_micros(u64::try_from(ts).unwrap_or(0)),
            id,
        });
        let json = lossy(row.get_ref(2)?);
        bytes += json.len();
        data.push(event_text(Some(id), json));
    }
    Ok(EventPage {
        data,
        next_cursor: None,
    })
}

pub(super) fn arrivals(
    connection: &Connection,
    filter: &EventFilter,
    after: Option<&Offsets>,
    limit: usize,
) -> Result<Arrivals, StoreError> {
    let after = after.map(|offsets| offsets.get("").unwrap_or(0));
    // One view of the store for both questions.
    let view = connection.unchecked_transaction()?;
    let newest: i64 = view
        // The last one that arrived, also where it was removed.
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'event'")?
        .query_row([], |row| row.get(0))
        .optional()?
        .unwrap_or(0);
    let mut conditions = Conditions::of(filter, false);
    let direction = match after {
        None => "DESC",
        Some(after) => {
            let bound = conditions.bind(Value::Integer(i64::try_from(after).unwrap_or(i64::MAX)));
            conditions.add(&format!("seq > {bound}"));
            "ASC"
        }
    };
    let bound = conditions.bind(integer(limit));
    let sql = format!(
        "SELECT seq, json {} ORDER BY seq {direction} LIMIT {bound}",
        conditions.sources(true)
    );
    let mut statement = view.prepare_cached(&sql)?;
    let mut rows = statement.query(conditions.values())?;
    let mut data: Vec<Arrival> = Vec::new();
    let mut bytes = 0;
    // Whether there may be more between the last one and the newest.
    let mut full = false;
    while let Some(row) = rows.next()? {
        let (seq, json): (i64, String) = (row.get(0)?, lossy(row.get_ref(1)?));
        bytes += json.len();
        data.push(Arrival {
            writer: String::new(),
            place: u64::try_from(seq).unwrap_or(0),
            json: event_text(None, json),
        });
        full = data.len() >= limit || bytes > LARGEST_PAGE_BYTES;
        if full {
            break;
        }
    }
    let newest = u64::try_from(newest).unwrap_or(0);
    let last = match (after, data.last()) {
        (Some(_), Some(last)) if full => last.place,
        _ => newest.max(after.unwrap_or(0)),
    };
    if after.is_none() {
        data.reverse();
    }
    Ok(Arrivals {
        data,
        last: Offsets::of_one_writer(last),
    })
}

fn integer(number: usize) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}
