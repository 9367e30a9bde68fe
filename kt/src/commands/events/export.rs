//! `kt events export`: events into a file, in any number.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use collector::{Api, EventFilter, Order};
use serde_json::Value;

use super::columns::EXPORTED;
use super::filter::{FilterArgs, now};
use super::lookup::{cell, lookup};
use super::pages::{RawEvent, each_page};
use crate::commands::Failure;
use crate::commands::source::Source;
use crate::output::csv;

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// CSV for spreadsheets, or one JSON array
    #[arg(long, value_enum, default_value_t = FileFormat::Csv)]
    format: FileFormat,
    /// The file; it appears when it is complete. `-` is stdout
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    source: Source,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FileFormat {
    /// One line for each event, members of objects in columns of their own
    Csv,
    /// Events as gateways wrote them
    Json,
}

impl Export {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut filter = self.filter.filter(None, now())?;
        // What arrives meanwhile would make the end of the file a matter of luck.
        filter.until = filter.until.or(Some(now()));
        let api = self.source.for_reading()?;
        if self.output == Path::new("-") {
            write(api.as_ref(), &filter, self.format, &mut io::stdout().lock())?;
            return Ok(());
        }
        let beside = beside(&self.output);
        let cannot = |error: Failure| -> Failure {
            let _ = fs::remove_file(&beside);
            format!("cannot write {}: {error}", self.output.display()).into()
        };
        let file = File::create(&beside).map_err(|error| cannot(error.into()))?;
        let mut out = BufWriter::new(file);
        let count = write(api.as_ref(), &filter, self.format, &mut out).map_err(cannot)?;
        out.flush().map_err(|error| cannot(error.into()))?;
        fs::rename(&beside, &self.output).map_err(|error| cannot(error.into()))?;
        eprintln!("{count} events in {}", self.output.display());
        Ok(())
    }
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    file.with_file_name(name)
}

/// How many there were.
fn write(
    api: &dyn Api,
    filter: &EventFilter,
    format: FileFormat,
    out: &mut dyn Write,
) -> Result<u64, Failure> {
    let mut count = 0;
    match format {
        FileFormat::Csv => out.write_all(csv::record(EXPORTED).as_bytes())?,
        FileFormat::Json => out.write_all(b"[")?,
    }
    each_page(api, filter, Order::OldestFirst, usize::MAX, |page| {
        for event in page {
            match format {
                FileFormat::Csv => out.write_all(line(&event)?.as_bytes())?,
                FileFormat::Json => {
                    out.write_all(if count == 0 { b"\n" } else { b",\n" })?;
                    out.write_all(event.get().as_bytes())?;
                }
            }
            count += 1;
        }
        Ok::<(), Failure>(())
    })?;
    if format == FileFormat::Json {
        out.write_all(b"\n]\n")?;
    }
    out.flush()?;
    Ok(count)
}

fn line(event: &RawEvent) -> Result<String, Failure> {
    let event: Value = serde_json::from_str(event.get())?;
    let cells: Vec<String> = EXPORTED
        .iter()
        .map(|path| cell(&lookup(&event, path)))
        .collect();
    Ok(csv::record(cells.iter().map(String::as_str)))
}
