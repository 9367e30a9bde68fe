//! Providers that close kept-alive connections without saying so, and others that break the only connection there is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use harness::{Behaviour, Dialect, Gateway, PolicyText, Provider, Step, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ANSWER: &str = r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}"#;

/// When a provider hangs up after an answer that promised to keep the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HangsUp {
    /// At once: the next request may just be on its way.
    AfterTheAnswer,
    /// When the next request comes, which is the race lost every time.
    OnTheNextRequest,
}

/// A provider that answers one request on each connection. Returns where it is and how many it answered.
async fn provider(when: HangsUp) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answered = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&answered);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(serve(socket, when, Arc::clone(&count)));
        }
    });
    (address, answered)
}

async fn serve(mut socket: TcpStream, when: HangsUp, answered: Arc<AtomicUsize>) {
    if read_request(&mut socket).await.is_none() {
        return;
    }
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: keep-alive\r\n\r\n{ANSWER}",
        ANSWER.len()
    );
    answered.fetch_add(1, Ordering::SeqCst);
    let _ = socket.write_all(answer.as_bytes()).await;
    if when == HangsUp::OnTheNextRequest {
        let _ = read_request(&mut socket).await;
    }
}

/// Reads a request to its end; `None` when the other side closed.
async fn read_request(socket: &mut TcpStream) -> Option<()> {
    let mut seen = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let count = socket.read(&mut piece).await.ok()?;
        if count == 0 {
            return None;
        }
        seen.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&seen);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .to_ascii_lowercase()
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok())
            .unwrap_or(0);
        if body.len() >= length {
            return Some(());
        }
    }
}

fn policy(upstream: &Upstream) -> PolicyText {
    let rest = "model_groups:\n  - name: only\n    models: [{provider: only, model: m}]\n";
    PolicyText::over(std::slice::from_ref(upstream), rest)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_hangs_up_between_requests_is_not_an_error() {
    for (when, at_once) in [(HangsUp::OnTheNextRequest, 1), (HangsUp::AfterTheAnswer, 8)] {
        let (address, answered) = provider(when).await;
        let upstream = Upstream::at_url("only", &format!("http://{address}/v1"));
        let gateway = Gateway::serving(&policy(&upstream)).await;
        let asking = (0..at_once).map(|_| {
            let client = gateway.client();
            tokio::spawn(async move {
                for _ in 0..500 / at_once {
                    let answer = client.chat("only").await;
                    assert_eq!(answer.status, 200, "{when:?}: {:?}", answer.json());
                    // The same target answered: nobody was passed over.
                    assert_eq!(answer.header("x-keeptrusts-fallback-count"), "0");
                    let metadata = &answer.json()["keeptrusts_metadata"];
                    assert_eq!(metadata["failover"]["triggered"], false);
                }
            })
        });
        for asking in asking.collect::<Vec<_>>() {
            asking.await.unwrap();
        }
        let expected = 500 / at_once * at_once;
        assert_eq!(answered.load(Ordering::SeqCst), expected, "{when:?}");
    }
}

/// Asked once more, and only after a connection that broke before an answer.
#[tokio::test]
async fn the_only_target_is_asked_twice_at_most_and_only_after_a_reset() {
    let provider = Provider::start("only", Dialect::OpenAi).await.unwrap();
    let upstream = Upstream::at("only", &provider, Dialect::OpenAi).with("timeout_ms: 300");
    let mut policy = policy(&upstream);
    policy
        .text
        .push_str("circuit_breaker: {failure_threshold: 1000}\n");
    let gateway = Gateway::serving(&policy).await;
    // The head is on its way before the connection breaks.
    let wait = Step::Wait(Duration::from_millis(50));
    let half = vec![Step::Send("data: {\"cho".into()), wait, Step::Break];
    let rows = [
        ("reset", Behaviour::Reset, 2, 503),
        ("hang-up", Behaviour::Hangup, 2, 503),
        ("timeout", Behaviour::Stall, 1, 503),
        ("500", Behaviour::status(500), 1, 500),
        (
            "429",
            Behaviour::status(429).with_header("retry-after-ms", "1"),
            1,
            429,
        ),
        ("broken stream", Behaviour::Stream(half), 1, 502),
        ("empty stream", Behaviour::Stream(Vec::new()), 1, 502),
    ];
    for stream in [false, true] {
        for (name, behaviour, times, status) in &rows {
            if !stream && name.contains("stream") {
                continue;
            }
            let before = provider.received().len();
            provider.behave(behaviour.clone());
            let client = gateway.client();
            let answer = if stream {
                client.chat_stream("only").await.status
            } else {
                client.chat("only").await.status
            };
            let asked = provider.received().len() - before;
            assert_eq!(
                (answer, asked),
                (*status, *times),
                "{name}, stream: {stream}"
            );
            // What follows a rate limit must not meet it.
            provider.behave(Behaviour::Answer);
            while gateway.client().chat("only").await.status != 200 {}
        }
    }
}
