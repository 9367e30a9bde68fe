//! What the filter may ask of the proxy around it.
//!
//! Every call can fail and says how: "not in this phase" is a state, not a bug to crash on. The contexts in
//! [`crate::downstream_filter`], [`crate::upstream_filter`] and [`crate::health_checker`] know only this trait, so that they run in unit tests
//! over [`fake::FakeHost`], which refuses calls made in the wrong phase just as Envoy does.

#[cfg(any(test, target_arch = "wasm32"))]
pub(crate) mod abi_numbers;
#[cfg(any(test, target_arch = "wasm32"))]
pub(crate) mod callout_registry;
#[cfg(test)]
pub(crate) mod fake;
pub mod header_map;
#[cfg(target_arch = "wasm32")]
pub(crate) mod proxy_wasm_abi;
#[cfg(any(test, target_arch = "wasm32"))]
pub(crate) mod wake_ups;

use std::fmt;

pub use header_map::HeaderList;

/// A call into the proxy that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostError {
    /// Nothing of that name.
    NotFound,
    /// The proxy does not offer this now.
    NotInThisPhase,
    /// Somebody else changed the shared value first.
    CasMismatch,
    /// No header can have this name.
    InvalidHeaderName,
    /// Any other status of the proxy-wasm ABI.
    Status(u32),
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("not found"),
            Self::NotInThisPhase => f.write_str("not available in this phase"),
            Self::CasMismatch => f.write_str("shared value was changed by somebody else"),
            Self::InvalidHeaderName => f.write_str("no header can have this name"),
            Self::Status(status) => write!(f, "proxy-wasm status {status}"),
        }
    }
}

/// Bytes of a long body that are asked of the proxy at once: few enough to stay in the processor's caches, and enough to be
/// worth a call.
pub(crate) const PIECE_BYTES: usize = 128 * 1024;

/// Result of a call into the proxy.
pub type HostResult<T> = Result<T, HostError>;

/// A value in shared data and the number that a conditional write must present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// The bytes.
    pub value: Vec<u8>,
    /// Changes with every write.
    pub cas: u32,
}

/// One reading of the clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Nanoseconds of a clock that never jumps, the same for all VMs of an Envoy process: for whatever lasts.
    pub monotonic_ns: u64,
    /// Milliseconds since 1970, by a clock that is set, both ways: for records and the calendar, never for what lasts.
    pub unix_ms: u64,
}

/// Keeps times of the monotonic clock, which may have begun a moment ago, away from 0, which stands for never.
const MONOTONIC_ZERO_MS: u64 = 86_400_000;

impl Now {
    /// Milliseconds of the clock that never jumps.
    pub fn monotonic_ms(self) -> u64 {
        (self.monotonic_ns / 1_000_000).saturating_add(MONOTONIC_ZERO_MS)
    }

    /// What the wall clock says of a time of [`Now::monotonic_ms`].
    pub(crate) fn unix_ms_of(self, monotonic_ms: u64) -> u64 {
        let now_ms = self.monotonic_ms();
        self.unix_ms
            .saturating_sub(now_ms.saturating_sub(monotonic_ms))
            .saturating_add(monotonic_ms.saturating_sub(now_ms))
    }

    /// What both clocks say when the first one says `monotonic_ns`, not before this moment.
    pub(crate) fn when(self, monotonic_ns: u64) -> Self {
        let passed_ms = monotonic_ns.saturating_sub(self.monotonic_ns) / 1_000_000;
        Self {
            monotonic_ns,
            unix_ms: self.unix_ms.saturating_add(passed_ms),
        }
    }

    /// Microseconds since 1970, as exact as the wall clock is read.
    pub fn unix_us(&self) -> u64 {
        self.unix_ms.saturating_mul(1_000)
    }
}

/// How a metric's values add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Is set.
    Gauge,
}

/// The proxy, as one callback of the filter sees it.
///
/// Every header that a filter sets, answers or calls with is made harmless on the way ([`header_map`]): control characters never
/// reach the proxy in a value.
pub trait Host {
    /// All request headers, pseudo headers first.
    fn request_headers(&self) -> HostResult<HeaderList>;
    /// Replaces all request headers.
    fn set_request_headers(&self, headers: &[(&str, &[u8])]) -> HostResult<()>;
    /// Sets one request header.
    fn set_request_header(&self, name: &str, value: &[u8]) -> HostResult<()>;
    /// Takes one request header out.
    fn remove_request_header(&self, name: &str) -> HostResult<()>;
    /// Bytes of the buffered request body from `start`, at most `length`.
    fn request_body(&self, start: usize, length: usize) -> HostResult<Vec<u8>>;
    /// Replaces the whole buffered request body.
    fn set_request_body(&self, body: &[u8]) -> HostResult<()>;
    /// Puts `bytes` in the place of the first `length` bytes of the buffered request body; the rest is not copied.
    fn replace_request_body_start(&self, length: usize, bytes: &[u8]) -> HostResult<()>;
    /// Puts `bytes` behind the buffered request body.
    fn append_request_body(&self, bytes: &[u8]) -> HostResult<()>;
    /// All response headers.
    fn response_headers(&self) -> HostResult<HeaderList>;
    /// Replaces all response headers.
    fn set_response_headers(&self, headers: &[(&str, &[u8])]) -> HostResult<()>;
    /// One response header.
    fn response_header(&self, name: &str) -> HostResult<Vec<u8>>;
    /// Sets one response header.
    fn set_response_header(&self, name: &str, value: &[u8]) -> HostResult<()>;
    /// Bytes of the response body at hand, from `start`, at most `length`.
    fn response_body(&self, start: usize, length: usize) -> HostResult<Vec<u8>>;
    /// Replaces all of the response body at hand.
    fn set_response_body(&self, body: &[u8]) -> HostResult<()>;
    /// A property of the stream, such as `["upstream", "local_address"]`, or a filter state value set with
    /// [`Host::set_state`].
    fn property(&self, path: &[&str]) -> HostResult<Vec<u8>>;
    /// Sets a filter state value: all filters of this request and its attempts see it, no upstream ever does.
    fn set_state(&self, key: &str, value: &[u8]) -> HostResult<()>;
    /// Answers the client at once.
    fn respond(&self, status: u16, headers: &[(&str, &[u8])], body: &[u8]) -> HostResult<()>;
    /// A value in data shared by all workers.
    fn shared(&self, key: &str) -> HostResult<Shared>;
    /// Writes a shared value; with `cas` only when nobody else wrote in between.
    fn set_shared(&self, key: &str, value: &[u8], cas: Option<u32>) -> HostResult<()>;
    /// Starts an HTTP request to a cluster; its answer comes by callback with the returned token.
    fn call(
        &self,
        cluster: &str,
        headers: &[(&str, &[u8])],
        body: &[u8],
        timeout_ms: u64,
    ) -> HostResult<u32>;
    /// Lets a request go on that a callback has paused, from the callback of a call's answer.
    fn resume_request(&self) -> HostResult<()>;
    /// Lets an answer go on that a callback has paused or is pausing, with what its buffer holds: at once where bytes of it
    /// have been paused before, else without its bytes.
    fn resume_response(&self) -> HostResult<()>;
    /// Breaks the stream of the answer off: the client gets no end of it. What was written before in this callback is lost.
    fn reset_response(&self) -> HostResult<()>;
    /// Has the filter of the running stream called again as soon as this callback is over.
    fn wake_up(&self) -> HostResult<()>;
    /// Headers of a call's answer; empty means that no answer came.
    fn call_response_headers(&self) -> HostResult<HeaderList>;
    /// Body of a call's answer, at most `length` bytes.
    fn call_response_body(&self, length: usize) -> HostResult<Vec<u8>>;
    /// What time it is. A callback asks once and hands the moment down.
    fn now(&self) -> Now;
    /// A metric of all workers, by the number to use it with. Each definition takes memory that is never freed.
    fn define_metric(&self, kind: MetricKind, name: &str) -> HostResult<u32>;
    /// Adds to a counter, or to a gauge, from which it may take as well.
    fn add_to_metric(&self, metric: u32, amount: i64) -> HostResult<()>;
    /// Sets a gauge.
    fn set_metric(&self, metric: u32, value: u64) -> HostResult<()>;
    /// 64 random bits.
    fn random(&self) -> u64;
}
