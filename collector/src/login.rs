//! Who may use the console, and how much: people whom an OpenID provider knows (OpenID Connect Core 1.0, authorization code
//! with PKCE), beside whoever has the API token.

mod id_token;
mod provider;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use provider::{LoginError, MAX_AT_ONCE, Provider};

/// What somebody may do; each also what the ones before may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Look at everything.
    Viewer,
    /// Also change thresholds, test webhooks, give feedback and use the playground.
    Operator,
    /// Also make and end keys, budgets and webhooks.
    Admin,
}

/// An OpenID provider, and whom of its people to let in.
#[derive(Clone)]
pub struct LoginSettings {
    /// Its issuer: `https://…`, or `http://…` on a loopback address.
    pub issuer: String,
    /// As which client the console is registered there, with the redirect URI `{console_url}/login/callback`.
    pub client_id: String,
    /// The client's secret; `None` for a public client, which PKCE alone protects.
    pub client_secret: Option<String>,
    /// Where browsers reach the console, without a path.
    pub console_url: String,
    /// The claim of the ID token that tells the role: a text or a list of texts; `a.b` is the member `b` of `a`.
    pub role_claim: String,
    /// Which of its values give which role; `*` is everybody whom the provider knows. The highest role counts.
    pub roles: Vec<(Role, String)>,
}

/// Settings that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLogin {
    /// Tokens must not cross a network in clear text.
    #[error("{what}: expected https://… or http:// with a loopback address, found {found:?}")]
    Url {
        /// Which setting.
        what: &'static str,
        /// What it is.
        found: String,
    },
    /// Nobody would get in.
    #[error("roles: expected at least one, such as admin=platform-team")]
    NoRoles,
}

/// Somebody who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) role: Role,
    /// As the provider names them; absent with the API token.
    pub(crate) name: Option<String>,
}

// === impl Role ===

impl Role {
    /// All, from the least to the most.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// As settings and answers write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// By its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

// === impl LoginSettings ===

impl LoginSettings {
    /// Checks addresses and roles.
    ///
    /// # Errors
    /// See [`InvalidLogin`].
    pub fn check(&self) -> Result<(), InvalidLogin> {
        for (what, url) in [("issuer", &self.issuer), ("console URL", &self.console_url)] {
            if !is_private(url) {
                let found = url.clone();
                return Err(InvalidLogin::Url { what, found });
            }
        }
        if self.roles.is_empty() {
            return Err(InvalidLogin::NoRoles);
        }
        Ok(())
    }

    fn redirect_uri(&self) -> String {
        format!("{}/login/callback", self.console_url.trim_end_matches('/'))
    }

    /// The role that claims give; `None`: this person is not let in.
    fn role(&self, claims: &Value) -> Option<Role> {
        let pointer = format!("/{}", self.role_claim.replace('.', "/"));
        // A name with a dot in it, such as a URL, is a claim of its own.
        let found = claims
            .get(&self.role_claim)
            .or_else(|| claims.pointer(&pointer));
        let values: Vec<&str> = match found {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let gives = |(role, wanted): &(Role, String)| {
            (wanted == "*" || values.contains(&wanted.as_str())).then_some(*role)
        };
        self.roles.iter().filter_map(gives).max()
    }
}

// The secret must not get into logs.
impl std::fmt::Debug for LoginSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginSettings")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// Whether nobody on the way reads what is sent to this address.
fn is_private(url: &str) -> bool {
    if url.starts_with("https://") {
        return true;
    }
    let Some(rest) = url.strip_prefix("http://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(role_claim: &str, roles: &[(Role, &str)]) -> LoginSettings {
        let roles = roles.iter().map(|&(role, value)| (role, value.to_owned()));
        LoginSettings {
            issuer: "https://id.example".into(),
            client_id: "console".into(),
            client_secret: None,
            console_url: "https://console.example/".into(),
            role_claim: role_claim.into(),
            roles: roles.collect(),
        }
    }

    #[test]
    fn the_highest_role_that_claims_give_counts() {
        use Role::{Admin, Operator, Viewer};
        let two = [(Viewer, "staff"), (Admin, "platform")];
        let everybody = [(Viewer, "*"), (Operator, "oncall")];
        for (claim, roles, claims, expected) in [
            (
                "groups",
                &two,
                json!({"groups": ["platform", "staff"]}),
                Some(Admin),
            ),
            ("groups", &two, json!({"groups": "staff"}), Some(Viewer)),
            ("groups", &two, json!({"groups": ["others"]}), None),
            ("groups", &two, json!({}), None),
            ("groups", &everybody, json!({}), Some(Viewer)),
            (
                "groups",
                &everybody,
                json!({"groups": ["oncall"]}),
                Some(Operator),
            ),
            (
                "realm_access.roles",
                &two,
                json!({"realm_access": {"roles": ["staff"]}}),
                Some(Viewer),
            ),
            (
                "https://a.b/roles",
                &two,
                json!({"https://a.b/roles": ["platform"]}),
                Some(Admin),
            ),
        ] {
            assert_eq!(
                settings(claim, roles).role(&claims),
                expected,
                "{claim} {claims}"
            );
        }
    }

    #[test]
    fn tokens_go_over_tls_or_stay_on_the_machine() {
        let good = settings("groups", &[(Role::Admin, "x")]);
        assert_eq!(good.check(), Ok(()));
        assert_eq!(
            good.redirect_uri(),
            "https://console.example/login/callback"
        );
        for (url, expected) in [
            ("http://127.0.0.1:9/a", true),
            ("http://[::1]:9", true),
            ("http://localhost", true),
            ("http://id.example", false),
            ("http://127.0.0.1.example", false),
            ("http://localhost@id.example", false),
            ("ftp://localhost", false),
        ] {
            assert_eq!(is_private(url), expected, "{url}");
        }
        let nobody = settings("groups", &[]);
        assert_eq!(nobody.check(), Err(InvalidLogin::NoRoles));
    }
}
