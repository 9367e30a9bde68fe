//! Budgets, keys and webhooks.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Shared;
use super::answer::{Refusal, question};
use crate::alerts::{self, Alert, Panel, Threshold};
use crate::api::{Api as _, ApiError};
use crate::budget::Budget;
use crate::key::{CreatedKey, KeyInfo};
use crate::webhook::{CreatedWebhook, Delivery, Webhook};

/// A list, as all lists here: `{"data": […]}`.
#[derive(Serialize)]
pub(super) struct List<T> {
    pub(super) data: Vec<T>,
}

type Listed<T> = Result<Json<List<T>>, Refusal>;
type Created<T> = Result<(StatusCode, Json<T>), Refusal>;

pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| ApiError::Invalid(error.to_string()))
}

pub(super) async fn budgets(State(shared): State<Shared>) -> Listed<Budget> {
    let data = question(shared, move |shared| shared.api.budgets()).await?;
    Ok(Json(List { data }))
}

pub(super) async fn create_budget(State(shared): State<Shared>, body: Bytes) -> Created<Budget> {
    let made = question(shared, move |shared| {
        let made = shared.api.create_budget(&read(&body)?)?;
        // It may be spent already, and then nobody spends any more.
        shared.webhooks.budget_changed(&made.provider);
        Ok(made)
    })
    .await?;
    Ok((StatusCode::CREATED, Json(made)))
}

pub(super) async fn delete_budget(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    question(shared, move |shared| shared.api.delete_budget(&id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn keys(State(shared): State<Shared>) -> Listed<KeyInfo> {
    let data = question(shared, move |shared| shared.api.keys()).await?;
    Ok(Json(List { data }))
}

pub(super) async fn create_key(State(shared): State<Shared>, body: Bytes) -> Created<CreatedKey> {
    let made = question(shared, move |shared| shared.api.create_key(&read(&body)?)).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

pub(super) async fn rotate_key(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<CreatedKey>, Refusal> {
    question(shared, move |shared| {
        shared.api.rotate_key(&id, read(&body)?)
    })
    .await
    .map(Json)
}

pub(super) async fn revoke_key(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<KeyInfo>, Refusal> {
    question(shared, move |shared| shared.api.revoke_key(&id))
        .await
        .map(Json)
}

pub(super) async fn webhooks(State(shared): State<Shared>) -> Listed<Webhook> {
    let data = question(shared, move |shared| shared.api.webhooks()).await?;
    Ok(Json(List { data }))
}

pub(super) async fn create_webhook(
    State(shared): State<Shared>,
    body: Bytes,
) -> Created<CreatedWebhook> {
    let made = question(shared, move |shared| {
        shared.api.create_webhook(&read(&body)?)
    })
    .await?;
    Ok((StatusCode::CREATED, Json(made)))
}

pub(super) async fn delete_webhook(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    question(shared, move |shared| shared.api.delete_webhook(&id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn test_webhook(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<Delivery>, Refusal> {
    question(shared, move |shared| shared.api.test_webhook(&id))
        .await
        .map(Json)
}

pub(super) async fn deliveries(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Listed<Delivery> {
    let data = question(shared, move |shared| shared.api.deliveries(&id)).await?;
    Ok(Json(List { data }))
}

pub(super) async fn thresholds(State(shared): State<Shared>) -> Listed<Threshold> {
    let data = question(shared, move |shared| {
        alerts::thresholds(shared.api.store.as_ref())
    })
    .await?;
    Ok(Json(List { data }))
}

pub(super) async fn set_threshold(
    State(shared): State<Shared>,
    body: Bytes,
) -> Result<StatusCode, Refusal> {
    question(shared, move |shared| {
        alerts::set_threshold(shared.api.store.as_ref(), &read(&body)?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which threshold goes back to its default.
#[derive(Deserialize)]
pub(super) struct WhichThreshold {
    panel: Panel,
    provider: Option<String>,
}

pub(super) async fn reset_threshold(
    State(shared): State<Shared>,
    which: Result<Query<WhichThreshold>, QueryRejection>,
) -> Result<StatusCode, Refusal> {
    let Query(which) = which.map_err(Refusal::of_query)?;
    let provider = which.provider.filter(|name| !name.is_empty());
    question(shared, move |shared| {
        alerts::reset_threshold(shared.api.store.as_ref(), which.panel, provider.as_deref())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn alerts(State(shared): State<Shared>) -> Listed<Alert> {
    let data = question(shared, move |shared| {
        alerts::alerts(shared.api.store.as_ref())
    })
    .await?;
    Ok(Json(List { data }))
}
