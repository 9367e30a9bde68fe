//! One record, written and read.

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::records::sha256_hex;
use crate::store::Arrival;

/// What seals a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seal {
    /// Of the record, counted from 1.
    pub(super) number: u64,
    /// Its hash.
    pub(super) hash: String,
}

/// What is before the first record.
const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

impl Seal {
    /// Before the first record.
    pub(super) fn of_nothing() -> Self {
        Self {
            number: 0,
            hash: NOTHING.to_owned(),
        }
    }
}

/// A record that was read and whose hash is right.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) seal: Seal,
    pub(super) previous: String,
    /// Who wrote the event into the store; empty where it has one writer.
    pub(super) writer: String,
    /// The event's number among those of its writer; 0 for what the trail says of itself.
    pub(super) place: u64,
    /// Unix milliseconds.
    pub(super) recorded_at_ms: u64,
    /// Of the event; empty where it has none.
    pub(super) event_id: String,
}

#[derive(Deserialize)]
struct Wire {
    number: u64,
    #[serde(default)]
    writer: String,
    place: u64,
    recorded_at: u64,
    previous: String,
    event: WireEvent,
}

#[derive(Deserialize)]
struct WireEvent {
    #[serde(default)]
    id: String,
}

const BEFORE_HASH: &str = ",\"hash\":\"";
const AFTER_HASH: &str = "\"}";

/// The line of the record after `last`, with its end, and its seal.
pub(super) fn line(last: &Seal, arrival: &Arrival, recorded_at_ms: u64) -> (String, Seal) {
    let mut head = json!({
        "number": last.number + 1,
        "place": arrival.place,
        "recorded_at": recorded_at_ms,
        "previous": last.hash,
    });
    if !arrival.writer.is_empty() {
        head["writer"] = arrival.writer.as_str().into();
    }
    let head = head.to_string();
    let head = head.trim_end_matches('}');
    let sealed = format!("{head},\"event\":{}", arrival.json.get());
    let seal = Seal {
        number: last.number + 1,
        hash: sha256_hex(sealed.as_bytes()),
    };
    let line = format!("{sealed}{BEFORE_HASH}{}{AFTER_HASH}\n", seal.hash);
    (line, seal)
}

/// Reads a line without its end; `None` if it is no record or its hash is not that of its content.
pub(super) fn read(line: &str) -> Option<Record> {
    let rest = line.strip_suffix(AFTER_HASH)?;
    let (sealed, hash) = rest.rsplit_once(BEFORE_HASH)?;
    if sha256_hex(sealed.as_bytes()) != hash {
        return None;
    }
    let wire: Wire = serde_json::from_str(line).ok()?;
    Some(Record {
        seal: Seal {
            number: wire.number,
            hash: hash.to_owned(),
        },
        previous: wire.previous,
        writer: wire.writer,
        place: wire.place,
        recorded_at_ms: wire.recorded_at,
        event_id: wire.event.id,
    })
}

/// The id of an event as a gateway wrote it; empty where it has none.
pub(super) fn event_id(event: &RawValue) -> String {
    serde_json::from_str(event.get()).map_or_else(|_| String::new(), |event: WireEvent| event.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_and_a_changed_one_does_not() {
        let event = RawValue::from_string(r#"{"id":"evt_1","model":"a,\"hash\":\"b\"}"}"#.into());
        let arrival = Arrival {
            writer: "w1".to_owned(),
            place: 7,
            json: event.unwrap(),
        };
        let (line, seal) = line(&Seal::of_nothing(), &arrival, 8);
        let line = line.trim_end();
        let record = read(line).unwrap();
        assert_eq!(record.seal, seal);
        assert_eq!((record.place, record.recorded_at_ms), (7, 8));
        assert_eq!(record.writer, "w1");
        assert_eq!(record.previous, NOTHING);
        assert!(
            serde_json::from_str::<serde_json::Value>(line).is_ok(),
            "jq reads it"
        );
        for index in 0..line.len() {
            let mut bytes = line.as_bytes().to_vec();
            bytes[index] ^= 1;
            let changed = String::from_utf8_lossy(&bytes).into_owned();
            assert!(read(&changed).is_none(), "{changed}");
        }
    }
}
