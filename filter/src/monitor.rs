//! The monitor: a singleton service that probes targets through their own clusters.

use std::rc::Rc;

use crate::config::GatewayConfig;
use crate::host::Host;
use crate::vm::Vm;

/// The singleton service.
pub struct Monitor {
    vm: Rc<Vm>,
    config: Rc<GatewayConfig>,
}

impl Monitor {
    /// Starts with the policy that Envoy was started with.
    pub fn new(_host: &impl Host, vm: Rc<Vm>, config: Rc<GatewayConfig>) -> Self {
        Self { vm, config }
    }

    /// Sends the probes that are due.
    pub fn on_tick(&mut self, host: &impl Host) {
        self.vm.tick(host);
        let _ = &self.config;
    }

    /// A probe was answered, or failed.
    pub fn on_call_response(&mut self, _host: &impl Host, _token: u32, _body_size: usize) {}
}
