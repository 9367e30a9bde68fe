//! Envoy's bootstrap, with everything in it or with most of it in files.

use policy::cluster::clusters;
use serde_json::{Value, json};

use crate::cluster::target_cluster;
use crate::credential::{Keys, referenced_secret};
use crate::gateway::{Admin, Gateway, RenderError};
use crate::listener::{gateway_listener, metrics_listener};
use crate::proto::{extension, file_source, host_address};
use crate::route::ADMIN_CLUSTER;
use crate::{collector, first_byte, live, monitor, route, wasm};

/// Where the Envoy of a [`document`] finds keys.
#[derive(Clone, Copy)]
pub enum KeySource<'a> {
    /// In variables of its environment, or, for a `store` name of which the function knows the path, in that file. It
    /// refuses to start where one is missing.
    Environment(&'a dyn Fn(&str) -> Option<String>),
    /// In this folder, with the files of [`crate::mounted_secrets`].
    Mounted(&'a str),
}

/// One self-contained bootstrap. Keys stay outside.
///
/// # Errors
/// See [`RenderError`].
pub fn document(gateway: &Gateway, source: KeySource) -> Result<Value, RenderError> {
    let keys = match source {
        KeySource::Environment(_) => Keys::Referenced,
        KeySource::Mounted(folder) => Keys::Mounted(folder),
    };
    let mut rendered = Vec::new();
    let specs = clusters(gateway.policy);
    for spec in &specs {
        rendered.extend(target_cluster(gateway, spec, keys)?);
    }
    let names = specs.iter().map(|spec| spec.name.as_str());
    let routes = route::configuration(gateway, names);
    let filter = wasm::gateway_filter(gateway);
    let mut listeners = vec![gateway_listener(
        gateway,
        ("route_config", routes),
        filter.clone(),
    )];
    listeners.extend(metrics_listener(gateway, filter));
    let mut bootstrap = frame(gateway, listeners, keys)?;
    if let KeySource::Environment(stored_file) = source {
        bootstrap["static_resources"]["secrets"] = static_secrets(gateway, stored_file).into();
    }
    if let Some(all) = bootstrap["static_resources"]["clusters"].as_array_mut() {
        all.extend(rendered);
    }
    Ok(bootstrap)
}

/// Of the bootstrap `document`, what another bootstrap can be given.
pub fn fragment(document: &Value) -> Value {
    json!({
        "stats_config": document["stats_config"],
        "bootstrap_extensions": document["bootstrap_extensions"],
        "static_resources": document["static_resources"],
    })
}

/// Envoy crashes on a cluster that names a static secret which is not there (1.36 to 1.40), so these stand in the very
/// document that names them.
fn static_secrets(gateway: &Gateway, stored_file: &dyn Fn(&str) -> Option<String>) -> Vec<Value> {
    let targets = gateway.policy.targets.iter();
    let mut secrets: Vec<Value> = targets
        .filter_map(|target| referenced_secret(target, stored_file))
        .collect();
    if gateway.collector.as_ref().is_some_and(|it| it.with_token) {
        secrets.push(collector::referenced_token());
    }
    secrets
}

/// The bootstrap that reads the other files of [`live`] from `directory`.
pub(crate) fn live_bootstrap(gateway: &Gateway, directory: &str) -> Result<Value, RenderError> {
    let source = |file: &str| file_source(&format!("{directory}/{file}"));
    let routes = json!({ "route_config_name": route::ROUTE_CONFIGURATION, "config_source": source(live::ROUTES) });
    let filter = json!({
        "name": wasm::GATEWAY_FILTER,
        "config_discovery": { "config_source": source(live::FILTER), "type_urls": [wasm::filter_type()] },
    });
    let mut listeners = vec![gateway_listener(gateway, ("rds", routes), filter.clone())];
    listeners.extend(metrics_listener(gateway, filter));
    let mut bootstrap = frame(gateway, listeners, Keys::Live(directory))?;
    bootstrap["dynamic_resources"] = json!({ "cds_config": source(live::CLUSTERS) });
    Ok(bootstrap)
}

/// Free memory that goes back to the system in a second, at most: slowly, so that what is taken again soon is not given back.
const RELEASED_BYTES: u32 = 8 * 1024 * 1024;

/// What both forms have.
fn frame(gateway: &Gateway, mut listeners: Vec<Value>, keys: Keys) -> Result<Value, RenderError> {
    let admin = admin_address(&gateway.admin)?;
    listeners.push(first_byte::listener(gateway));
    let mut clusters = vec![
        local_cluster(ADMIN_CLUSTER, admin.clone()),
        first_byte::cluster(gateway.module),
    ];
    if gateway.monitor {
        listeners.push(monitor::listener(gateway.module));
        clusters.push(monitor::cluster());
    }
    if let Some(collector) = &gateway.collector {
        clusters.push(collector::cluster(gateway, collector, keys)?);
    }
    Ok(json!({
        // Secrets from files need both.
        "node": { "id": gateway.runtime.gateway_id, "cluster": "keeptrusts" },
        "admin": { "address": admin },
        "stats_config": { "stats_tags": filter_metric_labels() },
        // Else the allocator keeps what compiling and bodies of megabytes have taken for ever.
        "memory_allocator_manager": { "bytes_to_release": RELEASED_BYTES, "memory_release_interval": "1s" },
        "overload_manager": { "resource_monitors": [connection_limit()] },
        "bootstrap_extensions": [first_byte::internal_listeners()],
        "static_resources": {
            "listeners": listeners,
            "clusters": clusters,
        },
    }))
}

fn admin_address(admin: &Admin) -> Result<Value, RenderError> {
    match admin {
        Admin::Socket(path) => Ok(json!({ "pipe": { "path": path, "mode": 0o600 } })),
        Admin::Loopback(address) if address.ip().is_loopback() => {
            Ok(host_address(&address.ip().to_string(), address.port()))
        }
        Admin::Loopback(address) => Err(RenderError::AdminNotLoopback(*address)),
    }
}

fn local_cluster(name: &str, address: Value) -> Value {
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address } }] }],
        },
    })
}

/// Statistics of wasm modules have no labels: the filter writes them into the name. A target's id may have dots, so it comes
/// last. Envoy takes one expression for each label.
fn filter_metric_labels() -> Vec<Value> {
    const METRIC: &str = r"^wasmcustom\.keeptrusts\.[^.]+";
    let regexes = [
        (
            "target",
            format!(r"{METRIC}(?:\.(?:to|reason)\.[^.]+)*(\.target\.(.+))$"),
        ),
        ("to", format!(r"{METRIC}(\.to\.([^.]+))")),
        (
            "reason",
            format!(r"{METRIC}(?:\.to\.[^.]+)?(\.reason\.([^.]+))"),
        ),
    ];
    regexes
        .map(|(label, regex)| json!({ "tag_name": label, "regex": regex }))
        .to_vec()
}

fn connection_limit() -> Value {
    extension(
        "envoy.resource_monitors.global_downstream_max_connections",
        "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
        json!({ "max_active_downstream_connections": 50_000 }),
    )
}
