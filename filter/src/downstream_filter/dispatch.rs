//! A request's dispatch: it is planned, and its way written down for Envoy's router.

use std::rc::Rc;

use protocols::BodyPrefix;
use routing::PlanError;

use super::body_reader::Held;
use super::{DownstreamFilter, Incoming, METADATA_HEADER, Stage};
use crate::headers::{ForwardedHeaders, passes_entry};
use crate::host::{HeaderList, Host, Now};
use crate::local_reply::Answer;
use crate::planning::Planner;
use crate::request_context::RequestContext;
use crate::telemetry::{Excerpt, RejectedRequest, RequestLog};
use crate::upstream_filter::FirstRequest;
use crate::{Flow, state};

impl DownstreamFilter {
    /// Reads the body, plans, and lets the request go to its first attempt.
    pub(super) fn set_out(
        &mut self,
        host: &impl Host,
        incoming: Incoming,
        size: usize,
        embedding: Option<Vec<f32>>,
    ) -> Flow {
        match self.plan_and_dispatch(host, incoming, size, embedding) {
            Err(answer) => self.answer(host, answer),
            Ok(routed) => self.depart(host, routed),
        }
    }

    /// Reads and plans. A request that gets no plan ends here, with its event.
    fn plan_and_dispatch(
        &self,
        host: &impl Host,
        incoming: Incoming,
        size: usize,
        embedding: Option<Vec<f32>>,
    ) -> Result<RoutedRequest, Answer> {
        let Incoming {
            client,
            headers,
            request_id,
            reading,
            redacted,
            mut log,
            ..
        } = incoming;
        let config = &self.config;
        let control = self.vm.control(config);
        // The first budget may have come since the body began.
        let has_budgets = control.has_budgets();
        let needs_tokens = config.ingress.needs_tokens(has_budgets);
        let held = Held::of(host, reading, client, size, needs_tokens);
        let now = host.now();
        if config.policy.gateway.log_bodies {
            log.request_body = Some(Excerpt::of(held.body().text()));
        }
        let header = |name: &str| headers.text(name);
        let read = (config.ingress).read(client, held.kept(), header, has_budgets);
        let mut request = match read {
            Ok(request) => request,
            Err(error) => {
                let answer = Answer::bad_request(client, &error);
                self.post_refusal(log, RejectedRequest::unread(&request_id), &answer, now);
                return Err(answer);
            }
        };
        request.query_embedding = embedding;
        log.conversation = Some(request.conversation.id.into());
        log.prompt_tokens = request.prompt_tokens;
        let key = log.key.clone();
        let asked = request.info.model.to_string();
        let may_use =
            |name: &str| (key.as_ref()).is_none_or(|key| key.allows(name) || key.allows(&asked));
        let request = ingress::ParsedRequest {
            allows: Some(&may_use),
            ..request
        };
        let planner = Planner {
            vm: &self.vm,
            config,
            control: &control,
            key: key.as_deref(),
            now,
        };
        let planned = config.ingress.plan(&request, |request| {
            let (plan, hold) = planner.plan(host, request)?;
            log.hold = hold;
            Ok(plan)
        });
        let info = request.info;
        let plan = match planned {
            Ok(plan) => plan,
            Err(refusal) => {
                let refusal = without_unallowed(refusal, may_use);
                let answer = Answer::refusal(client, &refusal, &config.policy);
                let refused = RejectedRequest {
                    stream: info.stream,
                    ..RejectedRequest::unplanned(&request_id, &info.model, config, &refusal)
                };
                self.post_refusal(log, refused, &answer, now);
                return Err(answer);
            }
        };
        let owned = |name| headers.text(name).map(String::from);
        let policy = &config.policy;
        let targets = plan
            .attempts
            .iter()
            .filter_map(|planned| policy.target(planned.target));
        let forwarded_headers = ForwardedHeaders::of(&headers, targets);
        let context = RequestContext {
            config: Rc::clone(config),
            client,
            requested_model: info.model.into_owned(),
            model_span: info.model_span,
            stream: info.stream,
            include_usage: info.include_usage,
            has_stream_options: info.has_stream_options,
            traits: info.traits,
            with_metadata: headers.text(METADATA_HEADER) != Some("omit"),
            request_id,
            anthropic: (owned("anthropic-version"), owned("anthropic-beta")),
            forwarded_headers,
            plan,
            attempts: Vec::new(),
            client_status: None,
            ahead: None,
            log,
        };
        let mut headers = headers;
        if redacted {
            headers.remove("content-length");
        }
        Ok(RoutedRequest {
            context,
            headers,
            held,
            now,
        })
    }

    /// The event of a request that is answered before it has a plan.
    pub(super) fn post_refusal(
        &self,
        mut log: RequestLog,
        refused: RejectedRequest<'_>,
        answer: &Answer,
        now: Now,
    ) {
        log.error_code.clone_from(&answer.code);
        let refused = RejectedRequest {
            status: Some(answer.status),
            ..refused
        };
        self.vm.post_refusal(&self.config, &log, refused, now);
    }

    /// Writes the way into headers and filter state, which is all that Envoy's router knows of it.
    fn depart(&mut self, host: &impl Host, routed: RoutedRequest) -> Flow {
        let RoutedRequest {
            mut context,
            headers,
            held,
            now,
        } = routed;
        let client = context.client;
        let retries = context.retries().to_string();
        let hedge_after_ms = context.hedge_after_ms();
        let per_try_timeout = (context.per_try_timeout_ms()).map(|timeout| timeout.to_string());
        let is_routed_directly = context.is_routed_directly();
        let stream = context.stream;
        // A plan is never empty; if it were, Envoy would find no cluster of this name.
        let cluster = context.cluster(0).unwrap_or_default();
        let model = held.get(host, &context.model_span);
        let prefix = BodyPrefix {
            start: held.start(),
            model: &model,
        };
        let first = FirstRequest::begin(&mut context, &headers, prefix, held.size(), now);
        let mut outgoing = match &first {
            Some(first) => first.head(&headers),
            None => (headers.iter())
                .filter(|(name, _)| passes_entry(name))
                .collect(),
        };
        if let Some(ahead) = &mut context.ahead {
            ahead.expect_headers(outgoing.len());
        }
        let (token, context) = self.vm.registry.open(context);
        outgoing.push(("x-envoy-max-retries", retries.as_bytes()));
        if stream {
            // The cluster's whole-answer limit must not cut a stream that began in time.
            outgoing.push(("x-envoy-upstream-stream-duration-ms", b"0"));
        }
        if let Some(timeout) = &per_try_timeout {
            outgoing.push(("x-envoy-upstream-rq-per-try-timeout-ms", timeout.as_bytes()));
        }
        if hedge_after_ms.is_some() {
            outgoing.push(("x-envoy-hedge-on-per-try-timeout", b"true"));
        }
        let departed = host
            .set_request_headers(&outgoing)
            .and_then(|()| {
                (first.as_ref()).map_or(Ok(()), |first| {
                    first.write_body(host, held.size(), held.whole_body())
                })
            })
            .and_then(|()| host.set_state(state::TOKEN, &token.to_le_bytes()))
            .and_then(|()| {
                if is_routed_directly {
                    host.set_state(state::CLUSTER, cluster.as_bytes())
                } else {
                    Ok(())
                }
            });
        self.stage = Stage::Underway { token, context };
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
}

/// A request that has a plan.
struct RoutedRequest {
    context: RequestContext,
    headers: HeaderList,
    held: Held,
    /// When it was planned.
    now: Now,
}

/// A key is not told of groups that it may not use.
fn without_unallowed(refusal: PlanError, may_use: impl Fn(&str) -> bool) -> PlanError {
    match refusal {
        PlanError::UnknownModel { model, mut known } => {
            known.retain(|name| may_use(name));
            PlanError::UnknownModel { model, known }
        }
        other => other,
    }
}
