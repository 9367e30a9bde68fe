//! `telemetry`: what is told to OpenTelemetry and Prometheus, and where.

use super::{pack, sections};
use crate::draft::{Draft, OtlpDraft, OtlpHeaderDraft, PrometheusDraft, TelemetryDraft};
use crate::finding::Code;
use crate::forward_headers;
use crate::lint::{Lint, Problem, Spanned};
use crate::model::BaseUrl;
use crate::section::Key;
use crate::telemetry::{HeaderValue, MetricLabel};
use crate::value::{self, Unit};
use crate::yaml::{Node, Value};

pub(super) const ROOT: &[Key<Draft>] = &[Key::new("telemetry", |draft, node, lint| {
    sections::TELEMETRY.read(&mut draft.telemetry, node, lint)
})];

pub(super) const TELEMETRY: &[Key<TelemetryDraft>] = &[
    Key::new("service_name", |telemetry, node, lint| {
        telemetry.service_name.set(value::name(node, lint), lint)
    }),
    Key::new("otlp", |telemetry, node, lint| {
        sections::OTLP.read(&mut telemetry.otlp, node, lint)
    }),
    Key::new("traces", |telemetry, node, lint| {
        read_signal(&mut telemetry.traces, node, lint)
    }),
    Key::new("metrics", |telemetry, node, lint| {
        read_signal(&mut telemetry.metrics, node, lint)
    }),
    Key::new("logs", |telemetry, node, lint| {
        read_signal(&mut telemetry.logs, node, lint)
    }),
    Key::new("sampling", |telemetry, node, lint| {
        telemetry
            .sampling
            .set(value::number(node, 0.0..=1.0, lint), lint)
    }),
    Key::new("labels", read_labels),
    Key::new("interval_seconds", |telemetry, node, lint| {
        telemetry
            .interval_ms
            .set(value::duration(node, Unit::Seconds, lint), lint);
    }),
    Key::new("prometheus", |telemetry, node, lint| {
        sections::PROMETHEUS.read(&mut telemetry.prometheus, node, lint)
    }),
];

pub(super) const OTLP: &[Key<OtlpDraft>] = &[
    Key::new("endpoint", |otlp, node, lint| {
        otlp.endpoint.set(endpoint(node, lint), lint)
    }),
    Key::new("headers", read_headers),
];

pub(super) const SIGNAL: &[Key<OtlpDraft>] = &[Key::new("enabled", |signal, node, lint| {
    signal.enabled.set(value::boolean(node, lint), lint)
})];

pub(super) const HEADER: &[Key<OtlpHeaderDraft>] = &[
    Key::new("secret_key_ref", |header, node, lint| {
        header.secret.set(pack::secret_key_ref(node, lint), lint);
    }),
    Key::new("prefix", |header, node, lint| {
        header.prefix.set(value::string(node, lint), lint)
    }),
];

pub(super) const PROMETHEUS: &[Key<PrometheusDraft>] = &[
    Key::new("enabled", |prometheus, node, lint| {
        prometheus.enabled.set(value::boolean(node, lint), lint)
    }),
    Key::new("port", |prometheus, node, lint| {
        prometheus
            .port
            .set(value::integer(node, 1..=65_535, lint), lint);
    }),
    Key::new("require_key", |prometheus, node, lint| {
        prometheus.require_key.set(value::boolean(node, lint), lint)
    }),
];

/// `true`, `false`, or settings.
fn read_signal(signal: &mut OtlpDraft, node: &Node, lint: &mut Lint) {
    match &node.value {
        Value::Scalar(_) => signal.enabled.set(value::boolean(node, lint), lint),
        Value::Mapping(_) | Value::Sequence(_) => sections::SIGNAL.read(signal, node, lint),
    }
}

fn endpoint(node: &Node, lint: &mut Lint) -> Option<Spanned<BaseUrl>> {
    let Spanned { value, at } = value::string(node, lint)?;
    match value.trim().parse::<BaseUrl>() {
        Ok(url) if url.port == GRPC_PORT => {
            let message = "port 4317 speaks gRPC, and OTLP is sent over HTTP here";
            let problem = Problem::new(Code::E109, at, message);
            lint.add(problem.suggest("port 4318 takes OTLP over HTTP".to_owned()));
            None
        }
        Ok(value) => Some(Spanned { value, at }),
        // The text may hold a password.
        Err(error) => {
            lint.add(Problem::new(Code::E109, at, format!("bad endpoint: {error}")).sensitive());
            None
        }
    }
}

/// What collectors listen on for OTLP over gRPC.
const GRPC_PORT: u16 = 4_317;
/// Headers of one endpoint.
const MAX_HEADERS: usize = 32;

fn read_headers(otlp: &mut OtlpDraft, node: &Node, lint: &mut Lint) {
    let Value::Mapping(entries) = &node.value else {
        lint.add(value::mismatch(
            node,
            "a mapping from header names to values",
        ));
        otlp.headers.put(None);
        return;
    };
    let mut headers = Vec::new();
    for entry in entries.iter().take(MAX_HEADERS) {
        let name = entry.key.to_ascii_lowercase();
        if !forward_headers::is_header_name(&name) || forward_headers::is_framing(&name) {
            let message = "expected the name of a header, such as `authorization`, that the exporter does not write itself";
            lint.add(Problem::new(Code::E109, entry.key_at, message));
            continue;
        }
        if let Some(value) = header_value(&name, &entry.value, lint) {
            headers.push((name, value));
        }
    }
    if entries.len() > MAX_HEADERS {
        let expected = format!("at most {MAX_HEADERS} headers");
        lint.add(value::mismatch(node, &expected));
    }
    otlp.headers.put(Some(Spanned {
        value: headers,
        at: node.at,
    }));
}

/// A text, or where a secret is.
fn header_value(name: &str, node: &Node, lint: &mut Lint) -> Option<Spanned<HeaderValue>> {
    let at = node.at;
    if matches!(node.value, Value::Mapping(_)) {
        let mut header = OtlpHeaderDraft::default();
        sections::OTLP_HEADER.read(&mut header, node, lint);
        let Some(secret) = header.secret.given() else {
            if header.secret.is_absent() {
                let message =
                    "Missing secret_key_ref: a header is a text, or says where its secret is";
                lint.report(Code::E104, at, message);
            }
            return None;
        };
        let prefix = header.prefix.get().cloned().unwrap_or_default();
        let value = HeaderValue::Secret {
            prefix,
            credential: secret.value.clone(),
        };
        return Some(Spanned {
            value,
            at: secret.at,
        });
    }
    if forward_headers::is_telling(name) {
        let message = "keys do not belong into a policy";
        let problem = Problem::new(Code::E109, at, message).sensitive();
        lint.add(problem.suggest(format!("write `{name}: {{secret_key_ref: {{env: NAME}}}}`")));
        return None;
    }
    let text = value::string(node, lint)?;
    let is_plain = |text: &str| {
        text.bytes()
            .all(|byte| byte == b' ' || byte.is_ascii_graphic())
    };
    if text.value.len() > 1_024 || !is_plain(&text.value) {
        lint.add(value::mismatch(
            node,
            "printable ASCII characters, at most 1024",
        ));
        return None;
    }
    Some(Spanned {
        value: HeaderValue::Text(text.value),
        at,
    })
}

fn read_labels(telemetry: &mut TelemetryDraft, node: &Node, lint: &mut Lint) {
    let choices = [
        ("provider", MetricLabel::Provider),
        ("model", MetricLabel::Model),
        ("group", MetricLabel::Group),
        ("key", MetricLabel::Key),
        ("team", MetricLabel::Team),
    ];
    let items = value::sequence(node, "labels", lint);
    let labels = items.map(|items| {
        let chosen = items
            .iter()
            .filter_map(|item| value::choice(item, &choices, lint));
        Spanned {
            value: chosen.map(|label| label.value).collect(),
            at: node.at,
        }
    });
    telemetry.labels.put(labels);
}
