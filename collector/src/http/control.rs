//! `GET /v1/control` and `GET /v1/health`.

use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::{Query, State};
use events::ControlState;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::answer::{Refusal, blocking};
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
        let rule = shared.rules().keys;
        Ok(shared.api.control(&asker.instance_id, rule)?)
    })
    .await
    .map(Json)
}

/// Reads from the store: 503 when it cannot be read.
pub(super) async fn health(State(shared): State<Shared>) -> Result<Json<Value>, Refusal> {
    let audit_fails = shared.audit_fails.load(Ordering::Relaxed);
    let audit = match shared.rules().audit {
        None => "off",
        Some(_) if audit_fails => "failing",
        Some(_) => "on",
    };
    blocking(move || Ok(shared.api.store.records(RecordKind::Budget)?)).await?;
    let status = if audit_fails { "degraded" } else { "healthy" };
    Ok(Json(json!({
        "status": status,
        "version": env!("CARGO_PKG_VERSION"),
        "audit": audit,
    })))
}
