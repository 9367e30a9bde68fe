//! The target filter: one attempt at one provider, in the upstream filter chain of its cluster.
//!
//! It turns the client's request into the provider's and the answer back, lets an attempt fail that another target may
//! cure, and reports how it ended. What it must decide, [`protocols::exchange::Exchange`] decides.

mod ahead;
mod answer;
pub(crate) mod ending;
mod metadata;
mod probe;
mod request;
mod written;

use std::cell::{RefCell, RefMut};
use std::rc::Rc;

use crate::answers::Answer;
use crate::host::{HeaderList, Host};
use crate::journey::Journey;
use crate::vm::Vm;
use crate::{Flow, state};

pub(crate) use ahead::{Ahead, FirstRequest, WrittenAhead};
pub use probe::PROBE_HEADER;
pub(crate) use request::{announce_next, begin_next};
pub(crate) use written::LONGEST_START;

/// Header by which the first-byte hop hands a journey to the inner attempt: token and index. Clients cannot send it.
pub const TOKEN_HEADER: &str = "x-kt-token";

/// One attempt.
pub struct Target {
    vm: Rc<Vm>,
    stage: Stage,
}

enum Stage {
    Fresh,
    /// Not an attempt of a client's request: a probe, which passes as it is.
    Probe,
    AwaitingBody(Course, HeaderList),
    AwaitingAnswer(Course),
    /// The head of the answer is held until its body shows what it is.
    Holding(Box<Held>),
    Streaming(Course),
    /// Another attempt of the same request answered first.
    Superseded,
    /// Nothing more happens here.
    Over,
}

/// Which attempt of which journey this is. What the attempt knows is kept in the journey, where the gateway filter finds
/// it when the request is over.
#[derive(Clone)]
struct Course {
    journey: Rc<RefCell<Journey>>,
    index: usize,
}

/// An answer whose head has not been let through.
struct Held {
    course: Course,
    upstream_headers: HeaderList,
    gathered: Vec<u8>,
    seen: usize,
}

impl Course {
    fn journey(&self) -> RefMut<'_, Journey> {
        self.journey.borrow_mut()
    }
}

impl Target {
    /// For one attempt.
    pub fn new(vm: Rc<Vm>) -> Self {
        Self {
            vm,
            stage: Stage::Fresh,
        }
    }

    /// The head of the request, as the gateway filter or the attempt before left it: so many headers.
    pub fn on_request_headers(
        &mut self,
        host: &impl Host,
        header_count: usize,
        end_of_stream: bool,
    ) -> Flow {
        let routed = self.routed_journey(host);
        let ahead = (routed.as_ref()).and_then(|journey| journey.borrow_mut().take_written());
        if let (Some(journey), Some(written)) = (&routed, ahead) {
            return self.go_ahead(host, Rc::clone(journey), &written, header_count);
        }
        let headers = host.request_headers().unwrap_or_default();
        let found = match routed {
            Some(journey) => Some((journey, None)),
            None => self.hopped_journey(&headers),
        };
        if let Some((journey, begun)) = found {
            self.begin(host, journey, begun, headers, end_of_stream)
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
            | Stage::Streaming(_)
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
            Stage::Streaming(course) => self.pass(host, course, size, end_of_stream),
            Stage::Superseded => self.wait_for_the_end(),
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
            Stage::Streaming(course) => {
                self.end_with_trailers(host, &course);
                Flow::Continue
            }
            Stage::Superseded => self.wait_for_the_end(),
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
                ending::without_answer(&self.vm, host, &course);
            }
            Stage::Holding(held) => ending::without_answer(&self.vm, host, &held.course),
            Stage::Streaming(course) => ending::in_mid_answer(&self.vm, host, &course),
            Stage::Fresh | Stage::Probe | Stage::Superseded | Stage::Over => {}
        }
    }

    /// Of an attempt that the router made: by filter state. It comes first, because after a hop the header that names the
    /// journey stays in the outer request's map.
    fn routed_journey(&self, host: &impl Host) -> Option<Rc<RefCell<Journey>>> {
        let token = host.property(&[state::TOKEN]).ok()?;
        let token = u64::from_le_bytes(token.as_slice().try_into().ok()?);
        self.vm.journeys.find(token)
    }

    /// Of an attempt behind the first-byte hop, whose inner request has no filter state: by header, and with its index,
    /// because the hop has begun it already.
    fn hopped_journey(
        &self,
        headers: &HeaderList,
    ) -> Option<(Rc<RefCell<Journey>>, Option<usize>)> {
        let (token, index) = headers.text(TOKEN_HEADER)?.split_once('.')?;
        let journey = self.vm.journeys.find(token.parse().ok()?)?;
        Some((journey, Some(index.parse().ok()?)))
    }
}
