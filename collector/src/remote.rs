//! The API behind HTTP.

use std::time::Duration;

use events::EventId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use ureq::Agent;

use crate::api::{Api, ApiError};
use crate::budget::{Budget, NewBudget};
use crate::compare::Comparison;
use crate::feedback::{Feedback, NewFeedback};
use crate::key::{CreatedKey, KeyInfo, NewKey, Rotation};
use crate::query::{AggregateQuery, CompareQuery, EventQuery, LONGEST_WAIT_SECONDS};
use crate::report::{AggregateReport, EventPage};
use crate::webhook::{CreatedWebhook, Delivery, NewWebhook, Webhook};

/// For anything but following: a report over a large store takes its time.
const PATIENCE: Duration = Duration::from_secs(60);
/// A page of events with bodies in them.
const LARGEST_ANSWER: u64 = 256 << 20;

/// The API of a collector elsewhere.
pub struct Remote {
    base_url: String,
    authorization: String,
    agent: Agent,
}

#[derive(Deserialize)]
struct List<T> {
    data: Vec<T>,
}

#[derive(Deserialize)]
struct ErrorAnswer {
    error: ErrorText,
}

#[derive(Deserialize)]
struct ErrorText {
    message: String,
}

type Parameters = Vec<(&'static str, String)>;

impl Remote {
    /// At `http://host:port` or `https://host:port`, with its API token. Nothing is sent yet.
    pub fn new(base_url: &str, token: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(10)))
            // The token is for this collector and nobody it points at.
            .max_redirects(0)
            .build();
        Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
            authorization: format!("Bearer {token}"),
            agent: config.into(),
        }
    }

    fn get<T: DeserializeOwned>(&self, path: &str, parameters: Parameters) -> Result<T, ApiError> {
        self.get_within(path, parameters, PATIENCE)
    }

    fn get_within<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: Parameters,
        patience: Duration,
    ) -> Result<T, ApiError> {
        let answer = self
            .agent
            .get(self.url(path))
            .query_pairs(parameters)
            .header("authorization", &self.authorization)
            .config()
            .timeout_global(Some(patience))
            .build()
            .call();
        self.read(&self.body(answer)?)
    }

    fn post<T: DeserializeOwned>(&self, path: &str, new: &impl Serialize) -> Result<T, ApiError> {
        let body = serde_json::to_vec(new).map_err(|error| ApiError::Invalid(error.to_string()))?;
        let answer = self
            .agent
            .post(self.url(path))
            .header("authorization", &self.authorization)
            .header("content-type", "application/json")
            .config()
            .timeout_global(Some(PATIENCE))
            .build()
            .send(&body[..]);
        self.read(&self.body(answer)?)
    }

    fn delete(&self, path: &str, id: &str, what: &'static str) -> Result<Vec<u8>, ApiError> {
        let answer = self
            .agent
            .delete(self.url(&format!("{path}/{}", segment(id))))
            .header("authorization", &self.authorization)
            .config()
            .timeout_global(Some(PATIENCE))
            .build()
            .call();
        self.body(answer)
            .map_err(|error| not_found(error, what, id))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    fn body(
        &self,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Vec<u8>, ApiError> {
        let mut answer = answer.map_err(|error| self.unreachable(&error))?;
        let status = answer.status();
        let body = answer
            .body_mut()
            .with_config()
            .limit(LARGEST_ANSWER)
            .read_to_vec()
            .map_err(|error| self.unreachable(&error))?;
        if status.is_success() {
            return Ok(body);
        }
        let message = serde_json::from_slice::<ErrorAnswer>(&body).map_or_else(
            |_| String::from("not a collector's error"),
            |answer| answer.error.message,
        );
        match status.as_u16() {
            409 => Err(ApiError::Conflict(message)),
            status => Err(ApiError::Refused { status, message }),
        }
    }

    fn read<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, ApiError> {
        serde_json::from_slice(body).map_err(|error| self.unreachable(&error))
    }

    fn unreachable(&self, reason: &dyn std::fmt::Display) -> ApiError {
        ApiError::Unreachable {
            url: self.base_url.clone(),
            reason: reason.to_string(),
        }
    }
}

fn not_found(error: ApiError, what: &'static str, id: &str) -> ApiError {
    match error {
        ApiError::Refused { status: 404, .. } => ApiError::NotFound {
            what,
            id: id.to_owned(),
        },
        other => other,
    }
}

/// A path segment that means this text and nothing else.
fn segment(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut segment, byte| {
        if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' {
            segment.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(segment, "%{byte:02X}");
        }
        segment
    })
}

impl Api for Remote {
    fn events(&self, query: &EventQuery) -> Result<EventPage, ApiError> {
        self.get("/v1/events", query.parameters())
    }

    fn event(&self, id: EventId) -> Result<Option<Box<RawValue>>, ApiError> {
        match self.get(&format!("/v1/events/{id}"), Vec::new()) {
            Ok(event) => Ok(Some(event)),
            Err(ApiError::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn add_feedback(&self, event: &str, new: &NewFeedback) -> Result<Feedback, ApiError> {
        let path = format!("/v1/events/{}/feedback", segment(event));
        self.post(&path, new)
            .map_err(|error| not_found(error, "decision event", event))
    }

    fn feedback(&self, id: EventId) -> Result<Vec<Feedback>, ApiError> {
        let path = format!("/v1/events/{id}/feedback");
        Ok(self.get::<List<_>>(&path, Vec::new())?.data)
    }

    fn follow(&self, query: &EventQuery, wait: Duration) -> Result<EventPage, ApiError> {
        let seconds = wait.as_secs().min(LONGEST_WAIT_SECONDS);
        let mut parameters = query.parameters();
        parameters.push(("follow", "true".to_owned()));
        parameters.push(("wait", seconds.to_string()));
        let patience = PATIENCE + Duration::from_secs(seconds);
        self.get_within("/v1/events", parameters, patience)
    }

    fn aggregate(&self, query: &AggregateQuery) -> Result<AggregateReport, ApiError> {
        self.get("/v1/events", query.parameters())
    }

    fn compare(&self, query: &CompareQuery) -> Result<Comparison, ApiError> {
        self.get("/v1/compare", query.parameters())
    }

    fn budgets(&self) -> Result<Vec<Budget>, ApiError> {
        Ok(self.get::<List<_>>("/v1/budgets", Vec::new())?.data)
    }

    fn create_budget(&self, new: &NewBudget) -> Result<Budget, ApiError> {
        self.post("/v1/budgets", new)
    }

    fn delete_budget(&self, id: &str) -> Result<(), ApiError> {
        self.delete("/v1/budgets", id, "budget").map(drop)
    }

    fn keys(&self) -> Result<Vec<KeyInfo>, ApiError> {
        Ok(self.get::<List<_>>("/v1/tokens", Vec::new())?.data)
    }

    fn create_key(&self, new: &NewKey) -> Result<CreatedKey, ApiError> {
        self.post("/v1/tokens", new)
    }

    fn rotate_key(&self, id_or_name: &str, rotation: Rotation) -> Result<CreatedKey, ApiError> {
        self.post(
            &format!("/v1/tokens/{}/rotate", segment(id_or_name)),
            &rotation,
        )
        .map_err(|error| not_found(error, "key", id_or_name))
    }

    fn revoke_key(&self, id_or_name: &str) -> Result<KeyInfo, ApiError> {
        let answer = self.delete("/v1/tokens", id_or_name, "key")?;
        self.read(&answer)
    }

    fn webhooks(&self) -> Result<Vec<Webhook>, ApiError> {
        Ok(self.get::<List<_>>("/v1/webhooks", Vec::new())?.data)
    }

    fn create_webhook(&self, new: &NewWebhook) -> Result<CreatedWebhook, ApiError> {
        self.post("/v1/webhooks", new)
    }

    fn delete_webhook(&self, id: &str) -> Result<(), ApiError> {
        self.delete("/v1/webhooks", id, "webhook").map(drop)
    }

    fn test_webhook(&self, id: &str) -> Result<Delivery, ApiError> {
        self.post(&format!("/v1/webhooks/{}/test", segment(id)), &())
            .map_err(|error| not_found(error, "webhook", id))
    }

    fn deliveries(&self, webhook_id: &str) -> Result<Vec<Delivery>, ApiError> {
        let path = format!("/v1/webhooks/{}/deliveries", segment(webhook_id));
        self.get::<List<_>>(&path, Vec::new())
            .map(|list| list.data)
            .map_err(|error| not_found(error, "webhook", webhook_id))
    }
}
