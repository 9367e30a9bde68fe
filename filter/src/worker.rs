//! What all contexts of one wasm VM, that is one worker of Envoy, share.
//!
//! Shared data is one mutex for all workers, so it is written only when something changed. A request to healthy targets
//! asks twice, when it is planned and when it was served, whether another worker has found out something about health, and
//! not even that when the same was asked in this millisecond.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use events::DecisionEvent;
use policy::{Target, TargetId};
use routing::budget::{Account, Ledger, Usage};
use routing::health::{
    self as health, Addresses, Applied, Availability, HealthTable, Outcome, Phase, Signal,
    TargetKey, Thresholds, Transition,
};
use routing::latency::{DeploymentKey, LatencySnapshot, LocalWindow, Sample};
use routing::{Random, StateSnapshot, StrategyState};
use semconv::Registry;

use crate::budget;
use crate::config::GatewayConfig;
use crate::control::Control;
use crate::embedding::EmbeddingCache;
use crate::host::{Host, Now, Shared};
use crate::leader_lease;
use crate::metrics::Metrics;
use crate::request_context::{RequestContext, RequestRegistry};
use crate::shared::{self, key, read_u64, update_shared};
use crate::telemetry::{self, EventExporter, HealthChanged, RejectedRequest, RequestLog};

/// Milliseconds between looks at shared data.
pub const TICK_MS: u64 = 200;
/// Milliseconds between calls that wake the monitor's VM up.
const WAKE_INTERVAL_MS: u64 = 400;
/// Milliseconds after which a worker tells the others what it has counted.
const COUNTED_INTERVAL_MS: u64 = 1_000;

/// State of one worker.
#[derive(Debug)]
pub struct Worker {
    /// Requests under way.
    pub registry: RequestRegistry,
    /// For strategies that choose by chance.
    pub random: RefCell<Random>,
    /// What strategies remember between requests.
    pub worker: RefCell<StrategyState>,
    /// What `/metrics` shows of this worker's view on health.
    pub metrics: Metrics,
    /// Requests that this worker has counted and not told the others yet.
    counted: RefCell<Registry>,
    /// When it last did, by the clock that never jumps.
    counted_told_ms: Cell<u64>,
    health: RefCell<HealthTable>,
    /// The number of `key::HEALTH_NEWS` when `health` was read.
    health_news: Cell<u32>,
    /// When that number was asked for, by the clock that never jumps.
    asked_for_news_ms: Cell<u64>,
    addresses: RefCell<HashMap<TargetKey, Addresses>>,
    latency: RefCell<LatencySnapshot>,
    gathered: RefCell<LocalWindow>,
    requests: Cell<u64>,
    requests_everywhere: Cell<u64>,
    /// Embeddings of members' texts that are still to be fetched.
    pub(crate) embeddings: EmbeddingCache,
    /// Events on their way to the collector.
    pub(crate) exporter: EventExporter,
    control: RefCell<Option<Rc<Control>>>,
    /// Which publication of the control state is in force.
    control_publication: Cell<Option<u32>>,
    ledger: RefCell<Ledger>,
    /// When the monitor was last found not to probe, by the clock that never jumps.
    monitor_woken_ms: Cell<u64>,
    /// Names the queue by which streams of this worker are called again.
    #[cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]
    pub(crate) wake_up_queue: String,
    /// Of the Envoy process, where its configuration gives no name.
    instance_id: String,
}

impl Worker {
    /// A worker that knows nothing yet.
    pub fn new(host: &impl Host) -> Self {
        Self {
            registry: RequestRegistry::starting_at(host.random()),
            random: RefCell::new(Random::seeded(host.random())),
            worker: RefCell::default(),
            metrics: Metrics::default(),
            counted: RefCell::default(),
            counted_told_ms: Cell::new(0),
            health: RefCell::default(),
            health_news: Cell::new(0),
            asked_for_news_ms: Cell::new(0),
            addresses: RefCell::default(),
            latency: RefCell::default(),
            gathered: RefCell::default(),
            requests: Cell::new(0),
            requests_everywhere: Cell::new(0),
            embeddings: EmbeddingCache::default(),
            exporter: EventExporter::new(),
            control: RefCell::default(),
            control_publication: Cell::new(None),
            ledger: RefCell::default(),
            monitor_woken_ms: Cell::new(0),
            wake_up_queue: format!("keeptrusts-wake-ups-{:016x}", host.random()),
            instance_id: shared::instance_id(host),
        }
    }

    /// Runs `decide` over the snapshots that plans are made from. What another worker found out about health is in them.
    /// Their times are those of [`Now::monotonic_ms`].
    pub fn with_view<T>(
        &self,
        host: &impl Host,
        now: Now,
        decide: impl FnOnce(StateSnapshot<'_>) -> T,
    ) -> T {
        self.take_in_news(host, now.monotonic_ms());
        let health = self.health.borrow();
        let latency = self.latency.borrow();
        decide(StateSnapshot {
            health: &health,
            latency: &latency,
            over_budget: &[],
            budgeted: routing::Budgeted::None,
        })
    }

    /// One more request came in.
    pub fn count_request(&self) {
        self.requests.set(self.requests.get().saturating_add(1));
    }

    /// Requests of all workers, as of their last ticks.
    pub fn requests_processed(&self) -> u64 {
        self.requests_everywhere
            .get()
            .saturating_add(self.requests.get())
    }

    /// Feeds the health machine of `target`; writes to shared data only when its state changes.
    pub fn signal(
        &self,
        host: &impl Host,
        config: &GatewayConfig,
        target: TargetId,
        signal: Signal,
    ) -> Applied {
        self.signal_at(host, config, target, signal, host.now())
    }

    /// The same at a time that the caller has read.
    pub fn signal_at(
        &self,
        host: &impl Host,
        config: &GatewayConfig,
        target: TargetId,
        signal: Signal,
        now: Now,
    ) -> Applied {
        let Some((key, limits)) = config.index.health_config(target) else {
            return Applied::default();
        };
        let signal = self.excuse(host, key, signal, now.monotonic_ms());
        self.apply_to_target(host, config, target, (key, limits), signal, now)
    }

    /// Whether the gateway itself may ask `target` for something now. A half-open target, or one whose callouts are, is
    /// asked by one request at a time; its callout must then be told with [`Worker::signal_callout`].
    pub(crate) fn admits_callout(
        &self,
        host: &impl Host,
        config: &GatewayConfig,
        target: TargetId,
        now: Now,
    ) -> bool {
        let (Some(own), Some(callouts)) = (
            config.index.health_config(target),
            config.index.callout_health_config(target),
        ) else {
            return false;
        };
        let availability = |(key, limits): (TargetKey, &Thresholds), view: StateSnapshot<'_>| {
            view.health.availability(key, limits, now.monotonic_ms())
        };
        let (target_is, callouts_are) = self.with_view(host, now, |view| {
            (availability(own, view), availability(callouts, view))
        });
        let is_out = |availability| matches!(availability, Availability::Out { .. });
        if is_out(target_is) || is_out(callouts_are) {
            return false;
        }
        let start = Signal::HalfOpenRequestStarted;
        if target_is == Availability::HalfOpen
            && self
                .apply_to_target(host, config, target, own, start, now)
                .refused
        {
            return false;
        }
        if callouts_are == Availability::HalfOpen
            && self
                .apply_to_callouts(host, config, target, callouts, start, now)
                .refused
        {
            if target_is == Availability::HalfOpen {
                let given_back = Signal::Attempt(Outcome::Inconclusive);
                self.apply_to_target(host, config, target, own, given_back, now);
            }
            return false;
        }
        true
    }

    /// How a callout to `target` ended: for the target and for its callouts. Which of its addresses was asked is not known.
    pub(crate) fn signal_callout(
        &self,
        host: &impl Host,
        config: &GatewayConfig,
        target: TargetId,
        outcome: Outcome,
        now: Now,
    ) {
        let signal = Signal::Attempt(outcome);
        if let Some(own) = config.index.health_config(target) {
            self.apply_to_target(host, config, target, own, signal, now);
        }
        if let Some(callouts) = config.index.callout_health_config(target) {
            self.apply_to_callouts(host, config, target, callouts, signal, now);
        }
    }

    fn apply_to_target(
        &self,
        host: &impl Host,
        config: &GatewayConfig,
        target: TargetId,
        health: (TargetKey, &Thresholds),
        signal: Signal,
        now: Now,
    ) -> Applied {
        let applied = self.apply(host, health, signal, now);
        if let (Some(change), Some(target)) = (applied.transition, config.policy.target(target)) {
            log_transition(&target.id, &change);
            self.metrics.health_changed(host, &target.id, &change);
            self.post_transition(config, target, &change, now);
        }
        applied
    }

    fn apply_to_callouts(
        &self,
        host: &impl Host,
        config: &GatewayConfig,
        target: TargetId,
        health: (TargetKey, &Thresholds),
        signal: Signal,
        now: Now,
    ) -> Applied {
        let applied = self.apply(host, health, signal, now);
        if let (Some(change), Some(target)) = (applied.transition, config.policy.target(target)) {
            log_transition(&format!("{} (callouts)", target.id), &change);
        }
        applied
    }

    /// Feeds one machine of the health table.
    fn apply(
        &self,
        host: &impl Host,
        (key, limits): (TargetKey, &Thresholds),
        signal: Signal,
        now: Now,
    ) -> Applied {
        let now = now.monotonic_ms();
        let apply_here = || self.health.borrow_mut().apply(key, limits, signal, now);
        let mut here = apply_here();
        // A success must end a row of failures that another worker has counted.
        if !here.changed && is_success(signal) && self.take_in_news(host, now) {
            here = apply_here();
        }
        if !here.changed {
            return here;
        }
        let mut everywhere = Applied::default();
        let written = update_shared(host, key::HEALTH, |blob| {
            let mut table = HealthTable::decode(blob);
            everywhere = table.apply(key, limits, signal, now);
            let bytes = everywhere.changed.then(|| table.encode());
            self.health.replace(table);
            bytes
        });
        if written.is_some() {
            // Nobody waits for this one: whoever misses it reads health at the next tick.
            let _ = host.set_shared(key::HEALTH_NEWS, &[], None);
        } else if everywhere.changed {
            // The others have not seen it, so it has not happened.
            self.read_health(host);
            return Applied {
                refused: everywhere.refused,
                ..Applied::default()
            };
        }
        everywhere
    }

    /// Tells a target that is down from one address of several that is: that one is Envoy's to take out.
    fn excuse(&self, host: &impl Host, key: TargetKey, signal: Signal, now: u64) -> Signal {
        let address = || host.property(&["upstream", "address"]).unwrap_or_default();
        let mut all = self.addresses.borrow_mut();
        match signal {
            Signal::Attempt(Outcome::Success { .. }) | Signal::FirstContent { .. } => {
                let known = all.entry(key).or_default();
                if known.should_record_success(now) {
                    known.served(&address(), now);
                }
                signal
            }
            Signal::Attempt(Outcome::ConnectFailed | Outcome::Reset | Outcome::StreamBroken)
                if all.entry(key).or_default().failed(&address(), now) =>
            {
                Signal::Attempt(Outcome::OneAddressDown)
            }
            Signal::StreamEnd(Outcome::StreamBroken)
                if all.entry(key).or_default().failed(&address(), now) =>
            {
                Signal::StreamEnd(Outcome::OneAddressDown)
            }
            Signal::Attempt(_)
            | Signal::StreamEnd(_)
            | Signal::Probe(_)
            | Signal::HalfOpenRequestStarted
            | Signal::Credential { .. }
            | Signal::Tick => signal,
        }
    }

    /// Reads health if it has changed. Asks once in a millisecond at most; `true` when there was news.
    fn take_in_news(&self, host: &impl Host, now_ms: u64) -> bool {
        if self.asked_for_news_ms.replace(now_ms) == now_ms {
            return false;
        }
        let news = host.shared(key::HEALTH_NEWS).map_or(0, |news| news.cas);
        if self.health_news.replace(news) == news {
            return false;
        }
        self.read_health(host);
        true
    }

    fn read_health(&self, host: &impl Host) {
        if let Ok(Shared { value, .. }) = host.shared(key::HEALTH) {
            self.health.replace(HealthTable::decode(&value));
        }
    }

    /// The phase of `target` as this worker knows it.
    pub fn phase(&self, config: &GatewayConfig, target: TargetId, now: Now) -> Phase {
        let now_ms = now.monotonic_ms();
        config
            .index
            .health_config(target)
            .map_or(Phase::Closed, |(key, limits)| {
                self.health.borrow().status(key, limits, now_ms).phase
            })
    }

    /// Goes over to a new policy: what belongs to the old one only is forgotten.
    pub fn adopt(&self, host: &impl Host, config: &GatewayConfig) {
        self.worker.take();
        self.embeddings.turn_to(&config.policy);
        self.addresses.take();
        self.tick(host);
        self.announce_credentials(host, config);
    }

    /// Tells the health machines which targets have a key: plans leave out those that have none.
    pub fn announce_credentials(&self, host: &impl Host, config: &GatewayConfig) {
        for index in 0..config.policy.targets.len() {
            let target = TargetId(index);
            let present = !config.lacks_credential(target);
            self.signal(host, config, target, Signal::Credential { present });
        }
    }

    /// Forgets the health of targets that are in this policy no longer.
    pub fn forget_other_targets(&self, host: &impl Host, config: &GatewayConfig) {
        let kept: Vec<_> = (0..config.policy.targets.len())
            .map(TargetId)
            .flat_map(|id| {
                [
                    config.index.health_config(id),
                    config.index.callout_health_config(id),
                ]
            })
            .flatten()
            .map(|(key, _)| key)
            .collect();
        update_shared(host, key::HEALTH, |blob| {
            let mut table = HealthTable::decode(blob);
            table
                .retain(|key| kept.contains(&key))
                .then(|| table.encode())
        });
    }

    /// Counts a finished attempt for the latency strategies.
    pub fn sample(&self, pair: DeploymentKey, sample: Sample, now: Now) {
        let now_ms = now.monotonic_ms();
        self.gathered.borrow_mut().record(pair, sample, now_ms);
    }

    /// Exchanges what was gathered for what the other workers gathered.
    pub fn tick(&self, host: &impl Host) {
        let now = host.now().monotonic_ms();
        self.read_health(host);
        let mut gathered = self.gathered.borrow_mut();
        if gathered.is_empty() {
            if let Ok(Shared { value, .. }) = host.shared(key::LATENCY) {
                self.latency.replace(LatencySnapshot::decode(&value, now));
            }
        } else if let Some(blob) = update_shared(host, key::LATENCY, |blob| {
            Some(gathered.merge_into(blob, now))
        }) {
            self.worker.borrow_mut().samples_arrived(&gathered);
            gathered.clear();
            self.latency.replace(LatencySnapshot::decode(&blob, now));
        }
        let mine = self.requests.get();
        let total = update_shared(host, key::REQUESTS, |blob| {
            (mine > 0).then(|| read_u64(blob).saturating_add(mine).to_le_bytes().to_vec())
        });
        if let Some(blob) = total {
            self.requests.set(0);
            self.requests_everywhere.set(read_u64(&blob));
        } else if let Ok(Shared { value, .. }) = host.shared(key::REQUESTS) {
            self.requests_everywhere.set(read_u64(&value));
        }
        if now.saturating_sub(self.counted_told_ms.get()) >= COUNTED_INTERVAL_MS {
            self.counted_told_ms.set(now);
            self.tell_counted(host);
        }
        self.look_for_control(host);
    }

    /// Adds what this worker has counted to what all have.
    fn tell_counted(&self, host: &impl Host) -> Option<Vec<u8>> {
        let mut counted = self.counted.borrow_mut();
        if counted.is_empty() {
            return None;
        }
        let written = update_shared(host, key::METRICS, |blob| {
            let mut all = Registry::decode(blob);
            all.merge(&counted);
            Some(all.encode())
        })?;
        counted.clear();
        Some(written)
    }

    /// What all workers have counted; of the others what they have told.
    pub(crate) fn counted(&self, host: &impl Host) -> Registry {
        if let Some(written) = self.tell_counted(host) {
            return Registry::decode(&written);
        }
        let told = host.shared(key::METRICS);
        told.map_or_else(
            |_| Registry::default(),
            |told| Registry::decode(&told.value),
        )
    }

    /// What is known of an account.
    pub(crate) fn usage(&self, account: &Account) -> Usage {
        self.ledger.borrow().usage(account)
    }

    /// A VM that has trapped comes back with the next stream through its filter. Where nobody probes, this worker sends one.
    pub fn wake_monitor(&self, host: &impl Host, config: &GatewayConfig) {
        let Some(cluster) = &config.runtime.monitor_cluster else {
            return;
        };
        let now_ms = host.now().monotonic_ms();
        let waited_ms = now_ms.saturating_sub(self.monitor_woken_ms.get());
        if waited_ms < WAKE_INTERVAL_MS || !leader_lease::is_vacant(host) {
            return;
        }
        // At first a lease that nobody has taken yet is no sign of anything.
        let is_first_look = self.monitor_woken_ms.replace(now_ms) == 0;
        if is_first_look {
            return;
        }
        let headers: [(&str, &[u8]); 3] = [
            (":method", b"GET"),
            (":path", b"/"),
            (":authority", b"monitor"),
        ];
        if let Err(error) = host.call(cluster, &headers, b"", WAKE_INTERVAL_MS) {
            log::warn!("nobody probes targets, and {cluster} cannot be called: {error}");
        }
    }

    fn look_for_control(&self, host: &impl Host) {
        let known = self.control_publication.get();
        if let Some((publication, control)) = shared::newer_control(host, known) {
            self.control_publication.set(Some(publication));
            self.control.replace(Some(Rc::new(control)));
        }
        let has_budgets = self
            .control
            .borrow()
            .as_ref()
            .is_some_and(|control| !control.has_no_provider_budgets());
        if has_budgets && let Ok(Shared { value, .. }) = host.shared(key::LEDGER) {
            self.ledger.replace(Ledger::decode(&value));
        }
    }

    /// Keys and budgets in force.
    pub(crate) fn control(&self, config: &GatewayConfig) -> Rc<Control> {
        let known = self.control.borrow().clone();
        known.unwrap_or_else(|| Rc::new(Control::unheard(&config.runtime)))
    }

    /// The ledger is as it was seen just now.
    pub(crate) fn learn_ledger(&self, ledger: Ledger) {
        self.ledger.replace(ledger);
    }

    /// Targets whose budget is spent, as far as this worker knows.
    pub(crate) fn over_budget(
        &self,
        config: &GatewayConfig,
        control: &Control,
        now: Now,
    ) -> Vec<TargetId> {
        budget::over_budget(&config.policy, control, &self.ledger.borrow(), now)
    }

    /// Who runs this VM, for events and for the collector.
    pub(crate) fn instance_id<'a>(&'a self, config: &'a GatewayConfig) -> &'a str {
        match config.runtime.instance_id.as_str() {
            "" => &self.instance_id,
            named => named,
        }
    }

    /// A planned request has ended: what it holds of budgets is settled, and its event leaves. `client_gone`: it hung up
    /// while an attempt was under way.
    pub(crate) fn close_books(
        &self,
        host: &impl Host,
        context: &mut RequestContext,
        client_gone: bool,
        now: Now,
    ) {
        std::mem::take(&mut context.log.hold).settle(host, || telemetry::bills(context));
        if !self.observes(&context.config) {
            return;
        }
        let mut random = self.random.borrow_mut();
        let instance_id = self.instance_id(&context.config);
        let event = telemetry::of_context(context, instance_id, client_gone, &mut random, now);
        self.observe(&context.config, &event, now);
    }

    /// Events of requests have a reader.
    fn observes(&self, config: &GatewayConfig) -> bool {
        config.runtime.collector_cluster.is_some() || config.metric_labels.is_some()
    }

    /// Counts a request, and sends its event.
    fn observe(&self, config: &GatewayConfig, event: &DecisionEvent<'_>, now: Now) {
        if let Some(labels) = config.metric_labels {
            self.counted.borrow_mut().record(event, labels);
        }
        if config.runtime.collector_cluster.is_some() {
            self.exporter.post(event, now);
        }
    }

    /// The event of a request that ended before it had a plan leaves.
    pub(crate) fn post_refusal(
        &self,
        config: &GatewayConfig,
        log: &RequestLog,
        refused: RejectedRequest<'_>,
        now: Now,
    ) {
        if !self.observes(config) {
            return;
        }
        let mut random = self.random.borrow_mut();
        let instance_id = self.instance_id(config);
        let event = telemetry::of_refusal(config, instance_id, log, refused, &mut random, now);
        self.observe(config, &event, now);
    }

    fn post_transition(
        &self,
        config: &GatewayConfig,
        target: &Target,
        change: &Transition,
        now: Now,
    ) {
        if config.runtime.collector_cluster.is_none() {
            return;
        }
        let key = health::target_key(target);
        let limits = Thresholds::of(target);
        let status = (self.health.borrow()).status(key, &limits, now.monotonic_ms());
        let changed = HealthChanged {
            config,
            instance_id: self.instance_id(config),
            target_id: &target.id,
            change,
            consecutive_failures: status.consecutive_failures,
        };
        let event = changed.event(&mut self.random.borrow_mut(), now.unix_ms);
        self.exporter.post(&event, now);
    }
}

fn is_success(signal: Signal) -> bool {
    matches!(
        signal,
        Signal::Attempt(Outcome::Success { .. }) | Signal::StreamEnd(Outcome::Success { .. })
    )
}

fn log_transition(target: &str, change: &Transition) {
    log::warn!(
        "target {target}: {} -> {} ({})",
        change.from.name(),
        change.to.name(),
        change.reason.name()
    );
}
