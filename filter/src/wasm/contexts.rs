//! The contexts that the proxy has created in this VM, and the functions by which it calls them.
//!
//! Every function that is exported costs an entry into the VM whenever the proxy comes to that point, so only those are
//! that do something: the end of a stream is told by `proxy_on_done` alone, without `proxy_on_log` and
//! `proxy_on_delete`. Unlike the proxy-wasm SDK's dispatcher, nothing here panics.
//! Source: proxy-wasm ABI 0.2.1.
#![allow(unsafe_code)]

use std::cell::RefCell;

use super::{HttpContext, PluginContext};
use crate::Flow;
use crate::host::abi_numbers::action::{CONTINUE, PAUSE};
use crate::host::{Host, callout_registry, proxy_wasm_abi, wake_ups};
use crate::int_map::IntMap;

/// Everything that the proxy knows by a number.
#[derive(Default)]
struct Contexts {
    roots: IntMap<u32, PluginContext>,
    streams: IntMap<u32, HttpContext>,
}

thread_local! {
    static CONTEXTS: RefCell<Contexts> = RefCell::default();
}

/// Runs `job` unless the proxy calls while it is being called, which it never does.
fn with_contexts<T: Default>(job: impl FnOnce(&mut Contexts) -> T) -> T {
    CONTEXTS.with(|contexts| match contexts.try_borrow_mut() {
        Ok(mut contexts) => job(&mut contexts),
        Err(_) => T::default(),
    })
}

fn with_root<T: Default>(id: u32, job: impl FnOnce(&mut PluginContext) -> T) -> T {
    with_contexts(|contexts| contexts.roots.get_mut(&id).map(job).unwrap_or_default())
}

fn with_stream(id: u32, job: impl FnOnce(&mut HttpContext) -> Flow) -> u32 {
    let run = |contexts: &mut Contexts| {
        let stream = contexts.streams.get_mut(&id)?;
        Some(callout_registry::while_running(id, || job(stream)))
    };
    let flow = with_contexts(run);
    match flow {
        Some(Flow::Pause) => PAUSE,
        Some(Flow::Continue) | None => CONTINUE,
    }
}

unsafe extern "C" {
    fn __wasm_call_ctors();
}

#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    // SAFETY: the proxy calls this once, before anything else.
    unsafe { __wasm_call_ctors() };
    super::logger::install();
}

/// Room for what the proxy hands over; whoever takes it over frees it as a `Vec<u8>` of exactly `size` bytes.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    let mut room = std::mem::ManuallyDrop::new(Vec::<u8>::with_capacity(size));
    room.as_mut_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_context_create(id: u32, root_id: u32) {
    with_contexts(|contexts| {
        if root_id == 0 {
            contexts.roots.insert(id, PluginContext::default());
        } else if let Some(stream) = contexts.roots.get(&root_id).and_then(PluginContext::stream) {
            contexts.streams.insert(id, stream);
        }
    });
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(id: u32, _size: usize) -> u32 {
    u32::from(with_root(id, PluginContext::on_configure))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_tick(id: u32) {
    if with_root(id, PluginContext::on_tick) {
        let now = super::HOST.now();
        with_contexts(|contexts| {
            let streams = contexts.streams.iter_mut();
            for (id, stream) in streams.filter(|(_, stream)| stream.watches_the_clock()) {
                if proxy_wasm_abi::act_for(*id) {
                    callout_registry::while_running(*id, || stream.on_tick(now));
                }
            }
        });
        // The queue that tells them may have gone with a configuration.
        serve_wake_ups();
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_queue_ready(_id: u32, queue: u32) {
    proxy_wasm_abi::drain_wake_ups(queue);
    serve_wake_ups();
}

fn serve_wake_ups() {
    for id in wake_ups::take() {
        if proxy_wasm_abi::act_for(id) {
            with_stream(id, |stream| {
                stream.on_wake_up();
                Flow::Continue
            });
        }
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_http_call_response(
    id: u32,
    token: u32,
    _headers: usize,
    _body_size: usize,
    _trailers: usize,
) {
    match callout_registry::caller(token) {
        None => with_root(id, |root| root.on_call_response(token)),
        Some(stream) if proxy_wasm_abi::act_for(stream) => {
            with_stream(stream, |stream| {
                stream.on_call_response(token);
                Flow::Continue
            });
        }
        // Its client has left. The ABI cancels gRPC calls (`proxy_grpc_cancel`) and no HTTP call, so this one has run to its
        // answer or its timeout.
        Some(_) => {}
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_headers(id: u32, count: usize, end_of_stream: u32) -> u32 {
    with_stream(id, |stream| {
        stream.on_request_headers(count, end_of_stream != 0)
    })
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_body(id: u32, size: usize, end_of_stream: u32) -> u32 {
    with_stream(id, |stream| {
        stream.on_request_body(size, end_of_stream != 0)
    })
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_trailers(id: u32, _trailers: usize) -> u32 {
    with_stream(id, HttpContext::on_request_trailers)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_headers(id: u32, _headers: usize, end_of_stream: u32) -> u32 {
    with_stream(id, |stream| stream.on_response_headers(end_of_stream != 0))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_body(id: u32, size: usize, end_of_stream: u32) -> u32 {
    with_stream(id, |stream| {
        stream.on_response_body(size, end_of_stream != 0)
    })
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_trailers(id: u32, _trailers: usize) -> u32 {
    with_stream(id, HttpContext::on_response_trailers)
}

/// The last that is heard of a context. Streams of a root that is replaced keep their configuration themselves.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_done(id: u32) -> u32 {
    let (stream, root) = with_contexts(|contexts| {
        let stream = contexts.streams.remove(&id);
        let root = match stream {
            Some(_) => None,
            None => contexts.roots.remove(&id),
        };
        (stream, root)
    });
    if let Some(mut root) = root {
        root.on_done();
    }
    if let Some(mut stream) = stream {
        stream.on_end();
    }
    1
}
