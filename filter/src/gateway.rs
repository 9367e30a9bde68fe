//! The gateway filter: reads a client's request once, plans its way, and answers when no attempt could.

use std::cell::RefCell;
use std::rc::Rc;

use protocols::ClientFormat;
use routing::health::Signal;
use routing::{Plan, Refusal, Request, plan};

use crate::answers::{self, Answer, HealthFacts};
use crate::config::GatewayConfig;
use crate::endpoint::{Endpoint, endpoint};
use crate::headers::{is_stripped_on_entry, text};
use crate::host::{Headers, Host, Moment};
use crate::journey::{Attempt, Journey};
use crate::target::ending::{self, Ending};
use crate::vm::{self, Vm};
use crate::{Flow, state, unserved};

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
    ReadingBody(Incoming),
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
    headers: Headers,
    request_id: String,
}

/// `omit` leaves `keeptrusts_metadata` out of JSON answers, for clients that accept no member unknown to them.
const METADATA_HEADER: &str = "x-keeptrusts-metadata";
/// Plans may be made again when the last trial of a half-open target was taken by another worker.
const PLANNING_ROUNDS: usize = 3;

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
        let method = text(&headers, ":method").unwrap_or_default();
        let path = text(&headers, ":path").unwrap_or_default();
        let client = match endpoint(method, path) {
            Endpoint::Model(client) => client,
            Endpoint::Metrics => {
                self.stage = Stage::Done;
                return Flow::Continue;
            }
            Endpoint::ModelList => {
                let answer = answers::model_list(&self.config.policy, vm::started_ms(host) / 1000);
                return self.answer(host, answer);
            }
            Endpoint::ModelEntry(name) => {
                let answer =
                    answers::model_entry(&self.config.policy, name, vm::started_ms(host) / 1000);
                return self.answer(host, answer);
            }
            Endpoint::Health(only) => {
                let facts = HealthFacts {
                    now_ms: host.now_ms(),
                    started_ms: vm::started_ms(host),
                    requests_processed: self.vm.requests_processed(),
                };
                let answer = self.vm.with_view(host, facts.now_ms, |view| {
                    answers::health(&self.config, view, facts, only)
                });
                return self.answer(host, answer);
            }
            Endpoint::WrongMethod(wanted) => {
                let client = ClientFormat::from_path(path).unwrap_or(ClientFormat::ChatCompletions);
                let answer = Answer::wrong_method(client, method, wanted);
                return self.answer(host, answer);
            }
            Endpoint::Unknown => {
                let answer = Answer::unknown_path(path.split('?').next().unwrap_or_default());
                return self.answer(host, answer);
            }
        };
        self.vm.count_request();
        let announced = text(&headers, "content-length")
            .and_then(|length| length.parse::<u64>().ok())
            .unwrap_or(0);
        if announced > self.config.policy.gateway.max_request_bytes {
            return self.answer(
                host,
                Answer::too_large(client, self.config.policy.gateway.max_request_bytes),
            );
        }
        let request_id = text(&headers, "x-request-id")
            .map_or_else(|| format!("{:016x}", host.random()), String::from);
        self.stage = Stage::ReadingBody(Incoming {
            client,
            headers,
            request_id,
        });
        if end_of_stream {
            self.route(host, 0)
        } else {
            Flow::Pause
        }
    }

    /// A piece of the request's body came; `size` bytes are buffered now.
    pub fn on_request_body(&mut self, host: &impl Host, size: usize, end_of_stream: bool) -> Flow {
        let Stage::ReadingBody(incoming) = &self.stage else {
            return Flow::Continue;
        };
        let limit = self.config.policy.gateway.max_request_bytes;
        if u64::try_from(size).unwrap_or(u64::MAX) > limit {
            let answer = Answer::too_large(incoming.client, limit);
            return self.answer(host, answer);
        }
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
            Stage::Fresh | Stage::Underway { .. } | Stage::Done => Flow::Continue,
        }
    }

    /// The head of the answer that goes to the client: an attempt's, or Envoy's own when none could serve.
    pub fn on_response_headers(&mut self, host: &impl Host) -> Flow {
        let Stage::Underway { journey, .. } = &self.stage else {
            return Flow::Continue;
        };
        let mut journey = journey.borrow_mut();
        if journey.client_status.is_some() {
            return Flow::Continue;
        }
        let answer = unserved::answer(&journey);
        journey.client_status = Some(answer.status);
        crate::respond(host, &answer)
    }

    /// The request is over, however it ended.
    pub fn on_end(&mut self, host: &impl Host) {
        if let Stage::Underway { token, journey } = std::mem::replace(&mut self.stage, Stage::Done)
        {
            self.vm.journeys.close(token);
            self.finish(host, &mut journey.borrow_mut());
        }
    }

    /// A planned request is over: `client_status` is what the client was answered with, and each attempt has ended and
    /// been reported when this returns. What is told of a whole request is told at the end of this function.
    fn finish(&self, host: &impl Host, journey: &mut Journey) {
        let has_ended = |attempt: &Attempt| attempt.ended_ns.is_some();
        if !journey.attempts.iter().all(has_ended) {
            // Envoy tears attempts down before it answers in their place: whoever is still at work lost the client.
            let now = host.now();
            for index in 0..journey.attempts.len() {
                ending::end(&self.vm, host, journey, index, Ending::ClientGone, now);
            }
        }
    }

    /// The body is complete: reads it, plans, and lets the request go to its first attempt.
    fn route(&mut self, host: &impl Host, size: usize) -> Flow {
        let Stage::ReadingBody(incoming) = std::mem::replace(&mut self.stage, Stage::Done) else {
            return Flow::Continue;
        };
        match self.plan_journey(host, incoming, size) {
            Err(answer) => self.answer(host, answer),
            Ok((journey, headers)) => self.depart(host, journey, headers),
        }
    }

    fn plan_journey(
        &self,
        host: &impl Host,
        incoming: Incoming,
        size: usize,
    ) -> Result<(Journey, Headers), Answer> {
        let Incoming {
            client,
            headers,
            request_id,
        } = incoming;
        let body = if size == 0 {
            Vec::new()
        } else {
            host.request_body(0, size).unwrap_or_default()
        };
        let intake = &self.config.intake;
        let request = intake
            .read(client, &body, |name| text(&headers, name))
            .map_err(|error| Answer::bad_request(client, &error))?;
        let now = host.now();
        let plan = intake
            .plan(&request, |request| {
                self.plan_with_trials(host, request, now)
            })
            .map_err(|refusal| Answer::refusal(client, &refusal, &self.config.policy))?;
        let facts = request.facts;
        let owned = |name| text(&headers, name).map(String::from);
        let journey = Journey {
            config: Rc::clone(&self.config),
            client,
            requested_model: facts.model.into_owned(),
            model_span: facts.model_span,
            stream: facts.stream,
            include_usage: facts.include_usage,
            with_metadata: text(&headers, METADATA_HEADER) != Some("omit"),
            request_id,
            anthropic: (owned("anthropic-version"), owned("anthropic-beta")),
            plan,
            attempts: Vec::new(),
            started: now,
            client_status: None,
        };
        Ok((journey, headers))
    }

    /// Claims the trial that a half-open head needs; when another worker took the last one, plans again.
    fn plan_with_trials(
        &self,
        host: &impl Host,
        request: &Request<'_>,
        now: Moment,
    ) -> Result<Plan, Refusal> {
        let mut plan = self.make_plan(host, request, now)?;
        for _ in 0..PLANNING_ROUNDS {
            let Some(head) = plan.entries.first().filter(|_| plan.head_is_trial) else {
                break;
            };
            let signal = Signal::TrialStarted;
            let claimed = self
                .vm
                .signal_at(host, &self.config, head.target, signal, now.unix_ms);
            if !claimed.refused {
                break;
            }
            plan = self.make_plan(host, request, now)?;
        }
        Ok(plan)
    }

    fn make_plan(
        &self,
        host: &impl Host,
        request: &Request<'_>,
        now: Moment,
    ) -> Result<Plan, Refusal> {
        self.vm.with_view(host, now.unix_ms, |view| {
            let mut worker = self.vm.worker.borrow_mut();
            let mut random = self.vm.random.borrow_mut();
            plan::make(
                &self.config.index,
                &view,
                &mut worker,
                request,
                &mut random,
                now.unix_ms,
            )
        })
    }

    /// Writes the way into headers and filter state, which is all that Envoy's router knows of it.
    fn depart(&mut self, host: &impl Host, journey: Journey, headers: Headers) -> Flow {
        let client = journey.client;
        let retries = journey.retries().to_string();
        let per_try_timeout = journey.longest_timeout_ms().to_string();
        let stream = journey.stream;
        let Some(cluster) = journey.cluster(0) else {
            return self.answer(host, Answer::internal(client, "the plan is empty"));
        };
        let (token, journey) = self.vm.journeys.open(journey);
        let mut outgoing: Vec<(&str, &[u8])> = headers
            .iter()
            .filter(|(name, _)| !is_stripped_on_entry(name))
            .map(|(name, value)| (name.as_str(), value.as_slice()))
            .collect();
        outgoing.push(("x-envoy-max-retries", retries.as_bytes()));
        if stream {
            // The cluster's whole-answer limit must not cut a stream that began in time.
            outgoing.push(("x-envoy-upstream-stream-duration-ms", b"0"));
            outgoing.push((
                "x-envoy-upstream-rq-per-try-timeout-ms",
                per_try_timeout.as_bytes(),
            ));
        }
        let departed = host
            .set_request_headers(&outgoing)
            .and_then(|()| host.set_state(state::TOKEN, &token.to_le_bytes()))
            .and_then(|()| host.set_state(state::CLUSTER, cluster.as_bytes()));
        self.stage = Stage::Underway { token, journey };
        match departed {
            Ok(()) => Flow::Continue,
            Err(error) => {
                log::error!("request could not be sent on its way: {error}");
                self.answer(
                    host,
                    Answer::internal(client, "the gateway could not route this request"),
                )
            }
        }
    }

    /// Answers the client here and now.
    fn answer(&mut self, host: &impl Host, answer: Answer) -> Flow {
        match &self.stage {
            Stage::Underway { journey, .. } => {
                journey.borrow_mut().client_status = Some(answer.status);
            }
            Stage::Fresh | Stage::ReadingBody(_) | Stage::Done => self.stage = Stage::Done,
        }
        crate::respond(host, &answer)
    }
}
