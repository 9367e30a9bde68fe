//! What a collector elsewhere says before Envoy asks it itself.

use std::time::Duration;

use events::ControlState;
use policy::BaseUrl;

use crate::commands::Failure;

const PATIENCE: Duration = Duration::from_secs(3);

/// Whether requests need a gateway key.
pub(crate) fn keys_required(collector: &BaseUrl, token: Option<&str>) -> Result<bool, Failure> {
    let scheme = collector.scheme();
    let url = format!("{scheme}://{}/v1/control", collector.authority());
    let mut request = crate::http::agent(PATIENCE)?.get(url);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let mut answer = request.call()?;
    if !answer.status().is_success() {
        return Err(format!("it answered {}", answer.status()).into());
    }
    let text = answer.body_mut().read_to_string()?;
    let state: ControlState = serde_json::from_str(&text)?;
    Ok(state.keys_required)
}
