//! `kt events tail`: the latest events, and those to come.

use std::time::Duration;

use clap::Args;
use collector::{Api, Cursor, EventFilter, EventKind, EventQuery, LARGEST_PAGE};
use serde_json::Value;

use super::columns::{headings, row};
use super::filter::{FilterArgs, now};
use super::pages::{RawEvent, latest};
use crate::commands::Failure;
use crate::commands::count::count;
use crate::commands::source::Source;
use crate::output::table::{printable, render};
use crate::output::{Shape, print};

/// How long the collector may keep a follower waiting before it says that there is nothing new.
const WAIT: Duration = Duration::from_secs(25);
/// How long to wait after a failure while following.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub(crate) struct Tail {
    /// Go on with events as they come, until Ctrl-C; JSON is one event a line then
    #[arg(short, long)]
    follow: bool,
    /// How many of the latest
    #[arg(
        long,
        visible_alias = "last",
        value_name = "N",
        default_value_t = 20,
        allow_negative_numbers = true,
        value_parser = count
    )]
    limit: usize,
    /// Table for people, or one JSON array
    #[arg(long, visible_alias = "format", value_enum, default_value_t = Shape::Table)]
    output: Shape,
    /// Short for --output json
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    source: Source,
}

impl Tail {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let filter = self.filter.filter(None, now())?;
        let api = self.source.for_reading()?;
        let shape = if self.json { Shape::Json } else { self.output };
        if self.follow {
            return self.follow(api.as_ref(), filter, shape);
        }
        let events = latest(api.as_ref(), &filter, self.limit)?.events;
        match shape {
            Shape::Json => print(&array(&events))?,
            Shape::Table => print(&table(filter.kind, &events)?)?,
        }
        Ok(())
    }

    fn follow(&self, api: &dyn Api, filter: EventFilter, shape: Shape) -> Result<(), Failure> {
        let kind = filter.kind;
        let mut query = EventQuery {
            filter,
            limit: self.limit.clamp(1, LARGEST_PAGE),
            ..EventQuery::default()
        };
        if shape == Shape::Table {
            let widths = WIDTHS.iter().zip(headings(kind));
            let names = widths.map(|(_, column)| column.heading().to_owned());
            print(&line(names.collect()))?;
        }
        let mut first = true;
        loop {
            let page = match api.follow(&query, if first { Duration::ZERO } else { WAIT }) {
                Ok(page) => page,
                // The collector restarts; what it missed it will have then.
                Err(error) if !first => {
                    log::warn!(target: "keeptrusts::events", "{error}");
                    std::thread::sleep(PAUSE);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let shown = if first && self.limit == 0 {
                &[][..]
            } else {
                &page.data
            };
            for event in shown {
                print(&match shape {
                    Shape::Json => format!("{event}\n"),
                    Shape::Table => line(row(kind, &serde_json::from_str(event.get())?)),
                })?;
            }
            if let Some(cursor) = page.next_cursor {
                query.cursor = Some(Cursor::parse(&cursor)?);
            }
            query.limit = LARGEST_PAGE;
            first = false;
        }
    }
}

fn array(events: &[RawEvent]) -> String {
    if events.is_empty() {
        return "[]\n".to_owned();
    }
    let lines: Vec<&str> = events.iter().map(|event| event.get()).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

fn table(kind: EventKind, events: &[RawEvent]) -> Result<String, Failure> {
    let mut rows = Vec::new();
    for event in events {
        rows.push(row(kind, &serde_json::from_str::<Value>(event.get())?));
    }
    Ok(render(&headings(kind), &rows))
}

/// Widths that usually do while nobody knows what will come.
const WIDTHS: [usize; 9] = [20, 22, 20, 26, 6, 9, 9, 10, 0];

fn line(cells: Vec<String>) -> String {
    let mut text = String::new();
    for (cell, width) in cells.iter().zip(WIDTHS) {
        text.push_str(&format!("{:<width$}  ", printable(cell)));
    }
    format!("{}\n", text.trim_end())
}
