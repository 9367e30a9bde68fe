//! The upstream filter: one attempt at one provider, in the upstream filter chain of its cluster.
//!
//! It turns the client's request into the provider's and the answer back, lets an attempt fail that another target may
//! cure, and reports how it ended. What it must decide, [`protocols::exchange::Exchange`] decides.

mod answer;
pub(crate) mod attempt_outcome;
mod body_mutation;
mod metadata;
mod open_stream;
mod prepared_request;
mod probe;
mod request;
mod same_target;

use std::cell::{RefCell, RefMut};
use std::rc::Rc;

use crate::host::{HeaderList, Host};
use crate::local_reply::Answer;
use crate::request_context::RequestContext;
use crate::worker::Worker;
use crate::{Flow, state};
use open_stream::OpenStream;

pub(crate) use body_mutation::LONGEST_START;
pub(crate) use prepared_request::{FirstRequest, PreparedAttempt, PreparedRequest};
pub use probe::PROBE_HEADER;
pub(crate) use request::{announce_next, begin_next};

/// Header by which the first-byte hop hands a request to the inner attempt: token and index. Clients cannot send it.
pub const TOKEN_HEADER: &str = "x-kt-token";

/// One attempt.
pub struct UpstreamFilter {
    vm: Rc<Worker>,
    stage: Stage,
}

enum Stage {
    Fresh,
    /// Not an attempt of a client's request: a probe, which passes as it is.
    Probe,
    AwaitingBody(AttemptHandle, HeaderList),
    AwaitingAnswer(AttemptHandle),
    /// The head of the answer is held until its body shows what it is.
    Holding(Box<Held>),
    /// A JSON answer is on its way to the client.
    Passing(AttemptHandle),
    /// A stream is on its way to the client.
    Streaming(OpenStream),
    /// The gateway has ended the stream with an error; its connection is broken off at the next tick, when that has gone
    /// out.
    Aborted,
    /// Another attempt of the same request answered first.
    Superseded,
    /// Nothing more happens here.
    Over,
}

/// Which attempt of which request this is. What the attempt knows is kept in the request, where the downstream filter finds
/// it when the request is over.
#[derive(Clone)]
struct AttemptHandle {
    context: Rc<RefCell<RequestContext>>,
    index: usize,
}

/// An answer whose head has not been let through.
struct Held {
    course: AttemptHandle,
    upstream_headers: HeaderList,
    gathered: Vec<u8>,
    seen: usize,
}

impl AttemptHandle {
    fn context(&self) -> RefMut<'_, RequestContext> {
        self.context.borrow_mut()
    }
}

impl UpstreamFilter {
    /// For one attempt.
    pub fn new(vm: Rc<Worker>) -> Self {
        Self {
            vm,
            stage: Stage::Fresh,
        }
    }

    /// The head of the request, as the downstream filter or the attempt before left it: so many headers.
    pub fn on_request_headers(
        &mut self,
        host: &impl Host,
        header_count: usize,
        end_of_stream: bool,
    ) -> Flow {
        let routed = self.routed_context(host);
        let ahead = (routed.as_ref()).and_then(|context| context.borrow_mut().take_written());
        if let (Some(context), Some(written)) = (&routed, ahead) {
            return self.go_ahead(host, Rc::clone(context), &written, header_count);
        }
        let headers = host.request_headers().unwrap_or_default();
        let found = match routed {
            Some(context) => Some((context, None)),
            None => self.hopped_context(&headers),
        };
        if let Some((context, begun)) = found {
            self.begin(host, context, begun, headers, end_of_stream)
        } else if probe::is_probe(&headers) {
            self.stage = Stage::Probe;
            probe::take_off_marks(host, &headers);
            Flow::Continue
        } else {
            // It belongs to a VM that is gone and must not reach a provider half-made.
            self.stage = Stage::Over;
            crate::respond(host, &Answer::restarted())
        }
    }

    /// The request's body, whole once `end_of_stream` is set.
    pub fn on_request_body(&mut self, host: &impl Host, size: usize, end_of_stream: bool) -> Flow {
        match self.stage {
            Stage::AwaitingBody(..) if end_of_stream => self.send(host, size),
            Stage::AwaitingBody(..) => Flow::Pause,
            Stage::Fresh
            | Stage::Probe
            | Stage::AwaitingAnswer(_)
            | Stage::Holding(_)
            | Stage::Passing(_)
            | Stage::Streaming(_)
            | Stage::Aborted
            | Stage::Superseded
            | Stage::Over => Flow::Continue,
        }
    }

    /// The request ended with trailers.
    pub fn on_request_trailers(&mut self, host: &impl Host) -> Flow {
        if matches!(self.stage, Stage::AwaitingBody(..)) {
            self.send(host, usize::MAX)
        } else {
            Flow::Continue
        }
    }

    /// The head of the provider's answer.
    pub fn on_response_headers(&mut self, host: &impl Host, end_of_stream: bool) -> Flow {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::AwaitingAnswer(course) => self.meet(host, course, end_of_stream),
            other => {
                self.stage = other;
                Flow::Continue
            }
        }
    }

    /// A piece of the provider's answer; `size` bytes are at hand.
    pub fn on_response_body(&mut self, host: &impl Host, size: usize, end_of_stream: bool) -> Flow {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Holding(held) => self.weigh(host, held, size, end_of_stream),
            Stage::Passing(course) => self.pass(host, course, size, end_of_stream),
            Stage::Streaming(stream) => self.pass_event(host, stream, size, end_of_stream),
            Stage::Superseded => self.wait_for_the_end(),
            Stage::Aborted => {
                self.stage = Stage::Aborted;
                Flow::Pause
            }
            other => {
                self.stage = other;
                Flow::Continue
            }
        }
    }

    /// The provider's answer ended with trailers instead of a last piece of body.
    pub fn on_response_trailers(&mut self, host: &impl Host) -> Flow {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Holding(held) => {
                let size = held.seen;
                self.weigh(host, held, size, true)
            }
            Stage::Passing(course) | Stage::Streaming(OpenStream { course, .. }) => {
                self.end_with_trailers(host, &course);
                Flow::Continue
            }
            Stage::Superseded => self.wait_for_the_end(),
            Stage::Aborted => {
                self.stage = Stage::Aborted;
                Flow::Pause
            }
            other => {
                self.stage = other;
                Flow::Continue
            }
        }
    }

    /// The attempt is torn down: after its end, by a timeout or broken connection, or because the client left.
    pub fn on_end(&mut self, host: &impl Host) {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::AwaitingBody(course, _) | Stage::AwaitingAnswer(course) => {
                attempt_outcome::without_answer(&self.vm, host, &course);
            }
            Stage::Holding(held) => attempt_outcome::without_answer(&self.vm, host, &held.course),
            Stage::Passing(course) | Stage::Streaming(OpenStream { course, .. }) => {
                attempt_outcome::in_mid_answer(&self.vm, host, &course);
            }
            Stage::Fresh | Stage::Probe | Stage::Aborted | Stage::Superseded | Stage::Over => {}
        }
    }

    /// Of an attempt that the router made: by filter state. It comes first, because after a hop the header that names the
    /// request stays in the outer request's map.
    fn routed_context(&self, host: &impl Host) -> Option<Rc<RefCell<RequestContext>>> {
        let token = host.property(&[state::TOKEN]).ok()?;
        let token = u64::from_le_bytes(token.as_slice().try_into().ok()?);
        self.vm.registry.find(token)
    }

    /// Of an attempt behind the first-byte hop, whose inner request has no filter state: by header, and with its index,
    /// because the hop has begun it already.
    fn hopped_context(
        &self,
        headers: &HeaderList,
    ) -> Option<(Rc<RefCell<RequestContext>>, Option<usize>)> {
        let (token, index) = headers.text(TOKEN_HEADER)?.split_once('.')?;
        let context = self.vm.registry.find(token.parse().ok()?)?;
        Some((context, Some(index.parse().ok()?)))
    }
}
