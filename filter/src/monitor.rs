//! The monitor: a singleton service that probes targets through their own clusters, with their real credentials.
//!
//! Envoy configures it once, at its own start; a changed policy reaches it through shared data, where the gateway filter
//! leaves its configuration.

use std::collections::HashMap;
use std::rc::Rc;

use policy::cluster::cluster_name;
use policy::{Target, TargetId};
use protocols::error::retry_after;
use routing::Random;
use routing::health::{Phase, ProbeResult, Signal};
use routing::probe::{self, DueProbe, ProbeScheduler, Ticket};

use crate::config::{self, GatewayConfig, Role};
use crate::control::{ControlPoll, report};
use crate::host::{HeaderList, Host, HostError};
use crate::shared;
use crate::target::PROBE_HEADER;
use crate::vm::Vm;

/// The singleton service.
pub struct Monitor {
    vm: Rc<Vm>,
    config: Rc<GatewayConfig>,
    scheduler: ProbeScheduler,
    random: Random,
    /// Probes under way, by the token of their call.
    under_way: HashMap<u32, Probe>,
    /// What `/metrics` was told last, by target.
    shown_up: HashMap<TargetId, bool>,
    /// Which publication of the configuration is in force.
    publication: Option<u32>,
    control: ControlPoll,
}

#[derive(Debug, Clone, Copy)]
struct Probe {
    due: DueProbe,
    sent_ms: u64,
}

impl Monitor {
    /// Starts with the policy that Envoy was started with.
    pub fn new(host: &impl Host, vm: Rc<Vm>, config: Rc<GatewayConfig>) -> Self {
        let mut monitor = Self {
            vm,
            config,
            scheduler: ProbeScheduler::default(),
            random: Random::seeded(host.random()),
            under_way: HashMap::new(),
            shown_up: HashMap::new(),
            publication: None,
            control: ControlPoll::default(),
        };
        monitor.adopt(host, Rc::clone(&monitor.config));
        monitor
    }

    /// Sends the probes that are due, asks for the control state, and lets events go.
    pub fn on_tick(&mut self, host: &impl Host) {
        self.vm.tick(host);
        self.look_for_changed_policy(host);
        let now = host.now_ms();
        for index in 0..self.config.policy.targets.len() {
            self.signal(host, TargetId(index), Signal::Tick);
        }
        self.show_who_is_up(host, now);
        if let Some(collector) = self.config.collector() {
            let instance_id = self.vm.instance_id(&self.config);
            self.control
                .on_tick(host, collector, instance_id, |with_policy| {
                    report(host, &self.vm, &self.config, with_policy)
                });
            self.vm.courier.on_tick(host, collector);
        }
        let (vm, config) = (&self.vm, &self.config);
        for due in self.scheduler.due(now, |target| {
            vm.phase(config, target, now) == Phase::RateLimited
        }) {
            let token = self
                .config
                .policy
                .target(due.target)
                .map(|target| send(host, target, due));
            match token {
                Some(Ok(token)) => {
                    self.under_way.insert(token, Probe { due, sent_ms: now });
                }
                // The cluster is not there (yet), which is what unreachable means.
                Some(Err(_)) => self.finish(host, due.ticket, ProbeResult::Unreachable),
                None => {}
            }
        }
    }

    /// A call was answered, or failed.
    pub fn on_call_response(&mut self, host: &impl Host, token: u32) {
        if self.control.on_call_response(host, token) {
            return;
        }
        if let Some(collector) = self.config.collector()
            && self.vm.courier.on_call_response(host, token, collector)
        {
            return;
        }
        self.on_probe_response(host, token);
    }

    fn on_probe_response(&mut self, host: &impl Host, token: u32) {
        let Some(probe) = self.under_way.remove(&token) else {
            return;
        };
        let elapsed_ms = host.now_ms().saturating_sub(probe.sent_ms);
        let headers = host.call_response_headers().unwrap_or_default();
        let status = headers
            .text(":status")
            .and_then(|status| status.parse::<u16>().ok());
        let too_late = elapsed_ms >= probe.due.timeout_ms;
        let target = self.config.policy.target(probe.due.target);
        let result = match (status, target) {
            (None, _) if too_late => ProbeResult::TimedOut,
            // Envoy's own word for a connection that was not answered in time.
            (Some(504), _) if too_late => ProbeResult::TimedOut,
            (None, _) | (_, None) => ProbeResult::Unreachable,
            (Some(status), Some(target)) => probe::classify(
                &target.health_check,
                status,
                u32::try_from(elapsed_ms).unwrap_or(u32::MAX),
                asked_to_wait_ms(&headers, host.now_ms() / 1000),
            ),
        };
        self.finish(host, probe.due.ticket, result);
    }

    fn finish(&mut self, host: &impl Host, ticket: Ticket, result: ProbeResult) {
        if let Some(target) =
            self.scheduler
                .finished(ticket, result, &mut self.random, host.now_ms())
        {
            self.signal(host, target, Signal::Probe(result));
        }
    }

    fn signal(&self, host: &impl Host, target: TargetId, signal: Signal) {
        self.vm.signal(host, &self.config, target, signal);
    }

    /// One for all workers, so that two never disagree.
    fn show_who_is_up(&mut self, host: &impl Host, now_ms: u64) {
        for (index, target) in self.config.policy.targets.iter().enumerate() {
            let id = TargetId(index);
            let up = self.vm.phase(&self.config, id, now_ms).serves();
            if self.shown_up.insert(id, up) != Some(up) {
                self.vm.metrics.target_up(host, &target.id, up);
            }
        }
    }

    fn look_for_changed_policy(&mut self, host: &impl Host) {
        let Some(published) = shared::published_configuration(host) else {
            return;
        };
        if self.publication == Some(published.cas) {
            return;
        }
        self.publication = Some(published.cas);
        match config::read(&published.value) {
            Ok(Role::Gateway(config)) => self.adopt(host, config),
            Ok(Role::Target | Role::Hop | Role::Monitor(_)) => {}
            Err(error) => log::error!("monitor keeps the policy it has: {error}"),
        }
    }

    fn adopt(&mut self, host: &impl Host, config: Rc<GatewayConfig>) {
        let has_credential = |target| !config.lacks_credential(target);
        self.scheduler.reload(
            &config.index,
            has_credential,
            &mut self.random,
            host.now_ms(),
        );
        self.config = config;
        self.shown_up.clear();
        self.vm.announce_credentials(host, &self.config);
        self.vm.forget_other_targets(host, &self.config);
        // Whoever looks at a gateway that has just become ready sees them all.
        self.show_who_is_up(host, host.now_ms());
    }
}

/// `GET {base}/models`, or what target or vendor want instead; the target's filter chain adds the credential.
fn send(host: &impl Host, target: &Target, due: DueProbe) -> crate::host::HostResult<u32> {
    let cluster = cluster_name(target, target.timeout_ms);
    let authority = target.base_url.authority();
    let path = target.probe_path().ok_or(HostError::NotFound)?;
    let mut headers: Vec<(&str, &[u8])> = vec![
        (":method", b"GET"),
        (":path", path.as_bytes()),
        (":authority", authority.as_bytes()),
        (":scheme", target.base_url.scheme().as_bytes()),
        ("accept", b"application/json"),
        ("user-agent", b"keeptrusts-monitor"),
        (PROBE_HEADER, b"1"),
    ];
    headers.extend(
        target
            .vendor
            .profile()
            .probe_headers
            .iter()
            .map(|(name, value)| (*name, value.as_bytes())),
    );
    host.call(&cluster, &headers, b"", due.timeout_ms)
}

/// What a 429 asks for, in any spelling.
fn asked_to_wait_ms(headers: &HeaderList, now_s: u64) -> Option<u64> {
    let headers: Vec<_> = headers.iter().collect();
    retry_after::explicit_ms(&headers, Some(now_s))
        .or_else(|| retry_after::limit_reset_ms(&headers, Some(now_s)))
}
