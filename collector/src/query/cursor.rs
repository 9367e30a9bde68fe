//! Where the next page begins: opaque to those who ask, checked when it comes back.

use std::fmt;

use events::{EventId, Timestamp};

use crate::offsets::Offsets;

/// The place of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cursor {
    /// By time, in pages. Ids tell events of the same microsecond apart.
    Time {
        /// Of the last event of the page.
        timestamp: Timestamp,
        /// Its id.
        id: EventId,
    },
    /// By arrival at collectors, when following, whatever the events' own time.
    Arrival(Offsets),
}

/// A text that no collector gave out as a cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a cursor as `next_cursor` gave it, found {0:?}")]
pub struct InvalidCursor(pub String);

impl Cursor {
    /// Reads what [`Cursor`]'s `Display` wrote.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidCursor> {
        let read = || {
            let (kind, rest) = text.split_once('_')?;
            match kind {
                "a" => Offsets::parse(rest).map(Self::Arrival),
                "t" => {
                    let (micros, id) = rest.split_once('_')?;
                    Some(Self::Time {
                        timestamp: Timestamp::from_micros(micros.parse().ok()?),
                        id: EventId::parse(id)?,
                    })
                }
                _ => None,
            }
        };
        read().ok_or_else(|| InvalidCursor(text.to_owned()))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time { timestamp, id } => write!(f, "t_{}_{id}", timestamp.micros()),
            Self::Arrival(offsets) => write!(f, "a_{offsets}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_went_and_nothing_else_does() {
        let time = Cursor::Time {
            timestamp: Timestamp::from_micros(1_700_000_000_000_001),
            id: EventId::new(1_700_000_000_000, 5),
        };
        let arrival = |number| Cursor::Arrival(Offsets::of_one_writer(number));
        for cursor in [time, arrival(0), arrival(77)] {
            assert_eq!(Cursor::parse(&cursor.to_string()), Ok(cursor));
        }
        for text in ["", "a_x", "a_-1", "t_1", "t_1_evt_2", "1", "' OR 1=1 --"] {
            assert!(Cursor::parse(text).is_err(), "{text}");
        }
    }
}
