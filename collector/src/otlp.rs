//! Telemetry by OTLP over HTTP: events as spans and log records, and metrics counted from them.
//!
//! Each signal has a thread that follows the store, as the audit trail does: what a receiver has not taken is sent again,
//! after a restart as well, and nobody who delivers events waits for it. Without an endpoint there is no thread.

mod attributes;
mod client;
mod follower;
mod logs;
mod messages;
mod metrics;
mod spans;

use std::fmt;
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use semconv::LabelChoice;

use crate::gateways::Gateways;
use crate::local::Local;
use client::OtlpClient;
use follower::{Follower, Signal};
use metrics::MetricsExporter;

pub(crate) const LOG: &str = "keeptrusts::telemetry";

/// What is exported where.
#[derive(Debug, Clone, PartialEq)]
pub struct OtlpSettings {
    /// `service.name`
    pub service_name: String,
    /// Spans of sampled requests and their attempts.
    pub traces: Option<OtlpTarget>,
    /// Metrics.
    pub metrics: Option<OtlpTarget>,
    /// Every event as a log record.
    pub logs: Option<OtlpTarget>,
    /// Labels of metrics.
    pub labels: LabelChoice,
    /// Between exports of metrics.
    pub interval: Duration,
}

/// A receiver of one signal.
#[derive(Clone, PartialEq, Eq)]
pub struct OtlpTarget {
    /// The whole URL, such as `http://127.0.0.1:4318/v1/traces`.
    pub url: String,
    /// Headers of each request; they may be secrets.
    pub headers: Vec<(String, String)>,
}

impl Default for OtlpSettings {
    fn default() -> Self {
        Self {
            service_name: "keeptrusts-gateway".to_owned(),
            traces: None,
            metrics: None,
            logs: None,
            labels: LabelChoice::default(),
            interval: Duration::from_secs(15),
        }
    }
}

impl fmt::Debug for OtlpTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("OtlpTarget")
            .field("url", &self.url)
            .field("headers", &names)
            .finish()
    }
}

/// The exporters of a collector that serves.
pub(crate) struct Exporters {
    api: Local,
    gateways: Gateways,
    data_dir: PathBuf,
    running: Mutex<RunningExporters>,
}

#[derive(Default)]
struct RunningExporters {
    settings: OtlpSettings,
    threads: Vec<(Sender<()>, JoinHandle<()>)>,
}

impl Exporters {
    /// None yet.
    pub(crate) fn new(api: Local, gateways: Gateways, data_dir: PathBuf) -> Self {
        Self {
            api,
            gateways,
            data_dir,
            running: Mutex::default(),
        }
    }

    /// Goes over to `settings`; exporters whose settings stay the same go on.
    pub(crate) fn apply(&self, settings: &OtlpSettings) -> std::io::Result<()> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.settings == *settings {
            return Ok(());
        }
        running.end();
        let mut threads = Vec::new();
        for (signal, target) in [
            (Signal::Traces, &settings.traces),
            (Signal::Logs, &settings.logs),
        ] {
            if let Some(target) = target {
                let follower = Follower {
                    signal,
                    api: self.api.clone(),
                    client: OtlpClient::new(target),
                    service_name: settings.service_name.clone(),
                    file: self.data_dir.join(signal.file()),
                };
                threads.push(spawn(signal.thread(), move |end| follower.run(end))?);
            }
        }
        if let Some(target) = &settings.metrics {
            let exporter = MetricsExporter {
                api: self.api.clone(),
                gateways: self.gateways.clone(),
                client: OtlpClient::new(target),
                settings: settings.clone(),
            };
            threads.push(spawn("kt-otlp-metrics", move |end| exporter.run(end))?);
        }
        running.threads = threads;
        running.settings = settings.clone();
        Ok(())
    }

    /// Sends what there is, and ends.
    pub(crate) fn end(&self) {
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .end();
    }
}

impl RunningExporters {
    fn end(&mut self) {
        let threads: Vec<JoinHandle<()>> =
            self.threads.drain(..).map(|(_, thread)| thread).collect();
        // Their senders are gone, so they end.
        for thread in threads {
            if thread.join().is_err() {
                log::error!(target: LOG, "An exporter failed");
            }
        }
        self.settings = OtlpSettings::default();
    }
}

fn spawn(
    name: &str,
    job: impl FnOnce(&std::sync::mpsc::Receiver<()>) + Send + 'static,
) -> std::io::Result<(Sender<()>, JoinHandle<()>)> {
    let (end, ends) = channel();
    let thread = std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || job(&ends))?;
    Ok((end, thread))
}
