//! `GET /v1/control` and `GET /v1/health`.

use axum::Json;
use axum::extract::{Query, State};
use events::ControlState;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::answer::{Refusal, blocking};

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
    blocking(move || Ok(shared.api.store.records(crate::store::RecordKind::Budget)?)).await?;
    Ok(Json(
        json!({"status": "healthy", "version": env!("CARGO_PKG_VERSION")}),
    ))
}
