//! `GET /v1/gateways`, and what each of them says of itself.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use events::ProviderReport;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Shared;
use super::answer::{Refusal, question};
use super::api::{self, List};
use crate::api::ApiError;
use crate::explain::ExplainQuestion;
use crate::gateways::{GatewayInfo, PolicyInForce};
use crate::health_history::{self, History, HistoryQuery};

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

/// A request whose plan is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Explain {
    request: Box<RawValue>,
    #[serde(default = "chat_completions")]
    path: String,
}

fn chat_completions() -> String {
    "/v1/chat/completions".to_owned()
}

/// The plan for a request at a gateway, with its policy and its providers' health, and without sending it.
pub(super) async fn explain(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let policy = shared.gateways.policy(&id).ok_or_else(|| unknown(&id))?;
    let providers = shared.gateways.providers(&id).unwrap_or_default();
    let Some(explainer) = shared.explainer.clone() else {
        let message = "this collector explains no plans";
        let status = StatusCode::NOT_IMPLEMENTED;
        return Err(Refusal::new(status, "not_implemented", message));
    };
    question(shared, move |_| {
        let Explain { request, path } = api::read(&body)?;
        let asked = ExplainQuestion {
            policy: &policy.yaml,
            path: &path,
            request: request.get(),
            providers: &providers,
        };
        explainer(&asked).map_err(ApiError::Invalid)
    })
    .await
    .map(Json)
}

/// `GET /v1/health/history`.
pub(super) async fn health_history(
    State(shared): State<Shared>,
    query: Result<Query<HistoryQuery>, QueryRejection>,
) -> Result<Json<History>, Refusal> {
    let Query(query) = query.map_err(Refusal::of_query)?;
    question(shared, move |shared| {
        let (store, now_ms) = (shared.api.store.as_ref(), shared.api.now_ms());
        health_history::history(store, &query, now_ms)
    })
    .await
    .map(Json)
}

fn unknown(id: &str) -> Refusal {
    let message = format!("no gateway {id:?} has reported to this collector");
    Refusal::new(StatusCode::NOT_FOUND, "not_found", message)
}
