//! Data that all VMs of an Envoy process share: workers, and the monitor on the main thread.

use events::KnownControl;
use protocols::json;

use crate::control::Control;
use crate::host::{Host, HostError, Now, Shared};

/// Keys: a fixed set, because shared data never evicts.
pub(crate) mod key {
    pub(crate) const HEALTH: &str = "kt.health";
    /// Written after each change of `HEALTH`. Its value is empty; that its number is another one is the news, so that
    /// asking for it costs the same however many targets there are.
    pub(crate) const HEALTH_NEWS: &str = "kt.health.news";
    pub(crate) const LATENCY: &str = "kt.latency";
    /// What `/metrics` shows.
    pub(crate) const METRICS: &str = "kt.metrics";
    pub(crate) const REQUESTS: &str = "kt.requests";
    pub(crate) const LEDGER: &str = "kt.ledger";
    /// Who probes targets for all workers.
    pub(crate) const HEALTH_CHECKER: &str = "kt.health_checker";
    pub(super) const STARTED: &str = "kt.started";
    pub(super) const POLICY: &str = "kt.policy";
    pub(super) const CONTROL: &str = "kt.control";
    pub(super) const INSTANCE: &str = "kt.instance";
    /// Of requests per minute, one for each remainder of a gateway key's hash.
    pub(super) const RATES: [&str; 16] = [
        "kt.rate.0",
        "kt.rate.1",
        "kt.rate.2",
        "kt.rate.3",
        "kt.rate.4",
        "kt.rate.5",
        "kt.rate.6",
        "kt.rate.7",
        "kt.rate.8",
        "kt.rate.9",
        "kt.rate.a",
        "kt.rate.b",
        "kt.rate.c",
        "kt.rate.d",
        "kt.rate.e",
        "kt.rate.f",
    ];
}

/// Lost races in a row after which a write is given up.
const CAS_ATTEMPTS: usize = 16;

/// Creates what must not be created twice. The main thread configures a module before any worker runs it.
pub fn prepare(host: &impl Host) {
    started(host);
    let others = [key::LEDGER, key::HEALTH_CHECKER];
    for key in key::RATES.into_iter().chain(others) {
        if host.shared(key).is_err() {
            let _ = host.set_shared(key, b"", None);
        }
    }
}

/// When the first VM of this Envoy process was configured.
pub fn started(host: &impl Host) -> Now {
    let known = host.shared(key::STARTED).ok();
    known
        .and_then(|known| read_moment(&known.value))
        .unwrap_or_else(|| {
            let now = host.now();
            let bytes = [now.monotonic_ns, now.unix_ms].map(u64::to_le_bytes);
            // Losing the race is as good as winning it: both started now.
            let _ = host.set_shared(key::STARTED, &bytes.concat(), None);
            now
        })
}

fn read_moment(bytes: &[u8]) -> Option<Now> {
    let (monotonic_ns, rest) = bytes.split_first_chunk()?;
    Some(Now {
        monotonic_ns: u64::from_le_bytes(*monotonic_ns),
        unix_ms: u64::from_le_bytes(rest.try_into().ok()?),
    })
}

/// Leaves the gateway's plugin configuration where the monitor, which has none of its own, finds it.
pub fn publish_configuration(host: &impl Host, configuration: &[u8]) {
    let known = host
        .shared(key::POLICY)
        .is_ok_and(|shared| shared.value == configuration);
    if !known {
        let _ = host.set_shared(key::POLICY, configuration, None);
    }
}

/// What [`publish_configuration`] left last, with a number that changes with every publication.
pub fn published_configuration(host: &impl Host) -> Option<Shared> {
    host.shared(key::POLICY).ok()
}

/// Compare-and-swap until it holds: `change` makes the new value from the current one, or `None` to leave it.
/// Returns what was written. `change` may run several times.
pub(crate) fn update_shared(
    host: &impl Host,
    key: &str,
    mut change: impl FnMut(&[u8]) -> Option<Vec<u8>>,
) -> Option<Vec<u8>> {
    for _ in 0..CAS_ATTEMPTS {
        let (current, cas) = match host.shared(key) {
            Ok(Shared { value, cas }) => (value, Some(cas)),
            Err(HostError::NotFound) => (Vec::new(), None),
            Err(_) => return None,
        };
        let value = change(&current)?;
        match host.set_shared(key, &value, cas) {
            Ok(()) => return Some(value),
            Err(HostError::CasMismatch) => {}
            Err(_) => return None,
        }
    }
    None
}

pub(crate) fn read_u64(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_le_bytes)
}

/// Names this Envoy process where whoever rendered its configuration could not.
pub(crate) fn instance_id(host: &impl Host) -> String {
    if let Ok(Shared { value, .. }) = host.shared(key::INSTANCE) {
        return String::from_utf8(value).unwrap_or_default();
    }
    let id = format!("in_{:016x}", host.random());
    let _ = host.set_shared(key::INSTANCE, id.as_bytes(), None);
    id
}

/// Leaves what is known of keys and budgets to all workers. `false` when they have it already.
pub(crate) fn publish_control(host: &impl Host, known: &KnownControl) -> bool {
    let Ok(state) = serde_json::to_vec(known) else {
        return false;
    };
    let is_there = host
        .shared(key::CONTROL)
        .is_ok_and(|shared| shared.value == state);
    !is_there && host.set_shared(key::CONTROL, &state, None).is_ok()
}

/// What [`publish_control`] left last. It outlives the VM that left it.
pub(crate) fn known_control(host: &impl Host) -> Option<KnownControl> {
    json::parse(&host.shared(key::CONTROL).ok()?.value).ok()
}

/// What [`publish_control`] left last, where that is another than publication `known`.
pub(crate) fn newer_control(host: &impl Host, known: Option<u32>) -> Option<(u32, Control)> {
    let Shared { value, cas } = host.shared(key::CONTROL).ok()?;
    if known == Some(cas) {
        return None;
    }
    let known: KnownControl = json::parse(&value).ok()?;
    Some((cas, Control::of(&known)))
}

/// Which blob holds the requests per minute of a gateway key.
pub(crate) fn rate_table(key: routing::rate::RateKey) -> &'static str {
    let table = usize::try_from(key.table(key::RATES.len() as u64)).unwrap_or(0);
    key::RATES.get(table).copied().unwrap_or("kt.rate.0")
}
