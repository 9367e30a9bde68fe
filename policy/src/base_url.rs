//! Base URLs: parsing, what is refused, and how a vendor completes a URL that has no path.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use catalog::{PathLayout, Provider, UpstreamFormat};
use thiserror::Error;

use crate::model::BaseUrl;

const LONGEST_URL: usize = 2048;
const LONGEST_HOST: usize = 253;
const LONGEST_LABEL: usize = 63;

/// Why a text is no base URL. Messages never repeat the text, which may hold a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidBaseUrl {
    /// Neither `http://` nor `https://`.
    #[error("a base URL begins with http:// or https://")]
    Scheme,
    /// `user:password@`
    #[error("a base URL holds no user name or password")]
    UserInfo,
    /// `?`
    #[error("a base URL has no query; for Azure's `api-version` there is the key `api_version`")]
    Query,
    /// `#`
    #[error("a base URL has no fragment")]
    Fragment,
    /// No name or address that DNS or IP allows.
    #[error("the host is neither a DNS name nor an address")]
    Host,
    /// Not from 1 to 65535.
    #[error("the port is not a number from 1 to 65535")]
    Port,
    /// Spaces, controls, empty or relative segments.
    #[error("the path has a character or segment that does not belong into a base URL")]
    Path,
    /// Longer than 2048 characters.
    #[error("the base URL is longer than 2048 characters")]
    Length,
}

impl FromStr for BaseUrl {
    type Err = InvalidBaseUrl;

    /// Host in lower case, port by scheme where none is given, no `/` at the end of the path.
    fn from_str(text: &str) -> Result<Self, InvalidBaseUrl> {
        if text.len() > LONGEST_URL {
            return Err(InvalidBaseUrl::Length);
        }
        let (scheme, rest) = text.split_once("://").ok_or(InvalidBaseUrl::Scheme)?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(InvalidBaseUrl::Scheme),
        };
        let (authority, path) = match rest
            .find(['/', '?', '#'])
            .and_then(|at| rest.split_at_checked(at))
        {
            Some((authority, path)) => (authority, path),
            None => (rest, ""),
        };
        if authority.contains('@') {
            return Err(InvalidBaseUrl::UserInfo);
        }
        if path.contains('#') {
            return Err(InvalidBaseUrl::Fragment);
        }
        if path.contains('?') {
            return Err(InvalidBaseUrl::Query);
        }
        let (host, port) = split_port(authority)?;
        let host = parse_host(host)?;
        let port = match port {
            None => {
                if tls {
                    443
                } else {
                    80
                }
            }
            Some(digits) => parse_port(digits)?,
        };
        Ok(Self {
            tls,
            host,
            port,
            path: parse_path(path)?,
        })
    }
}

/// `host`, `host:port`, `[v6]`, `[v6]:port`
fn split_port(authority: &str) -> Result<(&str, Option<&str>), InvalidBaseUrl> {
    if authority.starts_with('[') {
        let end = authority.find(']').ok_or(InvalidBaseUrl::Host)?;
        let (host, port) = authority
            .split_at_checked(end.saturating_add(1))
            .ok_or(InvalidBaseUrl::Host)?;
        return match port {
            "" => Ok((host, None)),
            port => port
                .strip_prefix(':')
                .map(|port| (host, Some(port)))
                .ok_or(InvalidBaseUrl::Host),
        };
    }
    match authority.split_once(':') {
        None => Ok((authority, None)),
        Some((host, port)) => Ok((host, Some(port))),
    }
}

fn parse_port(digits: &str) -> Result<u16, InvalidBaseUrl> {
    let decimal = digits.chars().all(|c| c.is_ascii_digit());
    digits
        .parse::<u16>()
        .ok()
        .filter(|port| decimal && *port > 0)
        .ok_or(InvalidBaseUrl::Port)
}

fn parse_host(host: &str) -> Result<String, InvalidBaseUrl> {
    if let Some(literal) = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        return literal
            .parse::<Ipv6Addr>()
            .map(|address| address.to_string())
            .map_err(|_| InvalidBaseUrl::Host);
    }
    let labels: Vec<&str> = host.split('.').collect();
    let numeric = labels
        .last()
        .is_some_and(|label| label.starts_with(|c: char| c.is_ascii_digit()));
    if numeric {
        return host
            .parse::<Ipv4Addr>()
            .map(|address| address.to_string())
            .map_err(|_| InvalidBaseUrl::Host);
    }
    let good_label = |label: &&str| {
        (1..=LONGEST_LABEL).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    if host.len() <= LONGEST_HOST && labels.iter().all(good_label) {
        Ok(host.to_ascii_lowercase())
    } else {
        Err(InvalidBaseUrl::Host)
    }
}

fn parse_path(path: &str) -> Result<String, InvalidBaseUrl> {
    let path = path.trim_end_matches('/');
    let good_segment = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && segment.chars().all(|c| {
                c.is_ascii_graphic()
                    && !matches!(c, '\\' | '"' | '<' | '>' | '^' | '`' | '{' | '|' | '}')
            })
    };
    match path.strip_prefix('/') {
        None => Ok(String::new()),
        Some(segments) if segments.split('/').all(good_segment) => Ok(path.to_owned()),
        Some(_) => Err(InvalidBaseUrl::Path),
    }
}

impl BaseUrl {
    /// The URL to which `/chat/completions`, `/messages` or `/models` is appended.
    ///
    /// | provider | `https://host` | `https://host/prefix` |
    /// |---|---|---|
    /// | Anthropic | `/v1` | `/prefix/v1`, unless the prefix ends with `/v1`: its SDKs leave `/v1` out, the seeds write it |
    /// | paths with the model | as it is: see [`crate::deployments_path::DeploymentsPath`] | as it is |
    /// | all others | the path of the provider's own base URL, `/v1` where it has none | as it is, like `base_url` of OpenAI's SDKs |
    pub fn completed_for(mut self, vendor: Provider) -> Self {
        match (vendor.format(), vendor.profile().layout) {
            (_, PathLayout::Deployments | PathLayout::ModelInPath) => {}
            (UpstreamFormat::Anthropic, PathLayout::Plain) => {
                if !self.path.ends_with("/v1") {
                    self.path.push_str("/v1");
                }
            }
            (UpstreamFormat::OpenAi | UpstreamFormat::Bedrock, PathLayout::Plain) => {
                if self.path.is_empty() {
                    let own = vendor
                        .profile()
                        .base_url
                        .and_then(|url| url.parse::<Self>().ok());
                    self.path = own.map_or_else(|| "/v1".to_owned(), |own| own.path);
                }
            }
        }
        self
    }

    /// Loopback, private or link-local addresses, and names that only a local resolver knows (no dot, `.local`,
    /// `.internal`, `.localhost`, `.svc`).
    pub fn is_private(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) => {
                address.is_loopback() || address.is_private() || address.is_link_local()
            }
            Ok(IpAddr::V6(address)) => {
                address.is_loopback()
                    || address.is_unique_local()
                    || address.is_unicast_link_local()
            }
            Err(_) => {
                let last = self.host.rsplit('.').next().unwrap_or_default();
                !self.host.contains('.')
                    || ["local", "internal", "localhost", "svc"].contains(&last)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use catalog::providers;

    use super::*;

    fn url(text: &str) -> BaseUrl {
        text.parse().unwrap()
    }

    #[test]
    fn good_urls() {
        for (text, tls, host, port, path) in [
            (
                "https://api.openai.com/v1",
                true,
                "api.openai.com",
                443,
                "/v1",
            ),
            (
                "HTTPS://API.OpenAI.com/v1/",
                true,
                "api.openai.com",
                443,
                "/v1",
            ),
            (
                "http://localhost:11434/v1",
                false,
                "localhost",
                11434,
                "/v1",
            ),
            ("http://127.0.0.1", false, "127.0.0.1", 80, ""),
            ("http://[::1]:8080/a/b//", false, "::1", 8080, "/a/b"),
            ("https://[2001:DB8::1]", true, "2001:db8::1", 443, ""),
            ("https://my_host:8443/", true, "my_host", 8443, ""),
        ] {
            let expected = BaseUrl {
                tls,
                host: host.into(),
                port,
                path: path.into(),
            };
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn bad_urls() {
        use InvalidBaseUrl::*;
        for (text, error) in [
            ("", Scheme),
            ("api.openai.com/v1", Scheme),
            ("ftp://host", Scheme),
            ("https://user:pass@host/v1", UserInfo),
            ("https://host@/v1", UserInfo),
            ("https://host/v1?api-version=1", Query),
            ("https://host?x", Query),
            ("https://host/#x", Fragment),
            ("https://", Host),
            ("https:///v1", Host),
            ("https://ho st", Host),
            ("https://-host", Host),
            ("https://a..b", Host),
            ("https://host.", Host),
            ("https://bücher.example", Host),
            ("https://1.2.3", Host),
            ("https://256.1.1.1", Host),
            ("https://[::1", Host),
            ("https://[::1]x", Host),
            ("https://::1", Host),
            ("https://host:0", Port),
            ("https://host:65536", Port),
            ("https://host:+80", Port),
            ("https://host:", Port),
            ("https://host/a b", Path),
            ("https://host/a/../b", Path),
            ("https://host/a//b", Path),
            ("https://host/\u{e9}", Path),
            ("https://host/a\nb", Path),
        ] {
            assert_eq!(text.parse::<BaseUrl>(), Err(error), "{text}");
        }
        assert_eq!(
            format!("https://host/{}", "a".repeat(3000)).parse::<BaseUrl>(),
            Err(Length)
        );
    }

    #[test]
    fn vendors_complete_paths() {
        for (vendor, text, path) in [
            (providers::OPENAI, "https://api.openai.com", "/v1"),
            (providers::OPENAI, "https://api.openai.com/v1", "/v1"),
            (providers::OPENAI, "https://proxy.example/llm", "/llm"),
            (providers::ANTHROPIC, "https://api.anthropic.com", "/v1"),
            (providers::ANTHROPIC, "https://api.anthropic.com/v1", "/v1"),
            (
                providers::ANTHROPIC,
                "https://proxy.example/anthropic",
                "/anthropic/v1",
            ),
            (providers::GROQ, "https://api.groq.com", "/openai/v1"),
            (
                providers::GEMINI,
                "https://generativelanguage.googleapis.com",
                "/v1beta/openai",
            ),
            (providers::PERPLEXITY, "https://api.perplexity.ai", ""),
            (providers::OLLAMA, "http://localhost:11434", "/v1"),
            (Provider::COMPATIBLE, "http://10.0.0.1:9000", "/v1"),
            (providers::AZURE_OPENAI, "https://x.openai.azure.com", ""),
            (
                providers::BEDROCK,
                "https://bedrock-runtime.us-east-1.amazonaws.com",
                "",
            ),
        ] {
            assert_eq!(url(text).completed_for(vendor).path, path, "{text}");
        }
    }

    #[test]
    fn every_vendor_s_own_base_url_is_complete() {
        for vendor in Provider::all() {
            if let Some(text) = vendor.profile().base_url {
                assert_eq!(url(text).completed_for(vendor), url(text));
            }
        }
    }

    #[test]
    fn private_hosts() {
        for (text, private) in [
            ("http://localhost:11434", true),
            ("http://127.9.9.9", true),
            ("http://192.168.1.5", true),
            ("http://172.16.0.1", true),
            ("http://172.32.0.1", false),
            ("http://[::1]", true),
            ("http://[fd00::1]", true),
            ("http://ollama:11434", true),
            ("http://gpu.local", true),
            ("http://host.docker.internal", true),
            ("http://llm.svc", true),
            ("http://8.8.8.8", false),
            ("https://ollama.example.com", false),
        ] {
            assert_eq!(url(text).is_private(), private, "{text}");
        }
    }
}
