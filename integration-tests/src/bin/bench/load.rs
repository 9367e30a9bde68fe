//! Closed-loop load, where each connection sends its next request when the last answer is complete, and open-loop load,
//! where requests are sent when they are due.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};

use crate::Outcome;
use crate::scenario::{Pace, Scenario};

/// How long one answer may take before the run fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// More than are in flight at half of saturation, unless answers are late: then requests queue here, and their wait counts.
const OPEN_CONNECTIONS: usize = 16;

/// What one window has shown.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    /// To answer complete, in order of length: from request written, or from when it was due.
    pub(crate) latencies: Vec<Duration>,
    /// Length of the window.
    pub(crate) wall: Duration,
    /// What Envoy spent in it, all threads.
    pub(crate) cpu: Duration,
}

/// Open connections, with what they will ask.
pub(crate) struct Load {
    connections: Vec<TcpStream>,
    request: &'static [u8],
    pace: Pace,
}

impl Load {
    /// Connects, and checks one answer in full.
    pub(crate) async fn connect(address: &str, scenario: &Scenario) -> Outcome<Self> {
        let mut connections = Vec::new();
        let count = match scenario.pace {
            Pace::Closed(connections) => connections,
            Pace::Open(_) => OPEN_CONNECTIONS,
        };
        for _ in 0..count {
            let connection = TcpStream::connect(address).await?;
            connection.set_nodelay(true)?;
            connections.push(connection);
        }
        // Lives as long as the process does: tasks borrow it.
        let request: &'static [u8] = Box::leak(scenario.request.clone().into_boxed_slice());
        if let Some(connection) = connections.first_mut() {
            let mut answer = Vec::new();
            exchange(connection, request, &mut answer).await?;
            let answer = String::from_utf8_lossy(&answer);
            let (text, times) = scenario.expected;
            // With its quotes: one expected name begins with the other.
            let found = answer.matches(&format!("\"{text}\"")).count();
            if found < times {
                return Err(format!(
                    "expected at least {times} times {text:?} in the answer, found {found}: {answer}"
                )
                .into());
            }
        }
        Ok(Self {
            connections,
            request,
            pace: scenario.pace,
        })
    }

    /// Requests until `window` is over; those in flight then are waited for.
    pub(crate) async fn run_for(&mut self, window: Duration) -> Outcome<Measured> {
        let start = Instant::now();
        let pace = self.pace;
        // Which request is due next; whoever is free takes it.
        let next = Rc::new(Cell::new(0u32));
        let local = LocalSet::new();
        let mut tasks = JoinSet::new();
        for mut connection in self.connections.drain(..) {
            let request = self.request;
            let next = Rc::clone(&next);
            let work = async move {
                let mut latencies = Vec::new();
                let mut answer = Vec::with_capacity(256 * 1024);
                while start.elapsed() < window {
                    let due = match pace {
                        Pace::Closed(_) => Instant::now(),
                        Pace::Open(rate) => {
                            let turn = next.replace(next.get() + 1);
                            start + Duration::from_secs_f64(f64::from(turn) / rate)
                        }
                    };
                    // Timers are too coarse for this.
                    while Instant::now() < due {
                        tokio::task::yield_now().await;
                    }
                    exchange(&mut connection, request, &mut answer)
                        .await
                        .map_err(|error| error.to_string())?;
                    latencies.push(due.elapsed());
                }
                Ok::<_, String>((connection, latencies))
            };
            tasks.spawn_local_on(work, &local);
        }
        let mut measured = Measured::default();
        let all = async {
            while let Some(task) = tasks.join_next().await {
                let (connection, latencies) = task??;
                self.connections.push(connection);
                measured.latencies.extend(latencies);
            }
            Outcome::Ok(())
        };
        tokio::time::timeout(window + PATIENCE, local.run_until(all))
            .await
            .map_err(|_| format!("an answer was not complete {PATIENCE:?} after the window"))??;
        measured.wall = start.elapsed();
        measured.latencies.sort_unstable();
        Ok(measured)
    }
}

async fn exchange(connection: &mut TcpStream, request: &[u8], answer: &mut Vec<u8>) -> Outcome<()> {
    answer.clear();
    connection.write_all(request).await?;
    while message_end(answer).is_none() {
        if connection.read_buf(answer).await? == 0 {
            return Err("the connection was closed before the answer was complete".into());
        }
    }
    if answer.starts_with(b"HTTP/1.1 200 ") {
        return Ok(());
    }
    Err(format!("expected a 200, found {}", String::from_utf8_lossy(answer)).into())
}

/// Length of the HTTP/1.1 message in `bytes` if it is complete. Knows of framing what the two ends here and Envoy use.
pub(crate) fn message_end(bytes: &[u8]) -> Option<usize> {
    let end_of_headers = 4 + find(bytes.get(..bytes.len().min(4096))?, b"\r\n\r\n")?;
    let (headers, body) = bytes.split_at_checked(end_of_headers)?;
    if find(headers, b"transfer-encoding: chunked").is_some() {
        // Nothing is pipelined, and no body here contains this: it can only be the end.
        let ends = body.ends_with(b"\r\n0\r\n\r\n") || body == b"0\r\n\r\n";
        return ends.then_some(bytes.len());
    }
    let name = b"content-length: ";
    let value = headers.get(find(headers, name)? + name.len()..)?;
    let digits = value.split(|&byte| byte == b'\r').next()?;
    let length: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (body.len() >= length).then_some(end_of_headers + length)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::message_end;

    #[test]
    fn a_message_ends_where_its_framing_says() {
        for (text, end) in [
            ("", None),
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n", None),
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{", None),
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", Some(40)),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
                None,
            ),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
                Some(59),
            ),
        ] {
            assert_eq!(message_end(text.as_bytes()), end, "{text:?}");
        }
    }
}
