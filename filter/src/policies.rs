//! Content policies on a request, before it is planned: what they find themselves, and what moderation targets say
//! while the request waits.

use events::PolicyVerdict;
use guardrails::moderation::{self, ModerationUnavailable};
use guardrails::{Evaluation, Guardrails, Outcome, Verdict};
use policy::Moderation;
use protocols::RequestError;

use crate::config::GatewayConfig;
use crate::host::Host;
use crate::http_callout::{self, Callout, CalloutRequest};
use crate::worker::Worker;

/// Longest answer of a moderation target that is read, in bytes.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A request under inspection.
#[derive(Debug)]
pub(crate) struct Inspection {
    evaluation: Evaluation,
    under_way: Vec<Question>,
}

/// A question to a moderation target.
#[derive(Debug)]
struct Question {
    callout: Callout,
    /// Which policy has asked.
    policy: usize,
    /// About how many texts.
    inputs: usize,
}

impl Inspection {
    /// Judges `body`, and asks the moderation targets unless there is no need any more.
    ///
    /// # Errors
    /// `body` is not JSON.
    pub(crate) fn begin(
        host: &impl Host,
        vm: &Worker,
        config: &GatewayConfig,
        guardrails: &Guardrails,
        body: &[u8],
    ) -> Result<Self, RequestError> {
        let mut evaluation = guardrails.evaluate(body)?;
        let mut under_way = Vec::new();
        let redacted = match &evaluation.verdict {
            Verdict::Block { .. } => {
                return Ok(Self {
                    evaluation,
                    under_way,
                });
            }
            Verdict::Redact(splices) => Some(guardrails::apply(body, splices)),
            Verdict::Allow | Verdict::Flag => None,
        };
        let body = redacted.as_deref().unwrap_or(body);
        for (policy, moderation) in guardrails.moderations() {
            let Some(question) = moderation::request(moderation, body)? else {
                continue;
            };
            match call(host, vm, config, moderation, &question.body) {
                Some(callout) => under_way.push(Question {
                    callout,
                    policy,
                    inputs: question.inputs,
                }),
                None => {
                    let unavailable = Err(ModerationUnavailable::NoAnswer);
                    guardrails.record_moderation(&mut evaluation, policy, &unavailable);
                }
            }
        }
        Ok(Self {
            evaluation,
            under_way,
        })
    }

    /// A moderation target has not answered yet.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// The answer to a call came, or its time was over. Nothing happens where the call was another one.
    pub(crate) fn on_call_response(
        &mut self,
        host: &impl Host,
        vm: &Worker,
        config: &GatewayConfig,
        guardrails: &Guardrails,
        token: u32,
    ) {
        let mut under_way = self.under_way.iter();
        let Some(position) = under_way.position(|question| question.callout.token == token) else {
            return;
        };
        let question = self.under_way.swap_remove(position);
        let answer = http_callout::read(host, MAX_BYTES);
        let result = match answer.status {
            None => Err(ModerationUnavailable::NoAnswer),
            Some(status) => moderation::read(status, &answer.body, question.inputs),
        };
        question
            .callout
            .report(host, vm, config, &answer, result.is_ok());
        if let Err(why) = &result {
            log::warn!("a content policy has no moderation result: {why}");
        }
        guardrails.record_moderation(&mut self.evaluation, question.policy, &result);
    }

    /// The request is over, and nobody waits any more.
    pub(crate) fn abandon(&mut self, host: &impl Host, vm: &Worker, config: &GatewayConfig) {
        for question in self.under_way.drain(..) {
            question.callout.abandon(host, vm, config);
        }
    }

    /// What follows, and what the event says of each policy.
    pub(crate) fn conclude(self) -> (Verdict, Vec<events::PolicyResult<'static>>) {
        let results = self.evaluation.results.into_iter();
        let results = results.map(|policy| events::PolicyResult {
            name: policy.name.into(),
            result: verdict(policy.result),
        });
        (self.evaluation.verdict, results.collect())
    }
}

fn verdict(outcome: Outcome) -> PolicyVerdict {
    match outcome {
        Outcome::Recorded => PolicyVerdict::Logged,
        Outcome::Passed => PolicyVerdict::Passed,
        Outcome::Flagged => PolicyVerdict::Flagged,
        Outcome::Redacted => PolicyVerdict::Redacted,
        Outcome::Blocked => PolicyVerdict::Blocked,
        Outcome::NotJudged => PolicyVerdict::Skipped,
    }
}

fn call(
    host: &impl Host,
    vm: &Worker,
    config: &GatewayConfig,
    moderation: &Moderation,
    body: &[u8],
) -> Option<Callout> {
    let target = config.policy.target(moderation.target)?;
    let request = CalloutRequest {
        target: moderation.target,
        path: &format!("{}{}", target.base_url.path, moderation::PATH),
        body,
        timeout_ms: moderation.timeout_ms,
    };
    http_callout::ask(host, vm, config, request)
}
