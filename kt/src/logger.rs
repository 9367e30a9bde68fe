//! Log lines on stderr: `INFO keeptrusts::gateway Gateway ready`.

use log::{LevelFilter, Log, Metadata, Record};

use crate::redacted::Redacted;

struct Stderr;

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record) {
        if self.enabled(record.metadata()) {
            let message = record.args().to_string();
            eprintln!(
                "{} {} {}",
                record.level(),
                record.target(),
                Redacted(&message)
            );
        }
    }

    fn flush(&self) {}
}

/// From here on `log`'s macros print. `KEEPTRUSTS_LOG` is the least level that is shown: `info` if it is not set.
pub(crate) fn install() {
    static LOGGER: Stderr = Stderr;
    let level = std::env::var("KEEPTRUSTS_LOG")
        .ok()
        .and_then(|name| name.parse().ok());
    // A second logger is impossible here: this is the first thing that main does.
    if log::set_logger(&LOGGER).is_ok() {
        log::set_max_level(level.unwrap_or(LevelFilter::Info));
    }
}
