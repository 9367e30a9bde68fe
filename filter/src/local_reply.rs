//! Answers that the gateway gives itself: errors, `/v1/models`, `/health`.

use std::rc::Rc;

use policy::{Policy, TargetId};
use protocols::ClientFormat;
use protocols::error::gateway_error_body;
use protocols::json::parse;
use routing::health::Phase;
use routing::{PlanError, StateSnapshot};
use serde_json::{Map, Value, json};

use crate::config::GatewayConfig;
use crate::control::{Control, RejectedRequest};
use crate::host::Now;
use crate::text::quote;

/// A complete answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers beside `content-type: application/json`.
    pub headers: Vec<(String, String)>,
    /// JSON.
    pub body: Vec<u8>,
    /// `error.code`, for the event.
    pub code: Option<String>,
}

/// An error as the client's format shapes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorAnswer<'a> {
    /// HTTP status.
    pub status: u16,
    /// OpenAI's `error.type`.
    pub kind: &'a str,
    /// `error.code`
    pub code: Option<&'a str>,
    /// One sentence for people.
    pub message: &'a str,
    /// The request field at fault.
    pub param: Option<&'a str>,
}

const INVALID_REQUEST: &str = "invalid_request_error";

impl ErrorAnswer<'_> {
    /// The answer in the shape that `client` is owed.
    pub fn in_shape_of(&self, client: ClientFormat) -> Answer {
        let body = gateway_error_body(
            client,
            self.status,
            self.kind,
            self.code,
            self.message,
            self.param,
        );
        Answer {
            status: self.status,
            headers: Vec::new(),
            body,
            code: self.code.map(String::from),
        }
    }
}

impl Answer {
    /// The same answer with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.to_string().into_bytes(),
            code: None,
        }
    }

    /// 400 for a request that cannot be read or said.
    pub fn bad_request(client: ClientFormat, error: &protocols::RequestError) -> Self {
        ErrorAnswer {
            status: 400,
            kind: INVALID_REQUEST,
            code: error.code,
            message: &error.message,
            param: error.param.as_deref(),
        }
        .in_shape_of(client)
    }

    /// 401, or 503 where the keys are not known yet.
    pub(crate) fn no_good_key(client: ClientFormat, why: RejectedRequest) -> Self {
        let message = why.to_string();
        if why == RejectedRequest::NotReady {
            return Self::internal(client, &message);
        }
        ErrorAnswer {
            status: 401,
            kind: INVALID_REQUEST,
            code: Some("invalid_api_key"),
            message: &message,
            param: None,
        }
        .in_shape_of(client)
        .with_header("www-authenticate", "Bearer")
    }

    /// 429: the key has made its requests of this minute.
    pub(crate) fn too_many_requests(client: ClientFormat, limit: u32, wait_ms: u64) -> Self {
        let message = format!("this gateway key may make {limit} requests in 60 seconds");
        ErrorAnswer {
            status: 429,
            kind: "rate_limit",
            code: Some("rate_limit_exceeded"),
            message: &message,
            param: None,
        }
        .in_shape_of(client)
        .with_header("retry-after", retry_after(wait_ms))
    }

    /// 409: a content policy blocks. `policy` tells which, beside what errors always tell.
    pub(crate) fn blocked(client: ClientFormat, policy: &str, message: &str) -> Self {
        let mut answer = ErrorAnswer {
            status: 409,
            kind: "policy_violation",
            code: Some("input_blocked"),
            message,
            param: None,
        }
        .in_shape_of(client);
        if let Ok(mut body) = parse::<Value>(&answer.body)
            && let Some(error) = body.get_mut("error").and_then(Value::as_object_mut)
        {
            error.insert(String::from("policy"), Value::from(policy));
            answer.body = body.to_string().into_bytes();
        }
        answer
    }

    /// 413
    pub fn too_large(client: ClientFormat, limit: u64) -> Self {
        let message =
            format!("request body is larger than the {limit} bytes that this gateway accepts");
        let code = Some("request_too_large");
        ErrorAnswer {
            status: 413,
            kind: INVALID_REQUEST,
            code,
            message: &message,
            param: None,
        }
        .in_shape_of(client)
    }

    /// 404 for a path that is not an endpoint.
    pub fn unknown_path(path: &str) -> Self {
        let message = format!(
            "no endpoint at {}; see /v1/models, /v1/chat/completions, /health",
            quote(path)
        );
        let code = Some("not_found");
        ErrorAnswer {
            status: 404,
            kind: INVALID_REQUEST,
            code,
            message: &message,
            param: None,
        }
        .in_shape_of(ClientFormat::ChatCompletions)
    }

    /// 405
    pub fn wrong_method(client: ClientFormat, method: &str, wanted: &'static str) -> Self {
        let method = quote(method);
        let message = format!("method {method} is not allowed here: expected {wanted}");
        let code = Some("method_not_allowed");
        ErrorAnswer {
            status: 405,
            kind: INVALID_REQUEST,
            code,
            message: &message,
            param: None,
        }
        .in_shape_of(client)
        .with_header("allow", wanted)
    }

    /// What the filter itself got wrong: the client may try again.
    pub fn internal(client: ClientFormat, message: &str) -> Self {
        let code = Some("gateway_error");
        ErrorAnswer {
            status: 503,
            kind: "upstream_error",
            code,
            message,
            param: None,
        }
        .in_shape_of(client)
        .with_header("retry-after", "1")
    }

    /// The VM that knew this request is gone. Which shape the client is owed, only that VM knew.
    pub fn restarted() -> Self {
        Self::internal(
            ClientFormat::ChatCompletions,
            "the gateway restarted during this request",
        )
    }

    /// There is no plan for this request.
    pub fn refusal(client: ClientFormat, refusal: &PlanError, policy: &Policy) -> Self {
        let message = refusal.to_string();
        let (status, kind, code) = refusal.answer();
        let error = |message: &str| {
            ErrorAnswer {
                status,
                kind,
                code: Some(code),
                message,
                param: None,
            }
            .in_shape_of(client)
        };
        match refusal {
            PlanError::UnknownModel { .. }
            | PlanError::NotAllowed { .. }
            | PlanError::Unsupported { .. } => error(&message),
            PlanError::BudgetExceeded { .. } => {
                error(&message).with_header("x-should-retry", "false")
            }
            PlanError::RateLimited {
                retry_after_ms,
                excluded,
                ..
            }
            | PlanError::NothingAvailable {
                retry_after_ms,
                excluded,
                ..
            } => {
                let why: Vec<String> = excluded
                    .iter()
                    .filter_map(|one| {
                        Some(format!("{}: {}", policy.target(one.target)?.id, one.reason))
                    })
                    .collect();
                error(&format!("{message} ({})", why.join(", ")))
                    .with_header("retry-after", retry_after(*retry_after_ms))
            }
        }
    }
}

/// Whole seconds, rounded up, at least one.
pub fn retry_after(milliseconds: u64) -> String {
    milliseconds.div_ceil(1000).max(1).to_string()
}

/// What a client may ask for.
pub(crate) struct Models<'a> {
    /// The policy that names it.
    pub(crate) policy: &'a Policy,
    /// Unix seconds.
    pub(crate) created: u64,
    /// Whether the client's key may use it.
    pub(crate) allows: &'a dyn Fn(&str) -> bool,
}

/// `GET /v1/models`: groups, then their aliases.
pub(crate) fn model_list(models: &Models<'_>) -> Answer {
    let data: Vec<Value> = models
        .names()
        .map(|name| model_object(name, models.created))
        .collect();
    Answer::json(200, &json!({"object": "list", "data": data}))
}

/// `GET /v1/models/{name}`
pub(crate) fn model_entry(models: &Models<'_>, name: &str) -> Answer {
    if models.names().any(|known| known == name) {
        return Answer::json(200, &model_object(name, models.created));
    }
    let known = models.names().map(String::from).collect();
    Answer::refusal(
        ClientFormat::ChatCompletions,
        &PlanError::UnknownModel {
            model: name.to_owned(),
            known,
        },
        models.policy,
    )
}

impl<'a> Models<'a> {
    /// Groups and aliases, or where there are no groups the targets' own models and the mapped names.
    fn names(&self) -> impl Iterator<Item = &'a str> {
        let policy = self.policy;
        let allows = self.allows;
        let groups = policy.groups.iter().flat_map(move |group| {
            let names = std::iter::once(&group.name).chain(&group.aliases);
            names.filter(move |name| allows(name) || allows(&group.name))
        });
        let models = policy
            .targets
            .iter()
            .filter_map(|target| target.model.as_ref())
            .chain(policy.failover.model_mapping.keys())
            .filter(move |name| policy.groups.is_empty() && allows(name));
        groups.chain(models).map(String::as_str)
    }
}

fn model_object(name: &str, created: u64) -> Value {
    json!({"id": name, "object": "model", "created": created, "owned_by": "keeptrusts"})
}

/// What `/health` says beside the providers.
#[derive(Debug, Clone)]
pub struct HealthFacts {
    /// What time it is.
    pub now: Now,
    /// When the first VM was configured.
    pub started: Now,
    /// By all workers.
    pub requests_processed: u64,
    /// Keys and budgets in force.
    pub(crate) control: Rc<Control>,
}

/// `GET /health`, or one provider's part of it.
pub fn health(
    config: &GatewayConfig,
    view: StateSnapshot<'_>,
    facts: &HealthFacts,
    only: Option<&str>,
) -> Answer {
    let mut providers = Map::new();
    let mut phases = Vec::new();
    for (index, target) in config.policy.targets.iter().enumerate() {
        let Some((key, limits)) = config.index.health_config(TargetId(index)) else {
            continue;
        };
        let status = (view.health).status(key, limits, facts.now.monotonic_ms());
        let no_credential = config.lacks_credential(TargetId(index));
        let phase = if no_credential {
            Phase::NoCredential
        } else {
            status.phase
        };
        let reason = match phase {
            Phase::Closed => Value::Null,
            Phase::NoCredential => json!("credential_missing"),
            Phase::Open | Phase::HalfOpen | Phase::RateLimited => json!(status.reason.name()),
        };
        phases.push(phase);
        providers.insert(
            target.id.clone(),
            json!({
                "status": phase.status(),
                "consecutive_failures": status.consecutive_failures,
                "last_check": (status.last_check_ms)
                    .map(|at| rfc3339_seconds(facts.now.unix_ms_of(at))),
                "reason": reason,
                "latency_ms": status.latency_ms,
            }),
        );
    }
    if let Some(name) = only {
        return match providers.get(name) {
            Some(provider) => Answer::json(200, &json!({"provider": name, "health": provider})),
            None => ErrorAnswer {
                status: 404,
                kind: INVALID_REQUEST,
                code: Some("not_found"),
                message: &format!("no provider {:?}", quote(name)),
                param: Some("provider"),
            }
            .in_shape_of(ClientFormat::ChatCompletions),
        };
    }
    let serving = phases.iter().filter(|phase| phase.serves()).count();
    let status = match serving {
        0 => "unhealthy",
        count if count == phases.len() => "healthy",
        _ => "degraded",
    };
    Answer::json(
        if serving == 0 { 503 } else { 200 },
        &json!({
            "status": status,
            "version": config.runtime.version,
            "uptime_seconds": (facts.now.monotonic_ms())
                .saturating_sub(facts.started.monotonic_ms()) / 1000,
            "providers": providers,
            "policies_loaded": config.policy.content_policies.len(),
            "requests_processed": facts.requests_processed,
            "control": facts.control.status(config.runtime.auth),
        }),
    )
}

/// `2026-04-23T10:25:30Z`. Civil date from days since 1970 by era of 400 years, without tables.
pub fn rfc3339_seconds(unix_ms: u64) -> String {
    let seconds = unix_ms / 1000;
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        time / 3600,
        time / 60 % 60,
        time % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_rfc_3339() {
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_776_939_930_999, "2026-04-23T10:25:30Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
        ];
        for (milliseconds, expected) in cases {
            assert_eq!(rfc3339_seconds(milliseconds), expected);
        }
    }

    #[test]
    fn retry_after_is_never_zero_and_never_early() {
        assert_eq!(
            [0, 1, 1000, 1001, 5000].map(retry_after),
            ["1", "1", "1", "2", "5"]
        );
    }
}
