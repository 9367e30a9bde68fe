//! Which targets and vendors gateways serve with, as far as they have told: kept in the store, so that commands which open
//! it know the names as well.

use std::collections::BTreeSet;

use events::GatewayReport;
use serde::{Deserialize, Serialize};

use crate::api::ApiError;
use crate::records;
use crate::store::{RecordKind, Store, StoreError};

/// Gateways that are remembered.
const MAX_GATEWAYS: usize = 1_000;
/// Names that a refusal suggests.
const SUGGESTIONS: usize = 3;
/// Below that, names are not alike.
const ALIKE: f64 = 0.7;

/// What a gateway serves with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StoredGateway {
    gateway_id: String,
    /// Ids of its targets, with their vendors.
    targets: Vec<(String, String)>,
    /// Names of its model groups. Earlier versions did not keep them.
    #[serde(default)]
    groups: Vec<String>,
}

/// Keeps what a gateway told.
pub(crate) fn remember(store: &dyn Store, report: &GatewayReport<'_>) -> Result<(), ApiError> {
    let gateway = StoredGateway {
        gateway_id: report.gateway_id.to_string(),
        targets: (report.providers.iter())
            .map(|one| (one.id.to_string(), one.vendor.to_string()))
            .collect(),
        groups: report.groups.iter().map(ToString::to_string).collect(),
    };
    let known = all(store)?;
    if known.contains(&gateway) || known.len() >= MAX_GATEWAYS {
        return Ok(());
    }
    let id = records::id_of("gw_", gateway.gateway_id.as_bytes());
    records::put(store, RecordKind::Gateway, &id, &gateway)
}

fn all(store: &dyn Store) -> Result<Vec<StoredGateway>, StoreError> {
    Ok(records::all(store, RecordKind::Gateway, "gateway_id")?.readable)
}

/// Refuses a name that is neither a target's nor a vendor's of any gateway, with those that are nearest. Before the first
/// gateway has told, every name may be one.
///
/// # Errors
/// [`ApiError::Invalid`] for such a name.
pub(crate) fn check_provider(store: &dyn Store, name: &str) -> Result<(), ApiError> {
    let gateways = all(store)?;
    let names: BTreeSet<&str> = (gateways.iter())
        .flat_map(|gateway| &gateway.targets)
        .flat_map(|(id, vendor)| [id.as_str(), vendor.as_str()])
        .collect();
    if names.is_empty() || names.contains(name) {
        return Ok(());
    }
    Err(ApiError::Invalid(format!(
        "provider: no gateway has a target or vendor {name:?}; {}",
        hint(name, &names)
    )))
}

/// Says of each of `models` that no gateway has such a model group. It may be an alias, or a provider's model.
pub(crate) fn unknown_groups(
    store: &dyn Store,
    models: &[String],
) -> Result<Vec<String>, StoreError> {
    let gateways = all(store)?;
    let names: BTreeSet<&str> = (gateways.iter())
        .flat_map(|gateway| &gateway.groups)
        .map(String::as_str)
        .collect();
    let is_unknown = |model: &&String| !names.is_empty() && !names.contains(model.as_str());
    let told = |model: &String| {
        format!(
            "no gateway has a model group {model:?} ({}): the key opens an alias or a model of that name",
            hint(model, &names)
        )
    };
    Ok(models.iter().filter(is_unknown).map(told).collect())
}

/// Which names are like `name`.
fn hint(name: &str, names: &BTreeSet<&str>) -> String {
    let mut alike: Vec<(f64, &str)> = (names.iter())
        .map(|&other| (likeness(name, other), other))
        .collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let quoted = |names: Vec<&str>| {
        let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
        quoted.join(", ")
    };
    let near: Vec<&str> = (alike.iter())
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .map(|&(_, name)| name)
        .take(SUGGESTIONS)
        .collect();
    if near.is_empty() {
        let some = alike.iter().map(|&(_, name)| name).take(SUGGESTIONS);
        format!("there are {}", quoted(some.collect()))
    } else {
        format!("the nearest names are {}", quoted(near))
    }
}

/// 1 for names that differ in nothing but case, and for one that the other begins with nearly as much.
fn likeness(a: &str, b: &str) -> f64 {
    strsim::jaro_winkler(&a.to_lowercase(), &b.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names_come_first() {
        let names = BTreeSet::from([
            "openai",
            "openai-main",
            "azure",
            "azure-secondary",
            "anthropic",
        ]);
        for (name, expected) in [
            (
                "opneai",
                "the nearest names are \"openai\", \"openai-main\"",
            ),
            ("Anthropic", "the nearest names are \"anthropic\""),
            (
                "qqq",
                "there are \"anthropic\", \"azure\", \"azure-secondary\"",
            ),
        ] {
            let said = hint(name, &names);
            assert_eq!(said, expected);
        }
    }
}
