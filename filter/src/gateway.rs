//! The gateway filter: reads a client's request once, plans its way, and answers when no attempt could.

mod departure;
mod inspection;
mod reading;

use std::cell::RefCell;
use std::rc::Rc;

use protocols::ClientFormat;

use crate::answers::{self, Answer, HealthFacts, Models};
use crate::config::GatewayConfig;
use crate::endpoint::{Endpoint, endpoint};
use crate::evidence::{Dossier, Refused};
use crate::headers::{FINAL, OVERLOADED};
use crate::host::{HeaderList, Host};
use crate::http_callout::Callout;
use crate::journey::Journey;
use crate::policies::Inspection;
use crate::target::ending::{self, Ending};
use crate::vm::Vm;
use crate::{Flow, embedding, keys, request_id, shared, unserved};
use reading::Reading;

/// One client request in the downstream filter chain.
#[derive(Debug)]
pub struct Gateway {
    vm: Rc<Vm>,
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
        journey: Rc<RefCell<Journey>>,
    },
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
    dossier: Dossier,
}

/// `omit` leaves `keeptrusts_metadata` out of JSON answers, for clients that accept no member unknown to them.
const METADATA_HEADER: &str = "x-keeptrusts-metadata";

impl Gateway {
    /// For one request.
    pub fn new(vm: Rc<Vm>, config: Rc<GatewayConfig>) -> Self {
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
        let client = match endpoint(method, path) {
            Endpoint::Model(client) => client,
            Endpoint::Metrics => {
                self.stage = Stage::Done;
                return Flow::Continue;
            }
            Endpoint::ModelList => {
                let answer = self.models(host, &headers, answers::model_list);
                return self.answer(host, answer);
            }
            Endpoint::ModelEntry(name) => {
                let entry = |models: &Models<'_>| answers::model_entry(models, &name);
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
                    answers::health(&self.config, view, &facts, only.as_deref())
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
        let mut dossier = Dossier::opened(now);
        let control = self.vm.control(&self.config);
        let rule = self.config.runtime.auth;
        match keys::admit(host, &control, rule, client, &headers, now) {
            Ok(key) => dossier.key = key,
            Err(turned_away) => {
                dossier.key = turned_away.key;
                let refused = Refused::blocked(&request_id);
                self.post_refusal(dossier, refused, &turned_away.answer, now);
                return self.answer(host, turned_away.answer);
            }
        }
        let announced = headers
            .text("content-length")
            .and_then(|length| length.parse::<u64>().ok())
            .unwrap_or(0);
        if announced > self.config.policy.gateway.max_request_bytes {
            let answer = Answer::too_large(client, self.config.policy.gateway.max_request_bytes);
            self.post_refusal(dossier, Refused::unread(&request_id), &answer, now);
            return self.answer(host, answer);
        }
        self.stage = Stage::ReadingBody(Box::new(Incoming {
            client,
            headers,
            request_id,
            reading: Reading::default(),
            status: None,
            redacted: false,
            dossier,
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
        let begin = || reading::pieces(&vm.control(config), config);
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
            Stage::Fresh | Stage::Underway { .. } | Stage::Done => Flow::Continue,
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
                let flow = self.heed(host, incoming, size, inspection);
                resume(host, flow);
            }
            other => self.stage = other,
        }
    }

    /// The head of the answer that goes to the client: an attempt's, or Envoy's own when none could serve.
    pub fn on_response_headers(&mut self, host: &impl Host) -> Flow {
        let journey = match &mut self.stage {
            Stage::Underway { journey, .. } => journey,
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
            Stage::Fresh | Stage::Done => return Flow::Continue,
        };
        let mut journey = journey.borrow_mut();
        if journey.client_status.is_some() {
            if journey.is_answered_with_error() {
                remove_response_header(host, FINAL);
            }
            return Flow::Continue;
        }
        journey.forget_ahead();
        if host.response_header(OVERLOADED).is_ok() {
            ending::turned_away(&self.vm, host, &mut journey, host.now());
        }
        let answer = unserved::answer(&journey);
        journey.client_status = Some(answer.status);
        journey.dossier.error_code.clone_from(&answer.code);
        crate::respond(host, &answer)
    }

    /// The request is over, however it ended.
    pub fn on_end(&mut self, host: &impl Host) {
        self.stop_waiting(host);
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Underway { token, journey } => {
                self.vm.journeys.close(token);
                self.finish(host, &mut journey.borrow_mut());
            }
            Stage::ReadingBody(incoming)
            | Stage::AwaitingJudgement { incoming, .. }
            | Stage::AwaitingEmbedding { incoming, .. } => {
                let refused = Refused {
                    status: incoming.status,
                    ..Refused::unread(&incoming.request_id)
                };
                let now = host.now();
                self.vm
                    .post_refusal(&self.config, &incoming.dossier, refused, now);
            }
            Stage::Fresh | Stage::Done => {}
        }
    }

    /// A planned request is over: `client_status` is what the client was answered with, and each attempt has ended and
    /// been reported when its books are closed.
    fn finish(&self, host: &impl Host, journey: &mut Journey) {
        journey.forget_ahead();
        let now = journey.ended().unwrap_or_else(|| host.now());
        ending::give_trial_back(&self.vm, host, journey, now);
        // Envoy tears attempts down before it answers in their place: whoever is still at work lost the client.
        let client_gone = journey
            .attempts
            .iter()
            .any(|attempt| attempt.ended_ns.is_none());
        if client_gone {
            for index in 0..journey.attempts.len() {
                ending::end(&self.vm, host, journey, index, Ending::ClientGone, now);
            }
        }
        self.vm.close_books(host, journey, client_gone, now);
    }

    /// More came than this gateway accepts.
    fn refuse_size(&mut self, host: &impl Host, limit: u64) -> Flow {
        let Stage::ReadingBody(incoming) = std::mem::replace(&mut self.stage, Stage::Done) else {
            return Flow::Continue;
        };
        let answer = Answer::too_large(incoming.client, limit);
        let refused = Refused::unread(&incoming.request_id);
        self.post_refusal(incoming.dossier, refused, &answer, host.now());
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
            Stage::Underway { journey, .. } => {
                let mut journey = journey.borrow_mut();
                journey.client_status = Some(answer.status);
                journey.dossier.error_code.clone_from(&answer.code);
            }
            Stage::Fresh
            | Stage::ReadingBody(_)
            | Stage::AwaitingJudgement { .. }
            | Stage::AwaitingEmbedding { .. }
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
