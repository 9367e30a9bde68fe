//! Log lines on stderr: `INFO keeptrusts::gateway Gateway ready`, with a time before them or as JSON where that is wanted.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::SystemTime;

use clap::ValueEnum;
use events::Timestamp;
use log::{LevelFilter, Log, Metadata, Record};
use serde_json::json;

use crate::redacted::Redacted;

/// How lines are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
#[repr(u8)]
pub(crate) enum LogFormat {
    /// Level, target, message
    #[default]
    Plain = 0,
    /// The same behind a time
    Text = 1,
    /// One object a line: time, level, target, message
    Json = 2,
}

struct Stderr {
    /// A [`LogFormat`].
    format: AtomicU8,
}

static LOGGER: Stderr = Stderr {
    format: AtomicU8::new(LogFormat::Plain as u8),
};

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record) {
        if self.enabled(record.metadata()) {
            eprintln!(
                "{}",
                line(
                    self.format.load(Ordering::Relaxed),
                    record,
                    SystemTime::now()
                )
            );
        }
    }

    fn flush(&self) {}
}

fn line(format: u8, record: &Record, now: SystemTime) -> String {
    let (level, target) = (record.level(), record.target());
    let message = record.args().to_string();
    let message = Redacted(&message);
    if format == LogFormat::Plain as u8 {
        return format!("{level} {target} {message}");
    }
    let since = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let time = Timestamp::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX));
    if format == LogFormat::Text as u8 {
        return format!("{time} {level} {target} {message}");
    }
    json!({
        "time": time.to_string(),
        "level": level.as_str(),
        "target": target,
        "message": message.to_string(),
    })
    .to_string()
}

/// From here on `log`'s macros print. `KEEPTRUSTS_LOG` is the least level that is shown: `info` if it is not set.
pub(crate) fn install() {
    let level = std::env::var("KEEPTRUSTS_LOG")
        .ok()
        .and_then(|name| name.parse().ok());
    // A second logger is impossible here: this is the first thing that main does.
    if log::set_logger(&LOGGER).is_ok() {
        log::set_max_level(level.unwrap_or(LevelFilter::Info));
    }
}

/// From here on lines have this form.
pub(crate) fn set_format(format: LogFormat) {
    LOGGER.format.store(format as u8, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_line_is_plain_or_has_a_time_or_is_json() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        let written = |format: LogFormat| {
            let arguments = format_args!("asks \"http://u:p@h/\"\nnow");
            let record = Record::builder()
                .level(log::Level::Warn)
                .target("keeptrusts::x")
                .args(arguments)
                .build();
            line(format as u8, &record, now)
        };
        assert!(written(LogFormat::Plain).starts_with("WARN keeptrusts::x asks "));
        assert!(
            written(LogFormat::Text)
                .starts_with("2023-11-14T22:13:20.123000Z WARN keeptrusts::x asks ")
        );
        let json = written(LogFormat::Json);
        assert_eq!(json.lines().count(), 1);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["time"], "2023-11-14T22:13:20.123000Z");
        assert_eq!(json["level"], "WARN");
        assert_eq!(json["target"], "keeptrusts::x");
        let message = json["message"].as_str().unwrap();
        assert!(
            message.ends_with("\nnow") && !message.contains("u:p"),
            "{message}"
        );
    }
}
