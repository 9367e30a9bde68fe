//! Answers, and errors in OpenAI's shape.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Shared;
use crate::api::ApiError;
use crate::store::StoreError;

/// An error as clients see it.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    kind: &'static str,
    code: &'static str,
    message: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let kind = if status.is_server_error() {
            "server_error"
        } else {
            "invalid_request_error"
        };
        Self {
            status,
            kind,
            code,
            message: message.into(),
        }
    }
}

impl Refusal {
    /// Parameters of a URL that cannot be read.
    pub(crate) fn of_query(why: QueryRejection) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_query", why.body_text())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body =
            json!({"error": {"message": self.message, "type": self.kind, "code": self.code}});
        (self.status, Json(body)).into_response()
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        let (status, code) = match &error {
            ApiError::Query(_) => (StatusCode::BAD_REQUEST, "invalid_query"),
            ApiError::Invalid(_) => (StatusCode::BAD_REQUEST, "invalid_value"),
            ApiError::NotFound { .. } => (StatusCode::NOT_FOUND, "not_found"),
            ApiError::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
            ApiError::Store(StoreError::TooManyGroups { .. }) => {
                (StatusCode::BAD_REQUEST, "too_many_groups")
            }
            ApiError::Store(
                StoreError::Unavailable(_) | StoreError::TooNew { .. } | StoreError::Damaged(_),
            )
            | ApiError::Unreachable { .. }
            | ApiError::Refused { .. } => (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable"),
        };
        if status.is_server_error() {
            log::error!(target: "keeptrusts::collector", "{error}");
        }
        Self::new(status, code, error.to_string())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        ApiError::from(error).into()
    }
}

/// Answers a question of people, of which only so many are worked on at the same time.
pub(crate) async fn question<T: Send + 'static>(
    shared: Shared,
    work: impl FnOnce(&Shared) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, Refusal> {
    // The semaphore is never closed; were it, everybody could ask.
    let place = Arc::clone(&shared.questions).acquire_owned().await;
    blocking(move || {
        let _place = place;
        work(&shared)
    })
    .await
}

/// Runs what blocks where blocking is allowed.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome.map_err(Refusal::from),
        Err(error) => {
            log::error!(target: "keeptrusts::collector", "a request failed: {error}");
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            Err(Refusal::new(
                status,
                "internal",
                "the request failed inside the collector",
            ))
        }
    }
}

pub(crate) async fn no_such_path() -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "there is nothing at this path",
    )
}

pub(crate) async fn no_such_method() -> Refusal {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    Refusal::new(status, "method_not_allowed", "this path has no such method")
}
