//! The proxy-wasm contexts: each callback goes to the role that this plugin configuration gave.

use std::rc::Rc;
use std::time::Duration;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};

use crate::Flow;
use crate::config::{self, GatewayConfig, Role};
use crate::gateway::Gateway;
use crate::hop::Hop;
use crate::host::proxy_wasm_abi::ProxyWasmHost;
use crate::monitor::Monitor;
use crate::shared;
use crate::target::Target;
use crate::vm::{TICK_MS, Vm};

const HOST: ProxyWasmHost = ProxyWasmHost;

thread_local! {
    static VM: Rc<Vm> = Rc::new(Vm::new(&HOST));
}

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root { part: Part::Unconfigured }));
}}

struct Root {
    part: Part,
}

enum Part {
    Unconfigured,
    Gateway(Rc<GatewayConfig>),
    Target,
    Hop,
    Monitor(Box<Monitor>),
}

impl Context for Root {
    fn on_http_call_response(
        &mut self,
        token: u32,
        _headers: usize,
        _body_size: usize,
        _trailers: usize,
    ) {
        match &mut self.part {
            Part::Monitor(monitor) => monitor.on_call_response(&HOST, token),
            Part::Gateway(config) => VM.with(|vm| {
                if vm.lessons.on_call_response(&HOST, vm, config, token) {
                    return;
                }
                if let Some(collector) = config.collector() {
                    vm.courier.on_call_response(&HOST, token, collector);
                }
            }),
            Part::Unconfigured | Part::Target | Part::Hop => {}
        }
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        let bytes = self.get_plugin_configuration().unwrap_or_default();
        match config::read(&bytes) {
            Ok(Role::Gateway(config)) => {
                shared::prepare(&HOST);
                shared::publish_configuration(&HOST, &bytes);
                VM.with(|vm| vm.adopt(&HOST, &config));
                self.part = Part::Gateway(config);
            }
            Ok(Role::Target) => self.part = Part::Target,
            Ok(Role::Hop) => self.part = Part::Hop,
            Ok(Role::Monitor(config)) => {
                let vm = VM.with(Rc::clone);
                self.part = Part::Monitor(Box::new(Monitor::new(&HOST, vm, config)));
            }
            Err(error) => {
                log::error!("keeptrusts: {error}");
                return false;
            }
        }
        if matches!(self.part, Part::Gateway(_) | Part::Monitor(_)) {
            self.set_tick_period(Duration::from_millis(TICK_MS));
        }
        true
    }

    fn on_tick(&mut self) {
        match &mut self.part {
            Part::Gateway(config) => VM.with(|vm| {
                vm.tick(&HOST);
                vm.lessons.on_tick(&HOST, vm, config);
                if let Some(collector) = config.collector() {
                    vm.courier.on_tick(&HOST, collector);
                }
            }),
            Part::Monitor(monitor) => monitor.on_tick(&HOST),
            Part::Unconfigured | Part::Target | Part::Hop => {}
        }
    }

    fn create_http_context(&self, _id: u32) -> Option<Box<dyn HttpContext>> {
        let vm = VM.with(Rc::clone);
        match &self.part {
            Part::Gateway(config) => Some(Box::new(GatewayContext(Gateway::new(
                vm,
                Rc::clone(config),
            )))),
            Part::Target => Some(Box::new(TargetContext(Target::new(vm)))),
            Part::Hop => Some(Box::new(HopContext(Hop::new(vm)))),
            Part::Unconfigured | Part::Monitor(_) => None,
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct GatewayContext(Gateway);

impl Context for GatewayContext {
    fn on_http_call_response(
        &mut self,
        token: u32,
        _headers: usize,
        _body_size: usize,
        _trailers: usize,
    ) {
        self.0.on_call_response(&HOST, token);
    }
}

impl HttpContext for GatewayContext {
    fn on_http_request_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        action(self.0.on_request_headers(&HOST, end_of_stream))
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        action(self.0.on_request_body(&HOST, size, end_of_stream))
    }

    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        action(self.0.on_request_trailers(&HOST))
    }

    fn on_http_response_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        action(self.0.on_response_headers(&HOST))
    }

    fn on_log(&mut self) {
        self.0.on_end(&HOST);
    }
}

impl Drop for GatewayContext {
    fn drop(&mut self) {
        // Envoy skips `on_log` for streams that were reset early; the journey must not stay behind.
        self.0.on_end(&HOST);
    }
}

struct TargetContext(Target);

impl Context for TargetContext {
    // Envoy calls `on_done`, not `on_log`, in upstream filter chains.
    fn on_done(&mut self) -> bool {
        self.0.on_end(&HOST);
        true
    }
}

impl HttpContext for TargetContext {
    fn on_http_request_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        action(self.0.on_request_headers(&HOST, end_of_stream))
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        action(self.0.on_request_body(&HOST, size, end_of_stream))
    }

    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        action(self.0.on_request_trailers(&HOST))
    }

    fn on_http_response_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        action(self.0.on_response_headers(&HOST, end_of_stream))
    }

    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        action(self.0.on_response_body(&HOST, size, end_of_stream))
    }

    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        action(self.0.on_response_trailers(&HOST))
    }
}

struct HopContext(Hop);

impl Context for HopContext {}

impl HttpContext for HopContext {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        action(self.0.on_request_headers(&HOST))
    }
}

fn action(flow: Flow) -> Action {
    match flow {
        Flow::Continue => Action::Continue,
        Flow::Pause => Action::Pause,
    }
}
