//! The plan that the gateway would make for a request, and why: made by the gateway's own code.

mod assumptions;
mod console;
mod member;
mod text;
mod why;

use std::sync::Arc;

use ::policy::Policy;
use ingress::{Ingress, ParsedRequest};
use protocols::{ClientFormat, RequestError};
use routing::{Plan, PlanError, PolicyIndex, Random, StrategyState, plan};
use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

pub(crate) use assumptions::{AssumedHealth, AssumedLatency, Assumptions};
use assumptions::{UnknownTarget, World};
pub(crate) use console::explainer;
use member::Member;

/// A client's request.
pub(crate) struct Asked<'a> {
    /// The endpoint.
    pub(crate) client: ClientFormat,
    /// Lower-case names and values.
    pub(crate) headers: &'a [(String, String)],
    /// JSON.
    pub(crate) body: &'a [u8],
}

/// What would happen to a request.
#[derive(Debug, Serialize)]
pub(crate) struct Explanation {
    request: RequestRead,
    /// `null` for a model that is no group.
    model_group: Option<String>,
    /// Name and settings.
    strategy: Value,
    session_affinity: bool,
    /// Who is tried, in this order; empty when the request is refused.
    plan: Vec<Step>,
    /// Why the first is the first.
    why: Option<String>,
    fail_open: bool,
    /// Of the first, where the strategy is semantic.
    similarity: Option<f32>,
    /// What the client is told instead.
    refusal: Option<Refused>,
    /// Everyone who could have served.
    members: Vec<Member>,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct RequestRead {
    endpoint: &'static str,
    model: String,
    stream: bool,
    /// Estimate.
    prompt_tokens: u32,
    /// The client's limit, or what is assumed without one.
    output_tokens: u32,
    output_tokens_assumed: bool,
    conversation: ConversationRead,
}

#[derive(Debug, Serialize)]
struct ConversationRead {
    id: String,
    source: &'static str,
}

#[derive(Debug, Serialize)]
struct Step {
    provider: String,
    model: String,
    timeout_ms: u64,
    estimated_cost_usd: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Refused {
    status: u16,
    #[serde(rename = "type")]
    kind: &'static str,
    code: &'static str,
    message: String,
}

/// Why there is nothing to explain.
#[derive(Debug, Error)]
pub(crate) enum Unexplainable {
    /// The gateway would answer 400.
    #[error("the gateway would answer 400: {}", .0.message)]
    BadRequest(RequestError),
    /// An assumption is about nobody.
    #[error(transparent)]
    UnknownTarget(#[from] UnknownTarget),
}

/// Plans `asked` as the gateway would at `now_ms`, if the world were as assumed.
pub(crate) fn explain(
    policy: Policy,
    asked: &Asked<'_>,
    assumptions: &Assumptions,
    now_ms: u64,
) -> Result<Explanation, Unexplainable> {
    let index = PolicyIndex::new(Arc::new(policy));
    let ingress = Ingress::new(index.policy());
    let header = |name: &str| {
        let found = asked.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    };
    let parsed = ingress
        .read(asked.client, asked.body, header, false)
        .map_err(Unexplainable::BadRequest)?;
    let world = assumptions.world(&index, now_ms)?;
    let mut random = Random::seeded(assumptions.seed);
    let made = ingress.plan(&parsed, |request| {
        plan::make(
            &index,
            &world.view(),
            &mut StrategyState::default(),
            request,
            &mut random,
            now_ms,
        )
    });
    let case = Case {
        index: &index,
        world: &world,
        parsed: &parsed,
        made: &made,
        seed: assumptions.seed,
    };
    Ok(case.explanation())
}

/// Everything that an explanation is told from.
#[derive(Clone, Copy)]
struct Case<'a> {
    index: &'a PolicyIndex,
    world: &'a World,
    parsed: &'a ParsedRequest<'a>,
    made: &'a Result<Plan, PlanError>,
    seed: u64,
}

impl Case<'_> {
    fn explanation(self) -> Explanation {
        let policy = self.index.policy();
        let plan = self.made.as_ref().ok();
        let group = self
            .index
            .group_named(&self.parsed.info.model)
            .and_then(|id| policy.group(id));
        let strategy = group.map_or(&policy.default_strategy, |group| &group.strategy);
        Explanation {
            request: self.request(),
            model_group: group.map(|group| group.name.clone()),
            strategy: why::settings(policy, strategy),
            session_affinity: group.is_some_and(|group| group.session_affinity),
            plan: self.steps(),
            why: plan.and_then(|plan| why::head(self, plan)),
            fail_open: plan.is_some_and(|plan| plan.fail_open),
            similarity: plan.and_then(|plan| plan.similarity),
            refusal: self.made.as_ref().err().map(Refused::of),
            members: member::all(self),
            notes: why::notes(self, strategy),
        }
    }

    fn request(self) -> RequestRead {
        let info = &self.parsed.info;
        let policy = self.index.policy();
        let group = self.index.group_named(&info.model);
        let strategy = group
            .and_then(|id| policy.group(id))
            .map_or(&policy.default_strategy, |group| &group.strategy);
        RequestRead {
            endpoint: self.parsed.client.path(),
            model: info.model.to_string(),
            stream: info.stream,
            prompt_tokens: self.parsed.prompt_tokens,
            output_tokens: routing::cost::output_tokens(info.max_output_tokens, strategy),
            output_tokens_assumed: info.max_output_tokens.is_none(),
            conversation: ConversationRead {
                id: format!("{:016x}", self.parsed.conversation.id.0),
                source: self.parsed.conversation.source.name(),
            },
        }
    }

    fn steps(self) -> Vec<Step> {
        let entries = self.made.as_ref().map_or(&[][..], |plan| &plan.attempts);
        entries
            .iter()
            .map(|entry| Step {
                provider: self.target_id(entry.target),
                model: entry.model.to_string(),
                timeout_ms: entry.timeout_ms,
                estimated_cost_usd: entry.estimated_cost_usd.map(events::whole_nanos),
            })
            .collect()
    }

    fn target_id(self, target: ::policy::TargetId) -> String {
        let target = self.index.policy().target(target);
        target.map(|target| target.id.clone()).unwrap_or_default()
    }
}

impl Refused {
    fn of(refusal: &PlanError) -> Self {
        let (status, kind, code) = refusal.answer();
        Self {
            status,
            kind,
            code,
            message: refusal.to_string(),
        }
    }
}
