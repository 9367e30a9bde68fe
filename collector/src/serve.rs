//! The running service.

use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;

use crate::alerts::Watch;
use crate::api::{Api as _, ApiError};
use crate::connections;
use crate::control::ControlMark;
use crate::explain::Explainer;
use crate::gateways::Gateways;
use crate::health::Problems;
use crate::http::playground::{self, GatewayUrl};
use crate::http::{BATCHES_AT_ONCE, QUESTIONS_AT_ONCE, Shared, router};
use crate::local::Local;
use crate::login::{self, LoginSettings, Provider};
use crate::otlp::{Exporters, OtlpSettings};
use crate::settings::{Rules, Settings};
use crate::store::StoreError;
use crate::upkeep::Upkeep;
use crate::webhook_dispatcher::WebhookDispatcher;

/// What requests in flight get when the service ends; the store is closed after that.
const FAREWELL: Duration = Duration::from_secs(5);

/// How often health thresholds are looked at.
const ALERT_INTERVAL: Duration = Duration::from_secs(5);

/// For the store: those that gateways' batches and people's questions may take, those of the playground and of people who
/// sign in, and some that are left for the control state.
const BLOCKING_THREADS: usize =
    BATCHES_AT_ONCE + QUESTIONS_AT_ONCE + 2 * playground::MAX_AT_ONCE + login::MAX_AT_ONCE + 8;

const SERVING: &str = "kt-collector";

/// A collector whose store is open.
pub struct Collector {
    settings: Settings,
    api: Local,
    mark: ControlMark,
    problems: Arc<Problems>,
    login: Option<LoginSettings>,
    explainer: Option<Explainer>,
}

/// A collector that serves. Dropped, it stops as [`Running::stop`] does.
pub struct Running {
    address: SocketAddr,
    api: Local,
    rules: Arc<RwLock<Rules>>,
    gateway_url: GatewayUrl,
    exporters: Exporters,
    end: watch::Sender<bool>,
    end_upkeep: Option<Sender<()>>,
    end_watch: Option<Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

/// Why a collector does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its store does not open.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// Its keys and budgets cannot be read.
    #[error("{0}")]
    Api(#[from] ApiError),
    /// No thread, no socket, no file.
    #[error("the collector cannot start: {0}")]
    Io(#[from] std::io::Error),
}

impl Collector {
    /// Opens the store and the audit trail.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn open(settings: Settings) -> Result<Self, StartError> {
        let api = Local::new(crate::store::open(&settings.store)?);
        let problems = Arc::new(Problems::default());
        Ok(Self {
            mark: ControlMark::load(&settings.data_dir, Arc::clone(&problems)),
            settings,
            api,
            problems,
            login: None,
            explainer: None,
        })
    }

    /// With another clock than the system's, for tests of periods.
    #[must_use]
    pub fn with_clock(mut self, clock: crate::local::Clock) -> Self {
        self.api = Local::with_clock(self.api.store, clock);
        self
    }

    /// Lets people of an OpenID provider in, beside whoever has the API token.
    #[must_use]
    pub fn with_login(mut self, settings: LoginSettings) -> Self {
        self.login = Some(settings);
        self
    }

    /// Explains plans for requests with it.
    #[must_use]
    pub fn with_explainer(mut self, explainer: Explainer) -> Self {
        self.explainer = Some(explainer);
        self
    }

    /// What people ask, without HTTP.
    pub fn api(&self) -> &Local {
        &self.api
    }

    /// Whether requests need a gateway key: there are some, or were, whatever became of the store.
    ///
    /// # Errors
    /// The store failed.
    pub fn keys_required(&self) -> Result<bool, ApiError> {
        let there_were = self.mark.had_keys() || !self.api.keys()?.is_empty();
        Ok(self.settings.rules.keys.requires_keys(there_were))
    }

    /// Serves on a listener that is bound, on threads of its own.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(self, listener: TcpListener) -> Result<Running, StartError> {
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_name(SERVING)
            .enable_all()
            .build()?;
        let rules = Arc::new(RwLock::new(self.settings.rules));
        let max_connections = self.settings.max_connections;
        let (end, ending) = watch::channel(false);
        let (webhooks, telling) = WebhookDispatcher::start(self.api.clone(), ending.clone())?;
        let problems = self.problems;
        let mark = Arc::new(self.mark);
        // What a store lost is put back before anybody asks.
        mark.follow(self.api.store.as_ref(), self.api.now_ms())?;
        let gateways = Gateways::default();
        let exporters = Exporters::new(
            self.api.clone(),
            gateways.clone(),
            self.settings.data_dir.clone(),
        );
        exporters.apply(&self.settings.telemetry)?;
        let upkeep = Upkeep {
            api: self.api.clone(),
            data_dir: self.settings.data_dir,
            rules: Arc::clone(&rules),
            mark: Arc::clone(&mark),
            problems: Arc::clone(&problems),
        };
        let (end_upkeep, upkeep_ends) = channel();
        let upkeeping = std::thread::Builder::new()
            .name("kt-upkeep".to_owned())
            .spawn(move || upkeep.run(&upkeep_ends))?;
        let (end_watch, watch_ends) = channel::<()>();
        let (watched, announcing) = (self.api.clone(), webhooks.clone());
        let gateways = Gateways::default();
        let reporting = gateways.clone();
        let watching = std::thread::Builder::new()
            .name("kt-alerts".to_owned())
            .spawn(move || watch(&watched, &announcing, &reporting, &watch_ends))?;
        let gateway_url = GatewayUrl::default();
        let api_token = &self.settings.tokens.api;
        let login = (self.login).map(|settings| Arc::new(Provider::new(settings, api_token)));
        let shared = Shared {
            login,
            api: self.api.clone(),
            tokens: Arc::new(self.settings.tokens),
            rules: Arc::clone(&rules),
            max_batch_bytes: self.settings.max_batch_bytes,
            batches: Shared::batches(),
            webhooks,
            gateways,
            explainer: self.explainer,
            gateway_url: gateway_url.clone(),
            players: Shared::players(),
            questions: Shared::questions(),
            followers: Shared::followers(),
            store_health: Arc::default(),
            mark,
            problems,
            ending: ending.clone(),
        };
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let serving = std::thread::Builder::new()
            .name(SERVING.to_owned())
            .spawn(move || {
                runtime.block_on(connections::serve(
                    listener,
                    router(shared),
                    max_connections,
                    ending,
                    FAREWELL,
                ));
                runtime.shutdown_timeout(FAREWELL);
            })?;
        Ok(Running {
            address,
            api: self.api,
            rules,
            gateway_url,
            exporters,
            end,
            end_upkeep: Some(end_upkeep),
            end_watch: Some(end_watch),
            threads: vec![serving, watching, telling, upkeeping],
        })
    }
}

/// Watches thresholds and keeps the history of health, until the other end of `end` is gone.
fn watch(api: &Local, webhooks: &WebhookDispatcher, gateways: &Gateways, end: &Receiver<()>) {
    let mut watch = Watch::default();
    let keep_history = |before_ms: u64| {
        let minutes = gateways.take_history(before_ms);
        if !minutes.is_empty()
            && let Err(error) = api.store.add_health(&minutes)
        {
            log::warn!(target: "keeptrusts::collector", "A minute of providers' health is not kept: {error}");
        }
    };
    loop {
        let waited = end.recv_timeout(ALERT_INTERVAL);
        if !matches!(waited, Err(RecvTimeoutError::Timeout)) {
            // Also the minute that is not over.
            return keep_history(u64::MAX);
        }
        keep_history(api.now_ms());
        match watch.look(api) {
            Ok(messages) => webhooks.announce(messages),
            Err(error) => {
                log::warn!(target: "keeptrusts::collector", "Health thresholds are not watched: {error}");
            }
        }
    }
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What people ask, without HTTP.
    pub fn api(&self) -> &Local {
        &self.api
    }

    /// Tells it where the gateway beside it listens, for the playground: a base URL without a path.
    pub fn set_gateway_url(&self, url: String) {
        self.gateway_url.set(url);
    }

    /// Follows a changed policy.
    pub fn set_rules(&self, rules: Rules) {
        *self
            .rules
            .write()
            .unwrap_or_else(|broken| broken.into_inner()) = rules;
    }

    /// Exports telemetry by other settings from now on.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn set_telemetry(&self, settings: &OtlpSettings) -> std::io::Result<()> {
        self.exporters.apply(settings)
    }

    /// Ends: answers what it has received, exports the last events, closes the store.
    pub fn stop(self) {}
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.end.send(true);
        // The first thread is the one that takes batches: after it, upkeep finds all there is.
        for thread in self.threads.drain(..) {
            let last_batches_are_in = thread.thread().name() != Some(SERVING);
            if last_batches_are_in {
                self.end_watch = None;
                self.end_upkeep = None;
            }
            if thread.join().is_err() {
                log::error!(target: "keeptrusts::collector", "A thread of the collector failed");
            }
        }
        self.exporters.end();
    }
}
