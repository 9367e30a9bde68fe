//! `kt policy explain`: the plan that the gateway would make for a request, and why.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use protocols::ClientFormat;

use crate::commands::Failure;
use crate::explain::{self, Asked, AssumedHealth, AssumedLatency, Assumptions};
use crate::files;
use crate::paths::{self, variable};
use crate::policy_file::{self, Refused};
use crate::secrets::Secrets;

/// Longest request that is read, in bytes: the largest `max_request_bytes` of a policy.
const MAX_REQUEST_BYTES: usize = 1 << 30;

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The policy, in YAML or JSON
    #[arg(long, visible_alias = "config", value_name = "FILE")]
    policy_config: PathBuf,
    /// The request's body, in JSON; `-` is standard input
    #[arg(long, value_name = "FILE")]
    request: PathBuf,
    /// The endpoint that it is sent to
    #[arg(long, value_name = "PATH", default_value = "/v1/chat/completions", value_parser = endpoint)]
    path: ClientFormat,
    /// A header of the request, such as `x-conversation-id: 7`; may be repeated
    #[arg(long, value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(String, String)>,
    /// Assume a target's health: healthy, unhealthy, half_open, cooling_down or credential_missing; may be repeated
    #[arg(long, value_name = "ID=HEALTH")]
    health: Vec<AssumedHealth>,
    /// Assume a target's latency, such as `openai=800ms`; may be repeated
    #[arg(long, value_name = "ID=DURATION")]
    latency: Vec<AssumedLatency>,
    /// What strategies that draw lots start from
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let secrets = Secrets {
            folder: paths::secrets_folder(&variable, None),
            variables: &variable,
        };
        let document = match policy_file::read(&self.policy_config, &secrets) {
            Err(Refused::Invalid { rendered, .. }) => {
                for finding in rendered {
                    println!("{finding}");
                }
                return Ok(ExitCode::from(super::INVALID));
            }
            read => read?,
        };
        let body = body(&self.request)?;
        let asked = Asked {
            client: self.path,
            headers: &self.header,
            body: &body,
        };
        let assumptions = Assumptions {
            health: self.health,
            latency: self.latency,
            seed: self.seed,
        };
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let explanation = explain::explain(
            document.policy,
            &asked,
            &assumptions,
            u64::try_from(now_ms)?,
        )?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&explanation)?);
        } else {
            print!("{explanation}");
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn body(file: &Path) -> Result<Vec<u8>, Failure> {
    let (file, name) = policy_file::named(file);
    files::read_to_end(&file, MAX_REQUEST_BYTES)
        .map_err(|error| format!("cannot read {name}: {error}").into())
}

fn endpoint(path: &str) -> Result<ClientFormat, String> {
    ClientFormat::from_path(path)
        .ok_or_else(|| format!("no endpoint of the gateway that goes to a model: {path}"))
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| format!("expected NAME: VALUE, found {text:?}"))?;
    Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
}
