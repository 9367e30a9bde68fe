//! A bug in the filter: its VM traps under load, and comes back.

use std::path::PathBuf;
use std::time::Duration;

use harness::{
    Behaviour, Dialect, Gateway, GatewayOptions, Load, PolicyText, Provider, Step, StreamAnswer,
    Upstream, chat_body, module_that_traps_on_call_answers, module_that_traps_on_request_trailers,
    table_by_second,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::health::{MODEL, changes};

const RATE: u32 = 200;
/// How long an answer takes.
const ANSWER: Duration = Duration::from_millis(50);
/// Requests in flight in both workers when answers take no longer than that, and as many again.
const IN_FLIGHT: usize = 20;
const SLACK: Duration = Duration::from_millis(200);
const STREAMS: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_vm_that_traps_under_load_is_replaced_and_remembers_who_is_ill() {
    let folder = tempfile::tempdir().unwrap();
    let module =
        PathBuf::from(std::env::var_os("KEEPTRUSTS_FILTER_WASM").expect("the filter module"));
    let module = module_that_traps_on_request_trailers(&module, folder.path());
    let provider = async |name| Provider::start(name, Dialect::OpenAi).await.unwrap();
    let (ill, well, talkative) = (
        provider("p0").await,
        provider("p1").await,
        provider("p2").await,
    );
    let upstreams = [
        Upstream::at("p0", &ill, Dialect::OpenAi).with("circuit_breaker: {cooldown_seconds: 600}"),
        Upstream::at("p1", &well, Dialect::OpenAi),
        Upstream::at("p2", &talkative, Dialect::OpenAi),
    ];
    let groups = format!(
        "model_groups:\n  - {{name: {MODEL}, strategy: failover, models: [{{provider: p0}}, {{provider: p1}}]}}\n  - {{name: talk, models: [{{provider: p2}}]}}\n"
    );
    let policy = PolicyText::over(&upstreams, &groups);
    let options = GatewayOptions {
        concurrency: Some(2),
        variables: vec![(
            "KEEPTRUSTS_FILTER_WASM".into(),
            module.display().to_string(),
        )],
        ..GatewayOptions::default()
    };
    let gateway = Gateway::start_with(&policy, &options).await;
    ill.behave(Behaviour::status(500));
    // Requests are in flight at all times.
    well.behave(Behaviour::AnswerAfter(ANSWER));
    talkative.behave(talk());

    let load = Load::start(gateway.client(), MODEL, RATE);
    tokio::time::sleep(Duration::from_millis(700)).await;
    let before = changes(&gateway.log());
    assert_eq!(before.len(), 1, "{before:?}");
    assert_eq!(before[0].to, "open");
    let asked_of_ill = ill.received().len();

    let streams = open_streams(&gateway);
    talkative
        .wait_until(|received| received.len() == STREAMS)
        .await;
    let trapped = load.elapsed();
    send_trailers(&gateway).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let exchanges = load.stop().await;
    println!(
        "trapped after {trapped:.1?}\n{}",
        table_by_second(&exchanges)
    );
    let log = gateway.log();
    assert!(
        log.iter().any(|line| line.contains("unreachable")),
        "no trap: {log:#?}"
    );

    let lost: Vec<_> = exchanges
        .iter()
        .filter(|exchange| !exchange.is_served())
        .collect();
    // Where the machine is busy, answers take longer, and more requests are in flight.
    let (start, end) = (trapped.saturating_sub(SLACK), trapped + SLACK);
    let in_flight = exchanges
        .iter()
        .filter(|exchange| exchange.sent <= end && exchange.sent + exchange.took >= start)
        .count();
    let slowest = exchanges
        .iter()
        .filter(|exchange| exchange.sent <= end)
        .map(|exchange| exchange.took)
        .max()
        .unwrap_or(ANSWER)
        .max(ANSWER);
    let stretch = usize::try_from(slowest.as_millis().div_ceil(ANSWER.as_millis())).unwrap();
    let bound = (IN_FLIGHT * stretch).min(in_flight.max(IN_FLIGHT));
    assert!(
        lost.len() <= bound,
        "{} requests were lost, {bound} may have been in flight",
        lost.len()
    );
    for exchange in &lost {
        assert_eq!(exchange.status, Some(503), "{exchange:?}");
        let error: Value = serde_json::from_str(&exchange.problem).unwrap();
        assert_eq!(error["error"]["code"], "gateway_error", "{error}");
        let around = trapped.saturating_sub(slowest + SLACK)..trapped + SLACK;
        assert!(around.contains(&exchange.sent), "{exchange:?}");
    }
    for stream in streams.join_all().await {
        if stream.status != 200 {
            // It had not begun: nobody takes this for an answer.
            assert_eq!(stream.status, 503, "{stream:?}");
            continue;
        }
        let complete = stream.data().last().is_some_and(|data| data == "[DONE]");
        assert_ne!(
            complete, stream.broken,
            "a stream must break off rather than look complete: {stream:?}"
        );
    }
    // What was known before the trap is known to the new VM: nobody asks the provider that is ill.
    assert_eq!(ill.received().len(), asked_of_ill);
    assert_eq!(changes(&log).len(), 1, "{log:#?}");
    assert_eq!(gateway.client().chat(MODEL).await.provider(), "p1");
}

fn open_streams(gateway: &Gateway) -> JoinSet<StreamAnswer> {
    let mut streams = JoinSet::new();
    for _ in 0..STREAMS {
        // A client each: a connection each, so that both workers have some.
        let client = gateway.client();
        streams.spawn(async move { client.chat_stream("talk").await });
    }
    streams
}

fn talk() -> Behaviour {
    let mut steps = Vec::new();
    for _ in 0..20 {
        let chunk = json!({
            "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": {"content": "bla "}, "finish_reason": null}],
        });
        steps.extend([
            Step::data(&chunk.to_string()),
            Step::Wait(Duration::from_millis(50)),
        ]);
    }
    steps.push(Step::data("[DONE]"));
    Behaviour::Stream(steps)
}

/// One chat request with trailers. HTTP/2, because Envoy drops those of HTTP/1.
async fn send_trailers(gateway: &Gateway) {
    let address = gateway.url().replace("http://", "");
    let mut connection = TcpStream::connect(&address).await.unwrap();
    let body = chat_body(MODEL).to_string();
    let head = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/v1/chat/completions"),
        (":authority", "gateway"),
        ("content-type", "application/json"),
    ];
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(SETTINGS, 0, 0, &[]));
    bytes.extend(frame(HEADERS, END_HEADERS, 1, &fields(&head)));
    bytes.extend(frame(DATA, 0, 1, body.as_bytes()));
    bytes.extend(frame(
        HEADERS,
        END_HEADERS | END_STREAM,
        1,
        &fields(&[("x-trailer", "1")]),
    ));
    connection.write_all(&bytes).await.unwrap();
    // Whatever comes, until nothing comes any more.
    let mut answer = Vec::new();
    let reading = connection.read_to_end(&mut answer);
    let _ = tokio::time::timeout(Duration::from_millis(500), reading).await;
}

// RFC 9113, section 6.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Literal fields without indexing and without Huffman coding (RFC 7541, section 6.2.2).
fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend(text.as_bytes());
        }
    }
    block
}

/// Its VM traps whenever a probe is answered. The next one takes over, and where there is none any more, a VM comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_health_checker_that_traps_is_replaced_again_and_again() {
    const PROBES: usize = 5;
    /// From one probe to the next: three seconds, a second's interval, and a machine that is busy.
    const PATIENCE_EACH: Duration = Duration::from_secs(8);
    let folder = tempfile::tempdir().unwrap();
    let module =
        PathBuf::from(std::env::var_os("KEEPTRUSTS_FILTER_WASM").expect("the filter module"));
    let module = module_that_traps_on_call_answers(&module, folder.path());
    let provider = Provider::start("p0", Dialect::OpenAi).await.unwrap();
    let upstream = Upstream::at("p0", &provider, Dialect::OpenAi)
        .with("health_check: {interval_seconds: 1, timeout_seconds: 1}");
    let groups = format!("model_groups:\n  - {{name: {MODEL}, models: [{{provider: p0}}]}}\n");
    let options = GatewayOptions {
        arguments: vec!["--collector-listen".into(), "off".into()],
        variables: vec![(
            "KEEPTRUSTS_FILTER_WASM".into(),
            module.display().to_string(),
        )],
        ..GatewayOptions::default()
    };
    let gateway = Gateway::start_with(&PolicyText::over(&[upstream], &groups), &options).await;
    let probes = || {
        let received = provider.all_received();
        received
            .iter()
            .filter(|request| request.method == "GET")
            .count()
    };
    for wanted in 1..=PROBES {
        let probed = async {
            while probes() < wanted {
                // The downstream filter's VM traps as well, where its call has woken the other one up, and comes back with the
                // next client.
                gateway.client().get("/health").await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE_EACH, probed).await;
        assert!(
            in_time.is_ok(),
            "probe {wanted} did not come: {:#?}",
            gateway.log()
        );
    }
    assert!(
        gateway
            .log()
            .iter()
            .any(|line| line.contains("unreachable")),
        "no trap"
    );
}
