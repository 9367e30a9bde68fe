//! What OpenTelemetry and Prometheus are told is what the events say.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::process::Stdio;

use futures_util::{StreamExt, stream};
use harness::{
    Behaviour, Dialect, Gateway, GatewayOptions, PATIENCE, PolicyText, Provider, Received,
    Upstream, chat_body, repository,
};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::{Value, json};

/// Requests, a quarter of each kind.
const COUNT: usize = 1_000;
const CONCURRENCY: usize = 16;
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// A receiver of OTLP that wants a key.
async fn receiver() -> Provider {
    let receiver = Provider::start("otlp", Dialect::OpenAi).await.unwrap();
    receiver.accept_keys(&["otlp-secret"]);
    receiver.behave(Behaviour::json(200, &json!({})));
    receiver
}

/// Groups that are served at once, and by the second target, whose model has a price.
fn policy(good: &Provider, bad: &Provider, telemetry: &str) -> PolicyText {
    let upstreams = [
        Upstream::at("good", good, Dialect::OpenAi),
        Upstream::at("bad", bad, Dialect::OpenAi),
    ];
    let rest = format!(
        "circuit_breaker: {{failure_threshold: 1000}}
model_groups:
  - name: paid
    models: [{{provider: good, model: m0, cost_per_1k_input: 0.0025, cost_per_1k_output: 0.01}}]
  - name: chain
    models:
      - {{provider: bad, model: m1, cost_per_1k_input: 0.0025, cost_per_1k_output: 0.01}}
      - {{provider: good, model: m0, cost_per_1k_input: 0.0025, cost_per_1k_output: 0.01}}
telemetry:
{telemetry}"
    );
    PolicyText::over(&upstreams, &rest)
}

fn otlp(receiver: &Provider) -> String {
    format!(
        "  service_name: llm
  otlp:
    endpoint: http://{}
    headers: {{authorization: {{secret_key_ref: {{env: OTLP_AUTH}}, prefix: 'Bearer '}}}}
  interval_seconds: 1
",
        receiver.address()
    )
}

fn options() -> GatewayOptions {
    GatewayOptions {
        concurrency: Some(2),
        variables: vec![("OTLP_AUTH".into(), "otlp-secret".into())],
        ..GatewayOptions::default()
    }
}

fn attribute<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a Any> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    found.value.as_ref()?.value.as_ref()
}

fn text(attributes: &[KeyValue], name: &str) -> String {
    match attribute(attributes, name) {
        Some(Any::StringValue(text)) => text.clone(),
        other => panic!("{name}: {other:?}"),
    }
}

fn integer(attributes: &[KeyValue], name: &str) -> i64 {
    match attribute(attributes, name) {
        Some(Any::IntValue(number)) => *number,
        None => 0,
        other => panic!("{name}: {other:?}"),
    }
}

fn usd(attributes: &[KeyValue]) -> f64 {
    match attribute(attributes, "keeptrusts.cost.usd") {
        Some(Any::DoubleValue(number)) => *number,
        None => 0.0,
        other => panic!("{other:?}"),
    }
}

fn bodies<'a>(received: &'a [Received], path: &'a str) -> impl Iterator<Item = &'a [u8]> {
    received
        .iter()
        .filter(move |one| one.path == path)
        .map(|one| &one.body[..])
}

/// Nano US dollars.
fn nanos(usd: f64) -> i64 {
    (usd * 1e9).round() as i64
}

/// Sends a quarter each of JSON, stream, failover and unknown model; every second one within its caller's trace.
async fn traffic(gateway: &Gateway, count: usize) {
    let client = gateway.client();
    let ask = |number: usize| {
        let client = client.clone();
        async move {
            let model = ["paid", "paid", "chain", "nobody"][number % 4];
            let mut body = chat_body(model);
            body["messages"][0]["content"] =
                json!(format!("Hello {}", "again ".repeat(number % 5)));
            body["stream"] = json!(number % 4 == 1);
            let parent = format!("00-{TRACE}-{CALLER}-01");
            let headers: &[(&str, &str)] = if number % 8 < 4 {
                &[("traceparent", &parent)]
            } else {
                &[]
            };
            let request = client.request(
                reqwest::Method::POST,
                "/v1/chat/completions",
                headers,
                body.to_string().into_bytes(),
            );
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            answer.bytes().await.unwrap();
            assert_eq!(status, if model == "nobody" { 404 } else { 200 });
        }
    };
    stream::iter((0..count).map(ask))
        .buffer_unordered(CONCURRENCY)
        .collect::<Vec<()>>()
        .await;
}

/// All decisions that the gateway's collector has, once there are `count`.
async fn decisions(gateway: &Gateway, count: usize) -> Vec<Value> {
    let token = std::fs::read_to_string(gateway.data_folder().join("api-token")).unwrap();
    let base = format!("http://{}", gateway.ports()["collector"].as_str().unwrap());
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let url = format!("{base}/v1/events?event_type=decision&limit=1000&order=asc{cursor}");
            let page = reqwest::Client::new()
                .get(url)
                .bearer_auth(token.trim())
                .send()
                .await
                .unwrap();
            let page: Value = page.json().await.unwrap();
            all.extend(page["data"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        if all.len() >= count {
            return all;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "{} of {count} events",
            all.len()
        );
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_logs_and_metrics_of_a_thousand_requests_equal_their_events() {
    let receiver = receiver().await;
    let good = Provider::start("good", Dialect::OpenAi).await.unwrap();
    let bad = Provider::start("bad", Dialect::OpenAi).await.unwrap();
    bad.behave(Behaviour::status(503));
    let gateway = Gateway::start_with(&policy(&good, &bad, &otlp(&receiver)), &options()).await;
    traffic(&gateway, COUNT).await;
    let events = decisions(&gateway, COUNT).await;
    assert_eq!(events.len(), COUNT);

    let sum = |path: &str| -> i64 {
        events
            .iter()
            .filter_map(|event| event.pointer(path)?.as_i64())
            .sum()
    };
    let cost: i64 = events
        .iter()
        .filter_map(|event| event["actual_cost_usd"].as_f64())
        .map(nanos)
        .sum();
    let attempts: usize = events
        .iter()
        .map(|event| event["attempts"].as_array().unwrap().len())
        .sum();

    // Everything leaves at the end.
    let (status, _, _folder) = gateway.stop().await;
    assert!(status.success());
    let received = receiver.all_received();
    assert!(received.iter().all(|one| {
        one.headers
            .iter()
            .any(|(name, value)| name == "authorization" && value == "Bearer otlp-secret")
    }));

    // === Spans ===
    let mut spans: HashMap<Vec<u8>, Span> = HashMap::new();
    for body in bodies(&received, "/v1/traces") {
        let request = ExportTraceServiceRequest::decode(body).unwrap();
        for of_process in request.resource_spans {
            assert_eq!(
                text(&of_process.resource.unwrap().attributes, "service.name"),
                "llm"
            );
            for span in of_process
                .scope_spans
                .into_iter()
                .flat_map(|scope| scope.spans)
            {
                spans.insert(span.span_id.clone(), span);
            }
        }
    }
    let (servers, clients): (Vec<&Span>, Vec<&Span>) =
        spans.values().partition(|span| span.kind == 2);
    assert_eq!((servers.len(), clients.len()), (COUNT, attempts));
    let mut by_request: BTreeMap<String, (&Span, Vec<&Span>)> = BTreeMap::new();
    let mut requests: HashMap<&[u8], String> = HashMap::new();
    for span in servers {
        let id = text(&span.attributes, "keeptrusts.request_id");
        requests.insert(&span.span_id, id.clone());
        by_request.insert(id, (span, Vec::new()));
    }
    for span in clients {
        let id = &requests[&span.parent_span_id[..]];
        by_request.get_mut(id).unwrap().1.push(span);
    }
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let mut continued = 0;
    for event in &events {
        let (server, clients) = &by_request[event["request_id"].as_str().unwrap()];
        assert_eq!(
            hex(&server.trace_id),
            event["trace"]["trace_id"].as_str().unwrap()
        );
        assert_eq!(
            hex(&server.parent_span_id),
            event["trace"]["parent_span_id"]
                .as_str()
                .unwrap_or_default()
        );
        continued +=
            usize::from(hex(&server.trace_id) == TRACE && hex(&server.parent_span_id) == CALLER);
        assert_eq!(clients.len(), event["attempts"].as_array().unwrap().len());
        let of_clients = |name: &str| {
            clients
                .iter()
                .map(|span| integer(&span.attributes, name))
                .sum::<i64>()
        };
        assert_eq!(
            of_clients("gen_ai.usage.input_tokens"),
            event["tokens"]["prompt"].as_i64().unwrap_or(0)
        );
        assert_eq!(
            of_clients("gen_ai.usage.output_tokens"),
            event["tokens"]["completion"].as_i64().unwrap_or(0)
        );
        let spent: i64 = clients
            .iter()
            .map(|span| nanos(usd(&span.attributes)))
            .sum();
        assert_eq!(spent, event["actual_cost_usd"].as_f64().map_or(0, nanos));
        assert_eq!(
            integer(&server.attributes, "http.response.status_code"),
            event["status_code"].as_i64().unwrap()
        );
        assert!(
            clients
                .iter()
                .all(|span| span.start_time_unix_nano >= server.start_time_unix_nano)
        );
    }
    assert_eq!(continued, COUNT / 2);
    // Providers were told of their attempts' spans.
    let told: HashSet<String> = (good.all_received().iter().chain(&bad.all_received()))
        .filter_map(|one| {
            one.headers
                .iter()
                .find(|(name, _)| name == "traceparent")
                .map(|(_, value)| value.clone())
        })
        .map(|parent| parent.split('-').nth(2).unwrap().to_owned())
        .collect();
    let of_attempts: HashSet<String> = (events.iter())
        .flat_map(|event| event["attempts"].as_array().unwrap())
        .map(|attempt| attempt["span_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(told, of_attempts);

    // === Logs ===
    let mut logged = HashSet::new();
    for body in bodies(&received, "/v1/logs") {
        let request = ExportLogsServiceRequest::decode(body).unwrap();
        let scopes = request
            .resource_logs
            .into_iter()
            .flat_map(|one| one.scope_logs);
        for record in scopes.flat_map(|scope| scope.log_records) {
            if record.event_name == "keeptrusts.decision" {
                logged.insert(text(&record.attributes, "keeptrusts.event_id"));
            }
        }
    }
    let ids: HashSet<String> = events
        .iter()
        .map(|event| event["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(logged, ids);

    // === Metrics, of the last export ===
    let last = bodies(&received, "/v1/metrics").last().expect("metrics");
    let request = ExportMetricsServiceRequest::decode(last).unwrap();
    let mut totals: HashMap<String, f64> = HashMap::new();
    for metric in (request.resource_metrics.into_iter())
        .flat_map(|one| one.scope_metrics)
        .flat_map(|scope| scope.metrics)
    {
        let total = totals.entry(metric.name).or_default();
        match metric.data.unwrap() {
            Data::Sum(sum) => {
                for point in sum.data_points {
                    *total += match point.value.unwrap() {
                        Number::AsInt(number) => number as f64,
                        Number::AsDouble(number) => number,
                    };
                }
            }
            Data::Histogram(histogram) => {
                for point in histogram.data_points {
                    assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
                    *total += point.sum.unwrap();
                }
            }
            _ => {}
        }
    }
    assert_eq!(totals["keeptrusts.gateway.requests"], COUNT as f64);
    assert_eq!(totals["keeptrusts.gateway.attempts"], attempts as f64);
    assert_eq!(totals["keeptrusts.gateway.failovers"], (COUNT / 4) as f64);
    let tokens = (sum("/tokens/prompt") + sum("/tokens/completion")) as f64;
    assert_eq!(totals["gen_ai.client.token.usage"], tokens);
    assert_eq!(totals["keeptrusts.gateway.tokens"], tokens);
    assert_eq!(nanos(totals["keeptrusts.gateway.cost"]), cost);
    assert!(
        (totals["gen_ai.server.request.duration"] - sum("/latency_ms") as f64 / 1e3).abs() < 1e-6
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_metrics_counts_what_both_workers_served() {
    let good = Provider::start("good", Dialect::OpenAi).await.unwrap();
    let bad = Provider::start("bad", Dialect::OpenAi).await.unwrap();
    bad.behave(Behaviour::status(503));
    let policy = policy(&good, &bad, "  labels: [provider, group]\n");
    let gateway = Gateway::start_with(&policy, &options()).await;
    traffic(&gateway, 200).await;
    let client = gateway.client();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let answer = client.get("/metrics").await;
        assert_eq!(answer.status, 200);
        let page = String::from_utf8(answer.body).unwrap();
        let value = |line: &str| {
            let found = page.lines().find(|found| found.starts_with(line));
            found.map_or(0.0, |found| {
                found.rsplit(' ').next().unwrap().parse().unwrap()
            })
        };
        let served = value(
            "keeptrusts_gateway_requests_total{operation=\"chat\",vendor=\"openai_compatible\",provider=\"good\",model_group=\"paid\",status=\"200\"}",
        );
        let over = value(
            "keeptrusts_gateway_failovers_total{provider=\"bad\",model_group=\"chain\",reason=\"upstream_5xx\"}",
        );
        if (served, over) == (100.0, 50.0) {
            // Envoy's own are still there.
            assert!(page.contains("envoy_server_live"), "{page}");
            assert!(!page.contains("requested_model="), "not chosen");
            break;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "{served} {over}\n{page}"
        );
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_can_have_a_port_of_their_own() {
    let good = Provider::start("good", Dialect::OpenAi).await.unwrap();
    let bad = Provider::start("bad", Dialect::OpenAi).await.unwrap();
    let port = free_port();
    let policy = policy(&good, &bad, &format!("  prometheus: {{port: {port}}}\n"));
    let gateway = Gateway::start_with(&policy, &options()).await;
    assert_eq!(gateway.client().get("/metrics").await.status, 404);
    let get = |path: &'static str| async move {
        let answer = reqwest::get(format!("http://127.0.0.1:{port}{path}"))
            .await
            .unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, page) = get("/metrics").await;
    assert_eq!(status, 200);
    assert!(
        page.contains("keeptrusts_breaker_state{provider=\"good\",state=\"closed\"} 1"),
        "{page}"
    );
    for path in ["/v1/models", "/health", "/stats", "/"] {
        assert_eq!(get(path).await.0, 404, "{path}");
    }
}

/// Prometheus' programs: from the path, or from `PROMETHEUS_BIN`'s folder.
fn prometheus(program: &str) -> Option<PathBuf> {
    let named =
        std::env::var_os("PROMETHEUS_BIN").map(|folder| PathBuf::from(folder).join(program));
    let program = named.unwrap_or_else(|| PathBuf::from(program));
    let asked = std::process::Command::new(&program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let found = asked.is_ok_and(|status| status.success());
    if !found {
        println!(
            "skipped: there is no {}; Debian's package prometheus has it, PROMETHEUS_BIN names its folder",
            program.display()
        );
    }
    found.then_some(program)
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn the_alert_rules_pass_their_tests() {
    let Some(promtool) = prometheus("promtool") else {
        return;
    };
    let folder = repository().join("examples/observability/prometheus");
    for arguments in [
        ["check", "rules", "rules.yml"],
        ["test", "rules", "rules_test.yml"],
        ["check", "config", "prometheus.yml"],
    ] {
        let output = std::process::Command::new(&promtool)
            .args(arguments)
            .current_dir(&folder)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
    }
}

/// The board asks for metrics that there are, in a form that Grafana reads.
#[test]
fn the_dashboard_asks_for_metrics_that_there_are() {
    let path = repository().join("examples/observability/grafana/dashboards/keeptrusts.json");
    let board: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let known = std::fs::read_to_string(repository().join("docs/telemetry.md")).unwrap();
    let panels = board["panels"].as_array().unwrap();
    let mut ids = HashSet::new();
    let mut asked = 0;
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()));
        let place = &panel["gridPos"];
        assert!(
            place["x"].as_u64().unwrap() + place["w"].as_u64().unwrap() <= 24,
            "{panel}"
        );
        for target in panel["targets"].as_array().unwrap() {
            let names = target["expr"]
                .as_str()
                .unwrap()
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            for name in names.filter(|name| {
                ["keeptrusts_", "gen_ai_", "kt_"]
                    .iter()
                    .any(|prefix| name.starts_with(prefix))
            }) {
                let base = name
                    .trim_end_matches("_bucket")
                    .trim_end_matches("_count")
                    .trim_end_matches("_sum");
                let is_label = [
                    "keeptrusts_provider",
                    "gen_ai_token_type",
                    "gen_ai_response_model",
                ]
                .contains(&name);
                assert!(
                    is_label || known.contains(&format!("`{base}`")),
                    "{name} is no metric"
                );
                asked += 1;
            }
        }
    }
    assert!(panels.len() > 15 && asked > 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_scrapes_and_its_alert_fires_and_clears() {
    let Some(prometheus) = prometheus("prometheus") else {
        return;
    };
    let good = Provider::start("good", Dialect::OpenAi).await.unwrap();
    let bad = Provider::start("bad", Dialect::OpenAi).await.unwrap();
    let gateway = Gateway::start_with(
        &policy(&good, &bad, "  labels: [provider, group]\n"),
        &options(),
    )
    .await;

    // The rules of the example, over seconds instead of minutes.
    let folder = tempfile::tempdir().unwrap();
    let rules =
        std::fs::read_to_string(repository().join("examples/observability/prometheus/rules.yml"))
            .unwrap();
    std::fs::write(
        folder.path().join("rules.yml"),
        rules.replace("[5m]", "[8s]"),
    )
    .unwrap();
    let target = gateway.url().replace("http://", "");
    let config = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [rules.yml]\nscrape_configs: [{{job_name: kt, static_configs: [{{targets: ['{target}']}}]}}]\n"
    );
    std::fs::write(folder.path().join("prometheus.yml"), config).unwrap();
    let address = format!("127.0.0.1:{}", free_port());
    let mut process = tokio::process::Command::new(prometheus)
        .current_dir(folder.path())
        .args([
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            "--log.level=error",
        ])
        .arg(format!("--web.listen-address={address}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let firing = |wanted: bool| {
        let (gateway, address) = (&gateway, &address);
        async move {
            let deadline = tokio::time::Instant::now() + PATIENCE * 3;
            loop {
                traffic(gateway, 40).await;
                let alerts = async {
                    reqwest::get(format!("http://{address}/api/v1/alerts"))
                        .await
                        .ok()?
                        .json::<Value>()
                        .await
                        .ok()
                };
                let alerts = alerts.await.unwrap_or_default();
                let names: Vec<(&str, &str)> =
                    (alerts["data"]["alerts"].as_array().into_iter().flatten())
                        .filter(|alert| alert["state"] == "firing")
                        .map(|alert| {
                            (
                                alert["labels"]["alertname"].as_str().unwrap(),
                                alert["labels"]["provider"].as_str().unwrap_or(""),
                            )
                        })
                        .collect();
                let is_firing = names.contains(&("KeeptrustsProviderAvailability", "bad"));
                if alerts["status"] == "success" && is_firing == wanted {
                    return;
                }
                assert!(
                    tokio::time::Instant::now() < deadline,
                    "firing should be {wanted}: {alerts}"
                );
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            }
        }
    };
    firing(false).await;
    bad.behave(Behaviour::status(503));
    firing(true).await;
    bad.behave(Behaviour::Answer);
    firing(false).await;
    process.kill().await.unwrap();
}
