//! `kt gateway run`: keeps an Envoy running that serves a policy, and follows the policy's changes.

mod access_log;
mod admin;
mod change;
mod envoy_process;
mod keys;
mod place;
mod run_directory;
mod startup;
mod watch;

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use envoy::Admin;
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::commands::Failure;
use crate::find;
use crate::paths::{self, variable};
use crate::policy_file::{self, Document, Refused};
use crate::secrets::Secrets;
use access_log::AccessLog;
use admin::AdminClient;
use change::Served;
use envoy_process::{EnvoyProcess, Start};
use keys::KeySource;
use place::Place;
use run_directory::RunDirectory;
use watch::Watch;

const LOG: &str = "keeptrusts::gateway";
/// How often files are looked at.
const LOOK: Duration = Duration::from_millis(250);
/// Compiling the module and resolving the first names take most of it.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// From SIGTERM to SIGKILL, after draining.
const STOP_PATIENCE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(20);
/// Unix sockets have no longer names (macOS 103, Linux 107).
const LONGEST_SOCKET_PATH: usize = 103;

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
}

/// Runs until SIGTERM or SIGINT.
pub(crate) fn run(settings: Settings) -> Result<ExitCode, Failure> {
    // One thread: the kernel ties Envoy's life to the thread that started it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    tokio::task::LocalSet::new().block_on(&runtime, serve(settings))
}

async fn serve(settings: Settings) -> Result<ExitCode, Failure> {
    // Before anything is left behind.
    let mut stop = StopSignals::new()?;
    let secrets = Secrets {
        folder: paths::secrets_folder(&variable, settings.data_dir.clone()),
        variables: &variable,
    };
    let file = &settings.policy_config;
    let document = policy_file::read(file, &secrets).inspect_err(report)?;
    say_what_was_loaded(&document, file);

    let kt = std::env::current_exe().ok();
    let module = find::module(settings.filter_wasm.as_deref(), kt.as_deref())?;
    let binary = find::envoy(&variable, kt.as_deref())?;
    check_port(settings.listen)?;

    let data_folder = settings
        .data_dir
        .clone()
        .unwrap_or_else(|| paths::data_folder(&variable));
    let data_folder = std::path::absolute(data_folder)?;
    run_directory::private_folder(&data_folder)
        .map_err(|error| format!("cannot use {}: {error}", data_folder.display()))?;
    let directory = RunDirectory::create(&run_root(&data_folder))?;
    let path = directory.path().to_owned();
    let access_log = access_log(settings.access_log.as_deref(), &data_folder);
    let admin = admin_address(settings.admin_listen, &path)?;
    let client = AdminClient::new(admin.clone());
    let place = Place {
        module: module.to_string_lossy().into_owned(),
        gateway_id: place::gateway_id(&data_folder)?,
        listen: settings.listen,
        admin: admin.clone(),
        ca_file: find::ca_file(&variable),
        access_log: access_log.path(),
        addresses: Default::default(),
    };
    let source = if settings.simulate {
        KeySource::Simulated
    } else {
        KeySource::Real(secrets.clone())
    };
    let mut watch = Watch::new(file.clone(), document.text.clone());
    let mut served = Served::prepare(directory, place, source, document)?;

    let mut envoy = EnvoyProcess::start(&Start {
        binary: &binary,
        bootstrap: &path.join(envoy::live::BOOTSTRAP),
        concurrency: settings.concurrency,
        log_level: &settings.envoy_log_level,
        shares_stdout: access_log == AccessLog::Stdout,
    })
    .map_err(|error| format!("cannot start {}: {error}", binary.display()))?;

    let ready = tokio::select! {
        ready = until_ready(&mut envoy, &client) => ready,
        () = stop.wait() => {
            envoy.stop(STOP_PATIENCE).await;
            return Ok(ExitCode::SUCCESS);
        }
    };
    ready?;
    let gateway = client.listener_address("gateway").await?;
    log::info!(target: LOG, "Gateway ready");
    log::info!(target: "keeptrusts::envoy", "Listening on http://{gateway}");
    if settings.print_ports {
        print_ports(gateway, &admin, &envoy, &path)?;
    }

    let failed = tokio::select! {
        never = follow(&mut served, &client, &mut watch, &secrets, &access_log) => match never? {},
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
    tokio::select! {
        () = drain(&client, settings.drain_timeout) => {}
        () = stop.wait() => log::warn!(target: LOG, "Second signal: not waiting any longer"),
    }
    envoy.stop(STOP_PATIENCE).await;
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

/// Takes over changes of files, as long as it is polled.
async fn follow(
    served: &mut Served<'_>,
    admin: &AdminClient,
    watch: &mut Watch,
    secrets: &Secrets<'_>,
    access_log: &AccessLog,
) -> io::Result<std::convert::Infallible> {
    let mut asked = signal(SignalKind::hangup())?;
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let news = tokio::select! {
            _ = looks.tick() => watch.look(),
            _ = asked.recv() => watch.look_now(),
        };
        if let Some(text) = news {
            take_over(served, text, watch.file(), admin, secrets).await;
        }
        let upkeep = async {
            served.refresh_keys(admin).await?;
            served.retire(admin).await?;
            access_log.rotate(admin).await?;
            Ok::<_, change::ChangeError>(())
        };
        if let Err(error) = upkeep.await {
            log::error!(target: LOG, "{error}");
        }
    }
}

/// Goes over to the policy in `text`, or says why not.
async fn take_over(
    served: &mut Served<'_>,
    text: String,
    file: &Path,
    admin: &AdminClient,
    secrets: &Secrets<'_>,
) {
    let version = policy_file::version(&text);
    if text == served.document().text {
        log::info!(target: LOG, "Policy is unchanged (version {version})");
        return;
    }
    let outcome: Result<(), Failure> = match policy_file::check(file, text, secrets) {
        Err(refused) => {
            report(&refused);
            Err(refused.into())
        }
        Ok(document) => {
            say_what_was_loaded(&document, file);
            served.change_to(document, admin).await.map_err(Into::into)
        }
    };
    match outcome {
        Ok(()) => log::info!(target: LOG, "Policy changed (version {version})"),
        Err(error) => log::error!(target: LOG, "Policy change refused, the old one stays: {error}"),
    }
}

/// Lets requests in flight end.
async fn drain(admin: &AdminClient, patience: Duration) {
    log::info!(target: LOG, "Draining");
    let deadline = Instant::now() + patience;
    if let Err(error) = admin.drain().await {
        log::warn!(target: LOG, "Envoy does not drain: {error}");
        return;
    }
    while Instant::now() < deadline {
        match admin.number("http.gateway.downstream_rq_active").await {
            Ok(0) | Err(_) => return,
            Ok(_) => sleep(POLL).await,
        }
    }
    log::warn!(target: LOG, "Requests are still in flight after {} s", patience.as_secs());
}

fn say_what_was_loaded(document: &Document, file: &Path) {
    let name = file.display().to_string();
    for warning in &document.warnings {
        log::warn!(target: LOG, "{}", warning.render_human(&name, &document.text));
    }
    for line in startup::lines(&document.policy) {
        log::info!(target: LOG, "{line}");
    }
}

/// Every finding of a policy that was refused.
fn report(refused: &Refused) {
    if let Refused::Invalid { rendered, .. } = refused {
        for finding in rendered {
            log::error!(target: LOG, "{finding}");
        }
    }
}

/// Envoy shares ports with other Envoys, so it would not notice that somebody else already has this one.
fn check_port(listen: SocketAddr) -> Result<(), Failure> {
    match TcpListener::bind(listen) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(format!(
            "cannot listen on {listen}: the port is taken (choose another with --port or --listen)"
        )
        .into()),
        Err(error) => Err(format!("cannot listen on {listen}: {error}").into()),
    }
}

/// Below the data folder, unless that makes the name of the admin socket too long.
fn run_root(data_folder: &Path) -> PathBuf {
    let root = data_folder.join("run");
    let longest = root.join("4294967295-0").join(ADMIN_SOCKET);
    if longest.as_os_str().len() <= LONGEST_SOCKET_PATH {
        return root;
    }
    std::env::temp_dir().join(format!("keeptrusts-{}", rustix::process::getuid().as_raw()))
}

const ADMIN_SOCKET: &str = "admin.sock";

/// The admin cluster needs the real port, so port 0 is resolved here and not by Envoy.
fn admin_address(listen: Option<SocketAddr>, directory: &Path) -> io::Result<Admin> {
    Ok(match listen {
        None => Admin::Socket(directory.join(ADMIN_SOCKET).to_string_lossy().into_owned()),
        Some(address) if address.port() == 0 => {
            Admin::Loopback(TcpListener::bind(address)?.local_addr()?)
        }
        Some(address) => Admin::Loopback(address),
    })
}

fn access_log(chosen: Option<&str>, data_folder: &Path) -> AccessLog {
    match chosen {
        None => AccessLog::File(data_folder.join("access.log")),
        Some("off") => AccessLog::Off,
        Some("-") => AccessLog::Stdout,
        Some(path) => AccessLog::File(PathBuf::from(path)),
    }
}

fn print_ports(
    gateway: SocketAddr,
    admin: &Admin,
    envoy: &EnvoyProcess,
    directory: &Path,
) -> io::Result<()> {
    let admin = match admin {
        Admin::Socket(path) => format!("unix:{path}"),
        Admin::Loopback(address) => address.to_string(),
    };
    let line = json!({
        "gateway": gateway.to_string(),
        "admin": admin,
        // Not built yet.
        "collector": null,
        "envoy_pid": envoy.id(),
        "run_directory": directory,
    });
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

/// SIGTERM and SIGINT.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Until one of them comes.
    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
