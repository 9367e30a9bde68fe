//! The collector's HTTP side.

mod answer;
mod api;
mod auth;
mod control;
mod events_api;
mod ingest;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, RwLock};

use axum::Router;
use axum::response::Html;
use axum::routing::{delete, get, post};
use tokio::sync::{Semaphore, watch};

use crate::local::Local;
use crate::settings::Rules;
use crate::tell::Teller;
use crate::tokens::Tokens;

/// Batches that are read and stored at the same time: what bounds the memory that they take.
const BATCHES_AT_ONCE: usize = 4;

/// What all handlers know.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) api: Local,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) rules: Arc<RwLock<Rules>>,
    pub(crate) max_batch_bytes: usize,
    pub(crate) batches: Arc<Semaphore>,
    pub(crate) teller: Teller,
    /// The audit trail is wanted and cannot be written.
    pub(crate) audit_fails: Arc<AtomicBool>,
    /// `true` when the service ends: followers do not wait any longer.
    pub(crate) ending: watch::Receiver<bool>,
}

impl Shared {
    pub(crate) fn batches() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(BATCHES_AT_ONCE))
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
        .route("/v1/control", get(control::state))
        .layer(axum::middleware::from_fn_with_state(
            shared.clone(),
            auth::gateways_only,
        ));
    let people = Router::new()
        .route("/v1/events", get(events_api::query))
        .route("/v1/events/{id}", get(events_api::one))
        .route("/v1/compare", get(events_api::compare))
        .route("/v1/budgets", get(api::budgets).post(api::create_budget))
        .route("/v1/budgets/{id}", delete(api::delete_budget))
        .route("/v1/tokens", get(api::keys).post(api::create_key))
        .route("/v1/tokens/{id}", delete(api::revoke_key))
        .route("/v1/webhooks", get(api::webhooks).post(api::create_webhook))
        .route("/v1/webhooks/{id}", delete(api::delete_webhook))
        .layer(axum::middleware::from_fn_with_state(
            shared.clone(),
            auth::people_only,
        ));
    gateways
        .merge(people)
        .route("/v1/health", get(control::health))
        .route("/", get(console))
        .fallback(answer::no_such_path)
        .method_not_allowed_fallback(answer::no_such_method)
        .with_state(shared)
}

/// The page holds no data: it asks for the token, then for the data.
async fn console() -> impl axum::response::IntoResponse {
    (
        [
            (
                "content-security-policy",
                "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; \
                 base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            ),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-cache"),
        ],
        Html(include_str!("../console.html")),
    )
}
