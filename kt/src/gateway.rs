//! `kt gateway run`: keeps an Envoy running that serves a policy, and follows the policy's changes.

mod access_log;
mod admin;
mod assemble;
mod change;
mod envoy_process;
mod evidence;
mod external;
mod follow;
mod former;
mod keys;
mod known_control;
mod place;
mod run_directory;
mod simulation;
mod startup;
mod stop_signals;
mod surroundings;
mod watch;
mod watches;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use envoy::Admin;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep};

use crate::commands::Failure;
use crate::open_files;
use admin::AdminClient;
use assemble::{Parts, assemble};
use envoy_process::EnvoyProcess;
pub(crate) use evidence::{CollectorChoice, EvidenceSettings};
pub(crate) use run_directory::private_folder;
pub(crate) use stop_signals::StopSignals;

const LOG: &str = "keeptrusts::gateway";
/// Compiling the module and resolving the first names take most of it.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// From SIGTERM to SIGKILL, after draining.
const STOP_PATIENCE: Duration = Duration::from_secs(5);
/// How long events that the workers still hold may take to reach the collector.
const DELIVERY_PATIENCE: Duration = Duration::from_secs(5);
/// The filter counts in it the events that no collector has acknowledged yet.
const EVENTS_PENDING: &str = "wasmcustom.kt_events_pending";
/// The filter counts on its tick, five times a second.
const COUNTED_WITHIN: Duration = Duration::from_millis(300);
const POLL: Duration = Duration::from_millis(20);

/// What the command line says.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) policy_config: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) concurrency: Option<u32>,
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) simulate: bool,
    pub(crate) print_ports: bool,
    pub(crate) filter_wasm: Option<PathBuf>,
    pub(crate) admin_listen: Option<SocketAddr>,
    pub(crate) access_log: Option<String>,
    pub(crate) envoy_log_level: String,
    pub(crate) drain_timeout: Duration,
    pub(crate) evidence: EvidenceSettings,
}

/// Runs until SIGTERM or SIGINT.
pub(crate) fn run(settings: Settings) -> Result<ExitCode, Failure> {
    open_files::raise_limit();
    // One thread: the kernel ties Envoy's life to the thread that started it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    tokio::task::LocalSet::new().block_on(&runtime, serve(settings))
}

async fn serve(settings: Settings) -> Result<ExitCode, Failure> {
    // Before anything is left behind.
    let mut stop = StopSignals::new()?;
    // Unheard of, it would end the process.
    let look = signal(SignalKind::hangup())?;
    let mut parts = assemble(&settings).await?;
    let mut envoy = parts.start_envoy(&settings)?;
    let client = parts.follower.admin.clone();

    let ready = tokio::select! {
        ready = until_ready(&mut envoy, &client) => ready,
        () = stop.wait() => {
            envoy.stop(STOP_PATIENCE).await;
            return Ok(ExitCode::SUCCESS);
        }
    };
    ready?;
    let gateway = client.listener_address("gateway").await?;
    parts.follower.gateway_is_at(gateway);
    log::info!(target: LOG, "Gateway ready");
    log::info!(target: "keeptrusts::envoy", "Listening on http://{gateway}");
    // Last, where people look.
    parts
        .follower
        .say_where_the_console_is(settings.data_dir.as_deref());
    if settings.print_ports {
        print_ports(gateway, &parts, &envoy)?;
    }

    let failed = tokio::select! {
        never = parts.follower.follow(look) => match never? {},
        status = envoy.ended() => Some(status?),
        () = stop.wait() => None,
    };
    if let Some(status) = failed {
        return Err(format!(
            "Envoy ended unexpectedly ({status}): {}",
            envoy.last_words().await
        )
        .into());
    }
    let collected = parts.follower.collects();
    let end = async {
        drain(&client, settings.drain_timeout).await;
        if collected {
            deliver(&client).await;
        }
    };
    tokio::select! {
        () = end => {}
        () = stop.wait() => log::warn!(target: LOG, "Second signal: not waiting any longer"),
    }
    envoy.stop(STOP_PATIENCE).await;
    parts.follower.end_collector();
    log::info!(target: LOG, "Gateway stopped");
    Ok(ExitCode::SUCCESS)
}

/// Waits until Envoy serves.
async fn until_ready(envoy: &mut EnvoyProcess, admin: &AdminClient) -> Result<(), Failure> {
    let deadline = Instant::now() + START_PATIENCE;
    while Instant::now() < deadline {
        tokio::select! {
            status = envoy.ended() => {
                return Err(format!("Envoy ended while it started ({}): {}", status?, envoy.last_words().await).into());
            }
            () = sleep(POLL) => {}
        }
        if admin.is_ready().await {
            return Ok(());
        }
    }
    Err(format!("Envoy was not ready within {} s", START_PATIENCE.as_secs()).into())
}

/// Lets requests in flight end.
async fn drain(admin: &AdminClient, patience: Duration) {
    log::info!(target: LOG, "Draining");
    let deadline = Instant::now() + patience;
    while let Err(error) = admin.drain().await {
        if admin::is_gone(&error) || Instant::now() >= deadline {
            log::warn!(target: LOG, "Envoy does not drain: {error}");
            return;
        }
        sleep(POLL).await;
    }
    // An error is not the end of all requests, unless Envoy is gone.
    let mut unknown = None;
    while Instant::now() < deadline {
        match admin.number("http.gateway.downstream_rq_active").await {
            Ok(0) => return,
            Ok(_) => unknown = None,
            Err(error) if admin::is_gone(&error) => return,
            Err(error) => unknown = Some(error),
        }
        sleep(POLL).await;
    }
    let seconds = patience.as_secs();
    match unknown {
        None => log::warn!(target: LOG, "Requests are still in flight after {seconds} s"),
        Some(error) => log::warn!(
            target: LOG,
            "Requests may still be in flight after {seconds} s: Envoy cannot be asked ({error})"
        ),
    }
}

/// Lets the workers deliver their last events.
async fn deliver(admin: &AdminClient) {
    let deadline = Instant::now() + DELIVERY_PATIENCE;
    let mut left = 0;
    let mut none_since = None;
    while Instant::now() < deadline {
        left = match admin.number(EVENTS_PENDING).await {
            Ok(left) => left,
            // Before the filter's first tick there is no such number.
            Err(error) if admin::is_gone(&error) => 0,
            // Not known: not none.
            Err(_) => {
                none_since = None;
                sleep(POLL).await;
                continue;
            }
        };
        let since = *none_since.get_or_insert_with(Instant::now);
        if left > 0 {
            none_since = None;
        } else if since.elapsed() >= COUNTED_WITHIN {
            return;
        }
        sleep(POLL).await;
    }
    if left == 0 {
        return;
    }
    log::warn!(
        target: LOG,
        "{left} events did not reach the collector within {} s and are lost",
        DELIVERY_PATIENCE.as_secs()
    );
}

fn print_ports(gateway: SocketAddr, parts: &Parts, envoy: &EnvoyProcess) -> io::Result<()> {
    let admin = match parts.follower.admin.address() {
        Admin::Socket(path) => format!("unix:{path}"),
        Admin::Loopback(address) => address.to_string(),
    };
    let line = json!({
        "listen": gateway.to_string(),
        "admin": admin,
        "collector": parts.follower.collector_address(),
        "envoy_pid": envoy.id(),
        "run_directory": parts.directory,
    });
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}
