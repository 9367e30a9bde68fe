//! The downstream filter: reads a client's request once, plans its way, and answers when no attempt could.

mod body_reader;
mod dispatch;
mod guardrail_check;
mod metrics_page;
mod trace;

use std::cell::RefCell;
use std::rc::Rc;

use protocols::ClientFormat;

use crate::config::GatewayConfig;
use crate::endpoint::{Endpoint, endpoint};
use crate::headers::{FINAL, OVERLOADED};
use crate::host::{HeaderList, Host};
use crate::http_callout::Callout;
use crate::local_reply::{self, Answer, HealthFacts, Models};
use crate::policies::Inspection;
use crate::request_context::RequestContext;
use crate::telemetry::{RejectedRequest, RequestLog};
use crate::upstream_filter::attempt_outcome::{self, AttemptOutcome};
use crate::worker::Worker;
use crate::{Flow, embedding, exhausted, keys, request_id, shared};
use body_reader::Reading;

/// One client request in the downstream filter chain.
#[derive(Debug)]
pub struct DownstreamFilter {
    vm: Rc<Worker>,
    config: Rc<GatewayConfig>,
    stage: Stage,
}

/// How far the request has come. Each callback takes the stage and puts the next one back.
#[derive(Debug)]
enum Stage {
    Fresh,
    ReadingBody(Box<Incoming>),
    /// All is there but the word of a moderation target.
    AwaitingJudgement {
        incoming: Box<Incoming>,
        /// Bytes of the body.
        size: usize,
        inspection: Inspection,
    },
    /// All is there but the embedding of its last message.
    AwaitingEmbedding {
        incoming: Box<Incoming>,
        /// Bytes of the body.
        size: usize,
        callout: Callout,
    },
    Underway {
        token: u64,
        context: Rc<RefCell<RequestContext>>,
    },
    /// Envoy answers with its statistics, and the metrics of this gateway follow.
    Metrics,
    /// Answered here, or not ours to touch.
    Done,
}

/// A request whose body is still coming in.
#[derive(Debug)]
struct Incoming {
    client: ClientFormat,
    headers: HeaderList,
    request_id: String,
    reading: Reading,
    /// What Envoy answered in our place.
    status: Option<u16>,
    /// Its body is not as long any more as the client said.
    redacted: bool,
    log: RequestLog,
}

/// `omit` leaves `keeptrusts_metadata` out of JSON answers, for clients that accept no member unknown to them.
const METADATA_HEADER: &str = "x-keeptrusts-metadata";

impl DownstreamFilter {
    /// For one request.
    pub fn new(vm: Rc<Worker>, config: Rc<GatewayConfig>) -> Self {
        Self {
            vm,
            config,
            stage: Stage::Fresh,
        }
    }

    /// The head of the request.
    pub fn on_request_headers(&mut self, host: &impl Host, end_of_stream: bool) -> Flow {
        let headers = host.request_headers().unwrap_or_default();
        let method = headers.text(":method").unwrap_or_default();
        let path = headers.text(":path").unwrap_or_default();
        let asked = endpoint(method, path);
        if asked != Endpoint::Metrics && self.is_at_metrics_port(host) {
            let answer = Answer::unknown_path(path.split('?').next().unwrap_or_default());
            return self.answer(host, answer);
        }
        let client = match asked {
            Endpoint::Model(client) => client,
            Endpoint::Metrics => return self.show_metrics(host, &headers),
            Endpoint::ModelList => {
                let answer = self.models(host, &headers, local_reply::model_list);
                return self.answer(host, answer);
            }
            Endpoint::ModelEntry(name) => {
                let entry = |models: &Models<'_>| local_reply::model_entry(models, &name);
                let answer = self.models(host, &headers, entry);
                return self.answer(host, answer);
            }
            Endpoint::Health(only) => {
                let facts = HealthFacts {
                    now: host.now(),
                    started: shared::started(host),
                    requests_processed: self.vm.requests_processed(),
                    control: self.vm.control(&self.config),
                };
                let answer = self.vm.with_view(host, facts.now, |view| {
                    local_reply::health(&self.config, view, &facts, only.as_deref())
                });
                return self.answer(host, answer);
            }
            Endpoint::WrongMethod(wanted) => {
                let client = ClientFormat::from_path(path).unwrap_or(ClientFormat::ChatCompletions);
                let answer = Answer::wrong_method(client, method, wanted);
                return self.answer(host, answer);
            }
            Endpoint::BadName(error) => {
                let answer = Answer::bad_request(ClientFormat::ChatCompletions, &error);
                return self.answer(host, answer);
            }
            Endpoint::Unknown => {
                let answer = Answer::unknown_path(path.split('?').next().unwrap_or_default());
                return self.answer(host, answer);
            }
        };
        self.vm.count_request();
        let request_id = request_id::of(host, &headers);
        let now = host.now();
        let mut log = RequestLog::opened(now, client.path());
        if self.config.traces() {
            log.trace = Some(trace::begin(&self.vm, &self.config, &headers));
        }
        let control = self.vm.control(&self.config);
        let rule = self.config.runtime.auth;
        match keys::admit(host, &control, rule, client, &headers, now) {
            Ok(key) => log.key = key,
            Err(turned_away) => {
                log.key = turned_away.key;
                let refused = RejectedRequest::blocked(&request_id);
                self.post_refusal(log, refused, &turned_away.answer, now);
                return self.answer(host, turned_away.answer);
            }
        }
        let announced = headers
            .text("content-length")
            .and_then(|length| length.parse::<u64>().ok())
            .unwrap_or(0);
        if announced > self.config.policy.gateway.max_request_bytes {
            let answer = Answer::too_large(client, self.config.policy.gateway.max_request_bytes);
            self.post_refusal(log, RejectedRequest::unread(&request_id), &answer, now);
            return self.answer(host, answer);
        }
        self.stage = Stage::ReadingBody(Box::new(Incoming {
            client,
            headers,
            request_id,
            reading: Reading::default(),
            status: None,
            redacted: false,
            log,
        }));
        if end_of_stream {
            self.route(host, 0)
        } else {
            Flow::Pause
        }
    }

    /// A piece of the request's body came; `size` bytes are buffered now.
    pub fn on_request_body(&mut self, host: &impl Host, size: usize, end_of_stream: bool) -> Flow {
        let Self { vm, config, stage } = self;
        let Stage::ReadingBody(incoming) = stage else {
            return Flow::Continue;
        };
        let limit = config.policy.gateway.max_request_bytes;
        if u64::try_from(size).unwrap_or(u64::MAX) > limit {
            return self.refuse_size(host, limit);
        }
        let begin = || body_reader::pieces(&vm.control(config), config);
        (incoming.reading).go_on(host, size, end_of_stream, begin);
        if end_of_stream {
            self.route(host, size)
        } else {
            Flow::Pause
        }
    }

    /// The request ended with trailers.
    pub fn on_request_trailers(&mut self, host: &impl Host) -> Flow {
        match &self.stage {
            Stage::ReadingBody(_) => self.route(host, usize::MAX),
            Stage::AwaitingJudgement { .. } | Stage::AwaitingEmbedding { .. } => Flow::Pause,
            Stage::Fresh | Stage::Underway { .. } | Stage::Metrics | Stage::Done => Flow::Continue,
        }
    }

    /// The answer to a call of this request came, or its time was over.
    pub fn on_call_response(&mut self, host: &impl Host, token: u32) {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::AwaitingEmbedding {
                incoming,
                size,
                callout,
            } if callout.token == token => {
                let embedding = embedding::answered(host, &self.vm, &self.config, callout);
                let flow = self.set_out(host, *incoming, size, embedding);
                resume(host, flow);
            }
            Stage::AwaitingJudgement {
                incoming,
                size,
                mut inspection,
            } => {
                if let Some(guardrails) = &self.config.guardrails {
                    inspection.on_call_response(host, &self.vm, &self.config, guardrails, token);
                }
                let flow = self.apply_verdict(host, incoming, size, inspection);
                resume(host, flow);
            }
            other => self.stage = other,
        }
    }

    /// The head of the answer that goes to the client: an attempt's, or Envoy's own when none could serve.
    pub fn on_response_headers(&mut self, host: &impl Host) -> Flow {
        let context = match &mut self.stage {
            Stage::Underway { context, .. } => context,
            // Envoy answers a body that it does not want to buffer.
            Stage::ReadingBody(incoming)
            | Stage::AwaitingJudgement { incoming, .. }
            | Stage::AwaitingEmbedding { incoming, .. } => {
                let status = host.response_header(":status").ok();
                incoming.status =
                    status.and_then(|status| std::str::from_utf8(&status).ok()?.parse().ok());
                self.stop_waiting(host);
                return Flow::Continue;
            }
            Stage::Metrics => {
                self.begin_page(host);
                return Flow::Continue;
            }
            Stage::Fresh | Stage::Done => return Flow::Continue,
        };
        let mut context = context.borrow_mut();
        if context.client_status.is_some() {
            if context.is_answered_with_error() {
                remove_response_header(host, FINAL);
            }
            return Flow::Continue;
        }
        context.forget_ahead();
        if host.response_header(OVERLOADED).is_ok() {
            attempt_outcome::turned_away(&self.vm, host, &mut context, host.now());
        }
        let answer = exhausted::answer(&context);
        context.client_status = Some(answer.status);
        context.log.error_code.clone_from(&answer.code);
        crate::respond(host, &answer)
    }

    /// The request is over, however it ended.
    pub fn on_end(&mut self, host: &impl Host) {
        self.stop_waiting(host);
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Underway { token, context } => {
                self.vm.registry.close(token);
                self.finish(host, &mut context.borrow_mut());
            }
            Stage::ReadingBody(incoming)
            | Stage::AwaitingJudgement { incoming, .. }
            | Stage::AwaitingEmbedding { incoming, .. } => {
                let refused = RejectedRequest {
                    status: incoming.status,
                    ..RejectedRequest::unread(&incoming.request_id)
                };
                let now = host.now();
                self.vm
                    .post_refusal(&self.config, &incoming.log, refused, now);
            }
            Stage::Fresh | Stage::Metrics | Stage::Done => {}
        }
    }

    /// A planned request is over: `client_status` is what the client was answered with, and each attempt has ended and
    /// been reported when its books are closed.
    fn finish(&self, host: &impl Host, context: &mut RequestContext) {
        context.forget_ahead();
        let now = context.ended().unwrap_or_else(|| host.now());
        attempt_outcome::give_trial_back(&self.vm, host, context, now);
        // Envoy tears attempts down before it answers in their place: whoever is still at work lost the client.
        let client_gone = context
            .attempts
            .iter()
            .any(|attempt| attempt.ended_ns.is_none());
        if client_gone {
            for index in 0..context.attempts.len() {
                attempt_outcome::end(
                    &self.vm,
                    host,
                    context,
                    index,
                    AttemptOutcome::ClientGone,
                    now,
                );
            }
        }
        self.vm.close_books(host, context, client_gone, now);
    }

    /// More came than this gateway accepts.
    fn refuse_size(&mut self, host: &impl Host, limit: u64) -> Flow {
        let Stage::ReadingBody(incoming) = std::mem::replace(&mut self.stage, Stage::Done) else {
            return Flow::Continue;
        };
        let answer = Answer::too_large(incoming.client, limit);
        let refused = RejectedRequest::unread(&incoming.request_id);
        self.post_refusal(incoming.log, refused, &answer, host.now());
        self.answer(host, answer)
    }

    /// What there is to ask for, for whoever may know it.
    fn models(
        &self,
        host: &impl Host,
        headers: &HeaderList,
        answer: impl FnOnce(&Models<'_>) -> Answer,
    ) -> Answer {
        let control = self.vm.control(&self.config);
        let presented = keys::presented(headers);
        match control.admit(presented, host.now().unix_ms, self.config.runtime.auth) {
            Ok(key) => answer(&Models {
                policy: &self.config.policy,
                created: shared::started(host).unix_ms / 1000,
                allows: &|name| key.as_ref().is_none_or(|key| key.allows(name)),
            }),
            Err(why) => Answer::no_good_key(ClientFormat::ChatCompletions, why),
        }
    }

    /// Envoy has answered, or the client has left: what comes now is too late.
    fn stop_waiting(&mut self, host: &impl Host) {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::AwaitingJudgement {
                incoming,
                mut inspection,
                ..
            } => {
                inspection.abandon(host, &self.vm, &self.config);
                self.stage = Stage::ReadingBody(incoming);
            }
            Stage::AwaitingEmbedding {
                incoming, callout, ..
            } => {
                callout.abandon(host, &self.vm, &self.config);
                self.stage = Stage::ReadingBody(incoming);
            }
            other => self.stage = other,
        }
    }

    /// Answers the client here and now.
    fn answer(&mut self, host: &impl Host, answer: Answer) -> Flow {
        match &self.stage {
            Stage::Underway { context, .. } => {
                let mut context = context.borrow_mut();
                context.client_status = Some(answer.status);
                context.log.error_code.clone_from(&answer.code);
            }
            Stage::Fresh
            | Stage::ReadingBody(_)
            | Stage::AwaitingJudgement { .. }
            | Stage::AwaitingEmbedding { .. }
            | Stage::Metrics
            | Stage::Done => self.stage = Stage::Done,
        }
        crate::respond(host, &answer)
    }
}

fn remove_response_header(host: &impl Host, name: &str) {
    let Ok(headers) = host.response_headers() else {
        return;
    };
    let kept: Vec<(&str, &[u8])> = headers.iter().filter(|(other, _)| *other != name).collect();
    if kept.len() < headers.iter().count()
        && let Err(error) = host.set_response_headers(&kept)
    {
        log::error!("response header {name} could not be taken out: {error}");
    }
}

/// A request that waited for a call goes on, unless it has been answered or waits for another one.
fn resume(host: &impl Host, flow: Flow) {
    if flow == Flow::Continue
        && let Err(error) = host.resume_request()
    {
        log::error!("a request that waited for a call cannot go on: {error}");
    }
}
