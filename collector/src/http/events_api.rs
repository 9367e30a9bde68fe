//! `GET /v1/events`: events, numbers about them, and events as they come.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use events::EventId;
use tokio::time::Instant;

use super::Shared;
use super::answer::{Refusal, question};
use super::api::{List, read};
use crate::api::{Api as _, ApiError};
use crate::feedback::Feedback;
use crate::query::{self, Asked, Cursor, EventQuery};
use crate::report::EventPage;

/// How often a follower looks for new events.
const LOOK: Duration = Duration::from_millis(100);

type Parameters = Query<Vec<(String, String)>>;

fn pairs(parameters: &Parameters) -> impl Iterator<Item = (&str, &str)> {
    parameters
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
}

pub(super) async fn query(
    State(shared): State<Shared>,
    parameters: Parameters,
) -> Result<Response, Refusal> {
    let asked = query::read(pairs(&parameters), shared.api.now()).map_err(ApiError::from)?;
    Ok(match asked {
        Asked::Events(query) => {
            Json(question(shared, move |shared| shared.api.events(&query)).await?).into_response()
        }
        Asked::Aggregate(query) => {
            Json(question(shared, move |shared| shared.api.aggregate(&query)).await?)
                .into_response()
        }
        Asked::Follow(query, seconds) => {
            Json(follow(shared, query, Duration::from_secs(seconds)).await?).into_response()
        }
    })
}

/// A follower that waits holds no thread.
async fn follow(
    mut shared: Shared,
    mut query: EventQuery,
    wait: Duration,
) -> Result<EventPage, Refusal> {
    let Ok(_place) = Arc::clone(&shared.followers).try_acquire_owned() else {
        let message = "too many followers wait for events at the same time";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return Err(Refusal::new(status, "too_many_followers", message));
    };
    let end = Instant::now() + wait;
    let first = query.cursor.is_none();
    loop {
        let asked = query.clone();
        let page = question(shared.clone(), move |shared| {
            shared.api.follow(&asked, Duration::ZERO)
        })
        .await?;
        if first || !page.data.is_empty() || Instant::now() >= end || *shared.ending.borrow() {
            return Ok(page);
        }
        query.cursor = page
            .next_cursor
            .as_deref()
            .and_then(|text| Cursor::parse(text).ok());
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = shared.ending.changed() => {}
        }
    }
}

pub(super) async fn one(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let parsed = EventId::parse(&id);
    let found = match parsed {
        Some(id) => question(shared, move |shared| shared.api.event(id)).await?,
        None => None,
    };
    match found {
        Some(event) => Ok(Json(event).into_response()),
        None => {
            let message = format!("there is no event {id:?}");
            Err(Refusal::new(StatusCode::NOT_FOUND, "not_found", message))
        }
    }
}

pub(super) async fn add_feedback(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Feedback>, Refusal> {
    question(shared, move |shared| {
        shared.api.add_feedback(&id, &read(&body)?)
    })
    .await
    .map(Json)
}

pub(super) async fn feedback(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<List<Feedback>>, Refusal> {
    let data = match EventId::parse(&id) {
        Some(id) => question(shared, move |shared| shared.api.feedback(id)).await?,
        None => Vec::new(),
    };
    Ok(Json(List { data }))
}

pub(super) async fn compare(
    State(shared): State<Shared>,
    parameters: Parameters,
) -> Result<Response, Refusal> {
    let query =
        query::read_comparison(pairs(&parameters), shared.api.now()).map_err(ApiError::from)?;
    Ok(Json(question(shared, move |shared| shared.api.compare(&query)).await?).into_response())
}
