//! `kt console`: opens the collector's page, signed in.

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use clap::Args;
use policy::BaseUrl;

use super::Failure;
use super::gateway::DEFAULT_COLLECTOR;
use crate::collector_url;
use crate::files;
use crate::output::print;
use crate::paths::{self, variable};

#[derive(Debug, Args)]
pub(crate) struct Console {
    /// The collector [default: where `kt gateway run` starts one]
    #[arg(long, value_name = "URL", value_parser = collector_url::parse, env = "KEEPTRUSTS_API_URL")]
    api_url: Option<BaseUrl>,
    /// Its API token [default: from the file api-token of the data folder]
    #[arg(
        long,
        value_name = "TOKEN",
        env = "KEEPTRUSTS_API_TOKEN",
        hide_env_values = true
    )]
    api_token: Option<String>,
    /// Where the token is [default: the user's data folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Print the address instead of opening it; whoever has it is signed in
    #[arg(long)]
    print: bool,
}

impl Console {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let base = match &self.api_url {
            Some(url) => format!("{}://{}", url.scheme(), url.authority()),
            None => format!("http://{DEFAULT_COLLECTOR}"),
        };
        let token = match self.api_token {
            Some(token) => token,
            None => {
                let folder = self
                    .data_dir
                    .unwrap_or_else(|| paths::data_folder(&variable));
                let file = folder.join("api-token");
                files::read_token(&file).map_err(|error| {
                    format!(
                        "cannot read {}: {error}; start a gateway first, or name its --data-dir",
                        file.display()
                    )
                })?
            }
        };
        // Behind the `#`, so that no server and no log ever sees it.
        let address = format!("{base}/#token={token}");
        if self.print || !open(&address) {
            print(&format!("{address}\n"))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// `false` where nothing opens addresses.
fn open(address: &str) -> bool {
    let opener = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let status = Command::new(opener)
        .arg(address)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}
