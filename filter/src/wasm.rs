//! What the proxy calls: each callback goes to the role that this plugin configuration gave.

mod contexts;
mod logger;

use std::alloc::System;
use std::rc::Rc;

use crate::Flow;
use crate::config::{self, GatewayConfig, Role};
use crate::downstream_filter::DownstreamFilter;
use crate::health_checker::HealthChecker;
use crate::host::proxy_wasm_abi::{self, ProxyWasmHost};
use crate::per_try_timeout::PerTryTimeoutFilter;
use crate::pool::Pool;
use crate::shared;
use crate::upstream_filter::UpstreamFilter;
use crate::worker::{TICK_MS, Worker};

const HOST: ProxyWasmHost = ProxyWasmHost;
/// Milliseconds until a monitor begins.
const FIRST_TICK_MS: u64 = 20;

#[global_allocator]
static MEMORY: Pool<System> = Pool::over(System);

thread_local! {
    static VM: Rc<Worker> = Rc::new(Worker::new(&HOST));
}

/// One plugin configuration.
#[derive(Default)]
struct Root {
    part: Part,
}

#[derive(Default)]
enum Part {
    #[default]
    Unconfigured,
    DownstreamFilter(Rc<GatewayConfig>),
    UpstreamFilter,
    PerTryTimeoutFilter,
    HealthChecker(Box<HealthChecker>),
}

impl Root {
    fn on_configure(&mut self) -> bool {
        let bytes = proxy_wasm_abi::plugin_configuration();
        match config::read(&bytes) {
            Ok(Role::Gateway(config)) => {
                shared::prepare(&HOST);
                shared::publish_configuration(&HOST, &bytes);
                VM.with(|vm| vm.adopt(&HOST, &config));
                self.part = Part::Gateway(config);
            }
            Ok(Role::Target) => self.part = Part::Target,
            Ok(Role::Hop) => self.part = Part::Hop,
            Ok(Role::Monitor) => {
                shared::prepare(&HOST);
                let vm = VM.with(Rc::clone);
                self.part = Part::Monitor(Box::new(HealthChecker::new(&HOST, vm)));
            }
            Err(error) => {
                log::error!("keeptrusts: {error}");
                return false;
            }
        }
        match self.part {
            Part::Gateway(_) => proxy_wasm_abi::set_tick_period(TICK_MS),
            // Not here and now: the proxy configures a module on trial first, on a VM that it throws away.
            Part::Monitor(_) => proxy_wasm_abi::set_tick_period(FIRST_TICK_MS),
            Part::Unconfigured | Part::Target | Part::Hop => {}
        }
        true
    }

    fn on_tick(&mut self) {
        match &mut self.part {
            Part::Gateway(config) => VM.with(|vm| {
                vm.tick(&HOST);
                vm.embeddings.on_tick(&HOST, vm, config);
                if let Some(collector) = config.collector() {
                    vm.exporter.on_tick(&HOST, collector);
                }
                vm.wake_monitor(&HOST, config);
            }),
            Part::Monitor(monitor) => {
                monitor.on_tick(&HOST);
                proxy_wasm_abi::set_tick_period(TICK_MS);
            }
            Part::Unconfigured | Part::Target | Part::Hop => {}
        }
    }

    fn on_call_response(&mut self, token: u32) {
        match &mut self.part {
            Part::Monitor(monitor) => monitor.on_call_response(&HOST, token),
            Part::Gateway(config) => VM.with(|vm| {
                if vm.embeddings.on_call_response(&HOST, vm, config, token) {
                    return;
                }
                if let Some(collector) = config.collector() {
                    vm.exporter.on_call_response(&HOST, token, collector);
                }
            }),
            Part::Unconfigured | Part::Target | Part::Hop => {}
        }
    }

    /// The configuration is taken away.
    fn on_done(&mut self) {
        if let Part::Monitor(monitor) = &mut self.part {
            monitor.on_done(&HOST);
        }
    }

    /// A new stream through this filter.
    fn stream(&self) -> Option<Stream> {
        let vm = VM.with(Rc::clone);
        match &self.part {
            Part::Gateway(config) => Some(Stream::Gateway(DownstreamFilter::new(
                vm,
                Rc::clone(config),
            ))),
            Part::Target => Some(Stream::Target(UpstreamFilter::new(vm))),
            Part::Hop => Some(Stream::Hop(PerTryTimeoutFilter::new(vm))),
            // What comes here only wakes its VM up.
            Part::Unconfigured | Part::Monitor(_) => None,
        }
    }
}

/// One stream through one of the filters.
enum Stream {
    DownstreamFilter(DownstreamFilter),
    UpstreamFilter(UpstreamFilter),
    PerTryTimeoutFilter(PerTryTimeoutFilter),
}

impl Stream {
    fn on_request_headers(&mut self, count: usize, end_of_stream: bool) -> Flow {
        match self {
            Self::Gateway(gateway) => gateway.on_request_headers(&HOST, end_of_stream),
            Self::Target(target) => target.on_request_headers(&HOST, count, end_of_stream),
            Self::Hop(hop) => hop.on_request_headers(&HOST),
        }
    }

    fn on_request_body(&mut self, size: usize, end_of_stream: bool) -> Flow {
        match self {
            Self::Gateway(gateway) => gateway.on_request_body(&HOST, size, end_of_stream),
            Self::Target(target) => target.on_request_body(&HOST, size, end_of_stream),
            Self::Hop(_) => Flow::Continue,
        }
    }

    fn on_request_trailers(&mut self) -> Flow {
        match self {
            Self::Gateway(gateway) => gateway.on_request_trailers(&HOST),
            Self::Target(target) => target.on_request_trailers(&HOST),
            Self::Hop(_) => Flow::Continue,
        }
    }

    fn on_response_headers(&mut self, end_of_stream: bool) -> Flow {
        match self {
            Self::Gateway(gateway) => gateway.on_response_headers(&HOST),
            Self::Target(target) => target.on_response_headers(&HOST, end_of_stream),
            Self::Hop(hop) => hop.on_response_headers(&HOST),
        }
    }

    fn on_response_body(&mut self, size: usize, end_of_stream: bool) -> Flow {
        match self {
            Self::Target(target) => target.on_response_body(&HOST, size, end_of_stream),
            Self::Gateway(_) | Self::Hop(_) => Flow::Continue,
        }
    }

    fn on_response_trailers(&mut self) -> Flow {
        match self {
            Self::Target(target) => target.on_response_trailers(&HOST),
            Self::Gateway(_) | Self::Hop(_) => Flow::Continue,
        }
    }

    /// A call that this stream made was answered, or failed.
    fn on_call_response(&mut self, token: u32) {
        match self {
            Self::Gateway(gateway) => gateway.on_call_response(&HOST, token),
            Self::Target(_) | Self::Hop(_) => {}
        }
    }

    /// The stream is torn down, after its end or before.
    fn on_end(&mut self) {
        match self {
            Self::Gateway(gateway) => gateway.on_end(&HOST),
            Self::Target(target) => target.on_end(&HOST),
            Self::Hop(_) => {}
        }
    }
}
