//! `log` over the proxy's own log, and what a panic says before the VM stops.

use crate::host::proxy_wasm_abi::{LogLevel, log_line};

struct ProxyLog;

static LOGGER: ProxyLog = ProxyLog;

/// Once, when the VM starts.
pub(super) fn install() {
    if log::set_logger(&LOGGER).is_ok() {
        log::set_max_level(log::LevelFilter::Info);
    }
    std::panic::set_hook(Box::new(|panic| {
        log_line(LogLevel::Critical, &panic.to_string());
    }));
}

impl log::Log for ProxyLog {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &log::Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let level = match record.level() {
            log::Level::Trace => LogLevel::Trace,
            log::Level::Debug => LogLevel::Debug,
            log::Level::Info => LogLevel::Info,
            log::Level::Warn => LogLevel::Warn,
            log::Level::Error => LogLevel::Error,
        };
        log_line(level, &record.args().to_string());
    }

    fn flush(&self) {}
}
