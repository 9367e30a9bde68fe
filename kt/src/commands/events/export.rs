//! `kt events export`: events into a file, in any number.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileTypeExt;
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
use crate::files::NewFile;
use crate::output::csv;

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// CSV for spreadsheets, or one JSON array
    #[arg(long, value_enum, default_value_t = FileFormat::Csv)]
    format: FileFormat,
    /// The file; it appears when it is complete, readable for its owner only. `-` is stdout; pipes and devices are written to
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
        let cannot = |error: Failure| -> Failure {
            format!("cannot write {}: {error}", self.output.display()).into()
        };
        let place = Place::of(&self.output).map_err(|error| cannot(error.into()))?;
        let count = self
            .write_to(api.as_ref(), &filter, place)
            .map_err(cannot)?;
        eprintln!("{count} events in {}", self.output.display());
        Ok(())
    }

    fn write_to(&self, api: &dyn Api, filter: &EventFilter, place: Place) -> Result<u64, Failure> {
        match place {
            Place::Stream(file) => write(api, filter, self.format, &mut BufWriter::new(file)),
            Place::File(path) => {
                let mut out = BufWriter::new(NewFile::beside(&path)?);
                let count = write(api, filter, self.format, &mut out)?;
                let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
                file.take_the_place_of(&path)?;
                Ok(count)
            }
        }
    }
}

/// Where the events go.
enum Place {
    /// A file that is replaced when the new one is complete.
    File(PathBuf),
    /// A pipe, a terminal, another device: written to as it is, never replaced.
    Stream(File),
}

impl Place {
    /// A link is followed: what it leads to is written, and the link stays.
    fn of(path: &Path) -> io::Result<Self> {
        let found = match fs::metadata(path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return if fs::symlink_metadata(path).is_ok() {
                    Err(io::Error::other("it is a link that leads nowhere"))
                } else {
                    Ok(Self::File(path.to_owned()))
                };
            }
            Err(error) => return Err(error),
        };
        // What this process has open, `/dev/stdout` for instance, may be a file, and is not to be replaced either.
        let is_open_here = path.starts_with("/dev") || path.starts_with("/proc");
        let kind = found.file_type();
        if kind.is_file() && !is_open_here {
            return Ok(Self::File(fs::canonicalize(path)?));
        }
        if kind.is_dir() || kind.is_socket() {
            return Err(io::Error::other(
                "expected a file, a pipe or a device, found a folder or a socket",
            ));
        }
        Ok(Self::Stream(OpenOptions::new().append(true).open(path)?))
    }
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
