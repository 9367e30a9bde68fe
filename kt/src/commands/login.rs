//! Who may sign in to the console beside whoever has the API token: what the command line says of an OpenID provider.

use std::path::PathBuf;

use clap::Args;
use collector::{LoginSettings, Role};

use super::Failure;
use crate::files;
use crate::paths::variable;

const SECRET_VARIABLE: &str = "KEEPTRUSTS_OIDC_CLIENT_SECRET";

#[derive(Debug, Args)]
pub(crate) struct Login {
    /// Let people of this OpenID provider sign in to the console: its issuer, https://… [default: only with the API token]
    #[arg(long, value_name = "URL", requires_all = ["oidc_client_id", "oidc_role"])]
    oidc_issuer: Option<String>,
    /// As which client the console is registered there
    #[arg(long, value_name = "ID", requires = "oidc_issuer")]
    oidc_client_id: Option<String>,
    /// The client's secret, or KEEPTRUSTS_OIDC_CLIENT_SECRET [default: none, a public client]
    #[arg(long, value_name = "FILE", requires = "oidc_issuer")]
    oidc_client_secret_file: Option<PathBuf>,
    /// The claim that tells people's roles
    #[arg(
        long,
        value_name = "NAME",
        requires = "oidc_issuer",
        default_value = "groups"
    )]
    oidc_role_claim: String,
    /// Which of its values gives which role, such as `admin=platform-team`, or `viewer=*` for everybody; may be repeated
    #[arg(long, value_name = "ROLE=VALUE", value_parser = role, requires = "oidc_issuer")]
    oidc_role: Vec<(Role, String)>,
    /// Where browsers reach the console [default: where the collector listens]
    #[arg(long, value_name = "URL", requires = "oidc_issuer")]
    console_url: Option<String>,
}

impl Login {
    /// `None` without a provider. `listen` is where the collector listens.
    pub(crate) fn settings(&self, listen: &str) -> Result<Option<LoginSettings>, Failure> {
        let (Some(issuer), Some(client_id)) = (&self.oidc_issuer, &self.oidc_client_id) else {
            return Ok(None);
        };
        let client_secret = match &self.oidc_client_secret_file {
            Some(file) => Some(
                files::read_token(file)
                    .map_err(|error| format!("cannot read {}: {error}", file.display()))?,
            ),
            None => variable(SECRET_VARIABLE),
        };
        let console_url = self.console_url.clone();
        let settings = LoginSettings {
            issuer: issuer.clone(),
            client_id: client_id.clone(),
            client_secret,
            console_url: console_url.unwrap_or_else(|| format!("http://{listen}")),
            role_claim: self.oidc_role_claim.clone(),
            roles: self.oidc_role.clone(),
        };
        settings.check()?;
        Ok(Some(settings))
    }
}

fn role(text: &str) -> Result<(Role, String), String> {
    let expected = || format!("expected viewer=…, operator=… or admin=…, found {text:?}");
    let (name, value) = text.split_once('=').ok_or_else(expected)?;
    let role = Role::parse(name).ok_or_else(expected)?;
    if value.is_empty() {
        return Err(expected());
    }
    Ok((role, value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_given_by_values() {
        assert_eq!(role("admin=a=b"), Ok((Role::Admin, "a=b".to_owned())));
        assert_eq!(role("viewer=*"), Ok((Role::Viewer, "*".to_owned())));
        for text in ["admin", "admin=", "owner=x", ""] {
            assert!(role(text).is_err(), "{text}");
        }
    }
}
