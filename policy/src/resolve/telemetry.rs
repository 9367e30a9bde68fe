//! Telemetry: each signal's endpoint from its own settings and those of all.

use super::Context;
use crate::draft::{OtlpDraft, TelemetryDraft};
use crate::finding::Code;
use crate::lint::{Lint, Problem, Spanned};
use crate::model::{BaseUrl, Credential};
use crate::telemetry::{HeaderValue, MetricLabels, OtlpEndpoint, Prometheus, Telemetry};

pub(super) fn resolve(context: &Context<'_>, lint: &mut Lint) -> Telemetry {
    let draft = &context.draft.telemetry;
    let default = Telemetry::default();
    for header in [&draft.otlp, &draft.traces, &draft.metrics, &draft.logs] {
        check_headers(context, header, lint);
    }
    let telemetry = Telemetry {
        service_name: (draft.service_name.get().cloned()).unwrap_or(default.service_name),
        traces: signal(draft, &draft.traces, "traces", lint),
        metrics: signal(draft, &draft.metrics, "metrics", lint),
        logs: signal(draft, &draft.logs, "logs", lint),
        sampling: draft.sampling.copied().unwrap_or(default.sampling),
        labels: (draft.labels.get()).map_or(default.labels, |labels| MetricLabels::of(labels)),
        interval_ms: draft.interval_ms.copied().unwrap_or(default.interval_ms),
        prometheus: prometheus(draft, &default.prometheus),
    };
    let has_none =
        telemetry.traces.is_none() && telemetry.metrics.is_none() && telemetry.logs.is_none();
    if let (true, Some(sampling)) = (has_none, draft.sampling.given()) {
        let message = "`sampling` has no effect: there is no `otlp.endpoint`";
        lint.report(Code::W102, sampling.at, message);
    }
    telemetry
}

fn prometheus(draft: &TelemetryDraft, default: &Prometheus) -> Prometheus {
    Prometheus {
        enabled: draft.prometheus.enabled.copied().unwrap_or(default.enabled),
        port: (draft.prometheus.port.copied()).and_then(|port| u16::try_from(port).ok()),
        require_key: (draft.prometheus.require_key.copied()).unwrap_or(default.require_key),
    }
}

/// Its own endpoint as it is, else the one of all with the path that OTLP gives the signal.
fn signal(
    draft: &TelemetryDraft,
    own: &OtlpDraft,
    name: &'static str,
    lint: &mut Lint,
) -> Option<OtlpEndpoint> {
    if own.enabled.copied() == Some(false) {
        return None;
    }
    let url =
        match (own.endpoint.get(), draft.otlp.endpoint.get()) {
            (Some(own), _) => own.clone(),
            (None, Some(shared)) => BaseUrl {
                path: format!("{}/v1/{name}", shared.path),
                ..shared.clone()
            },
            (None, None) => {
                let is_wanted = own.enabled.given().filter(|enabled| enabled.value);
                let is_silent = own.endpoint.is_absent() && draft.otlp.endpoint.is_absent();
                if let (Some(enabled), true) = (is_wanted, is_silent) {
                    let message = format!("`{name}` has nowhere to go");
                    let problem = Problem::new(Code::E109, enabled.at, message);
                    lint.add(problem.suggest(
                        "give `otlp.endpoint`, such as `http://127.0.0.1:4318`".to_owned(),
                    ));
                }
                return None;
            }
        };
    let mut headers: Vec<(String, HeaderValue)> = Vec::new();
    let given = |draft: &OtlpDraft| draft.headers.get().cloned().unwrap_or_default();
    // The signal's own headers, and of those of all what they do not name.
    for (name, value) in given(own).into_iter().chain(given(&draft.otlp)) {
        if !headers.iter().any(|(known, _)| *known == name) {
            headers.push((name, value.value));
        }
    }
    Some(OtlpEndpoint { url, headers })
}

fn check_headers(context: &Context<'_>, draft: &OtlpDraft, lint: &mut Lint) {
    let endpoint = draft
        .endpoint
        .given()
        .or(context.draft.telemetry.otlp.endpoint.given());
    for (_, header) in draft.headers.get().into_iter().flatten() {
        let HeaderValue::Secret { credential, .. } = &header.value else {
            continue;
        };
        warn_about_secret(context, credential, header, lint);
        let open = endpoint.filter(|url| !url.value.tls && !url.value.is_private());
        if let Some(url) = open {
            let message = format!(
                "the key travels unencrypted to {}: use https",
                url.value.host
            );
            lint.report(Code::W105, url.at, message);
        }
    }
}

fn warn_about_secret(
    context: &Context<'_>,
    credential: &Credential,
    header: &Spanned<HeaderValue>,
    lint: &mut Lint,
) {
    let is_set = context.options.variable_is_set;
    if is_set.is_none_or(|is_set| is_set(credential)) {
        return;
    }
    let what = match credential {
        Credential::Env(name) => format!("the variable {name} is not set"),
        Credential::Store(name) => {
            format!("neither the secrets folder nor the environment has {name}")
        }
        Credential::None => return,
    };
    let message = format!("{what}: nothing is exported there");
    let problem = Problem::new(Code::W103, header.at, message);
    lint.add(problem.error_if(context.options.strict));
}
