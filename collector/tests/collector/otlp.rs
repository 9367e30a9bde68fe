//! What receivers of OTLP get: spans, log records and metrics that say what the events say.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use collector::{Api as _, BudgetPeriod};
use collector::{LabelChoice, NewBudget, OtlpSettings, OtlpTarget, Rules};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::{Value, json};

use crate::support::{Service, decision, health};

const AT: &str = "2026-11-21T11:59:00Z";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PATIENCE: Duration = Duration::from_secs(20);

/// One request that came.
struct Export {
    path: String,
    head: String,
    body: Vec<u8>,
}

/// Answers each request with the next of `statuses`, and with 200 after them.
fn receiver(statuses: Vec<u16>) -> (SocketAddr, Receiver<Export>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, exports) = channel();
    std::thread::spawn(move || {
        let mut statuses = statuses.into_iter();
        for stream in listener.incoming().flatten() {
            if serve(stream, &mut statuses, &sender).is_none() {
                return;
            }
        }
    });
    (address, exports)
}

/// `None` once nobody wants to know any more.
fn serve(
    stream: TcpStream,
    statuses: &mut impl Iterator<Item = u16>,
    exports: &Sender<Export>,
) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).ok()? == 0 {
                return Some(());
            }
        }
        let length = head
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            })
            .unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let status = statuses.next().unwrap_or(200);
        let path = head.split(' ').nth(1)?.to_owned();
        if status == 200 {
            exports.send(Export { path, head, body }).ok()?;
        }
        write!(stream, "HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n").ok()?;
    }
}

fn target(address: SocketAddr, path: &str) -> Option<OtlpTarget> {
    Some(OtlpTarget {
        url: format!("http://{address}{path}"),
        headers: vec![("authorization".into(), "Bearer secret".into())],
    })
}

fn attributes(list: &[KeyValue]) -> Value {
    let value = |value: &Any| match value {
        Any::StringValue(text) => json!(text),
        Any::BoolValue(flag) => json!(flag),
        Any::IntValue(number) => json!(number),
        Any::DoubleValue(number) => json!(number),
        Any::ArrayValue(list) => {
            let texts = list.values.iter().map(|item| match &item.value {
                Some(Any::StringValue(text)) => json!(text),
                other => panic!("{other:?}"),
            });
            texts.collect()
        }
        other => panic!("{other:?}"),
    };
    let all = list.iter().map(|one| {
        let inner = one.value.as_ref().and_then(|one| one.value.as_ref());
        (one.key.clone(), value(inner.expect("a value")))
    });
    let object: serde_json::Map<String, Value> = all.collect();
    assert_eq!(
        object.len(),
        list.len(),
        "an attribute came twice: {list:?}"
    );
    Value::Object(object)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A request of which the second attempt served.
fn traced(number: u64, sampled: bool) -> Value {
    decision(
        number,
        AT,
        json!({
            "resolved_model": "claude", "provider": "backup", "vendor": "bedrock", "tag": "b", "endpoint": "/v1/chat/completions",
            "stream": true, "latency_ms": 1_500, "time_to_first_token_ms": 900, "finish_reason": "stop",
            "tokens": {"prompt": 100, "completion": 20, "cached": 40, "reasoning": 5, "total": 120},
            "actual_cost_usd": 0.001_5, "fallback_count": 1, "conversation_id": "c0ffee", "key_name": "ci", "team": "web",
            "failover": {"triggered": true, "original_provider": "openai", "reason": "upstream_timeout"},
            "attempts": [
                {"provider": "openai", "model": "gpt-4o", "status_code": null, "reason": "upstream_timeout", "latency_ms": 500,
                    "started_after_ms": 0, "span_id": "00000000000000a1"},
                {"provider": "backup", "model": "claude", "status_code": 200, "reason": null, "latency_ms": 1_000,
                    "started_after_ms": 500, "span_id": "00000000000000a2"},
            ],
            "policies_evaluated": [{"name": "audit-logger", "result": "logged"}],
            "trace": {"trace_id": TRACE, "span_id": format!("{number:016x}"), "parent_span_id": "00f067aa0ba902b7", "sampled": sampled},
            "request_body": r#"{"model":"m","messages":[{"role":"user","content":"Hi"}]}"#,
            "response_body": r#"{"choices":[{"message":{"role":"assistant","content":"Ho"},"finish_reason":"stop"}]}"#,
        }),
    )
}

fn start(settings: &OtlpSettings) -> Service {
    let service = Service::with(Rules::default());
    service.running.set_telemetry(settings).unwrap();
    service
}

/// An event before which the exporters begin.
fn wait_until_followed(service: &Service, file: &str) {
    let path = service.dir.path().join(file);
    let until = std::time::Instant::now() + PATIENCE;
    while !path.exists() {
        assert!(std::time::Instant::now() < until, "{file} is not written");
        std::thread::yield_now();
    }
}

#[test]
fn a_request_is_a_server_span_with_a_client_span_for_each_attempt() {
    let (address, exports) = receiver(vec![503, 503]);
    let service = start(&OtlpSettings {
        service_name: "llm".into(),
        traces: target(address, "/v1/traces"),
        ..OtlpSettings::default()
    });
    wait_until_followed(&service, "otlp-traces.cursor");
    service.deliver(&[
        traced(1, true),
        traced(2, false),
        health(3, AT, "openai", "unhealthy"),
    ]);
    // Twice it was not taken, and came again.
    let export = exports.recv_timeout(PATIENCE).unwrap();
    assert_eq!(export.path, "/v1/traces");
    let head = export.head.to_ascii_lowercase();
    assert!(
        head.contains("authorization: bearer secret")
            && head.contains("content-type: application/x-protobuf"),
        "{head}"
    );
    let request = ExportTraceServiceRequest::decode(export.body.as_slice()).unwrap();
    assert_eq!(request.resource_spans.len(), 1);
    let of_process = &request.resource_spans[0];
    let resource = attributes(&of_process.resource.as_ref().unwrap().attributes);
    assert_eq!(
        resource,
        json!({"service.name": "llm", "service.instance.id": "i-1", "keeptrusts.gateway_id": "gw"})
    );
    let spans: Vec<&Span> = of_process
        .scope_spans
        .iter()
        .flat_map(|scope| &scope.spans)
        .collect();
    assert_eq!(spans.len(), 3, "the second request was not sampled");
    let [server, first, second] = spans[..] else {
        panic!()
    };

    assert!(spans.iter().all(|span| hex(&span.trace_id) == TRACE));
    assert_eq!(hex(&server.parent_span_id), "00f067aa0ba902b7");
    assert_eq!(
        (server.kind, server.name.as_str()),
        (2, "POST /v1/chat/completions")
    );
    assert_eq!(hex(&first.parent_span_id), hex(&server.span_id));
    assert_eq!(hex(&second.parent_span_id), hex(&server.span_id));
    assert_eq!(
        (hex(&first.span_id).as_str(), hex(&second.span_id).as_str()),
        ("00000000000000a1", "00000000000000a2")
    );
    assert_eq!(
        server.end_time_unix_nano - server.start_time_unix_nano,
        1_500_000_000
    );
    assert_eq!(
        second.start_time_unix_nano - server.start_time_unix_nano,
        500_000_000
    );
    assert_eq!(second.end_time_unix_nano, server.end_time_unix_nano);
    assert_eq!(
        (
            first.status.as_ref().unwrap().code,
            second.status.as_ref().unwrap().code
        ),
        (2, 0)
    );

    let server = attributes(&server.attributes);
    assert!(
        server.get("gen_ai.usage.input_tokens").is_none(),
        "tokens are on one span only"
    );
    for (name, value) in [
        ("url.path", json!("/v1/chat/completions")),
        ("http.response.status_code", json!(200)),
        ("keeptrusts.model_group", json!("reliable-chat")),
        ("keeptrusts.requested_model", json!("reliable-chat")),
        ("keeptrusts.fallback_count", json!(1)),
        ("keeptrusts.failover.reason", json!("upstream_timeout")),
        ("keeptrusts.team", json!("web")),
        ("keeptrusts.policies", json!(["audit-logger: logged"])),
        ("gen_ai.conversation.id", json!("c0ffee")),
    ] {
        assert_eq!(server[name], value, "{name}");
    }
    assert_eq!(
        attributes(&first.attributes),
        json!({
            "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.request.stream": true,
            "keeptrusts.provider": "openai", "error.type": "upstream_timeout", "keeptrusts.model_group": "reliable-chat",
            "keeptrusts.tag": "b", "keeptrusts.strategy": "failover", "gen_ai.conversation.id": "c0ffee",
        })
    );
    assert_eq!(
        attributes(&second.attributes),
        json!({
            "gen_ai.operation.name": "chat", "gen_ai.request.model": "claude", "gen_ai.response.model": "claude",
            "gen_ai.request.stream": true, "gen_ai.provider.name": "aws.bedrock", "keeptrusts.provider": "backup",
            "http.response.status_code": 200, "http.request.resend_count": 1, "keeptrusts.model_group": "reliable-chat",
            "keeptrusts.tag": "b", "keeptrusts.strategy": "failover", "gen_ai.conversation.id": "c0ffee",
            "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 20, "gen_ai.usage.cache_read.input_tokens": 40,
            "gen_ai.usage.reasoning.output_tokens": 5, "gen_ai.response.finish_reasons": ["stop"],
            "gen_ai.response.time_to_first_chunk": 0.4, "keeptrusts.cost.usd": 0.0015, "keeptrusts.cost.estimated_usd": 0.002,
            "gen_ai.input.messages": r#"[{"role":"user","parts":[{"type":"text","content":"Hi"}]}]"#,
            "gen_ai.output.messages": r#"[{"role":"assistant","parts":[{"type":"text","content":"Ho"}],"finish_reason":"stop"}]"#,
        })
    );
}

#[test]
fn every_event_is_a_log_record_and_none_is_forgotten_over_a_restart() {
    let (address, exports) = receiver(Vec::new());
    let settings = OtlpSettings {
        logs: target(address, "/v1/logs"),
        ..OtlpSettings::default()
    };
    let service = start(&settings);
    wait_until_followed(&service, "otlp-logs.cursor");
    service.deliver(&[
        traced(1, true),
        decision(2, AT, json!({"status_code": 503, "error_code": "all_providers_unavailable", "provider": null, "tokens": null})),
        health(3, AT, "openai", "unhealthy"),
    ]);
    let read = |export: Export| {
        let request = ExportLogsServiceRequest::decode(export.body.as_slice()).unwrap();
        let scopes = request
            .resource_logs
            .into_iter()
            .flat_map(|one| one.scope_logs);
        scopes
            .flat_map(|scope| scope.log_records)
            .collect::<Vec<_>>()
    };
    let records = read(exports.recv_timeout(PATIENCE).unwrap());
    let names: Vec<(&str, &str)> = records
        .iter()
        .map(|one| (one.event_name.as_str(), one.severity_text.as_str()))
        .collect();
    assert_eq!(
        names,
        [
            ("keeptrusts.decision", "INFO"),
            ("keeptrusts.decision", "ERROR"),
            ("keeptrusts.gateway.health_changed", "WARN")
        ]
    );
    assert_eq!(hex(&records[0].trace_id), TRACE);
    let first = attributes(&records[0].attributes);
    assert_eq!(first["gen_ai.usage.input_tokens"], 100);
    assert_eq!(
        first["keeptrusts.attempts"],
        json!([
            "openai/gpt-4o - upstream_timeout 500 ms",
            "backup/claude 200 ok 1000 ms"
        ])
    );
    assert!(
        first.get("gen_ai.input.messages").is_none(),
        "bodies are on spans"
    );
    assert_eq!(
        attributes(&records[1].attributes)["error.type"],
        "all_providers_unavailable"
    );
    assert_eq!(
        attributes(&records[2].attributes)["keeptrusts.health.to"],
        "unhealthy"
    );

    // What comes while nobody exports is exported later, and what was is not again.
    let Service { running, dir, .. } = service;
    running.stop();
    let silent = Service::in_folder(dir, Rules::default());
    silent.deliver(&[decision(4, AT, json!({}))]);
    silent.running.set_telemetry(&settings).unwrap();
    let records = read(exports.recv_timeout(PATIENCE).unwrap());
    assert_eq!(records.len(), 1);
    assert_eq!(
        attributes(&records[0].attributes)["keeptrusts.request_id"],
        "r-4"
    );
}

#[test]
fn metrics_are_the_sums_of_the_events() {
    let (address, exports) = receiver(Vec::new());
    let service = start(&OtlpSettings {
        metrics: target(address, "/v1/metrics"),
        labels: LabelChoice {
            team: true,
            ..LabelChoice::default()
        },
        interval: Duration::from_secs(3_600),
        ..OtlpSettings::default()
    });
    let budget = NewBudget {
        provider: "openai".into(),
        limit_usd: 10.0,
        period: BudgetPeriod::Monthly,
        allow_unknown: true,
    };
    service.running.api().create_budget(&budget).unwrap();
    service.deliver(&[traced(1, false), traced(1, false), traced(2, true)]);
    // They go out once more at the end.
    service.running.stop();
    let export = exports.recv_timeout(PATIENCE).unwrap();
    let request = ExportMetricsServiceRequest::decode(export.body.as_slice()).unwrap();
    let metrics: Vec<_> = (request.resource_metrics.iter())
        .flat_map(|one| &one.scope_metrics)
        .flat_map(|scope| &scope.metrics)
        .collect();
    let named = |name: &str| {
        let found: Vec<_> = metrics
            .iter()
            .filter(|metric| metric.name == name)
            .collect();
        assert_eq!(found.len(), 1, "{name}");
        found[0]
    };
    let Some(Data::Histogram(tokens)) = &named("gen_ai.client.token.usage").data else {
        panic!()
    };
    assert_eq!(tokens.aggregation_temporality, 2);
    let sums: Vec<(Value, u64, f64)> = (tokens.data_points.iter())
        .map(|point| {
            let of_point = attributes(&point.attributes);
            assert_eq!(of_point["keeptrusts.team"], "web");
            assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
            (
                of_point["gen_ai.token.type"].clone(),
                point.count,
                point.sum.unwrap(),
            )
        })
        .collect();
    assert_eq!(
        sums,
        [(json!("input"), 2, 200.0), (json!("output"), 2, 40.0)]
    );
    let Some(Data::Histogram(durations)) = &named("gen_ai.server.request.duration").data else {
        panic!()
    };
    assert_eq!(durations.data_points[0].sum, Some(3.0));
    assert_eq!(durations.data_points[0].explicit_bounds[0], 0.01);
    let Some(Data::Sum(cost)) = &named("keeptrusts.gateway.cost").data else {
        panic!()
    };
    assert!(cost.is_monotonic);
    assert_eq!(
        format!("{:?}", cost.data_points[0].value),
        "Some(AsDouble(0.003))"
    );
    let Some(Data::Gauge(budget)) = &named("keeptrusts.budget.remaining").data else {
        panic!()
    };
    assert_eq!(
        format!("{:?}", budget.data_points[0].value),
        "Some(AsDouble(10.0))"
    );
}

#[test]
fn no_secret_is_printed() {
    let (address, _exports) = receiver(Vec::new());
    let settings = OtlpSettings {
        logs: target(address, "/v1/logs"),
        ..OtlpSettings::default()
    };
    let printed = format!("{settings:?}");
    assert!(
        printed.contains("authorization") && !printed.contains("secret"),
        "{printed}"
    );
}
