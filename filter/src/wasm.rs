//! What the proxy calls: each callback goes to the role that this plugin configuration gave.

mod contexts;
mod logger;

use std::rc::Rc;

use crate::Flow;
use crate::config::{self, GatewayConfig, Role};
use crate::downstream_filter::DownstreamFilter;
use crate::health_checker::HealthChecker;
use crate::host::Now;
use crate::host::proxy_wasm_abi::{self, ProxyWasmHost};
use crate::per_try_timeout::PerTryTimeoutFilter;
use crate::shared;
use crate::upstream_filter::UpstreamFilter;
use crate::worker::{TICK_MS, Worker};

const HOST: ProxyWasmHost = ProxyWasmHost;
/// Milliseconds until a monitor begins.
const FIRST_TICK_MS: u64 = 20;

thread_local! {
    static VM: Rc<Worker> = Rc::new(Worker::new(&HOST));
}

/// One plugin configuration.
#[derive(Default)]
struct PluginContext {
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

impl PluginContext {
    fn on_configure(&mut self) -> bool {
        let bytes = proxy_wasm_abi::plugin_configuration();
        match config::read(&bytes) {
            Ok(Role::Gateway(config)) => {
                shared::prepare(&HOST);
                shared::publish_configuration(&HOST, &bytes);
                VM.with(|vm| {
                    vm.adopt(&HOST, &config);
                    // The newest configuration lives longest.
                    if let Err(error) = proxy_wasm_abi::receive_wake_ups(&vm.wake_up_queue) {
                        log::warn!(
                            "streams that fall silent cannot be ended with an error: {error}"
                        );
                    }
                });
                self.part = Part::DownstreamFilter(config);
            }
            Ok(Role::Target) => self.part = Part::UpstreamFilter,
            Ok(Role::Hop) => self.part = Part::PerTryTimeoutFilter,
            Ok(Role::Monitor) => {
                shared::prepare(&HOST);
                let vm = VM.with(Rc::clone);
                self.part = Part::HealthChecker(Box::new(HealthChecker::new(&HOST, vm)));
            }
            Err(error) => {
                log::error!("keeptrusts: {error}");
                return false;
            }
        }
        match self.part {
            Part::DownstreamFilter(_) => proxy_wasm_abi::set_tick_period(TICK_MS),
            // Not here and now: the proxy configures a module on trial first, on a VM that it throws away.
            Part::HealthChecker(_) => proxy_wasm_abi::set_tick_period(FIRST_TICK_MS),
            Part::Unconfigured | Part::UpstreamFilter | Part::PerTryTimeoutFilter => {}
        }
        true
    }

    /// `true`: streams are to be told.
    fn on_tick(&mut self) -> bool {
        match &mut self.part {
            Part::DownstreamFilter(config) => VM.with(|vm| {
                vm.tick(&HOST);
                vm.embeddings.on_tick(&HOST, vm, config);
                if let Some(collector) = config.collector() {
                    vm.exporter.on_tick(&HOST, collector);
                }
                vm.wake_monitor(&HOST, config);
                true
            }),
            Part::HealthChecker(monitor) => {
                monitor.on_tick(&HOST);
                proxy_wasm_abi::set_tick_period(TICK_MS);
                false
            }
            Part::Unconfigured | Part::UpstreamFilter | Part::PerTryTimeoutFilter => false,
        }
    }

    fn on_call_response(&mut self, token: u32) {
        match &mut self.part {
            Part::HealthChecker(monitor) => monitor.on_call_response(&HOST, token),
            Part::DownstreamFilter(config) => VM.with(|vm| {
                if vm.embeddings.on_call_response(&HOST, vm, config, token) {
                    return;
                }
                if let Some(collector) = config.collector() {
                    vm.exporter.on_call_response(&HOST, token, collector);
                }
            }),
            Part::Unconfigured | Part::UpstreamFilter | Part::PerTryTimeoutFilter => {}
        }
    }

    /// The configuration is taken away.
    fn on_done(&mut self) {
        if let Part::HealthChecker(monitor) = &mut self.part {
            monitor.on_done(&HOST);
        }
    }

    /// A new stream through this filter.
    fn stream(&self) -> Option<HttpContext> {
        let vm = VM.with(Rc::clone);
        match &self.part {
            Part::DownstreamFilter(config) => Some(HttpContext::Downstream(DownstreamFilter::new(
                vm,
                Rc::clone(config),
            ))),
            Part::UpstreamFilter => Some(HttpContext::Upstream(UpstreamFilter::new(vm))),
            Part::PerTryTimeoutFilter => {
                Some(HttpContext::PerTryTimeout(PerTryTimeoutFilter::new(vm)))
            }
            // What comes here only wakes its VM up.
            Part::Unconfigured | Part::HealthChecker(_) => None,
        }
    }
}

/// One stream through one of the filters.
enum HttpContext {
    Downstream(DownstreamFilter),
    Upstream(UpstreamFilter),
    PerTryTimeout(PerTryTimeoutFilter),
}

impl HttpContext {
    fn on_request_headers(&mut self, count: usize, end_of_stream: bool) -> Flow {
        match self {
            Self::Downstream(gateway) => gateway.on_request_headers(&HOST, end_of_stream),
            Self::Upstream(target) => target.on_request_headers(&HOST, count, end_of_stream),
            Self::PerTryTimeout(hop) => hop.on_request_headers(&HOST),
        }
    }

    fn on_request_body(&mut self, size: usize, end_of_stream: bool) -> Flow {
        match self {
            Self::Downstream(gateway) => gateway.on_request_body(&HOST, size, end_of_stream),
            Self::Upstream(target) => target.on_request_body(&HOST, size, end_of_stream),
            Self::PerTryTimeout(_) => Flow::Continue,
        }
    }

    fn on_request_trailers(&mut self) -> Flow {
        match self {
            Self::Downstream(gateway) => gateway.on_request_trailers(&HOST),
            Self::Upstream(target) => target.on_request_trailers(&HOST),
            Self::PerTryTimeout(_) => Flow::Continue,
        }
    }

    fn on_response_headers(&mut self, end_of_stream: bool) -> Flow {
        match self {
            Self::Downstream(gateway) => gateway.on_response_headers(&HOST),
            Self::Upstream(target) => target.on_response_headers(&HOST, end_of_stream),
            Self::PerTryTimeout(hop) => hop.on_response_headers(&HOST),
        }
    }

    fn on_response_body(&mut self, size: usize, end_of_stream: bool) -> Flow {
        match self {
            Self::Upstream(target) => target.on_response_body(&HOST, size, end_of_stream),
            Self::Downstream(gateway) => gateway.on_response_body(&HOST, size, end_of_stream),
            Self::PerTryTimeout(_) => Flow::Continue,
        }
    }

    fn on_response_trailers(&mut self) -> Flow {
        match self {
            Self::Upstream(target) => target.on_response_trailers(&HOST),
            Self::Downstream(_) | Self::PerTryTimeout(_) => Flow::Continue,
        }
    }

    /// Time has passed, by a tick of the gateway.
    fn on_tick(&mut self, now: Now) {
        match self {
            Self::Upstream(target) => target.on_tick(&HOST, now),
            Self::Downstream(_) | Self::PerTryTimeout(_) => {}
        }
    }

    /// A callback of this stream has asked for it.
    fn on_wake_up(&mut self) {
        match self {
            Self::Upstream(target) => target.on_wake_up(&HOST),
            Self::Downstream(_) | Self::PerTryTimeout(_) => {}
        }
    }

    /// It has something to do when time passes.
    fn watches_the_clock(&self) -> bool {
        match self {
            Self::Upstream(target) => target.watches_the_clock(),
            Self::Downstream(_) | Self::PerTryTimeout(_) => false,
        }
    }

    /// A call that this stream made was answered, or failed.
    fn on_call_response(&mut self, token: u32) {
        match self {
            Self::Downstream(gateway) => gateway.on_call_response(&HOST, token),
            Self::Upstream(_) | Self::PerTryTimeout(_) => {}
        }
    }

    /// The stream is torn down, after its end or before.
    fn on_end(&mut self) {
        match self {
            Self::Downstream(gateway) => gateway.on_end(&HOST),
            Self::Upstream(target) => target.on_end(&HOST),
            Self::PerTryTimeout(_) => {}
        }
    }
}
