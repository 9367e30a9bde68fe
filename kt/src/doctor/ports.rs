//! Is the gateway's port free, or does a gateway have it already?

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use serde_json::Value;

use super::report::Finding;
use crate::http::agent;

const PATIENCE: Duration = Duration::from_secs(2);

/// The port that clients connect to.
pub(crate) fn gateway(listen: SocketAddr) -> Finding {
    let check = format!("port {listen}");
    match TcpListener::bind(listen) {
        Ok(_) => Finding::ok(check, "free"),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => match health(listen) {
            Some(status) => Finding::ok(check, format!("a gateway serves there, and is {status}")),
            None => Finding::failed(check, "another program has it: choose another with --port"),
        },
        Err(error) => Finding::failed(check, format!("cannot be listened on: {error}")),
    }
}

/// What a gateway on this address says of itself.
fn health(address: SocketAddr) -> Option<String> {
    let mut answer = agent(PATIENCE)
        .ok()?
        .get(format!("http://{address}/health"))
        .call()
        .ok()?;
    let text = answer.body_mut().read_to_string().ok()?;
    let health: Value = serde_json::from_str(&text).ok()?;
    health.get("providers")?;
    Some(health.get("status")?.as_str()?.to_owned())
}
