//! Metrics: counted from events as they arrive, with the same registry as in gateways, and how things stand.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use events::{Event, read_event};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum,
};
use semconv::{Label, Point, Registry, Value};

use super::attributes::{SCHEMA_URL, resource, scope, text};
use super::client::OtlpClient;
use super::{LOG, OtlpSettings};
use crate::api::Api as _;
use crate::gateways::Gateways;
use crate::local::Local;
use crate::offsets::Offsets;
use crate::query::EventFilter;
use crate::store::StoreError;

/// Events that are read at once.
const PORTION: usize = 1_000;
/// Gateways' processes whose metrics are kept; those heard of longest ago go first.
const MAX_PROCESSES: usize = 1_000;
/// How often the end is looked for.
const LOOK: Duration = Duration::from_millis(500);

/// Exports metrics until it ends.
pub(super) struct MetricsExporter {
    pub(super) api: Local,
    pub(super) gateways: Gateways,
    pub(super) client: OtlpClient,
    pub(super) settings: OtlpSettings,
}

/// What was counted since this exporter began.
struct Counted {
    began_ms: u64,
    /// By gateway and process.
    processes: BTreeMap<(String, String), Registry>,
    offsets: Option<Offsets>,
}

impl MetricsExporter {
    /// Until the other end of `end` is gone; then once more.
    pub(super) fn run(self, end: &Receiver<()>) {
        let mut counted = Counted {
            began_ms: self.api.now_ms(),
            processes: BTreeMap::new(),
            offsets: None,
        };
        let mut due = Instant::now() + self.settings.interval;
        let mut failing = false;
        if let Err(error) = self.count(&mut counted) {
            log::warn!(target: LOG, "Metrics cannot be counted: {error}");
        }
        loop {
            let ends = !matches!(end.recv_timeout(LOOK), Err(RecvTimeoutError::Timeout));
            if ends || Instant::now() >= due {
                due = Instant::now() + self.settings.interval;
                let sent = self.export(&mut counted);
                match &sent {
                    Ok(()) if failing => {
                        log::info!(target: LOG, "Metrics go to {} again", self.client.receiver());
                    }
                    Err(why) if !failing => {
                        log::warn!(target: LOG, "Metrics do not reach {}: {why}", self.client.receiver());
                    }
                    Ok(()) | Err(_) => {}
                }
                failing = sent.is_err();
            }
            if ends {
                return;
            }
        }
    }

    fn export(&self, counted: &mut Counted) -> Result<(), String> {
        self.count(counted).map_err(|error| error.to_string())?;
        let request = self.request(counted);
        if request.resource_metrics.is_empty() {
            return Ok(());
        }
        // Sums go on growing: the next export makes up for one that failed.
        self.client
            .send(&request)
            .map_err(|error| error.to_string())
    }

    fn count(&self, counted: &mut Counted) -> Result<(), StoreError> {
        let filter = EventFilter::default();
        let store = &self.api.store;
        let mut seen = match counted.offsets.take() {
            Some(seen) => seen,
            None => store.arrivals(&filter, None, 1)?.last,
        };
        loop {
            counted.offsets = Some(seen.clone());
            let arrivals = store.arrivals(&filter, Some(&seen), PORTION)?;
            if arrivals.data.is_empty() {
                return Ok(());
            }
            for arrival in &arrivals.data {
                if let Ok(Event::Decision(event)) = read_event(arrival.json.get().as_bytes()) {
                    let process = (event.gateway_id.to_string(), event.instance_id.to_string());
                    let is_known = counted.processes.contains_key(&process);
                    if is_known || counted.processes.len() < MAX_PROCESSES {
                        let registry = counted.processes.entry(process).or_default();
                        registry.record(&event, self.settings.labels);
                    }
                }
            }
            seen = arrivals.last;
        }
    }

    fn request(&self, counted: &Counted) -> ExportMetricsServiceRequest {
        let times = Times {
            start: counted.began_ms.saturating_mul(1_000_000),
            now: self.api.now_ms().saturating_mul(1_000_000),
        };
        let mut metrics: BTreeMap<(String, String), Vec<Metric>> = BTreeMap::new();
        for (process, registry) in &counted.processes {
            metrics.insert(process.clone(), of_registry(registry, times));
        }
        for (instance_id, report) in self.gateways.reports() {
            let process = (report.gateway_id.to_string(), instance_id);
            metrics
                .entry(process)
                .or_default()
                .extend(of_report(&report, times));
        }
        let budgets = self.budgets(times);
        if !budgets.is_empty() {
            metrics.insert((String::new(), String::new()), budgets);
        }
        let of_process = |((gateway_id, instance_id), metrics): ((String, String), Vec<Metric>)| {
            ResourceMetrics {
                resource: Some(resource(
                    &self.settings.service_name,
                    &gateway_id,
                    &instance_id,
                )),
                scope_metrics: vec![ScopeMetrics {
                    scope: Some(scope()),
                    metrics,
                    schema_url: SCHEMA_URL.to_owned(),
                }],
                schema_url: SCHEMA_URL.to_owned(),
            }
        };
        ExportMetricsServiceRequest {
            resource_metrics: metrics.into_iter().map(of_process).collect(),
        }
    }

    /// Budgets are everybody's: the collector's own.
    fn budgets(&self, times: Times) -> Vec<Metric> {
        let budgets = match self.api.budgets() {
            Ok(budgets) => budgets,
            Err(error) => {
                log::warn!(target: LOG, "Budgets are not exported: {error}");
                return Vec::new();
            }
        };
        let readable = budgets.iter().filter(|budget| budget.error.is_none());
        let points: Vec<NumberDataPoint> = readable
            .map(|budget| {
                let labels = [
                    ("keeptrusts.provider", budget.provider.as_str()),
                    ("keeptrusts.period", budget.period.name()),
                ];
                gauge_point(&labels, Number::AsDouble(budget.remaining_usd), times)
            })
            .collect();
        let help = "US dollars that the provider's budget has left in its period.";
        gauge("keeptrusts.budget.remaining", "{USD}", help, points)
            .into_iter()
            .collect()
    }
}

#[derive(Debug, Clone, Copy)]
struct Times {
    start: u64,
    now: u64,
}

fn of_registry(registry: &Registry, times: Times) -> Vec<Metric> {
    let mut metrics: Vec<Metric> = Vec::new();
    for point in registry.points() {
        let is_new = metrics
            .last()
            .is_none_or(|last| last.name != point.metric.name);
        if is_new {
            metrics.push(empty(&point));
        }
        let data = metrics.last_mut().and_then(|metric| metric.data.as_mut());
        match (data, &point.value) {
            (Some(Data::Sum(sum)), Value::Counter(count)) => {
                sum.data_points.push(NumberDataPoint {
                    attributes: attributes(&point),
                    start_time_unix_nano: times.start,
                    time_unix_nano: times.now,
                    value: Some(number(*count, point.metric.per_unit)),
                    ..NumberDataPoint::default()
                });
            }
            (Some(Data::Histogram(histogram)), Value::Histogram(bounds, counted)) => {
                histogram.data_points.push(HistogramDataPoint {
                    attributes: attributes(&point),
                    start_time_unix_nano: times.start,
                    time_unix_nano: times.now,
                    count: counted.count(),
                    sum: Some(whole(counted.sum()) / point.metric.per_unit),
                    bucket_counts: counted.counts().to_vec(),
                    explicit_bounds: bounds
                        .iter()
                        .map(|bound| whole(*bound) / point.metric.per_unit)
                        .collect(),
                    ..HistogramDataPoint::default()
                });
            }
            _ => {}
        }
    }
    metrics
}

fn empty(point: &Point<'_>) -> Metric {
    let cumulative = AggregationTemporality::Cumulative as i32;
    let data = match point.value {
        Value::Counter(_) => Data::Sum(Sum {
            aggregation_temporality: cumulative,
            is_monotonic: true,
            ..Sum::default()
        }),
        Value::Histogram(..) => Data::Histogram(Histogram {
            aggregation_temporality: cumulative,
            ..Histogram::default()
        }),
    };
    Metric {
        name: point.metric.name.to_owned(),
        description: point.metric.help.to_owned(),
        unit: point.metric.unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

fn attributes(point: &Point<'_>) -> Vec<KeyValue> {
    let labels = point.labels.iter().map(|(label, value)| match label {
        Label::Status => super::attributes::integer(label.attribute(), value.parse().unwrap_or(0)),
        _ => text(label.attribute(), value),
    });
    let extra = point
        .metric
        .extra
        .map(|(attribute, _, value)| text(attribute, value));
    labels.chain(extra).collect()
}

fn number(count: u64, per_unit: f64) -> Number {
    // 1 means: what is counted is the unit.
    if per_unit == 1.0 {
        Number::AsInt(i64::try_from(count).unwrap_or(i64::MAX))
    } else {
        Number::AsDouble(whole(count) / per_unit)
    }
}

fn whole(count: u64) -> f64 {
    // Exact up to 2^53.
    #[allow(clippy::cast_precision_loss)]
    let count = count as f64;
    count
}

fn of_report(report: &events::GatewayReport<'_>, times: Times) -> Vec<Metric> {
    let up = report.providers.iter().map(|provider| {
        let is_up = matches!(&*provider.status, "healthy" | "degraded");
        let labels = [("keeptrusts.provider", &*provider.id)];
        gauge_point(&labels, Number::AsInt(i64::from(is_up)), times)
    });
    let breakers = report.providers.iter().map(|provider| {
        let labels = [
            ("keeptrusts.provider", &*provider.id),
            ("keeptrusts.breaker.state", &*provider.breaker),
        ];
        gauge_point(&labels, Number::AsInt(1), times)
    });
    let metrics = [
        gauge(
            "keeptrusts.target.up",
            "1",
            "1 while the target may be used.",
            up.collect(),
        ),
        gauge(
            "keeptrusts.breaker",
            "1",
            "1 for the state of the target's circuit breaker.",
            breakers.collect(),
        ),
    ];
    metrics.into_iter().flatten().collect()
}

fn gauge_point(labels: &[(&str, &str)], value: Number, times: Times) -> NumberDataPoint {
    NumberDataPoint {
        attributes: labels
            .iter()
            .map(|(name, value)| text(name, value))
            .collect(),
        time_unix_nano: times.now,
        value: Some(value),
        ..NumberDataPoint::default()
    }
}

fn gauge(name: &str, unit: &str, help: &str, data_points: Vec<NumberDataPoint>) -> Option<Metric> {
    (!data_points.is_empty()).then(|| Metric {
        name: name.to_owned(),
        description: help.to_owned(),
        unit: unit.to_owned(),
        data: Some(Data::Gauge(Gauge { data_points })),
        ..Metric::default()
    })
}
