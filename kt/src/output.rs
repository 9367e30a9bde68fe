//! How commands show what they found: tables for people, JSON and CSV for programs.

pub(crate) mod amount;
pub(crate) mod csv;
pub(crate) mod metric;
pub(crate) mod table;

use std::io::{self, Write};

use clap::ValueEnum;
use serde::Serialize;

/// For commands that list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// One JSON document
    Json,
    /// For spreadsheets
    Csv,
}

/// For commands that show things that fit no spreadsheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shape {
    /// For people
    Table,
    /// One JSON document
    Json,
}

/// Writes `text` to stdout. A reader that has seen enough is no failure: see [`crate::commands::Failure`].
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Writes `value` to stdout as indented JSON.
pub(crate) fn print_json(value: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    print(&text)
}
