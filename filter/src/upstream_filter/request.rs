//! The request side of an attempt: what the provider is sent.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use catalog::{DialectPatch, Endpoint, Provider, StreamUsage};
use policy::OnContextLength;
use protocols::exchange::Exchange;
use protocols::{BodyPrefix, OutgoingRequest, RequestError};

use super::attempt_outcome::{self, AttemptOutcome};
use super::body_mutation::{BodyMutation, LONGEST_START};
use super::{AttemptHandle, PreparedRequest, Stage, UpstreamFilter};
use crate::headers::{TRACEPARENT, is_forwarded};
use crate::host::{HeaderList, Host, HostError, HostResult, Now};
use crate::local_reply::Answer;
use crate::request_context::RequestContext;
use crate::{Flow, exhausted, state};

/// Sent where the wire format requires a limit and neither client nor policy gives one.
const DEFAULT_MAX_TOKENS: u32 = 4096;

impl UpstreamFilter {
    /// The attempt takes its entry of the plan, unless the first-byte hop has `begun` it already.
    pub(super) fn begin(
        &mut self,
        host: &impl Host,
        context: Rc<RefCell<RequestContext>>,
        begun: Option<usize>,
        headers: HeaderList,
        end_of_stream: bool,
    ) -> Flow {
        let Some(index) = begun.or_else(|| begin_next(host, &context)) else {
            self.stage = Stage::Over;
            let mut context = context.borrow_mut();
            let answer = exhausted::answer(&context);
            context.client_status = Some(answer.status);
            context.log.error_code.clone_from(&answer.code);
            return crate::respond(host, &answer);
        };
        let course = AttemptHandle { context, index };
        let has_exchange = course.context().exchange(index).is_some();
        if !has_exchange {
            let exchange = exchange(&course.context(), index, host.now());
            match exchange {
                Ok(exchange) => {
                    if let Some(attempt) = course.context().attempts.get_mut(index) {
                        attempt.exchange = Some(exchange);
                    }
                }
                Err(error) => return self.refuse(host, &course, &error),
            }
        }
        self.stage = Stage::AwaitingBody(course, headers);
        if end_of_stream {
            self.send(host, 0)
        } else {
            Flow::Pause
        }
    }

    /// The attempt has a request already.
    pub(super) fn go_ahead(
        &mut self,
        host: &impl Host,
        context: Rc<RefCell<RequestContext>>,
        written: &PreparedRequest,
        header_count: usize,
    ) -> Flow {
        let course = AttemptHandle { context, index: 0 };
        announce_next(host, &course.context(), course.index);
        let completed = if written.is_untouched(header_count) {
            written.complete(host)
        } else {
            let headers = host.request_headers();
            let (path, own) = (&written.path, &written.headers);
            headers.and_then(|current| {
                set_headers(host, &course, &current, path, own, written.body_bytes)
            })
        };
        if let Err(error) = completed {
            return self.fail_to_send(host, &course, error);
        }
        self.stage = Stage::AwaitingAnswer(course);
        Flow::Continue
    }

    /// The body is complete: the provider's request goes out.
    pub(super) fn send(&mut self, host: &impl Host, size: usize) -> Flow {
        let Stage::AwaitingBody(course, headers) = std::mem::replace(&mut self.stage, Stage::Over)
        else {
            return Flow::Continue;
        };
        let asked = {
            let mut context = course.context();
            let span = context.model_span.clone();
            let exchange = context.exchange(course.index);
            exchange.map(|exchange| ask(host, exchange, &span, size))
        };
        let sent = match asked {
            Some(Ok(asked)) => set_request(host, &course, &headers, asked),
            Some(Err(error)) => return self.refuse(host, &course, &error),
            // The client left while its body was on the way.
            None => return Flow::Continue,
        };
        if let Err(error) = sent {
            return self.fail_to_send(host, &course, error);
        }
        self.stage = Stage::AwaitingAnswer(course);
        Flow::Continue
    }

    fn fail_to_send(&mut self, host: &impl Host, course: &AttemptHandle, error: HostError) -> Flow {
        log::error!("attempt could not be sent: {error}");
        let client = course.context().client;
        let answer = Answer::internal(client, "the gateway could not send this request");
        self.refuse_with(host, course, &answer)
    }

    /// The client's request cannot be said to this provider.
    fn refuse(&mut self, host: &impl Host, course: &AttemptHandle, error: &RequestError) -> Flow {
        let client = course.context().client;
        self.refuse_with(host, course, &Answer::bad_request(client, error))
    }

    fn refuse_with(&mut self, host: &impl Host, course: &AttemptHandle, answer: &Answer) -> Flow {
        self.stage = Stage::Over;
        let mut context = course.context();
        context.client_status = Some(answer.status);
        context.log.error_code.clone_from(&answer.code);
        let now = host.now();
        attempt_outcome::end(
            &self.vm,
            host,
            &mut context,
            course.index,
            AttemptOutcome::Unsent,
            now,
        );
        crate::respond(host, answer)
    }
}

/// Continues the request with its next attempt and tells Envoy's router where the one after that goes.
pub(crate) fn begin_next(host: &impl Host, context: &Rc<RefCell<RequestContext>>) -> Option<usize> {
    let mut context = context.borrow_mut();
    let index = match context.ahead.take() {
        Some(_) => 0,
        None => context.begin_attempt(host.now().monotonic_ns)?,
    };
    announce_next(host, &context, index);
    Some(index)
}

pub(crate) fn announce_next(host: &impl Host, context: &RequestContext, index: usize) {
    if context.is_routed_directly()
        && let Some(next) = context.cluster(context.entry_after(index))
        && let Err(error) = host.set_state(state::CLUSTER, next.as_bytes())
    {
        log::error!("the next attempt will go to the same cluster: {error}");
    }
}

pub(super) fn exchange(
    context: &RequestContext,
    index: usize,
    now: Now,
) -> Result<Exchange, RequestError> {
    let exchange = Exchange::new(attempt_of(context, index, now))?;
    let is_last = context.entry_after(index) >= context.plan.attempts.len();
    Ok(match context.plan.attempts.len() {
        1 => exchange.without_failover(),
        _ if is_last => exchange.as_last_attempt(),
        _ => exchange,
    })
}

/// A stream's usage may be asked for in the client's place.
fn counts_when_asked(target: &policy::Target, model: &str) -> bool {
    match target.dialect(model).stream_usage {
        StreamUsage::Ask | StreamUsage::Optional => true,
        StreamUsage::Unasked | StreamUsage::Try => false,
    }
}

fn attempt_of(context: &RequestContext, index: usize, now: Now) -> protocols::Attempt {
    let policy = &context.config.policy;
    let entry = context.entry(index);
    let target = context.target(index);
    protocols::Attempt {
        client: context.client,
        provider: target.map_or(Provider::COMPATIBLE, |target| target.vendor),
        quirks: target.map_or(DialectPatch::NONE, |target| target.quirks),
        base_path: target
            .map(|target| target.base_url.path.clone())
            .unwrap_or_default(),
        api_version: target.and_then(|target| target.api_version.clone()),
        ask_for_usage: !context.has_stream_options
            && target
                .zip(entry)
                .is_some_and(|(target, entry)| counts_when_asked(target, &entry.model)),
        model: entry
            .map(|entry| entry.model.to_string())
            .unwrap_or_default(),
        native_responses: target.is_some_and(|target| target.serves(Endpoint::Responses)),
        stream: context.stream,
        include_usage: context.include_usage,
        model_span: context.model_span.clone(),
        traits: context.traits,
        default_max_tokens: target
            .and_then(|target| target.default_max_tokens)
            .unwrap_or(DEFAULT_MAX_TOKENS),
        request_id: context.request_id.clone(),
        created: now.unix_ms / 1000,
        anthropic_version: context.anthropic.0.clone(),
        anthropic_beta: context.anthropic.1.clone(),
        metadata: context.with_metadata.then(|| context.metadata(index)),
        fail_over_on_context_length: policy.failover.on_context_length != OnContextLength::Answer,
        fail_over_on_content_policy: policy.failover.on_content_policy,
    }
}

/// What the provider is to be sent.
struct Asked {
    path: String,
    headers: Vec<(&'static str, String)>,
    body: BodyMutation,
    /// Of the client's body.
    size: usize,
    /// The client's body, where all of it was needed.
    held: Option<Vec<u8>>,
}

/// The provider's request for a body of `size` bytes, of which no more is read than it takes.
fn ask(
    host: &impl Host,
    exchange: &mut Exchange,
    model_span: &Range<usize>,
    size: usize,
) -> Result<Asked, RequestError> {
    let is_long = size > LONGEST_START && size != usize::MAX;
    if is_long && exchange.needs_only_prefix() {
        let start = read(host, 0, LONGEST_START);
        let model = match start.get(model_span.clone()) {
            Some(model) => Cow::Borrowed(model),
            None => Cow::Owned(read(host, model_span.start, model_span.len())),
        };
        let prefix = BodyPrefix {
            start: &start,
            model: &model,
        };
        if let Some(outgoing) = exchange.request_from_prefix(prefix) {
            return Ok(Asked::of(outgoing?, &start, size));
        }
    }
    let body = read(host, 0, size);
    let outgoing = exchange.request(&body)?;
    let asked = Asked::of(outgoing, &body, body.len());
    Ok(Asked {
        held: Some(body),
        ..asked
    })
}

fn read(host: &impl Host, start: usize, length: usize) -> Vec<u8> {
    if length == 0 {
        return Vec::new();
    }
    host.request_body(start, length).unwrap_or_default()
}

impl Asked {
    fn of(outgoing: OutgoingRequest, start: &[u8], size: usize) -> Self {
        Self {
            path: outgoing.path,
            headers: outgoing.headers,
            body: BodyMutation::of(start, outgoing.body),
            size,
            held: None,
        }
    }
}

/// Headers and body of the provider's request.
fn set_request(
    host: &impl Host,
    course: &AttemptHandle,
    current: &HeaderList,
    asked: Asked,
) -> HostResult<()> {
    let length = asked.body.length(asked.size);
    set_headers(host, course, current, &asked.path, &asked.headers, length)?;
    asked
        .body
        .give_back(host, asked.size, asked.held.as_deref())
}

/// All headers of the provider's request, in one call.
fn set_headers(
    host: &impl Host,
    course: &AttemptHandle,
    current: &HeaderList,
    path: &str,
    own: &[(&'static str, String)],
    body_length: usize,
) -> HostResult<()> {
    let context = course.context();
    let base_url = context.target(course.index).map(|target| &target.base_url);
    let authority = base_url.map(|url| url.authority()).unwrap_or_default();
    let scheme = base_url.map_or("http", |url| url.scheme());
    let length = body_length.to_string();
    let mut list: Vec<(&str, &[u8])> = vec![
        (":method", b"POST"),
        (":scheme", scheme.as_bytes()),
        (":authority", authority.as_bytes()),
        (":path", path.as_bytes()),
        ("content-type", b"application/json"),
        ("content-length", length.as_bytes()),
    ];
    let target = context.target(course.index);
    let traceparent = context.traceparent(course.index);
    let is_the_clients = |name: &str| traceparent.is_none() || name != TRACEPARENT;
    let client = (current.iter()).filter(|(name, _)| is_forwarded(name) && is_the_clients(name));
    let client = client.chain(context.forwarded_headers.to(target));
    list.extend(client.filter(|(name, _)| !own.iter().any(|(own, _)| own == name)));
    list.extend(own.iter().map(|(name, value)| (*name, value.as_bytes())));
    list.extend(
        traceparent
            .as_ref()
            .map(|value| (TRACEPARENT, value.as_bytes())),
    );
    host.set_request_headers(&list)
}
