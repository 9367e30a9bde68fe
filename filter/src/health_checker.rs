//! The monitor: probes targets through their own clusters, with their real credentials.
//!
//! It is the root context of an HTTP filter that no request of a client passes, so every worker has one; a lease in shared
//! data makes one of them probe ([`crate::leader_lease`]). The policy reaches it through shared data, where the gateway
//! filter leaves its configuration.

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
use crate::host::{HeaderList, Host, HostError, Now};
use crate::leader_lease::LeaderLease;
use crate::shared;
use crate::upstream_filter::PROBE_HEADER;
use crate::worker::Worker;

/// Of one worker.
pub struct HealthChecker {
    vm: Rc<Worker>,
    lease: LeaderLease,
    /// It holds the lease.
    leads: bool,
    /// `None` until the downstream filter has left one.
    config: Option<Rc<GatewayConfig>>,
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
    sent: Now,
}

impl HealthChecker {
    /// Knows no policy yet and does not probe.
    pub fn new(host: &impl Host, vm: Rc<Worker>) -> Self {
        Self {
            vm,
            lease: LeaderLease::new(host),
            leads: false,
            config: None,
            scheduler: ProbeScheduler::default(),
            random: Random::seeded(host.random()),
            under_way: HashMap::new(),
            shown_up: HashMap::new(),
            publication: None,
            control: ControlPoll::default(),
        }
    }

    /// Where it leads, sends the probes that are due and asks for the control state; lets its events go in any case.
    pub fn on_tick(&mut self, host: &impl Host) {
        let leads = self.lease.acquire(host);
        if leads && !self.leads {
            self.take_over();
        }
        self.leads = leads;
        if leads {
            self.vm.tick(host);
            self.look_for_changed_policy(host);
            if let Some(config) = self.config.clone() {
                self.probe(host, &config);
            }
        }
        if let Some(collector) = self.config.as_ref().and_then(|config| config.collector()) {
            self.vm.exporter.on_tick(host, collector);
        }
    }

    /// It ends: another one takes over at once what this one had under way.
    pub fn on_done(&mut self, host: &impl Host) {
        self.leads = false;
        self.lease.release(host);
    }

    /// Whoever led before has taken what it had under way with it.
    fn take_over(&mut self) {
        self.scheduler = ProbeScheduler::default();
        self.control = ControlPoll::default();
        self.under_way.clear();
        self.publication = None;
    }

    fn probe(&mut self, host: &impl Host, config: &Rc<GatewayConfig>) {
        let now = host.now();
        for index in 0..config.policy.targets.len() {
            self.vm.signal(host, config, TargetId(index), Signal::Tick);
        }
        self.show_who_is_up(host, config, now);
        if let Some(collector) = config.collector() {
            let instance_id = self.vm.instance_id(config);
            let vm = &self.vm;
            self.control
                .on_tick(host, collector, instance_id, |with_policy| {
                    report(host, vm, config, with_policy)
                });
        }
        let vm = &self.vm;
        for due in self.scheduler.due(now.monotonic_ms(), |target| {
            vm.phase(config, target, now) == Phase::RateLimited
        }) {
            let target = config.policy.target(due.target);
            let token = target.map(|target| send(host, target, due));
            match token {
                Some(Ok(token)) => {
                    self.under_way.insert(token, Probe { due, sent: now });
                }
                // The cluster is not there (yet), which is what unreachable means.
                Some(Err(_)) => self.finish(host, config, due.ticket, ProbeResult::Unreachable),
                None => {}
            }
        }
    }

    /// A call was answered, or failed.
    pub fn on_call_response(&mut self, host: &impl Host, token: u32) {
        let Some(config) = self.config.clone() else {
            return;
        };
        let remembered = &config.runtime.known_control;
        if self.control.on_call_response(host, token, remembered) {
            return;
        }
        if let Some(collector) = config.collector()
            && self.vm.exporter.on_call_response(host, token, collector)
        {
            return;
        }
        self.on_probe_response(host, &config, token);
    }

    fn on_probe_response(&mut self, host: &impl Host, config: &GatewayConfig, token: u32) {
        let Some(probe) = self.under_way.remove(&token) else {
            return;
        };
        let now = host.now();
        let elapsed_ns = now.monotonic_ns.saturating_sub(probe.sent.monotonic_ns);
        let elapsed_ms = elapsed_ns / 1_000_000;
        let headers = host.call_response_headers().unwrap_or_default();
        let status = headers
            .text(":status")
            .and_then(|status| status.parse::<u16>().ok());
        let too_late = elapsed_ms >= probe.due.timeout_ms;
        let target = config.policy.target(probe.due.target);
        let result = match (status, target) {
            (None, _) if too_late => ProbeResult::TimedOut,
            // Envoy's own word for a connection that was not answered in time.
            (Some(504), _) if too_late => ProbeResult::TimedOut,
            (None, _) | (_, None) => ProbeResult::Unreachable,
            (Some(status), Some(target)) => probe::classify(
                &target.health_check,
                status,
                u32::try_from(elapsed_ms).unwrap_or(u32::MAX),
                asked_to_wait_ms(&headers, now.unix_ms / 1000),
            ),
        };
        self.finish(host, config, probe.due.ticket, result);
    }

    fn finish(
        &mut self,
        host: &impl Host,
        config: &GatewayConfig,
        ticket: Ticket,
        result: ProbeResult,
    ) {
        let now_ms = host.now().monotonic_ms();
        if let Some(target) = self
            .scheduler
            .finished(ticket, result, &mut self.random, now_ms)
        {
            self.vm.signal(host, config, target, Signal::Probe(result));
        }
    }

    /// One for all workers, so that two never disagree.
    fn show_who_is_up(&mut self, host: &impl Host, config: &GatewayConfig, now: Now) {
        for (index, target) in config.policy.targets.iter().enumerate() {
            let id = TargetId(index);
            let up = self.vm.phase(config, id, now).serves();
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
            Ok(Role::Target | Role::Hop | Role::Monitor) => {}
            Err(error) => log::error!("monitor keeps the policy it has: {error}"),
        }
    }

    fn adopt(&mut self, host: &impl Host, config: Rc<GatewayConfig>) {
        let has_credential = |target| !config.lacks_credential(target);
        self.scheduler.reload(
            &config.index,
            has_credential,
            &mut self.random,
            host.now().monotonic_ms(),
        );
        self.shown_up.clear();
        self.vm.announce_credentials(host, &config);
        self.vm.forget_other_targets(host, &config);
        self.config = Some(config);
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
