//! `GET /v1/gateways`, and what each of them says of itself.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use events::ProviderReport;

use super::Shared;
use super::answer::Refusal;
use super::api::List;
use crate::gateways::{GatewayInfo, PolicyInForce};

pub(super) async fn list(State(shared): State<Shared>) -> Json<List<GatewayInfo>> {
    let data = shared.gateways.list(shared.api.now_ms());
    Json(List { data })
}

pub(super) async fn providers(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<List<ProviderReport<'static>>>, Refusal> {
    match shared.gateways.providers(&id) {
        Some(data) => Ok(Json(List { data })),
        None => Err(unknown(&id)),
    }
}

pub(super) async fn policy(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<PolicyInForce>, Refusal> {
    shared
        .gateways
        .policy(&id)
        .map(Json)
        .ok_or_else(|| unknown(&id))
}

fn unknown(id: &str) -> Refusal {
    let message = format!("no gateway {id:?} has reported to this collector");
    Refusal::new(StatusCode::NOT_FOUND, "not_found", message)
}
