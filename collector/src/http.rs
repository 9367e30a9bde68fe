//! The collector's HTTP side.

mod answer;
mod api;
mod auth;
mod console;
mod control;
mod events_api;
mod gateways;
mod ingest;
mod login;
pub(crate) mod playground;
mod session;

use std::sync::{Arc, RwLock};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use tower_http::timeout::TimeoutLayer;

use self::playground::GatewayUrl;
use crate::control::ControlMark;
use crate::explain::Explainer;
use crate::gateways::Gateways;
use crate::health::Problems;
use crate::local::Local;
use crate::login::Provider;
use crate::settings::Rules;
use crate::tokens::Tokens;
use crate::webhook_dispatcher::WebhookDispatcher;

/// Batches that are read and stored at the same time: what bounds the memory that they take.
pub(crate) const BATCHES_AT_ONCE: usize = 4;
/// Questions of people that the store works on at the same time: others wait, and the control state does not wait for
/// them.
pub(crate) const QUESTIONS_AT_ONCE: usize = 8;
/// Followers that wait for events at the same time.
const MAX_FOLLOWERS: usize = 100;
/// From a request's head to its answer. A report may ask a server for a minute, a follower waits less than that.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);

/// What all handlers know.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) api: Local,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) rules: Arc<RwLock<Rules>>,
    pub(crate) max_batch_bytes: usize,
    pub(crate) batches: Arc<Semaphore>,
    pub(crate) webhooks: WebhookDispatcher,
    /// What gateways say of themselves.
    pub(crate) gateways: Gateways,
    /// Makes plans for requests.
    pub(crate) explainer: Option<Explainer>,
    /// Who else may sign in.
    pub(crate) login: Option<Arc<Provider>>,
    /// The gateway beside this collector.
    pub(crate) gateway_url: GatewayUrl,
    /// Requests of the playground at the same time.
    pub(crate) players: Arc<Semaphore>,
    pub(crate) mark: Arc<ControlMark>,
    pub(crate) problems: Arc<Problems>,
    /// Questions of people.
    pub(crate) questions: Arc<Semaphore>,
    pub(crate) followers: Arc<Semaphore>,
    /// Whether the store could be read, and when that was tried.
    pub(crate) store_health: Arc<tokio::sync::Mutex<Option<(Instant, bool)>>>,
    /// `true` when the service ends: followers do not wait any longer.
    pub(crate) ending: watch::Receiver<bool>,
}

impl Shared {
    pub(crate) fn players() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(playground::MAX_AT_ONCE))
    }

    pub(crate) fn batches() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(BATCHES_AT_ONCE))
    }

    pub(crate) fn questions() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(QUESTIONS_AT_ONCE))
    }

    pub(crate) fn followers() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(MAX_FOLLOWERS))
    }

    pub(crate) fn rules(&self) -> Rules {
        *self
            .rules
            .read()
            .unwrap_or_else(|broken| broken.into_inner())
    }
}

/// All paths.
pub(crate) fn router(shared: Shared) -> Router {
    let gateways = Router::new()
        .route("/v1/events", post(ingest::receive))
        .route("/v1/control", get(control::state).post(control::report))
        .layer(axum::middleware::from_fn_with_state(
            shared.clone(),
            auth::gateways_only,
        ));
    let people = Router::new()
        .route("/v1/events", get(events_api::query))
        .route("/v1/events/{id}", get(events_api::one))
        .route(
            "/v1/events/{id}/feedback",
            get(events_api::feedback).post(events_api::add_feedback),
        )
        .route("/v1/compare", get(events_api::compare))
        .route("/v1/budgets", get(api::budgets).post(api::create_budget))
        .route("/v1/budgets/{id}", delete(api::delete_budget))
        .route("/v1/tokens", get(api::keys).post(api::create_key))
        .route("/v1/tokens/{id}", delete(api::revoke_key))
        .route("/v1/tokens/{id}/rotate", post(api::rotate_key))
        .route("/v1/webhooks", get(api::webhooks).post(api::create_webhook))
        .route("/v1/webhooks/{id}", delete(api::delete_webhook))
        .route("/v1/webhooks/{id}/test", post(api::test_webhook))
        .route("/v1/webhooks/{id}/deliveries", get(api::deliveries))
        .route(
            "/v1/thresholds",
            get(api::thresholds)
                .put(api::set_threshold)
                .delete(api::reset_threshold),
        )
        .route("/v1/alerts", get(api::alerts))
        .route("/v1/playground", post(playground::play))
        .route("/v1/gateways", get(gateways::list))
        .route("/v1/gateways/{id}/providers", get(gateways::providers))
        .route("/v1/gateways/{id}/policy", get(gateways::policy))
        .route("/v1/gateways/{id}/explain", post(gateways::explain))
        .route("/v1/health/history", get(gateways::health_history))
        .route("/v1/session", get(session::show).delete(session::sign_out))
        .layer(axum::middleware::from_fn_with_state(
            shared.clone(),
            auth::people_only,
        ));
    gateways
        .merge(people)
        .route("/v1/health", get(control::health))
        .route("/v1/session", post(session::sign_in))
        .route("/v1/login", get(login::ways))
        .route("/login", get(login::begin))
        .route("/login/callback", get(login::callback))
        .route("/", get(console::root))
        .route("/{page}", get(console::top))
        .route("/{page}/{rest}", get(console::below))
        .fallback(answer::no_such_path)
        .method_not_allowed_fallback(answer::no_such_method)
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            REQUEST_TIMEOUT,
        ))
        .with_state(shared)
}
