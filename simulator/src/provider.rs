//! A provider on a loopback port.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::behaviour::{Behaviour, Dialect, Step};
use crate::port::ReservedPort;
use crate::record::Received;
use crate::{anthropic, bedrock, openai, strict};

/// A simulated provider. Stops when dropped.
#[derive(Debug)]
pub struct Provider {
    /// Keeps its port while it is down.
    port: ReservedPort,
    shared: Arc<Shared>,
    acceptor: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    name: String,
    dialect: Dialect,
    state: Mutex<State>,
    arrived: Notify,
    /// Changes when all open connections must be reset.
    breaking: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    usual: Behaviour,
    next: VecDeque<Behaviour>,
    keys: Option<Vec<String>>,
    /// The vendor whose rules are kept.
    rules_of: Option<String>,
    received: Vec<Received>,
    keep_received: bool,
}

/// The only model name that a simulated provider does not have. No real provider has it either, so it can demonstrate a
/// failover with both.
const NO_SUCH_MODEL: &str = "-does-not-exist";

type Body = StreamBody<Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Broken>> + Send>>>;

/// The connection must be reset here.
#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the simulated provider breaks the connection")
    }
}

impl std::error::Error for Broken {}

impl Provider {
    /// Starts on a free loopback port.
    ///
    /// # Errors
    /// The port cannot be bound.
    pub async fn start(name: &str, dialect: Dialect) -> io::Result<Self> {
        Self::start_on(name, dialect, SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Starts on `address`.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn start_on(name: &str, dialect: Dialect, address: SocketAddr) -> io::Result<Self> {
        let port = ReservedPort::at(address)?;
        let listener = TcpListener::bind(port.address()).await?;
        let state = State {
            usual: Behaviour::Answer,
            next: VecDeque::new(),
            keys: None,
            rules_of: None,
            received: Vec::new(),
            keep_received: true,
        };
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            dialect,
            state: Mutex::new(state),
            arrived: Notify::new(),
            breaking: watch::Sender::new(0),
        });
        let acceptor = Mutex::new(Some(shared.accept_from(listener)));
        Ok(Self {
            port,
            shared,
            acceptor,
        })
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// `http://127.0.0.1:PORT/v1`; Bedrock's paths have no version.
    pub fn base_url(&self) -> String {
        match self.shared.dialect {
            Dialect::OpenAi | Dialect::Anthropic => format!("http://{}/v1", self.address()),
            Dialect::Bedrock => format!("http://{}", self.address()),
        }
    }

    /// Sets what it does with every request from now on.
    pub fn behave(&self, usual: Behaviour) {
        let mut state = self.shared.state();
        state.usual = usual;
        state.next.clear();
    }

    /// Sets what it does with the next requests, before it behaves as usual again. Probes do not count.
    pub fn next(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.shared.state().next.extend(behaviours);
    }

    /// Accepts only these keys and responds 401 to others.
    pub fn accept_keys(&self, keys: &[&str]) {
        self.shared.state().keys = Some(keys.iter().map(|key| (*key).to_owned()).collect());
    }

    /// Refuses what that vendor refuses, as far as a rule says so.
    pub fn keep_rules_of(&self, vendor: &str) {
        self.shared.state().rules_of = Some(vendor.to_owned());
    }

    /// Stops recording requests, for load tests.
    pub fn forget_requests(&self) {
        let mut state = self.shared.state();
        state.keep_received = false;
        state.received.clear();
    }

    /// All requests since the start, including probes.
    pub fn all_received(&self) -> Vec<Received> {
        self.shared.state().received.clone()
    }

    /// All requests since the start, without probes.
    pub fn received(&self) -> Vec<Received> {
        self.all_received()
            .into_iter()
            .filter(|request| request.method != "GET")
            .collect()
    }

    /// Waits until `enough` is true for the received requests.
    pub async fn wait_until(&self, enough: impl Fn(&[Received]) -> bool) {
        loop {
            let arrived = self.shared.arrived.notified();
            if enough(&self.received()) {
                return;
            }
            arrived.await;
        }
    }

    /// Stops listening and resets open connections, like a machine that goes down.
    pub fn go_down(&self) {
        if let Some(acceptor) = self.acceptor().take() {
            acceptor.abort();
        }
        self.shared
            .breaking
            .send_modify(|generation| *generation += 1);
    }

    /// Listens again on the same port.
    ///
    /// # Errors
    /// The port was taken, where it cannot be reserved.
    pub async fn come_back(&self) -> io::Result<()> {
        let listener = TcpListener::bind(self.address()).await?;
        *self.acceptor() = Some(self.shared.accept_from(listener));
        Ok(())
    }

    fn acceptor(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.acceptor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.go_down();
    }
}

impl Shared {
    /// Serves connections until the task is aborted. Connections are reset at the next change of `breaking`, including
    /// those not handled by then.
    fn accept_from(self: &Arc<Self>, listener: TcpListener) -> JoinHandle<()> {
        let shared = Arc::clone(self);
        let breaking = shared.breaking.subscribe();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&shared), breaking.clone()));
            }
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, received: &Received) {
        let mut state = self.state();
        if state.keep_received {
            state.received.push(received.clone());
        }
        drop(state);
        self.arrived.notify_waiters();
    }

    /// The key, from any header that a provider accepts.
    fn refuses_key_of(&self, received: &Received) -> bool {
        let state = self.state();
        let Some(keys) = &state.keys else {
            return false;
        };
        let bearer = received
            .header("authorization")
            .map(|value| value.trim_start_matches("Bearer "));
        let shown = bearer
            .or_else(|| received.header("x-api-key"))
            .or_else(|| received.header("api-key"));
        !shown.is_some_and(|shown| keys.iter().any(|key| key == shown))
    }

    fn behaviour(&self, is_probe: bool) -> Behaviour {
        let mut state = self.state();
        let next = if is_probe {
            None
        } else {
            state.next.pop_front()
        };
        next.unwrap_or_else(|| state.usual.clone())
    }

    fn ordinary(&self, received: &Received) -> Behaviour {
        let body = received.json();
        let model = match self.dialect {
            Dialect::OpenAi | Dialect::Anthropic => body["model"].as_str().map(str::to_owned),
            Dialect::Bedrock => bedrock::model(&received.path),
        };
        if let Some(model) = model.filter(|model| model.ends_with(NO_SUCH_MODEL)) {
            return self.unknown_model(&model);
        }
        match self.dialect {
            Dialect::OpenAi => openai::answer(&self.name, &received.method, &received.path, &body),
            Dialect::Anthropic => {
                anthropic::answer(&self.name, &received.method, &received.path, &body)
            }
            Dialect::Bedrock => {
                bedrock::answer(&self.name, &received.method, &received.path, &body)
            }
        }
    }

    fn unknown_model(&self, model: &str) -> Behaviour {
        let message = format!("The model `{model}` does not exist (simulated).");
        match self.dialect {
            Dialect::OpenAi => {
                Behaviour::error(404, "invalid_request_error", "model_not_found", &message)
            }
            Dialect::Anthropic => anthropic::error(404, "not_found_error", &message),
            Dialect::Bedrock => bedrock::error(404, "ResourceNotFoundException", &message),
        }
    }

    fn wrong_key(&self) -> Behaviour {
        let message = "Incorrect API key provided (simulated).";
        match self.dialect {
            Dialect::OpenAi => {
                Behaviour::error(401, "invalid_request_error", "invalid_api_key", message)
            }
            Dialect::Anthropic => anthropic::error(401, "authentication_error", message),
            Dialect::Bedrock => bedrock::error(403, "AccessDeniedException", message),
        }
    }
}

async fn serve(socket: TcpStream, shared: Arc<Shared>, mut breaking: watch::Receiver<u64>) {
    let _ = socket.set_nodelay(true);
    // A second handle on the socket, to choose between RST and FIN after hyper has released the first.
    let Some((socket, spare)) = split_handle(socket) else {
        return;
    };
    let reset = Arc::new(AtomicBool::new(false));
    let service = {
        let reset = Arc::clone(&reset);
        service_fn(move |request| handle(request, Arc::clone(&shared), Arc::clone(&reset)))
    };
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service);
    let broken = tokio::select! {
        _ = connection => false,
        _ = breaking.changed() => true,
    };
    if broken || reset.load(Ordering::SeqCst) {
        let _ = SockRef::from(&spare).set_linger(Some(Duration::ZERO));
    }
}

fn split_handle(socket: TcpStream) -> Option<(TcpStream, std::net::TcpStream)> {
    let socket = socket.into_std().ok()?;
    let handle = socket.try_clone().ok()?;
    Some((TcpStream::from_std(socket).ok()?, handle))
}

async fn handle(
    request: Request<Incoming>,
    shared: Arc<Shared>,
    reset: Arc<AtomicBool>,
) -> Result<Response<Body>, Broken> {
    let abandoned = Arc::new(AtomicBool::new(false));
    let (head, body) = request.into_parts();
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
    let received = Received {
        method: head.method.to_string(),
        path: head
            .uri
            .path_and_query()
            .map(ToString::to_string)
            .unwrap_or_default(),
        headers,
        body,
        at: Instant::now(),
        abandoned: Arc::clone(&abandoned),
    };
    shared.record(&received);
    let guard = AbandonGuard {
        abandoned,
        shared: Arc::clone(&shared),
        done: false,
    };
    let mut behaviour = shared.behaviour(received.method == "GET");
    if shared.refuses_key_of(&received) {
        behaviour = shared.wrong_key();
    }
    if let Behaviour::AnswerAfter(delay) = behaviour {
        tokio::time::sleep(delay).await;
        behaviour = Behaviour::Answer;
    }
    if behaviour == Behaviour::Answer {
        let rules_of = shared.state().rules_of.clone();
        let refusal = rules_of.and_then(|vendor| strict::refusal(&vendor, &received));
        behaviour = refusal.unwrap_or_else(|| shared.ordinary(&received));
    }
    match behaviour {
        Behaviour::Respond {
            status,
            headers,
            body,
        } => Ok(respond(
            status,
            headers,
            vec![Step::Send(body)],
            guard,
            true,
        )),
        Behaviour::Stream(steps) => {
            let headers = vec![("content-type".to_owned(), "text/event-stream".to_owned())];
            Ok(respond(200, headers, steps, guard, false))
        }
        Behaviour::Body(content_type, steps) => Ok(respond(
            200,
            vec![("content-type".to_owned(), content_type)],
            steps,
            guard,
            false,
        )),
        Behaviour::Stall | Behaviour::Answer | Behaviour::AnswerAfter(_) => {
            std::future::pending::<Infallible>().await;
            Err(Broken)
        }
        Behaviour::Reset => {
            reset.store(true, Ordering::SeqCst);
            Err(Broken)
        }
        Behaviour::Hangup => Err(Broken),
    }
}

/// Marks a request as abandoned if its response is dropped before the end.
struct AbandonGuard {
    abandoned: Arc<AtomicBool>,
    shared: Arc<Shared>,
    done: bool,
}

impl AbandonGuard {
    fn complete(mut self) {
        self.done = true;
    }
}

impl Drop for AbandonGuard {
    fn drop(&mut self) {
        if !self.done {
            self.abandoned.store(true, Ordering::SeqCst);
            self.shared.arrived.notify_waiters();
        }
    }
}

fn respond(
    status: u16,
    headers: Vec<(String, String)>,
    steps: Vec<Step>,
    guard: AbandonGuard,
    sized: bool,
) -> Response<Body> {
    let length: usize = steps
        .iter()
        .map(|step| {
            if let Step::Send(bytes) = step {
                bytes.len()
            } else {
                0
            }
        })
        .sum();
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    if sized {
        response = response.header("content-length", length);
    }
    let stream = stream::unfold(
        (VecDeque::from(steps), guard),
        |(mut steps, mut guard)| async move {
            loop {
                match steps.pop_front() {
                    None => {
                        guard.complete();
                        return None;
                    }
                    Some(Step::Send(bytes)) => {
                        return Some((Ok(Frame::data(bytes)), (steps, guard)));
                    }
                    Some(Step::Wait(time)) => tokio::time::sleep(time).await,
                    Some(Step::Stall) => tokio::time::sleep(Duration::MAX).await,
                    Some(Step::Break) => {
                        guard.done = true;
                        return Some((Err(Broken), (VecDeque::new(), guard)));
                    }
                }
            }
        },
    );
    let body: Body = StreamBody::new(Box::pin(stream));
    response
        .body(body)
        .unwrap_or_else(|_| Response::new(StreamBody::new(Box::pin(stream::empty()))))
}
