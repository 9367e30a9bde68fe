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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_was_closed_behind_our_back_passes_nobody_over_and_is_nobodys_failure() {
    let (address, answered) = provider(HangsUp::OnTheNextRequest).await;
    let other = Provider::start("other", Dialect::OpenAi).await.unwrap();
    let upstreams = [
        Upstream::at_url("first", &format!("http://{address}/v1")),
        Upstream::at("other", &other, Dialect::OpenAi),
    ];
    let members = [("first", "m", 5_000), ("other", "m", 5_000)];
    let policy = PolicyText::failover(&upstreams, "two", &members);
    let gateway = Gateway::serving(&policy).await;
    for _ in 0..100 {
        let answer = gateway.client().chat("two").await;
        assert_eq!((answer.status, answer.provider()), (200, "first"));
    }
    assert_eq!(answered.load(Ordering::SeqCst), 100);
    assert!(other.received().is_empty());
    let health = gateway.client().get("/health").await.json();
    let first = &health["providers"]["first"];
    assert_eq!(first["consecutive_failures"], 0, "{first}");
    // One that breaks every connection is passed over, after a second try.
    drop(gateway);
    let broken = Provider::start("broken", Dialect::OpenAi).await.unwrap();
    broken.behave(Behaviour::Reset);
    let upstreams = [
        Upstream::at("broken", &broken, Dialect::OpenAi),
        Upstream::at("other", &other, Dialect::OpenAi),
    ];
    let members = [("broken", "m", 5_000), ("other", "m", 5_000)];
    let policy = PolicyText::failover(&upstreams, "two", &members);
    let gateway = Gateway::serving(&policy).await;
    let answer = gateway.client().chat("two").await;
    assert_eq!((answer.status, answer.provider()), (200, "other"));
    assert_eq!(answer.header("x-keeptrusts-fallback-count"), "1");
    assert_eq!(broken.received().len(), 2);
    let health = gateway.client().get("/health").await.json();
    assert_eq!(health["providers"]["broken"]["consecutive_failures"], 1);
}

#[tokio::test]
async fn a_failure_that_is_over_at_once_is_asked_again_where_the_policy_says_so() {
    let first = Provider::start("first", Dialect::OpenAi).await.unwrap();
    let second = Provider::start("second", Dialect::OpenAi).await.unwrap();
    let upstreams = [
        Upstream::at("first", &first, Dialect::OpenAi),
        Upstream::at("second", &second, Dialect::OpenAi),
    ];
    let members = [("first", "m", 5_000), ("second", "m", 5_000)];
    let limited = |wait: &str| Behaviour::status(429).with_header("retry-after-ms", wait);
    for (same_target, failures, served_by, asked) in [
        (None, vec![Behaviour::status(500)], "second", 1),
        (Some(1), vec![Behaviour::status(500)], "first", 2),
        (
            Some(1),
            vec![Behaviour::status(502), Behaviour::status(503)],
            "second",
            2,
        ),
        (
            Some(2),
            vec![Behaviour::status(502), Behaviour::status(503)],
            "first",
            3,
        ),
        (Some(1), vec![limited("300")], "first", 2),
        (Some(1), vec![Behaviour::status(401)], "second", 1),
        (Some(1), vec![limited("5000")], "second", 1),
    ] {
        let mut policy = PolicyText::failover(&upstreams, "two", &members);
        policy
            .text
            .push_str("circuit_breaker: {failure_threshold: 1000}\n");
        if let Some(times) = same_target {
            policy
                .text
                .push_str(&format!("failover: {{retry: {{same_target: {times}}}}}\n"));
        }
        let gateway = Gateway::serving(&policy).await;
        let before = first.received().len();
        first.next(failures.clone());
        let started = std::time::Instant::now();
        let answer = gateway.client().chat("two").await;
        assert_eq!(
            (answer.status, answer.provider()),
            (200, served_by),
            "{failures:?}"
        );
        assert_eq!(first.received().len() - before, asked, "{failures:?}");
        let fallback_count = if served_by == "first" { "0" } else { "1" };
        assert_eq!(answer.header("x-keeptrusts-fallback-count"), fallback_count);
        assert_eq!(answer.header("x-kt-retry-after"), "");
        if failures == [limited("300")] {
            assert!(
                started.elapsed() >= Duration::from_millis(900),
                "it was waited for"
            );
        }
    }
}

/// Asked once more after a connection that broke before an answer, and after a failure that often is over at once.
#[tokio::test]
async fn the_only_target_is_asked_twice_at_most() {
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
        ("500", Behaviour::status(500), 2, 500),
        ("501", Behaviour::status(501), 1, 501),
        (
            "429",
            Behaviour::status(429).with_header("retry-after-ms", "1500"),
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
