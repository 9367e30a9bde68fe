//! The [`Host`] that is Envoy, over the raw proxy-wasm ABI.
//!
//! The proxy-wasm SDK panics on statuses that they do not expect, and a panic is an outage of this worker; so the
//! imported functions are bound here, and every status becomes a [`HostError`]. Beside `wasm::contexts`, the only `unsafe`
//! code of the filter.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::ptr;

use super::abi_numbers::buffer::{
    CALL_RESPONSE_BODY, PLUGIN_CONFIGURATION, REQUEST_BODY, RESPONSE_BODY,
};
use super::abi_numbers::map::{CALL_RESPONSE_HEADERS, REQUEST_HEADERS, RESPONSE_HEADERS};
use super::abi_numbers::status::{BAD_ARGUMENT, CAS_MISMATCH, EMPTY, NOT_FOUND, OK};
use super::abi_numbers::stream;
use super::{HeaderList, Host, HostError, HostResult, MetricKind, Now, Shared, header_map};
use crate::text;

/// The proxy around this wasm VM. Stateless: the proxy knows which context is active.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ProxyWasmHost;

mod raw {
    unsafe extern "C" {
        pub(super) fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
        pub(super) fn proxy_get_property(
            path: *const u8,
            path_size: usize,
            value: *mut *mut u8,
            size: *mut usize,
        ) -> u32;
        pub(super) fn proxy_set_property(
            path: *const u8,
            path_size: usize,
            value: *const u8,
            size: usize,
        ) -> u32;
        pub(super) fn proxy_get_header_map_pairs(
            map: u32,
            pairs: *mut *mut u8,
            size: *mut usize,
        ) -> u32;
        pub(super) fn proxy_set_header_map_pairs(map: u32, pairs: *const u8, size: usize) -> u32;
        pub(super) fn proxy_get_header_map_value(
            map: u32,
            name: *const u8,
            name_size: usize,
            value: *mut *mut u8,
            size: *mut usize,
        ) -> u32;
        pub(super) fn proxy_replace_header_map_value(
            map: u32,
            name: *const u8,
            name_size: usize,
            value: *const u8,
            size: usize,
        ) -> u32;
        pub(super) fn proxy_remove_header_map_value(
            map: u32,
            name: *const u8,
            name_size: usize,
        ) -> u32;
        pub(super) fn proxy_get_buffer_bytes(
            buffer: u32,
            start: usize,
            length: usize,
            bytes: *mut *mut u8,
            size: *mut usize,
        ) -> u32;
        pub(super) fn proxy_set_buffer_bytes(
            buffer: u32,
            start: usize,
            length: usize,
            bytes: *const u8,
            size: usize,
        ) -> u32;
        pub(super) fn proxy_send_local_response(
            status: u32,
            details: *const u8,
            details_size: usize,
            body: *const u8,
            body_size: usize,
            headers: *const u8,
            headers_size: usize,
            grpc_status: i32,
        ) -> u32;
        pub(super) fn proxy_get_shared_data(
            key: *const u8,
            key_size: usize,
            value: *mut *mut u8,
            size: *mut usize,
            cas: *mut u32,
        ) -> u32;
        pub(super) fn proxy_set_shared_data(
            key: *const u8,
            key_size: usize,
            value: *const u8,
            size: usize,
            cas: u32,
        ) -> u32;
        pub(super) fn proxy_continue_stream(stream: u32) -> u32;
        pub(super) fn proxy_close_stream(stream: u32) -> u32;
        pub(super) fn proxy_register_shared_queue(
            name: *const u8,
            name_size: usize,
            queue: *mut u32,
        ) -> u32;
        pub(super) fn proxy_enqueue_shared_queue(queue: u32, bytes: *const u8, size: usize) -> u32;
        pub(super) fn proxy_dequeue_shared_queue(
            queue: u32,
            bytes: *mut *mut u8,
            size: *mut usize,
        ) -> u32;
        pub(super) fn proxy_set_effective_context(id: u32) -> u32;
        pub(super) fn proxy_define_metric(
            kind: u32,
            name: *const u8,
            name_size: usize,
            metric: *mut u32,
        ) -> u32;
        pub(super) fn proxy_increment_metric(metric: u32, amount: i64) -> u32;
        pub(super) fn proxy_record_metric(metric: u32, value: u64) -> u32;
        pub(super) fn proxy_http_call(
            cluster: *const u8,
            cluster_size: usize,
            headers: *const u8,
            headers_size: usize,
            body: *const u8,
            body_size: usize,
            trailers: *const u8,
            trailers_size: usize,
            timeout_ms: u32,
            token: *mut u32,
        ) -> u32;
        pub(super) fn proxy_log(level: u32, message: *const u8, size: usize) -> u32;
        pub(super) fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    }
}

/// Levels of the proxy's log.
#[derive(Debug, Clone, Copy)]
#[repr(u32)]
pub(crate) enum LogLevel {
    Trace = 0,
    Debug = 1,
    Info = 2,
    Warn = 3,
    Error = 4,
    Critical = 5,
}

/// Writes one line into the proxy's log, whatever is in `message`; a line that cannot be written is lost.
pub(crate) fn log_line(level: LogLevel, message: &str) {
    let message = text::log_line(message);
    // SAFETY: `message` outlives the call.
    unsafe { raw::proxy_log(level as u32, message.as_ptr(), message.len()) };
}

/// Only while the proxy configures a plugin.
pub(crate) fn plugin_configuration() -> Vec<u8> {
    buffer(PLUGIN_CONFIGURATION, 0, usize::MAX).unwrap_or_default()
}

/// From now on `proxy_on_tick` comes every so many milliseconds.
pub(crate) fn set_tick_period(milliseconds: u64) {
    let period = u32::try_from(milliseconds).unwrap_or(u32::MAX);
    // SAFETY: no pointers.
    unsafe { raw::proxy_set_tick_period_milliseconds(period) };
}

/// From now on wake-ups come to the root context that is running, by `proxy_on_queue_ready`. `name` is this worker's own.
pub(crate) fn receive_wake_ups(name: &str) -> HostResult<()> {
    let mut queue = 0u32;
    // SAFETY: `name` outlives the call; `queue` is valid for writes.
    check(unsafe { raw::proxy_register_shared_queue(name.as_ptr(), name.len(), &mut queue) })?;
    super::wake_ups::come_by(queue);
    Ok(())
}

/// Empties the queue of wake-ups.
pub(crate) fn drain_wake_ups(queue: u32) {
    // SAFETY: both pointers are valid for writes during the call.
    while bytes_from(|data, size| unsafe { raw::proxy_dequeue_shared_queue(queue, data, size) })
        .is_ok()
    {}
}

fn check(status: u32) -> HostResult<()> {
    match status {
        OK => Ok(()),
        NOT_FOUND | EMPTY => Err(HostError::NotFound),
        BAD_ARGUMENT => Err(HostError::NotInThisPhase),
        CAS_MISMATCH => Err(HostError::CasMismatch),
        other => Err(HostError::Status(other)),
    }
}

/// Runs a call that returns bytes, and takes ownership of them.
fn bytes_from(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> HostResult<Vec<u8>> {
    let mut data: *mut u8 = ptr::null_mut();
    let mut size = 0usize;
    check(call(&mut data, &mut size))?;
    if data.is_null() {
        return Ok(Vec::new());
    }
    // SAFETY: the proxy obtained `data` from `proxy_on_memory_allocate`, which makes it as a `Vec<u8>` of
    // exactly `size` bytes, and has handed it over.
    Ok(unsafe { Vec::from_raw_parts(data, size, size) })
}

/// Until the current callback returns, what is asked of the proxy is asked for the stream `id`. `false`: it is gone.
pub(crate) fn act_for(id: u32) -> bool {
    // SAFETY: takes no pointers.
    check(unsafe { raw::proxy_set_effective_context(id) }).is_ok()
}

fn headers_of(map: u32) -> HostResult<HeaderList> {
    // SAFETY: both pointers are valid for writes during the call.
    let bytes =
        bytes_from(|data, size| unsafe { raw::proxy_get_header_map_pairs(map, data, size) });
    bytes.map(HeaderList::of)
}

fn set_headers_of(map: u32, headers: &[(&str, &[u8])]) -> HostResult<()> {
    let pairs = header_map::encode(headers);
    // SAFETY: `pairs` outlives the call.
    check(unsafe { raw::proxy_set_header_map_pairs(map, pairs.as_ptr(), pairs.len()) })
}

fn set_header_of(map: u32, name: &str, value: &[u8]) -> HostResult<()> {
    if !header_map::is_name(name) {
        return Err(HostError::InvalidHeaderName);
    }
    let value = header_map::clean_value(name, value);
    let (value, size) = (value.as_ptr(), value.len());
    // SAFETY: both slices outlive the call.
    check(unsafe {
        raw::proxy_replace_header_map_value(map, name.as_ptr(), name.len(), value, size)
    })
}

fn buffer(kind: u32, start: usize, length: usize) -> HostResult<Vec<u8>> {
    // SAFETY: both pointers are valid for writes during the call.
    bytes_from(|data, size| unsafe { raw::proxy_get_buffer_bytes(kind, start, length, data, size) })
}

fn set_buffer(kind: u32, body: &[u8]) -> HostResult<()> {
    // SAFETY: `body` outlives the call. The length `usize::MAX` replaces everything.
    check(unsafe { raw::proxy_set_buffer_bytes(kind, 0, usize::MAX, body.as_ptr(), body.len()) })
}

mod wasi {
    #[link(wasm_import_module = "wasi_snapshot_preview1")]
    unsafe extern "C" {
        pub(super) fn clock_time_get(clock: u32, precision_ns: u64, time: *mut u64) -> u32;
    }
    pub(super) const MONOTONIC: u32 = 1;
    pub(super) const SUCCESS: u32 = 0;
}

/// Not `Instant`: that one has a zero in each VM, and VMs compare times. WASI gives the host's own clock.
fn monotonic_ns() -> u64 {
    thread_local! {
        static LAST_NS: Cell<u64> = const { Cell::new(0) };
    }
    let mut nanoseconds = 0u64;
    // SAFETY: the pointer is valid for writes during the call.
    let status = unsafe { wasi::clock_time_get(wasi::MONOTONIC, 1, &mut nanoseconds) };
    LAST_NS.with(|last| {
        // Time stands still where the host does not tell it, and never goes back.
        if status == wasi::SUCCESS {
            last.set(nanoseconds.max(last.get()));
        }
        last.get()
    })
}

/// The wall clock by way of the monotonic one, so that a moment costs one call into the proxy and not two. It is read
/// anew when the last reading is older than [`WallClock::TRUSTED_NS`], which is how late a correction shows.
struct WallClock {
    read_at_ns: Cell<Option<u64>>,
    unix_ns: Cell<u64>,
}

thread_local! {
    static WALL_CLOCK: WallClock = const {
        WallClock {
            read_at_ns: Cell::new(None),
            unix_ns: Cell::new(0),
        }
    };
}

impl WallClock {
    const TRUSTED_NS: u64 = 250_000_000;

    fn unix_ms(&self, monotonic_ns: u64) -> u64 {
        let age = self
            .read_at_ns
            .get()
            .map(|read_at| monotonic_ns.saturating_sub(read_at))
            .filter(|age| *age <= Self::TRUSTED_NS);
        let age = age.unwrap_or_else(|| {
            let mut nanoseconds = 0u64;
            // SAFETY: the pointer is valid for writes during the call.
            let status = unsafe { raw::proxy_get_current_time_nanoseconds(&mut nanoseconds) };
            if status == OK {
                self.read_at_ns.set(Some(monotonic_ns));
                self.unix_ns.set(nanoseconds);
            }
            0
        });
        self.unix_ns.get().saturating_add(age) / 1_000_000
    }
}

impl Host for ProxyWasmHost {
    fn request_headers(&self) -> HostResult<HeaderList> {
        headers_of(REQUEST_HEADERS)
    }

    fn set_request_headers(&self, headers: &[(&str, &[u8])]) -> HostResult<()> {
        set_headers_of(REQUEST_HEADERS, headers)
    }

    fn set_request_header(&self, name: &str, value: &[u8]) -> HostResult<()> {
        set_header_of(REQUEST_HEADERS, name, value)
    }

    fn remove_request_header(&self, name: &str) -> HostResult<()> {
        // SAFETY: `name` outlives the call.
        check(unsafe {
            raw::proxy_remove_header_map_value(REQUEST_HEADERS, name.as_ptr(), name.len())
        })
    }

    fn request_body(&self, start: usize, length: usize) -> HostResult<Vec<u8>> {
        buffer(REQUEST_BODY, start, length)
    }

    fn set_request_body(&self, body: &[u8]) -> HostResult<()> {
        set_buffer(REQUEST_BODY, body)
    }

    fn replace_request_body_start(&self, length: usize, bytes: &[u8]) -> HostResult<()> {
        // SAFETY: `bytes` outlives the call.
        check(unsafe {
            raw::proxy_set_buffer_bytes(REQUEST_BODY, 0, length, bytes.as_ptr(), bytes.len())
        })
    }

    fn append_request_body(&self, bytes: &[u8]) -> HostResult<()> {
        // Whatever would begin behind the end is appended.
        let behind = usize::MAX;
        // SAFETY: `bytes` outlives the call.
        check(unsafe {
            raw::proxy_set_buffer_bytes(REQUEST_BODY, behind, 0, bytes.as_ptr(), bytes.len())
        })
    }

    fn response_headers(&self) -> HostResult<HeaderList> {
        headers_of(RESPONSE_HEADERS)
    }

    fn set_response_headers(&self, headers: &[(&str, &[u8])]) -> HostResult<()> {
        set_headers_of(RESPONSE_HEADERS, headers)
    }

    fn response_header(&self, name: &str) -> HostResult<Vec<u8>> {
        // SAFETY: `name` outlives the call; both pointers are valid for writes.
        bytes_from(|data, size| unsafe {
            raw::proxy_get_header_map_value(RESPONSE_HEADERS, name.as_ptr(), name.len(), data, size)
        })
    }

    fn set_response_header(&self, name: &str, value: &[u8]) -> HostResult<()> {
        set_header_of(RESPONSE_HEADERS, name, value)
    }

    fn response_body(&self, start: usize, length: usize) -> HostResult<Vec<u8>> {
        buffer(RESPONSE_BODY, start, length)
    }

    fn set_response_body(&self, body: &[u8]) -> HostResult<()> {
        set_buffer(RESPONSE_BODY, body)
    }

    fn property(&self, path: &[&str]) -> HostResult<Vec<u8>> {
        let path = path.join("\0");
        // SAFETY: `path` outlives the call; both pointers are valid for writes.
        bytes_from(|data, size| unsafe {
            raw::proxy_get_property(path.as_ptr(), path.len(), data, size)
        })
    }

    fn set_state(&self, key: &str, value: &[u8]) -> HostResult<()> {
        // SAFETY: both slices outlive the call.
        check(unsafe {
            raw::proxy_set_property(key.as_ptr(), key.len(), value.as_ptr(), value.len())
        })
    }

    fn respond(&self, status: u16, headers: &[(&str, &[u8])], body: &[u8]) -> HostResult<()> {
        const NO_GRPC_STATUS: i32 = -1;
        let pairs = header_map::encode(headers);
        let details = "keeptrusts";
        // SAFETY: all slices outlive the call.
        check(unsafe {
            raw::proxy_send_local_response(
                u32::from(status),
                details.as_ptr(),
                details.len(),
                body.as_ptr(),
                body.len(),
                pairs.as_ptr(),
                pairs.len(),
                NO_GRPC_STATUS,
            )
        })
    }

    fn shared(&self, key: &str) -> HostResult<Shared> {
        let mut cas = 0u32;
        // SAFETY: `key` outlives the call; all pointers are valid for writes.
        let value = bytes_from(|data, size| unsafe {
            raw::proxy_get_shared_data(key.as_ptr(), key.len(), data, size, &mut cas)
        })?;
        Ok(Shared { value, cas })
    }

    fn set_shared(&self, key: &str, value: &[u8], cas: Option<u32>) -> HostResult<()> {
        // A CAS number of zero means "unconditionally" to the proxy, which never hands out zero.
        let cas = cas.unwrap_or(0);
        // SAFETY: both slices outlive the call.
        check(unsafe {
            raw::proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), cas)
        })
    }

    fn call(
        &self,
        cluster: &str,
        headers: &[(&str, &[u8])],
        body: &[u8],
        timeout_ms: u64,
    ) -> HostResult<u32> {
        let headers = header_map::encode(headers);
        let trailers = header_map::encode(&[]);
        let timeout_ms = u32::try_from(timeout_ms).unwrap_or(u32::MAX);
        let mut token = 0u32;
        // SAFETY: all slices outlive the call; `token` is valid for writes.
        check(unsafe {
            raw::proxy_http_call(
                cluster.as_ptr(),
                cluster.len(),
                headers.as_ptr(),
                headers.len(),
                body.as_ptr(),
                body.len(),
                trailers.as_ptr(),
                trailers.len(),
                timeout_ms,
                &mut token,
            )
        })?;
        super::callout_registry::called(token);
        Ok(token)
    }

    fn resume_request(&self) -> HostResult<()> {
        // SAFETY: takes no pointers.
        check(unsafe { raw::proxy_continue_stream(stream::REQUEST) })
    }

    fn resume_response(&self) -> HostResult<()> {
        // SAFETY: takes no pointers.
        check(unsafe { raw::proxy_continue_stream(stream::RESPONSE) })
    }

    fn reset_response(&self) -> HostResult<()> {
        // SAFETY: takes no pointers.
        check(unsafe { raw::proxy_close_stream(stream::RESPONSE) })
    }

    fn wake_up(&self) -> HostResult<()> {
        super::wake_ups::ask(|queue| {
            // An empty element: who is to be woken is known here.
            // SAFETY: no byte is read.
            check(unsafe { raw::proxy_enqueue_shared_queue(queue, ptr::null(), 0) })
        })
    }

    fn call_response_headers(&self) -> HostResult<HeaderList> {
        headers_of(CALL_RESPONSE_HEADERS)
    }

    fn call_response_body(&self, length: usize) -> HostResult<Vec<u8>> {
        buffer(CALL_RESPONSE_BODY, 0, length)
    }

    fn define_metric(&self, kind: MetricKind, name: &str) -> HostResult<u32> {
        let kind = match kind {
            MetricKind::Counter => 0,
            MetricKind::Gauge => 1,
        };
        let mut metric = 0u32;
        // SAFETY: `name` outlives the call; `metric` is valid for writes.
        check(unsafe { raw::proxy_define_metric(kind, name.as_ptr(), name.len(), &mut metric) })?;
        Ok(metric)
    }

    fn add_to_metric(&self, metric: u32, amount: i64) -> HostResult<()> {
        // SAFETY: only numbers are passed.
        check(unsafe { raw::proxy_increment_metric(metric, amount) })
    }

    fn set_metric(&self, metric: u32, value: u64) -> HostResult<()> {
        // SAFETY: only numbers are passed.
        check(unsafe { raw::proxy_record_metric(metric, value) })
    }

    fn now(&self) -> Now {
        let monotonic_ns = monotonic_ns();
        Now {
            monotonic_ns,
            unix_ms: WALL_CLOCK.with(|clock| clock.unix_ms(monotonic_ns)),
        }
    }

    fn random(&self) -> u64 {
        // Keys come from the WASI random source when the VM starts and differ for every `RandomState`.
        RandomState::new().build_hasher().finish()
    }
}
