//! The request side of an attempt: what the provider is sent.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use intake::{can_be_asked_for_usage, has_native_responses, upstream_format};
use protocols::exchange::Exchange;
use protocols::{BodyEdit, OutgoingRequest, RequestError};

use super::ending::{self, Ending};
use super::{Course, Stage, Target, WrittenAhead};
use crate::answers::Answer;
use crate::headers::crosses_to_upstream;
use crate::host::{HeaderList, Host, HostError, HostResult, Moment};
use crate::journey::Journey;
use crate::{Flow, state, unserved};

/// Sent where the wire format requires a limit and neither client nor policy gives one.
const DEFAULT_MAX_TOKENS: u32 = 4096;

impl Target {
    /// The attempt takes its entry of the plan, unless the first-byte hop has `begun` it already.
    pub(super) fn begin(
        &mut self,
        host: &impl Host,
        journey: Rc<RefCell<Journey>>,
        begun: Option<usize>,
        headers: HeaderList,
        end_of_stream: bool,
    ) -> Flow {
        let Some(index) = begun.or_else(|| begin_next(host, &journey)) else {
            self.stage = Stage::Over;
            let mut journey = journey.borrow_mut();
            let answer = unserved::answer(&journey);
            journey.client_status = Some(answer.status);
            return crate::respond(host, &answer);
        };
        let course = Course { journey, index };
        let has_exchange = course.journey().exchange(index).is_some();
        if !has_exchange {
            let exchange = exchange(&course.journey(), index, host.now());
            match exchange {
                Ok(exchange) => {
                    if let Some(attempt) = course.journey().attempts.get_mut(index) {
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
        journey: Rc<RefCell<Journey>>,
        written: &WrittenAhead,
        header_count: usize,
    ) -> Flow {
        let course = Course { journey, index: 0 };
        announce_next(host, &course.journey(), course.index);
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
        let body = if size == 0 {
            Vec::new()
        } else {
            host.request_body(0, size).unwrap_or_default()
        };
        let outgoing = course
            .journey()
            .exchange(course.index)
            .map(|exchange| exchange.request(&body));
        let sent = match outgoing {
            Some(Ok(outgoing)) => set_request(host, &course, &headers, &body, outgoing),
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

    fn fail_to_send(&mut self, host: &impl Host, course: &Course, error: HostError) -> Flow {
        log::error!("attempt could not be sent: {error}");
        let client = course.journey().client;
        let answer = Answer::internal(client, "the gateway could not send this request");
        self.refuse_with(host, course, &answer)
    }

    /// The client's request cannot be said to this provider.
    fn refuse(&mut self, host: &impl Host, course: &Course, error: &RequestError) -> Flow {
        let client = course.journey().client;
        self.refuse_with(host, course, &Answer::bad_request(client, error))
    }

    fn refuse_with(&mut self, host: &impl Host, course: &Course, answer: &Answer) -> Flow {
        self.stage = Stage::Over;
        let mut journey = course.journey();
        journey.client_status = Some(answer.status);
        let now = host.now();
        ending::end(
            &self.vm,
            host,
            &mut journey,
            course.index,
            Ending::Unsent,
            now,
        );
        crate::respond(host, answer)
    }
}

/// Continues the journey with its next attempt and tells Envoy's router where the one after that goes.
pub(crate) fn begin_next(host: &impl Host, journey: &Rc<RefCell<Journey>>) -> Option<usize> {
    let mut journey = journey.borrow_mut();
    let index = match journey.ahead.take() {
        Some(_) => 0,
        None => journey.begin_attempt(host.now().monotonic_ns)?,
    };
    announce_next(host, &journey, index);
    Some(index)
}

fn announce_next(host: &impl Host, journey: &Journey, index: usize) {
    if let Some(next) = journey.cluster(index.saturating_add(1))
        && let Err(error) = host.set_state(state::CLUSTER, next.as_bytes())
    {
        log::error!("the next attempt will go to the same cluster: {error}");
    }
}

pub(super) fn exchange(
    journey: &Journey,
    index: usize,
    now: Moment,
) -> Result<Exchange, RequestError> {
    let exchange = Exchange::new(attempt_of(journey, index, now))?;
    if journey.plan.entries.len() == 1 {
        Ok(exchange.as_only_choice())
    } else {
        Ok(exchange)
    }
}

fn attempt_of(journey: &Journey, index: usize, now: Moment) -> protocols::Attempt {
    let policy = &journey.config.policy;
    let entry = journey.entry(index);
    let target = journey.target(index);
    protocols::Attempt {
        client: journey.client,
        upstream: target.map_or(protocols::UpstreamFormat::OpenAi, |target| {
            upstream_format(target.vendor.profile().wire)
        }),
        base_path: target
            .map(|target| target.base_url.path.clone())
            .unwrap_or_default(),
        api_version: target.and_then(|target| target.api_version.clone()),
        model: entry
            .map(|entry| entry.model.to_string())
            .unwrap_or_default(),
        native_responses: target.is_some_and(has_native_responses),
        stream: journey.stream,
        include_usage: journey.include_usage,
        ask_for_usage: !journey.has_stream_options && target.is_some_and(can_be_asked_for_usage),
        model_span: journey.model_span.clone(),
        default_max_tokens: target
            .and_then(|target| target.default_max_tokens)
            .unwrap_or(DEFAULT_MAX_TOKENS),
        request_id: journey.request_id.clone(),
        created: now.unix_ms / 1000,
        anthropic_version: journey.anthropic.0.clone(),
        anthropic_beta: journey.anthropic.1.clone(),
        metadata: journey.with_metadata.then(|| journey.metadata(index)),
        fail_over_on_context_length: policy.failover.on_context_length,
        fail_over_on_content_policy: policy.failover.on_content_policy,
    }
}

/// Headers and body of the provider's request.
fn set_request(
    host: &impl Host,
    course: &Course,
    current: &HeaderList,
    body: &[u8],
    outgoing: OutgoingRequest,
) -> HostResult<()> {
    let written = Written::of(body, outgoing.body);
    let length = written.length(body.len());
    let (path, headers) = (outgoing.path, outgoing.headers);
    set_headers(host, course, current, &path, &headers, length)?;
    written.give_back(host, body)
}

/// All headers of the provider's request, in one call.
fn set_headers(
    host: &impl Host,
    course: &Course,
    current: &HeaderList,
    path: &str,
    own: &[(&'static str, String)],
    body_length: usize,
) -> HostResult<()> {
    let journey = course.journey();
    let base_url = journey.target(course.index).map(|target| &target.base_url);
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
    list.extend(
        current.iter().filter(|(name, _)| {
            crosses_to_upstream(name) && !own.iter().any(|(own, _)| own == name)
        }),
    );
    list.extend(own.iter().map(|(name, value)| (*name, value.as_bytes())));
    host.set_request_headers(&list)
}

/// What of the body has to be given back to the proxy.
pub(super) enum Written {
    Nothing,
    Whole(Vec<u8>),
    /// In the place of so many bytes at the beginning.
    Start(usize, Vec<u8>),
    /// In the place of these bytes. The others go back from where they are, so that there is no second copy of a long body.
    Within(Range<usize>, Vec<u8>),
}

/// Where the model is named first, what follows it need not be written again, however long it is.
pub(crate) const LONGEST_START: usize = 4096;

impl Written {
    pub(super) fn of(body: &[u8], edit: BodyEdit) -> Self {
        let (range, replacement) = match edit {
            BodyEdit::Unchanged => return Self::Nothing,
            BodyEdit::Replace(body) => return Self::Whole(body),
            BodyEdit::Splice(range, replacement) => (range, replacement),
        };
        match (body.get(..range.start), body.get(range.end..)) {
            (Some(head), Some(_)) if range.end <= LONGEST_START => {
                Self::Start(range.end, [head, &replacement].concat())
            }
            (Some(_), Some(_)) => Self::Within(range, replacement),
            _ => Self::Nothing,
        }
    }

    /// Bytes of what becomes of a body of `size` bytes.
    pub(super) fn length(&self, size: usize) -> usize {
        match self {
            Self::Nothing => size,
            Self::Whole(body) => body.len(),
            Self::Start(replaced, start) => {
                let kept = size.saturating_sub(*replaced);
                kept.saturating_add(start.len())
            }
            Self::Within(range, replacement) => {
                let kept = size.saturating_sub(range.len());
                kept.saturating_add(replacement.len())
            }
        }
    }

    /// Gives it back in the place of `body`, of which it was made.
    pub(super) fn give_back(&self, host: &impl Host, body: &[u8]) -> HostResult<()> {
        match self {
            Self::Nothing => Ok(()),
            Self::Whole(body) => host.set_request_body(body),
            Self::Start(replaced, start) => host.replace_request_body_start(*replaced, start),
            Self::Within(range, replacement) => {
                host.set_request_body(body.get(..range.start).unwrap_or_default())?;
                host.append_request_body(replacement)?;
                host.append_request_body(body.get(range.end..).unwrap_or_default())
            }
        }
    }
}
