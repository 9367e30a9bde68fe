//! Connections of the collector: bounded in number and time, so that those that nobody uses never keep out those that
//! gateways need.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tower::ServiceExt as _;

const LOG: &str = "keeptrusts::collector";
/// How long the head of a request may take, from its connection's begin or the request before. Longer than clients keep
/// connections that they do not use, so that it is they who close them.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(30);
/// A connection whose last request came before that has a client that does not read.
const STALLED_AFTER: Duration = Duration::from_secs(3_600);
/// How often stalled connections are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(30);
/// The head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 64 << 10;
/// After an error of the system while accepting, doubled up to the second.
const ACCEPT_BACKOFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));
/// How often such errors are logged.
const LOG_INTERVAL: Duration = Duration::from_secs(10);
/// Connections at the same time, whatever the system allows.
const CONNECTIONS: std::ops::RangeInclusive<u64> = 32..=4_096;

/// Connections that this process can have without taking the files that the rest of it needs: half of what the system
/// allows it.
pub fn default_max_connections() -> usize {
    let allowed = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let half = allowed.map_or(*CONNECTIONS.end(), |files| files / 2);
    usize::try_from(half.clamp(*CONNECTIONS.start(), *CONNECTIONS.end())).unwrap_or(usize::MAX)
}

/// A connection, as its requests see it.
#[derive(Debug)]
pub(crate) struct Connection {
    opened: Instant,
    /// It has shown a good token.
    trusted: AtomicBool,
    /// Begin of the last request, in milliseconds after `opened`.
    last_request_ms: AtomicU64,
    close: Notify,
}

/// All open connections.
struct Connections {
    max: usize,
    open: Mutex<(u64, HashMap<u64, Arc<Connection>>)>,
}

// === impl Connection ===

impl Connection {
    fn new() -> Self {
        Self {
            opened: Instant::now(),
            trusted: AtomicBool::new(false),
            last_request_ms: AtomicU64::new(0),
            close: Notify::new(),
        }
    }

    /// A request has shown a good token.
    pub(crate) fn trust(&self) {
        self.trusted.store(true, Ordering::Relaxed);
    }

    fn request_begins(&self) {
        let since = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_request_ms.store(since, Ordering::Relaxed);
    }

    fn silent_for(&self) -> Duration {
        let last = Duration::from_millis(self.last_request_ms.load(Ordering::Relaxed));
        self.opened.elapsed().saturating_sub(last)
    }
}

// === impl Connections ===

impl Connections {
    fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            max,
            open: Mutex::default(),
        })
    }

    /// Takes a connection in. Where there are too many, the one goes that has been there longest without showing a token;
    /// `None` if all have shown one.
    fn admit(&self) -> Option<(u64, Arc<Connection>)> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, all) = &mut *open;
        if all.len() >= self.max {
            let strangers = all
                .iter()
                .filter(|(_, connection)| !connection.trusted.load(Ordering::Relaxed));
            let oldest = strangers.min_by_key(|(_, connection)| connection.opened);
            let id = *oldest?.0;
            if let Some(connection) = all.remove(&id) {
                connection.close.notify_one();
            }
        }
        *next += 1;
        let connection = Arc::new(Connection::new());
        all.insert(*next, Arc::clone(&connection));
        Some((*next, connection))
    }

    fn remove(&self, id: u64) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.1.remove(&id);
    }

    /// Closes those whose clients do not read.
    fn close_stalled(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for connection in open.1.values() {
            if connection.silent_for() >= STALLED_AFTER {
                connection.close.notify_one();
            }
        }
    }
}

/// Serves until `ending` says so, then lets requests in flight end within `farewell`.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    max: usize,
    ending: watch::Receiver<bool>,
    farewell: Duration,
) {
    let connections = Connections::new(max);
    let graceful = GracefulShutdown::new();
    let mut sweep = interval(SWEEP_INTERVAL);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut refused = Refusals::default();
    let mut ended = ending.clone();
    // Also when the sender is gone.
    let ended = async move { drop(ended.wait_for(|&end| end).await) };
    tokio::pin!(ended);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = sweep.tick() => {
                connections.close_stalled();
                continue;
            }
            () = &mut ended => break,
        };
        match accepted {
            Ok((stream, peer)) => match connections.admit() {
                Some((id, connection)) => {
                    refused.succeeded();
                    spawn(
                        stream,
                        (id, connection),
                        &connections,
                        router.clone(),
                        &graceful,
                    );
                }
                None => refused.too_many(max, peer),
            },
            Err(error) => sleep(refused.failed(&error)).await,
        }
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        // Connections that nobody closes do not keep it.
        () = sleep(farewell) => {}
    }
}

fn spawn(
    stream: TcpStream,
    (id, connection): (u64, Arc<Connection>),
    connections: &Arc<Connections>,
    router: Router,
    graceful: &GracefulShutdown,
) {
    let answering = Arc::clone(&connection);
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        answering.request_begins();
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(Arc::clone(&answering));
        router.clone().oneshot(request)
    });
    // A batch's answer is small and waited for. Where the socket does not take the option, it works without.
    let _ = stream.set_nodelay(true);
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let served = graceful.watch(served);
    let connections = Arc::clone(connections);
    tokio::spawn(async move {
        tokio::select! {
            // Clients that break off are no news.
            _ = served => {}
            () = connection.close.notified() => {}
        }
        connections.remove(id);
    });
}

/// Connections that could not be taken: logged now and then, and not asked for again at once.
struct Refusals {
    backoff: Duration,
    logged: Option<Instant>,
}

impl Default for Refusals {
    fn default() -> Self {
        Self {
            backoff: ACCEPT_BACKOFF.0,
            logged: None,
        }
    }
}

impl Refusals {
    fn succeeded(&mut self) {
        self.backoff = ACCEPT_BACKOFF.0;
    }

    fn too_many(&mut self, max: usize, peer: SocketAddr) {
        if self.is_to_be_logged() {
            log::warn!(
                target: LOG,
                "{peer} is turned away: {max} connections are open, and all have shown a token"
            );
        }
    }

    /// How long to wait before the next try.
    fn failed(&mut self, error: &std::io::Error) -> Duration {
        use std::io::ErrorKind;
        if matches!(
            error.kind(),
            ErrorKind::ConnectionAborted
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionRefused
                | ErrorKind::Interrupted
        ) {
            // Of that connection alone.
            return Duration::ZERO;
        }
        if self.is_to_be_logged() {
            log::error!(target: LOG, "No connection can be accepted: {error}");
        }
        let pause = self.backoff;
        self.backoff = (self.backoff * 2).min(ACCEPT_BACKOFF.1);
        pause
    }

    fn is_to_be_logged(&mut self) -> bool {
        let due = self
            .logged
            .is_none_or(|logged| logged.elapsed() >= LOG_INTERVAL);
        if due {
            self.logged = Some(Instant::now());
        }
        due
    }
}

#[cfg(test)]
mod tests;
