//! How a provider's key gets into its requests without passing through the filter.

use policy::{Credential, Target};
use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::proto::{extension, file_source};
use crate::version::EnvoyVersion;
use crate::{live, mounted};

/// Where Envoy finds the keys.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Keys<'a> {
    /// In files below this run directory, replaced while Envoy runs.
    Live(&'a str),
    /// In the bootstrap itself, by reference ([`referenced_secret`]).
    Referenced,
    /// In files of this folder that lead to keys in the same folder ([`crate::mounted_secrets`]).
    Mounted(&'a str),
}

/// The upstream filters that show `target`'s credential, between the wasm filter and the codec.
pub(crate) fn filters(gateway: &Gateway, target: &Target, keys: Keys) -> Vec<Value> {
    if let Some(region) = &target.aws_sigv4_region {
        return vec![sigv4(region)];
    }
    match target.credential {
        Credential::None => Vec::new(),
        Credential::Env(_) | Credential::Store(_) => {
            let name = secret_name(&target.id);
            let secret = match keys {
                Keys::Live(directory) => {
                    let file = live::secret_file(target, gateway);
                    from_file(&name, file_source(&format!("{directory}/{file}")))
                }
                Keys::Referenced => json!({ "name": name }),
                Keys::Mounted(folder) => mounted::secret(&name, folder, &mounted::file(&target.id)),
            };
            let auth = target.vendor.profile().auth;
            injector(gateway.envoy_version, secret, auth.name, auth.prefix)
        }
    }
}

/// The secret of `target` for [`Keys::Referenced`]: a variable of Envoy's environment, or the file that `stored_file`
/// knows for its name. `None` where it needs none.
pub(crate) fn referenced_secret(
    target: &Target,
    stored_file: &dyn Fn(&str) -> Option<String>,
) -> Option<Value> {
    if target.aws_sigv4_region.is_some() {
        return None;
    }
    let variable = |name: &str| json!({ "environment_variable": name });
    let source = match &target.credential {
        Credential::None => return None,
        Credential::Env(name) => variable(name),
        Credential::Store(name) => match stored_file(name) {
            Some(path) => json!({ "filename": path }),
            None => variable(name),
        },
    };
    Some(json!({ "name": secret_name(&target.id), "generic_secret": { "secret": source } }))
}

/// The name of the secret, in SDS and in the bootstrap.
pub(crate) fn secret_name(target: &str) -> String {
    format!("kt/{target}")
}

/// The secret `name` that is read from the file that `source` tells.
pub(crate) fn from_file(name: &str, source: Value) -> Value {
    json!({ "name": name, "sds_config": source })
}

/// The upstream filters that write `secret` into the header `name` behind `prefix`.
pub(crate) fn injector(
    version: EnvoyVersion,
    secret: Value,
    name: &str,
    prefix: &str,
) -> Vec<Value> {
    let mut settings = json!({ "credential": secret, "header": name });
    let mut behind = None;
    if version.injects_prefixes() {
        settings["header_value_prefix"] = prefix.into();
    } else if !prefix.is_empty() {
        behind = Some(prepend(name, prefix));
    }
    let generic = extension(
        "envoy.http.injected_credentials.generic",
        "envoy.extensions.http.injected_credentials.generic.v3.Generic",
        settings,
    );
    let injector = extension(
        "envoy.filters.http.credential_injector",
        "envoy.extensions.filters.http.credential_injector.v3.CredentialInjector",
        json!({
            "overwrite": true,
            // Without a key the filter would answer the client itself, and nothing would fail over. The provider's
            // own 401 does.
            "allow_request_without_credential": true,
            "credential": generic,
        }),
    );
    std::iter::once(injector).chain(behind).collect()
}

/// Puts `prefix` before the value of the header `name`, if it is there.
fn prepend(name: &str, prefix: &str) -> Value {
    extension(
        "envoy.filters.http.header_mutation",
        "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
        json!({ "mutations": { "request_mutations": [{ "append": {
            "header": { "key": name, "value": format!("{prefix}%REQ({name})%") },
            "append_action": "OVERWRITE_IF_EXISTS",
        } }] } }),
    )
}

/// AWS's signature, with the keys that AWS's own tools would find: variables, profile files, container or instance role.
fn sigv4(region: &str) -> Value {
    extension(
        "envoy.filters.http.aws_request_signing",
        "envoy.extensions.filters.http.aws_request_signing.v3.AwsRequestSigning",
        json!({ "service_name": "bedrock", "region": region }),
    )
}
