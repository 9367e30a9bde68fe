//! Budgets, keys and webhooks.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Shared;
use super::answer::{Refusal, blocking};
use crate::api::{Api as _, ApiError};
use crate::budget::Budget;
use crate::key::{CreatedKey, KeyInfo};
use crate::webhook::{CreatedWebhook, Webhook};

/// A list, as all lists here: `{"data": […]}`.
#[derive(Serialize)]
pub(super) struct List<T> {
    data: Vec<T>,
}

type Listed<T> = Result<Json<List<T>>, Refusal>;
type Created<T> = Result<(StatusCode, Json<T>), Refusal>;

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| ApiError::Invalid(error.to_string()))
}

pub(super) async fn budgets(State(shared): State<Shared>) -> Listed<Budget> {
    let data = blocking(move || shared.api.budgets()).await?;
    Ok(Json(List { data }))
}

pub(super) async fn create_budget(State(shared): State<Shared>, body: Bytes) -> Created<Budget> {
    let made = blocking(move || shared.api.create_budget(&read(&body)?)).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

pub(super) async fn delete_budget(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    blocking(move || shared.api.delete_budget(&id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn keys(State(shared): State<Shared>) -> Listed<KeyInfo> {
    let data = blocking(move || shared.api.keys()).await?;
    Ok(Json(List { data }))
}

pub(super) async fn create_key(State(shared): State<Shared>, body: Bytes) -> Created<CreatedKey> {
    let made = blocking(move || shared.api.create_key(&read(&body)?)).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

pub(super) async fn revoke_key(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<KeyInfo>, Refusal> {
    blocking(move || shared.api.revoke_key(&id)).await.map(Json)
}

pub(super) async fn webhooks(State(shared): State<Shared>) -> Listed<Webhook> {
    let data = blocking(move || shared.api.webhooks()).await?;
    Ok(Json(List { data }))
}

pub(super) async fn create_webhook(
    State(shared): State<Shared>,
    body: Bytes,
) -> Created<CreatedWebhook> {
    let made = blocking(move || shared.api.create_webhook(&read(&body)?)).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

pub(super) async fn delete_webhook(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    blocking(move || shared.api.delete_webhook(&id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
