//! What happens to a request whose body has come, before it is planned: content policies see it, and its embedding is
//! asked for.

use guardrails::Verdict;
use protocols::request_info;

use super::{DownstreamFilter, Incoming, Stage};
use crate::host::Host;
use crate::http_callout::Callout;
use crate::local_reply::Answer;
use crate::policies::Inspection;
use crate::telemetry::{Excerpt, RejectedRequest};
use crate::{Flow, embedding};

impl DownstreamFilter {
    /// The body is complete: content policies see it first.
    pub(super) fn route(&mut self, host: &impl Host, size: usize) -> Flow {
        let Stage::ReadingBody(incoming) = std::mem::replace(&mut self.stage, Stage::Done) else {
            return Flow::Continue;
        };
        let Some(guardrails) = &self.config.guardrails else {
            return self.proceed(host, incoming, size);
        };
        let body = match host.request_body(0, size) {
            Ok(body) => body,
            Err(_) if size == 0 => Vec::new(),
            Err(error) => {
                // What nobody judged must not go on.
                log::error!("content policies cannot read a request: {error}");
                let message = "the gateway could not read this request";
                return self.block(host, *incoming, size, "", message);
            }
        };
        match Inspection::begin(host, &self.vm, &self.config, guardrails, &body) {
            Ok(inspection) => self.apply_verdict(host, incoming, size, inspection),
            Err(error) => {
                let answer = Answer::bad_request(incoming.client, &error);
                let refused = RejectedRequest::unread(&incoming.request_id);
                self.post_refusal(incoming.log, refused, &answer, host.now());
                self.answer(host, answer)
            }
        }
    }

    /// Does what the content policies say, when all have spoken.
    pub(super) fn apply_verdict(
        &mut self,
        host: &impl Host,
        mut incoming: Box<Incoming>,
        mut size: usize,
        inspection: Inspection,
    ) -> Flow {
        if inspection.is_waiting() {
            self.stage = Stage::AwaitingJudgement {
                incoming,
                size,
                inspection,
            };
            return Flow::Pause;
        }
        let (verdict, results) = inspection.conclude();
        incoming.log.policies = results;
        match &verdict {
            Verdict::Allow | Verdict::Flag => {}
            Verdict::Redact(splices) => {
                let body = host.request_body(0, size).unwrap_or_default();
                let redacted = guardrails::apply(&body, splices);
                if let Err(error) = host.set_request_body(&redacted) {
                    // What was to be removed must not go on.
                    log::error!("a request could not be redacted: {error}");
                    let message = "the gateway could not redact this request";
                    return self.block(host, *incoming, size, "", message);
                }
                size = redacted.len();
                incoming.redacted = true;
            }
            Verdict::Block { policy, .. } => {
                let message = verdict.block_message().unwrap_or_default();
                return self.block(host, *incoming, size, policy, &message);
            }
        }
        self.proceed(host, incoming, size)
    }

    /// A content policy refuses the request.
    pub(super) fn block(
        &mut self,
        host: &impl Host,
        incoming: Incoming,
        size: usize,
        policy: &str,
        message: &str,
    ) -> Flow {
        let body = host.request_body(0, size).unwrap_or_default();
        let answer = Answer::blocked(incoming.client, policy, message);
        let info = request_info::scan(incoming.client, &body).ok();
        let mut log = incoming.log;
        if self.config.policy.gateway.log_bodies {
            log.request_body = Some(Excerpt::of(&body));
        }
        let refused = RejectedRequest {
            model: info.as_ref().map_or("", |info| &info.model),
            stream: info.as_ref().is_some_and(|info| info.stream),
            ..RejectedRequest::blocked(&incoming.request_id)
        };
        self.post_refusal(log, refused, &answer, host.now());
        self.answer(host, answer)
    }

    /// Asks for the embedding that the plan needs, if any, or sets out at once.
    pub(super) fn proceed(
        &mut self,
        host: &impl Host,
        incoming: Box<Incoming>,
        size: usize,
    ) -> Flow {
        match self.ask_for_embedding(host, &incoming, size) {
            Some(callout) => {
                self.stage = Stage::AwaitingEmbedding {
                    incoming,
                    size,
                    callout,
                };
                Flow::Pause
            }
            None => self.set_out(host, *incoming, size, None),
        }
    }

    /// The body is read a second time when the answer is there: that costs less than to hold on to it meanwhile.
    pub(super) fn ask_for_embedding(
        &self,
        host: &impl Host,
        incoming: &Incoming,
        size: usize,
    ) -> Option<Callout> {
        if !self.config.index.fetches_embeddings() {
            return None;
        }
        let body = host.request_body(0, size).ok()?;
        let info = request_info::scan(incoming.client, &body).ok()?;
        let key = incoming.log.key.as_ref();
        if key.is_some_and(|key| !key.allows(&info.model)) {
            return None;
        }
        let message = info.last_user_message.as_deref();
        embedding::ask(host, &self.vm, &self.config, &info.model, message)
    }
}
