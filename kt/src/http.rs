//! A client that trusts whom Envoy trusts.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use crate::commands::Failure;
use crate::files;
use crate::find;
use crate::paths::variable;

/// Those of all authorities of the world take a fraction of it.
const MOST_CA_BYTES: usize = 16 << 20;

/// Every exchange ends within `patience`. Statuses are answers, redirects are not followed: nothing but the address
/// that was asked for may see a key.
pub(crate) fn agent(patience: Duration) -> Result<Agent, Failure> {
    let mut tls = TlsConfig::builder();
    if let Some(file) = find::ca_file(&variable) {
        let bytes = files::read(Path::new(&file), MOST_CA_BYTES)
            .map_err(|error| format!("cannot read {file}: {error}"))?;
        let authorities = parse_pem(&bytes).filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        });
        tls = tls.root_certs(RootCerts::Specific(Arc::new(authorities.collect())));
    }
    Ok(Agent::config_builder()
        .timeout_global(Some(patience))
        .max_redirects(0)
        .http_status_as_error(false)
        .tls_config(tls.build())
        .build()
        .into())
}
