//! Which of the paths of [`catalog::PathLayout::Deployments`] a target's base URL stands for.

use crate::model::{BaseUrl, Target};

/// `api-version` of deployment paths when the target gives none: the last dated GA version before the v1 path.
pub const DEFAULT_API_VERSION: &str = "2024-10-21";

/// How a request path is made for a resource with deployments. Prefixes begin with `/` and do not end with one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeploymentsPath {
    /// `{prefix}/chat/completions`, the deployment's name as `model` in the body, no `api-version`.
    V1 {
        /// Such as `/openai/v1`.
        prefix: String,
    },
    /// `{prefix}/chat/completions?api-version=…`: the base URL names the deployment, whatever the member's model is.
    Deployment {
        /// Such as `/openai/deployments/gpt-4o`.
        prefix: String,
        /// Last segment of the prefix.
        deployment: String,
        /// Value of the query parameter.
        api_version: String,
    },
    /// `{prefix}/deployments/{model}/chat/completions?api-version=…`: the model is the deployment's name.
    DeploymentPerModel {
        /// Such as `/openai`.
        prefix: String,
        /// Value of the query parameter.
        api_version: String,
    },
}

impl DeploymentsPath {
    /// The layout of `target`, whose provider should have deployments.
    ///
    /// | path of the base URL | `api_version` | layout |
    /// |---|---|---|
    /// | `…/deployments/NAME` | given or not | `Deployment` |
    /// | `…/v1` | ignored | `V1` |
    /// | none, `/openai`, or another prefix | given | `DeploymentPerModel` below `…/openai` |
    /// | none, `/openai`, or another prefix | none | `V1` below `…/openai/v1` |
    pub fn of(target: &Target) -> Self {
        Self::new(&target.base_url, target.api_version.as_deref())
    }

    /// See [`DeploymentsPath::of`].
    pub fn new(base_url: &BaseUrl, api_version: Option<&str>) -> Self {
        let path = base_url.path.as_str();
        let mut segments = path.rsplit('/');
        let (last, before) = (
            segments.next().unwrap_or_default(),
            segments.next().unwrap_or_default(),
        );
        if before == "deployments" && !last.is_empty() {
            let api_version = api_version.unwrap_or(DEFAULT_API_VERSION).to_owned();
            return Self::Deployment {
                prefix: path.to_owned(),
                deployment: last.to_owned(),
                api_version,
            };
        }
        if last == "v1" {
            return Self::V1 {
                prefix: path.to_owned(),
            };
        }
        let prefix = if last == "openai" {
            path.to_owned()
        } else {
            format!("{path}/openai")
        };
        match api_version {
            Some(version) => Self::DeploymentPerModel {
                prefix,
                api_version: version.to_owned(),
            },
            None => Self::V1 {
                prefix: format!("{prefix}/v1"),
            },
        }
    }

    /// Path and query of the listing that probes use: it costs nothing and needs the key.
    pub fn models_path(&self) -> String {
        match self {
            Self::V1 { prefix } => format!("{prefix}/models"),
            Self::Deployment {
                prefix,
                deployment,
                api_version,
            } => {
                let above = prefix
                    .strip_suffix(deployment.as_str())
                    .and_then(|p| p.strip_suffix("/deployments/"));
                format!(
                    "{}/models?api-version={api_version}",
                    above.unwrap_or("/openai")
                )
            }
            Self::DeploymentPerModel {
                prefix,
                api_version,
            } => format!("{prefix}/models?api-version={api_version}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn every_form_of_base_url_has_one_layout() {
        let v1 = |prefix: &str| DeploymentsPath::V1 {
            prefix: prefix.into(),
        };
        let per_model = |prefix: &str| DeploymentsPath::DeploymentPerModel {
            prefix: prefix.into(),
            api_version: "2025-01-01".into(),
        };
        let named = |prefix: &str, version: &str| DeploymentsPath::Deployment {
            prefix: prefix.into(),
            deployment: "gpt-4o".into(),
            api_version: version.into(),
        };
        for (path, version, layout, models) in [
            ("", None, v1("/openai/v1"), "/openai/v1/models"),
            ("/openai", None, v1("/openai/v1"), "/openai/v1/models"),
            ("/openai/v1", None, v1("/openai/v1"), "/openai/v1/models"),
            (
                "/openai/v1",
                Some("2025-01-01"),
                v1("/openai/v1"),
                "/openai/v1/models",
            ),
            (
                "",
                Some("2025-01-01"),
                per_model("/openai"),
                "/openai/models?api-version=2025-01-01",
            ),
            (
                "/apim",
                Some("2025-01-01"),
                per_model("/apim/openai"),
                "/apim/openai/models?api-version=2025-01-01",
            ),
            (
                "/openai/deployments/gpt-4o",
                None,
                named("/openai/deployments/gpt-4o", DEFAULT_API_VERSION),
                "/openai/models?api-version=2024-10-21",
            ),
            (
                "/apim/openai/deployments/gpt-4o",
                Some("2025-01-01"),
                named("/apim/openai/deployments/gpt-4o", "2025-01-01"),
                "/apim/openai/models?api-version=2025-01-01",
            ),
        ] {
            let base = BaseUrl {
                tls: true,
                host: "x.openai.azure.com".into(),
                port: 443,
                path: path.into(),
            };
            let found = DeploymentsPath::new(&base, version);
            assert_eq!(found, layout, "{path} {version:?}");
            assert_eq!(found.models_path(), models);
        }
    }
}
