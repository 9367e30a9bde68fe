//! Envoy's admin interface, as far as the gateway needs it.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use envoy::Admin;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(5);

/// A client that opens one connection for each question.
#[derive(Debug, Clone)]
pub(crate) struct AdminClient {
    address: Admin,
}

/// Status and body.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    body: String,
}

impl AdminClient {
    pub(crate) fn new(address: Admin) -> Self {
        Self { address }
    }

    /// Where it asks.
    pub(crate) fn address(&self) -> &Admin {
        &self.address
    }

    /// Envoy has its configuration and its listeners are open.
    pub(crate) async fn is_ready(&self) -> bool {
        self.ask("GET", "/ready")
            .await
            .is_ok_and(|answer| answer.status == 200)
    }

    /// The real address of a listener.
    pub(crate) async fn listener_address(&self, name: &str) -> io::Result<SocketAddr> {
        let answer = self.ask("GET", "/listeners?format=json").await?;
        let listeners: Value = serde_json::from_str(&answer.body)?;
        listener_address(&listeners, name)
            .ok_or_else(|| io::Error::other(format!("Envoy has no listener {name}")))
    }

    /// All statistics whose name begins with `prefix`, without it.
    pub(crate) async fn statistics(&self, prefix: &str) -> io::Result<BTreeMap<String, String>> {
        let pattern = prefix.replace('.', "\\.");
        let answer = self
            .ask("GET", &format!("/stats?filter=^{pattern}"))
            .await?;
        Ok(statistics(&answer.body, prefix))
    }

    /// One number of [`Self::statistics`], by its whole name.
    pub(crate) async fn number(&self, name: &str) -> io::Result<u64> {
        let found = self.statistics(name).await?;
        let text = found.get("").map(String::as_str).unwrap_or_default();
        text.parse().map_err(|_| {
            let message = format!("Envoy has no statistic {name}");
            io::Error::new(io::ErrorKind::NotFound, message)
        })
    }

    /// Asks clients to go elsewhere, and lets requests in flight end.
    pub(crate) async fn drain(&self) -> io::Result<()> {
        self.ask("POST", "/drain_listeners?graceful")
            .await
            .map(|_| ())
    }

    /// Opens the access log anew, after its file was renamed.
    pub(crate) async fn reopen_logs(&self) -> io::Result<()> {
        self.ask("POST", "/reopen_logs").await.map(|_| ())
    }

    async fn ask(&self, method: &str, path: &str) -> io::Result<Answer> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: kt\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        let exchange = async {
            match &self.address {
                Admin::Socket(path) => exchange(UnixStream::connect(path).await?, &request).await,
                Admin::Loopback(address) => {
                    exchange(TcpStream::connect(address).await?, &request).await
                }
            }
        };
        let bytes = timeout(PATIENCE, exchange)
            .await
            .map_err(|_| io::ErrorKind::TimedOut)??;
        parse(&bytes)
            .ok_or_else(|| io::Error::other("Envoy's admin interface did not answer in HTTP"))
    }
}

/// What was asked for is not there: Envoy has ended, or has no such number.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
    )
}

async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &str,
) -> io::Result<Vec<u8>> {
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}

/// The answer to a request with `connection: close`, whole or in chunks.
fn parse(bytes: &[u8]) -> Option<Answer> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let chunked = head
        .lines()
        .any(|line| line.eq_ignore_ascii_case("transfer-encoding: chunked"));
    let body = if chunked {
        unchunk(body)?
    } else {
        body.to_owned()
    };
    Some(Answer { status, body })
}

fn unchunk(mut rest: &str) -> Option<String> {
    let mut body = String::new();
    loop {
        let (size, after) = rest.split_once("\r\n")?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.push_str(after.get(..size)?);
        rest = after.get(size..)?.strip_prefix("\r\n")?;
    }
}

fn statistics(text: &str, prefix: &str) -> BTreeMap<String, String> {
    let entries = text.lines().filter_map(|line| {
        let (name, value) = line.strip_prefix(prefix)?.split_once(": ")?;
        Some((
            name.trim_start_matches('.').to_owned(),
            value.trim_matches('"').to_owned(),
        ))
    });
    entries.collect()
}

fn listener_address(listeners: &Value, name: &str) -> Option<SocketAddr> {
    let all = listeners.get("listener_statuses")?.as_array()?;
    let listener = all
        .iter()
        .find(|listener| listener.get("name").and_then(Value::as_str) == Some(name))?;
    let address = listener.pointer("/local_address/socket_address")?;
    let ip = address.get("address")?.as_str()?.parse().ok()?;
    let port = u16::try_from(address.get("port_value")?.as_u64()?).ok()?;
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn answers_come_whole_or_in_chunks() {
        let whole = b"HTTP/1.1 200 OK\r\nserver: envoy\r\n\r\nLIVE\n";
        let chunks = b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n4\r\na\r\nb\r\n2\r\ncd\r\n0\r\n\r\n";
        let cut = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nabc";
        assert_eq!(
            parse(whole),
            Some(Answer {
                status: 200,
                body: "LIVE\n".into()
            })
        );
        assert_eq!(
            parse(chunks),
            Some(Answer {
                status: 503,
                body: "a\r\nbcd".into()
            })
        );
        assert_eq!(parse(cut), None);
        assert_eq!(parse(b""), None);
    }

    #[test]
    fn statistics_are_numbers_and_texts() {
        let text = "a.b.version_text: \"7-ab\"\na.b.update_rejected: 2\na.bc: 1\n";
        let found = statistics(text, "a.b");
        assert_eq!(found["version_text"], "7-ab");
        assert_eq!(found["update_rejected"], "2");
    }

    #[test]
    fn a_listener_is_found_by_name_and_internal_ones_have_no_address() {
        let listeners = json!({ "listener_statuses": [
            { "name": "inner", "local_address": { "envoy_internal_address": {} } },
            { "name": "gateway", "local_address": { "socket_address": { "address": "127.0.0.1", "port_value": 8080 } } },
        ] });
        assert_eq!(
            listener_address(&listeners, "gateway"),
            Some("127.0.0.1:8080".parse().unwrap())
        );
        assert_eq!(listener_address(&listeners, "inner"), None);
        assert_eq!(listener_address(&listeners, "none"), None);
    }
}
