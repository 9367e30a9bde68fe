//! Where webhooks may go, and how a destination is named without telling its secrets.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs as _};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Names under which clouds hand credentials to whatever runs on a machine.
const METADATA_NAMES: [&str; 4] = [
    "metadata.google.internal",
    "metadata",
    "metadata.goog",
    "instance-data",
];

/// Metadata services and their neighbours outside of the link-local networks.
const METADATA_V4: [Ipv4Addr; 3] = [
    // Alibaba Cloud, Azure's host, Oracle Cloud.
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(192, 0, 0, 192),
];
const METADATA_V6: [Ipv6Addr; 2] = [
    // AWS and Google Cloud.
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

/// Why a URL is no destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidDestination {
    /// It is none for HTTP.
    #[error("expected http://… or https://…")]
    NotHttp,
    /// Whoever could set a webhook there could read a machine's credentials, or change its settings.
    #[error("expected no metadata service and no link-local address")]
    Metadata,
}

/// Reads a webhook's URL.
pub(crate) fn parse(url: &str) -> Result<Uri, InvalidDestination> {
    let uri: Uri = url.parse().map_err(|_| InvalidDestination::NotHttp)?;
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    let host = uri.host().filter(|host| is_http && !host.is_empty());
    let host = host.ok_or(InvalidDestination::NotHttp)?;
    if is_metadata_host(host) {
        return Err(InvalidDestination::Metadata);
    }
    Ok(uri)
}

fn is_metadata_host(host: &str) -> bool {
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    let literal = name.trim_start_matches('[').trim_end_matches(']');
    METADATA_NAMES.contains(&name.as_str())
        || literal.parse::<IpAddr>().is_ok_and(is_metadata_address)
}

/// Whether credentials or settings of machines are behind an address, in whatever form it is written.
pub(super) fn is_metadata_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local() || METADATA_V4.contains(&v4),
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local()
                || METADATA_V6.contains(&v6)
                || embedded_v4(v6).is_some_and(|v4| is_metadata_address(IpAddr::V4(v4)))
        }
    }
}

/// The IPv4 address that an IPv6 address leads to: mapped, compatible, translated (NAT64) or tunnelled (6to4).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0 | 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => Some(v4(g, h)),
        (0x2002, _, _, _, _, _) => Some(v4(b, c)),
        _ => None,
    }
}

/// Resolves names as usual, and refuses those that lead to a metadata service: what a name means may change after the
/// webhook was made.
#[derive(Default)]
pub(super) struct GuardedResolver(DefaultResolver);

impl fmt::Debug for GuardedResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuardedResolver")
    }
}

impl Resolver for GuardedResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let addresses = self.0.resolve(uri, config, timeout)?;
        if addresses
            .iter()
            .any(|address| is_metadata_address(address.ip()))
        {
            return Err(refused());
        }
        Ok(addresses)
    }
}

/// Behind a proxy it is the proxy that resolves names: what this machine makes of them is checked beforehand.
pub(super) fn check_behind_proxy(uri: &Uri) -> Result<(), ureq::Error> {
    let Some(host) = uri.host() else {
        return Ok(());
    };
    let port = uri.port_u16().unwrap_or(443);
    // It may be a name that only the proxy knows.
    let resolved = (host.trim_matches(['[', ']']), port).to_socket_addrs();
    let mut addresses = resolved.into_iter().flatten();
    if addresses.any(|address| is_metadata_address(address.ip())) {
        return Err(refused());
    }
    Ok(())
}

fn refused() -> ureq::Error {
    let message = InvalidDestination::Metadata.to_string();
    std::io::Error::new(std::io::ErrorKind::PermissionDenied, message).into()
}

/// Scheme, host and port: user, password, path and query are often secrets.
fn shown(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or("http");
    let host = uri.host().unwrap_or_default();
    let port = uri.port_u16().map(|port| format!(":{port}"));
    format!("{scheme}://{host}{}", port.unwrap_or_default())
}

/// [`shown`], of a text that may be no URL.
pub(super) fn shown_url(url: &str) -> String {
    parse(url).map_or_else(|error| error.to_string(), |uri| shown(&uri))
}

/// What went wrong, without the URL.
pub(super) fn shown_error(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        ureq::Error::HostNotFound => "the host is not found".to_owned(),
        ureq::Error::ConnectionFailed => "no connection".to_owned(),
        ureq::Error::Io(error) => error.to_string(),
        ureq::Error::Tls(reason) => format!("TLS: {reason}"),
        ureq::Error::Rustls(error) => format!("TLS: {error}"),
        ureq::Error::Protocol(_) => "it does not speak HTTP".to_owned(),
        // Some of them repeat the URL.
        _ => "the request cannot be made".to_owned(),
    }
}

#[cfg(test)]
mod tests;
