//! Metrics as Prometheus reads them: text format 0.0.4.

use std::fmt::Write;

use crate::label::Label;
use crate::metric::{Metric, Style};
use crate::registry::{Point, Registry, Value};

/// Text of metrics, written one after the other.
#[derive(Debug, Default)]
pub struct PrometheusText {
    text: String,
    /// The metric of the last lines, whose head is written.
    current: String,
}

impl PrometheusText {
    /// Everything that `registry` has counted.
    pub fn registry(&mut self, registry: &Registry) {
        for point in registry.points() {
            self.point(&point);
        }
    }

    /// One line of a gauge. Lines of one `name` must follow each other.
    pub fn gauge(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.head(name, "gauge", help);
        self.line(name, "", labels.iter().copied(), None, value);
    }

    /// All of it.
    pub fn into_string(self) -> String {
        self.text
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        if self.current != name {
            name.clone_into(&mut self.current);
            let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        }
    }

    fn point(&mut self, point: &Point<'_>) {
        let metric = point.metric;
        let name = metric.prometheus;
        match &point.value {
            Value::Counter(count) => {
                self.head(name, "counter", metric.help);
                self.of_metric("", point, None, in_unit(*count, metric));
            }
            Value::Histogram(bounds, histogram) => {
                self.head(name, "histogram", metric.help);
                let mut below = 0_u64;
                let mut bounds = bounds.iter();
                for count in histogram.counts() {
                    below = below.saturating_add(*count);
                    let bound = match bounds.next() {
                        Some(bound) => in_unit(*bound, metric).to_string(),
                        None => "+Inf".to_owned(),
                    };
                    self.of_metric("_bucket", point, Some(&bound), whole(below));
                }
                self.of_metric("_sum", point, None, in_unit(histogram.sum(), metric));
                self.of_metric("_count", point, None, whole(histogram.count()));
            }
        }
    }

    fn of_metric(&mut self, suffix: &str, point: &Point<'_>, bound: Option<&str>, value: f64) {
        let metric = point.metric;
        let named = |label: Label| match metric.style {
            Style::OpenTelemetry => label.attribute(),
            Style::Short => label.short(),
        };
        let extra = metric
            .extra
            .map(|(attribute, short, value)| match metric.style {
                Style::OpenTelemetry => (attribute, value),
                Style::Short => (short, value),
            });
        let labels = point
            .labels
            .iter()
            .map(|(label, value)| (named(*label), &**value));
        self.line(metric.prometheus, suffix, labels.chain(extra), bound, value);
    }

    fn line<'a>(
        &mut self,
        name: &str,
        suffix: &str,
        labels: impl Iterator<Item = (&'a str, &'a str)>,
        bound: Option<&'a str>,
        value: f64,
    ) {
        self.text.push_str(name);
        self.text.push_str(suffix);
        let mut separator = '{';
        for (label, value) in labels.chain(bound.map(|bound| ("le", bound))) {
            self.text.push(separator);
            separator = ',';
            self.text
                .extend(label.chars().map(|c| if c == '.' { '_' } else { c }));
            self.text.push_str("=\"");
            escape_label(value, &mut self.text);
            self.text.push('"');
        }
        if separator == ',' {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

/// Appends the value of a label as the text format quotes it.
pub fn escape_label(value: &str, out: &mut String) {
    for character in value.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
}

fn in_unit(count: u64, metric: &Metric) -> f64 {
    whole(count) / metric.per_unit
}

fn whole(count: u64) -> f64 {
    // Exact up to 2^53.
    #[allow(clippy::cast_precision_loss)]
    let count = count as f64;
    count
}
