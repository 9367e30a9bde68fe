//! `--simulate`: local providers in place of the policy's, for a first look without keys.

use std::collections::BTreeMap;
use std::io;

use catalog::UpstreamFormat;
use policy::{BaseUrl, Policy};
use simulator::{Dialect, Provider};

use crate::paths;

/// An environment in which every key and every base URL is set.
pub(crate) fn variable(name: &str) -> Option<String> {
    let simulated = || "https://simulated.invalid".to_owned();
    Some(paths::variable(name).unwrap_or_else(simulated))
}

/// Simulated providers by target id. They end when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Simulation {
    providers: BTreeMap<String, Provider>,
}

impl Simulation {
    /// Starts what `policy` needs beside what is there; where all of its targets are reached then.
    pub(crate) async fn addresses(
        &mut self,
        policy: &Policy,
    ) -> io::Result<BTreeMap<String, BaseUrl>> {
        for target in &policy.targets {
            let dialect = dialect(target.vendor.format());
            if !self.providers.contains_key(&target.id) {
                let provider = Provider::start(&target.id, dialect).await?;
                provider.forget_requests();
                self.providers.insert(target.id.clone(), provider);
            }
        }
        let address = |provider: &Provider| BaseUrl {
            tls: false,
            host: provider.address().ip().to_string(),
            port: provider.address().port(),
            path: String::new(),
        };
        Ok(self
            .providers
            .iter()
            .map(|(id, provider)| (id.clone(), address(provider)))
            .collect())
    }
}

fn dialect(format: UpstreamFormat) -> Dialect {
    match format {
        UpstreamFormat::OpenAi => Dialect::OpenAi,
        UpstreamFormat::Anthropic => Dialect::Anthropic,
        UpstreamFormat::Bedrock => Dialect::Bedrock,
    }
}
