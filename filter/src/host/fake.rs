//! A [`Host`] for unit tests that refuses what Envoy would refuse in the current phase.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::{HeaderList, Host, HostError, HostResult, MetricKind, Now, Shared, header_map};

/// Where in the life of a stream the current callback stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    RequestHeaders,
    RequestBody,
    ResponseHeaders,
    ResponseBody,
    /// Ticks, wake-ups and the end of streams: no headers, and of bodies only what is paused.
    Outside,
}

/// As the tests write and read them.
type Headers = Vec<(String, Vec<u8>)>;

/// An answer that a filter gave itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocalAnswer {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

/// Values by key, each with its version.
type SharedData = HashMap<String, (Vec<u8>, u32)>;

/// One stream, its filter state and the data shared by all workers.
#[derive(Debug)]
pub(crate) struct FakeHost {
    pub(crate) phase: Cell<Phase>,
    pub(crate) request_headers: RefCell<Headers>,
    pub(crate) request_body: RefCell<Vec<u8>>,
    pub(crate) response_headers: RefCell<Headers>,
    pub(crate) response_body: RefCell<Vec<u8>>,
    pub(crate) properties: RefCell<HashMap<String, Vec<u8>>>,
    pub(crate) shared: Rc<RefCell<SharedData>>,
    pub(crate) answer: RefCell<Option<LocalAnswer>>,
    pub(crate) calls: RefCell<Vec<(String, Headers)>>,
    /// Bodies of the calls.
    pub(crate) call_bodies: RefCell<Vec<Vec<u8>>>,
    pub(crate) call_answer: RefCell<Headers>,
    /// How often a paused request was let go on.
    pub(crate) resumed: Cell<u32>,
    pub(crate) call_answer_body: RefCell<Vec<u8>>,
    /// A filter has paused with bytes of an answer at hand: from then on the proxy keeps a buffer for it.
    pub(crate) has_paused_body: Cell<bool>,
    /// What was let go of an answer whose filter goes on pausing.
    pub(crate) sent: RefCell<Vec<u8>>,
    /// The answer was broken off.
    pub(crate) is_reset: Cell<bool>,
    /// How often a stream wanted to be called again.
    pub(crate) wake_ups: Cell<u32>,
    /// Of the clock that never jumps, as [`Now::monotonic_ms`] gives it. The wall clock says the same.
    pub(crate) now_ms: Cell<u64>,
    /// By how much the wall clock was set ahead, or back.
    pub(crate) clock_set_ms: Cell<i64>,
    random: Cell<u64>,
    /// Every call of the host, in order.
    pub(crate) noted: RefCell<Vec<&'static str>>,
    /// Bytes of the longest piece of the request's body that was asked for.
    pub(crate) longest_piece: Cell<usize>,
    /// Calls that read or wrote shared data.
    pub(crate) shared_calls: Cell<u32>,
    /// Metrics in the order of their definition, with their values.
    pub(crate) metrics: RefCell<Vec<(String, u64)>>,
    /// Writes to shared data that lose their race before one holds.
    pub(crate) races_to_lose: Cell<u32>,
    /// Every header that was set, answered or called with.
    pub(crate) written_headers: RefCell<Headers>,
}

impl Default for FakeHost {
    fn default() -> Self {
        Self {
            phase: Cell::new(Phase::Outside),
            request_headers: RefCell::default(),
            request_body: RefCell::default(),
            response_headers: RefCell::default(),
            response_body: RefCell::default(),
            properties: RefCell::default(),
            shared: Rc::default(),
            answer: RefCell::default(),
            calls: RefCell::default(),
            call_bodies: RefCell::default(),
            call_answer: RefCell::default(),
            resumed: Cell::new(0),
            call_answer_body: RefCell::default(),
            has_paused_body: Cell::new(false),
            sent: RefCell::default(),
            is_reset: Cell::new(false),
            wake_ups: Cell::new(0),
            now_ms: Cell::new(1_776_939_930_000),
            clock_set_ms: Cell::new(0),
            random: Cell::new(1),
            noted: RefCell::default(),
            longest_piece: Cell::new(0),
            shared_calls: Cell::new(0),
            metrics: RefCell::default(),
            races_to_lose: Cell::new(0),
            written_headers: RefCell::default(),
        }
    }
}

impl FakeHost {
    /// What the clocks say, without a call that is noted.
    pub(crate) fn moment(&self) -> Now {
        let since_zero_ms = self.now_ms.get() - super::MONOTONIC_ZERO_MS;
        Now {
            monotonic_ns: since_zero_ms * 1_000_000,
            unix_ms: (self.now_ms.get()).saturating_add_signed(self.clock_set_ms.get()),
        }
    }

    /// A request as it arrives.
    pub(crate) fn with_request(
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Self {
        let host = Self::default();
        let mut all = owned(&[
            (":method", method),
            (":path", path),
            (":authority", "gateway"),
            (":scheme", "http"),
        ]);
        all.extend(owned(headers));
        host.request_headers.replace(all);
        host.request_body.replace(body.to_vec());
        host
    }

    /// The next attempt's stream: same filter state and shared data, the request as it stands.
    pub(crate) fn set_response(&self, headers: &[(&str, &str)], body: &[u8]) {
        self.response_headers.replace(owned(headers));
        self.response_body.replace(body.to_vec());
    }

    pub(crate) fn set_call_answer(&self, headers: &[(&str, &str)]) {
        self.call_answer.replace(owned(headers));
    }

    pub(crate) fn header_count(&self) -> usize {
        self.request_headers.borrow().len()
    }

    pub(crate) fn in_phase(&self, phase: Phase) -> &Self {
        self.phase.set(phase);
        self
    }

    pub(crate) fn request_header(&self, name: &str) -> Option<String> {
        let headers = self.request_headers.borrow();
        headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    }

    pub(crate) fn state(&self, key: &str) -> Option<Vec<u8>> {
        self.properties.borrow().get(key).cloned()
    }

    /// The headers as they reach the proxy.
    fn list(&self, headers: &[(&str, &[u8])]) -> Headers {
        let list: Headers = HeaderList::of(header_map::encode(headers))
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_vec()))
            .collect();
        self.written_headers.borrow_mut().extend(list.clone());
        list
    }

    fn set_header(&self, headers: &RefCell<Headers>, name: &str, value: &[u8]) -> HostResult<()> {
        if !header_map::is_name(name) {
            return Err(HostError::InvalidHeaderName);
        }
        let value = header_map::clean_value(name, value).into_owned();
        let header = (name.to_owned(), value);
        self.written_headers.borrow_mut().push(header.clone());
        let mut headers = headers.borrow_mut();
        headers.retain(|(key, _)| key != name);
        headers.push(header);
        Ok(())
    }

    fn note(&self, call: &'static str) {
        self.noted.borrow_mut().push(call);
    }

    /// Outside of its callback a body can be reached where it was paused.
    fn has_body_at_hand(&self) -> HostResult<()> {
        match self.phase.get() {
            Phase::Outside if self.has_paused_body.get() => Ok(()),
            _ => self.only_in(&[Phase::ResponseBody]),
        }
    }

    fn only_in(&self, phases: &[Phase]) -> HostResult<()> {
        if phases.contains(&self.phase.get()) {
            Ok(())
        } else {
            Err(HostError::NotInThisPhase)
        }
    }
}

/// As the proxy would hand them over.
fn lent(headers: &Headers) -> HeaderList {
    let list: Vec<(&str, Cow<'_, [u8]>)> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), Cow::Borrowed(value.as_slice())))
        .collect();
    HeaderList::of(header_map::serialize(&list))
}

fn owned(headers: &[(&str, &str)]) -> Headers {
    headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect()
}

fn part(bytes: &[u8], start: usize, length: usize) -> Vec<u8> {
    bytes.iter().skip(start).take(length).copied().collect()
}

const REQUEST: [Phase; 2] = [Phase::RequestHeaders, Phase::RequestBody];
const RESPONSE: [Phase; 2] = [Phase::ResponseHeaders, Phase::ResponseBody];

impl Host for FakeHost {
    fn request_headers(&self) -> HostResult<HeaderList> {
        self.note("request_headers");
        self.only_in(&REQUEST)?;
        Ok(lent(&self.request_headers.borrow()))
    }

    fn set_request_headers(&self, headers: &[(&str, &[u8])]) -> HostResult<()> {
        self.note("set_request_headers");
        self.only_in(&REQUEST)?;
        self.request_headers.replace(self.list(headers));
        Ok(())
    }

    fn set_request_header(&self, name: &str, value: &[u8]) -> HostResult<()> {
        self.note("set_request_header");
        self.only_in(&REQUEST)?;
        self.set_header(&self.request_headers, name, value)
    }

    fn remove_request_header(&self, name: &str) -> HostResult<()> {
        self.note("remove_request_header");
        self.only_in(&REQUEST)?;
        let mut headers = self.request_headers.borrow_mut();
        headers.retain(|(key, _)| key != name);
        Ok(())
    }

    fn request_body(&self, start: usize, length: usize) -> HostResult<Vec<u8>> {
        self.note("request_body");
        self.only_in(&[Phase::RequestBody])?;
        let piece = part(&self.request_body.borrow(), start, length);
        self.longest_piece
            .set(self.longest_piece.get().max(piece.len()));
        Ok(piece)
    }

    fn set_request_body(&self, body: &[u8]) -> HostResult<()> {
        self.note("set_request_body");
        self.only_in(&[Phase::RequestBody])?;
        self.request_body.replace(body.to_vec());
        Ok(())
    }

    fn append_request_body(&self, bytes: &[u8]) -> HostResult<()> {
        self.note("append_request_body");
        self.only_in(&[Phase::RequestBody])?;
        self.request_body.borrow_mut().extend_from_slice(bytes);
        Ok(())
    }

    fn replace_request_body_start(&self, length: usize, bytes: &[u8]) -> HostResult<()> {
        self.note("replace_request_body_start");
        self.only_in(&[Phase::RequestBody])?;
        let rest = self
            .request_body
            .borrow()
            .get(length..)
            .unwrap_or_default()
            .to_vec();
        self.request_body.replace([bytes, &rest].concat());
        Ok(())
    }

    fn response_headers(&self) -> HostResult<HeaderList> {
        self.note("response_headers");
        self.only_in(&RESPONSE)?;
        Ok(lent(&self.response_headers.borrow()))
    }

    fn set_response_headers(&self, headers: &[(&str, &[u8])]) -> HostResult<()> {
        self.note("set_response_headers");
        self.only_in(&RESPONSE)?;
        self.response_headers.replace(self.list(headers));
        Ok(())
    }

    fn response_header(&self, name: &str) -> HostResult<Vec<u8>> {
        self.note("response_header");
        let headers = self.response_headers()?;
        headers
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.to_vec())
            .ok_or(HostError::NotFound)
    }

    fn set_response_header(&self, name: &str, value: &[u8]) -> HostResult<()> {
        self.note("set_response_header");
        self.only_in(&RESPONSE)?;
        self.set_header(&self.response_headers, name, value)
    }

    fn response_body(&self, start: usize, length: usize) -> HostResult<Vec<u8>> {
        self.note("response_body");
        self.has_body_at_hand()?;
        Ok(part(&self.response_body.borrow(), start, length))
    }

    fn set_response_body(&self, body: &[u8]) -> HostResult<()> {
        self.note("set_response_body");
        self.has_body_at_hand()?;
        self.response_body.replace(body.to_vec());
        Ok(())
    }

    fn property(&self, path: &[&str]) -> HostResult<Vec<u8>> {
        self.note("property");
        self.properties
            .borrow()
            .get(&path.join("."))
            .cloned()
            .ok_or(HostError::NotFound)
    }

    fn set_state(&self, key: &str, value: &[u8]) -> HostResult<()> {
        self.note("set_state");
        self.properties
            .borrow_mut()
            .insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    fn respond(&self, status: u16, headers: &[(&str, &[u8])], body: &[u8]) -> HostResult<()> {
        self.note("respond");
        self.only_in(&[REQUEST, RESPONSE].concat())?;
        self.answer.replace(Some(LocalAnswer {
            status,
            headers: self.list(headers),
            body: body.to_vec(),
        }));
        Ok(())
    }

    fn shared(&self, key: &str) -> HostResult<Shared> {
        self.note("shared");
        self.shared_calls.set(self.shared_calls.get() + 1);
        let shared = self.shared.borrow();
        let (value, cas) = shared.get(key).ok_or(HostError::NotFound)?;
        Ok(Shared {
            value: value.clone(),
            cas: *cas,
        })
    }

    fn set_shared(&self, key: &str, value: &[u8], cas: Option<u32>) -> HostResult<()> {
        self.note("set_shared");
        self.shared_calls.set(self.shared_calls.get() + 1);
        let races = self.races_to_lose.get();
        if races > 0 && cas.is_some() {
            self.races_to_lose.set(races - 1);
            return Err(HostError::CasMismatch);
        }
        let mut shared = self.shared.borrow_mut();
        let current = shared.get(key).map_or(0, |(_, cas)| *cas);
        if cas.is_some_and(|cas| cas != current) {
            return Err(HostError::CasMismatch);
        }
        shared.insert(key.to_owned(), (value.to_vec(), current + 1));
        Ok(())
    }

    fn call(
        &self,
        cluster: &str,
        headers: &[(&str, &[u8])],
        body: &[u8],
        _timeout_ms: u64,
    ) -> HostResult<u32> {
        self.note("call");
        let mut calls = self.calls.borrow_mut();
        calls.push((cluster.to_owned(), self.list(headers)));
        self.call_bodies.borrow_mut().push(body.to_vec());
        Ok(u32::try_from(calls.len()).unwrap_or(u32::MAX))
    }

    fn resume_response(&self) -> HostResult<()> {
        self.note("resume_response");
        if self.has_paused_body.get() {
            let sent = self.response_body.take();
            self.sent.borrow_mut().extend(sent);
        }
        Ok(())
    }

    fn reset_response(&self) -> HostResult<()> {
        self.note("reset_response");
        self.is_reset.set(true);
        Ok(())
    }

    fn wake_up(&self) -> HostResult<()> {
        self.note("wake_up");
        self.wake_ups.set(self.wake_ups.get() + 1);
        Ok(())
    }

    fn resume_request(&self) -> HostResult<()> {
        self.note("resume_request");
        self.resumed.set(self.resumed.get() + 1);
        Ok(())
    }

    fn call_response_headers(&self) -> HostResult<HeaderList> {
        self.note("call_response_headers");
        Ok(lent(&self.call_answer.borrow()))
    }

    fn call_response_body(&self, _length: usize) -> HostResult<Vec<u8>> {
        self.note("call_response_body");
        Ok(self.call_answer_body.borrow().clone())
    }

    fn define_metric(&self, _kind: MetricKind, name: &str) -> HostResult<u32> {
        self.note("define_metric");
        let mut metrics = self.metrics.borrow_mut();
        metrics.push((name.to_owned(), 0));
        Ok(u32::try_from(metrics.len() - 1).unwrap())
    }

    fn add_to_metric(&self, metric: u32, amount: i64) -> HostResult<()> {
        self.note("add_to_metric");
        let mut metrics = self.metrics.borrow_mut();
        let (_, value) = metrics
            .get_mut(metric as usize)
            .ok_or(HostError::NotFound)?;
        *value = value.checked_add_signed(amount).unwrap();
        Ok(())
    }

    fn set_metric(&self, metric: u32, value: u64) -> HostResult<()> {
        self.note("set_metric");
        self.metrics.borrow_mut()[metric as usize].1 = value;
        Ok(())
    }

    fn now(&self) -> Now {
        self.note("now");
        self.moment()
    }

    fn random(&self) -> u64 {
        self.note("random");
        self.random.set(self.random.get() + 1);
        self.random.get()
    }
}
