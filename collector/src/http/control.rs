//! `GET /v1/control` and `GET /v1/health`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use events::{ControlState, GatewayReport};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Shared;
use super::answer::{Refusal, blocking};
use crate::control;
use crate::fleet;
use crate::health::Topic;
use crate::store::RecordKind;

#[derive(Deserialize)]
pub(super) struct Asker {
    /// Whose spending is not elsewhere.
    #[serde(default)]
    instance_id: String,
}

pub(super) async fn state(
    State(shared): State<Shared>,
    Query(asker): Query<Asker>,
) -> Result<Json<ControlState>, Refusal> {
    blocking(move || {
        let (api, rule) = (&shared.api, shared.rules().keys);
        control::state(
            api.store.as_ref(),
            &shared.mark,
            api.now_ms(),
            &asker.instance_id,
            rule,
        )
    })
    .await
    .map(Json)
}

/// The same question by `POST`, with what the gateway says of itself. A report that cannot be read changes nothing of
/// the answer: keys and budgets matter more.
pub(super) async fn report(
    state: State<Shared>,
    asker: Query<Asker>,
    body: Bytes,
) -> Result<Json<ControlState>, Refusal> {
    let mut send_policy = false;
    match serde_json::from_slice::<GatewayReport<'_>>(&body) {
        Ok(report) => {
            let now_ms = state.api.now_ms();
            if state.gateways.is_news(&asker.instance_id, &report) {
                remember(&state, report.clone().into_owned()).await;
            }
            send_policy = state
                .gateways
                .record(&asker.instance_id, report.into_owned(), now_ms);
        }
        Err(error) => {
            log::debug!(target: "keeptrusts::collector", "expected a gateway's report: {error}")
        }
    }
    let Json(mut answer) = self::state(state, asker).await?;
    answer.send_policy = send_policy;
    Ok(Json(answer))
}

/// That names are not known yet must not keep a gateway from its keys and budgets.
async fn remember(shared: &Shared, report: GatewayReport<'static>) {
    let store = Arc::clone(&shared.api.store);
    // `blocking` says in the log what went wrong.
    let _ = blocking(move || fleet::remember(store.as_ref(), &report)).await;
}

/// Health needs no token: for this long, one look at the store is enough for everybody who asks.
const HEALTH_INTERVAL: Duration = Duration::from_secs(1);

/// Whether the store can be read.
async fn store_is_healthy(shared: &Shared) -> bool {
    let mut known = shared.store_health.lock().await;
    if let Some((at, healthy)) = *known
        && at.elapsed() < HEALTH_INTERVAL
    {
        return healthy;
    }
    let api = shared.api.clone();
    let healthy = blocking(move || Ok(api.store.records(RecordKind::Budget)?))
        .await
        .is_ok();
    *known = Some((Instant::now(), healthy));
    healthy
}

/// 503 when the store cannot be read.
pub(super) async fn health(State(shared): State<Shared>) -> Result<Json<Value>, Refusal> {
    let audit_fails = shared.problems.has(Topic::Audit);
    let audit = match shared.rules().audit {
        None => "off",
        Some(_) if audit_fails => "failing",
        Some(_) => "on",
    };
    if !store_is_healthy(&shared).await {
        let message = "the store cannot be read";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return Err(Refusal::new(status, "store_unavailable", message));
    }
    let problems = shared.problems.all();
    let status = if problems.is_empty() {
        "healthy"
    } else {
        "degraded"
    };
    Ok(Json(json!({
        "status": status,
        "version": env!("CARGO_PKG_VERSION"),
        "audit": audit,
        "problems": problems,
    })))
}
