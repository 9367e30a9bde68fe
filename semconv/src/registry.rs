//! Series and what was counted of them.

use std::collections::BTreeMap;

use crate::histogram::{Bounds, Histogram};
use crate::label::Label;
use crate::metric::{Family, METRICS, Metric, MetricKind};

/// Series of a registry. What comes after so many is counted together, under [`Label::Overflow`].
pub const MAX_SERIES: usize = 2_000;

/// Metrics counted from events. Adding registries up gives what one registry of all events has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registry {
    /// By the hash of family and labels.
    series: BTreeMap<u64, Series>,
}

/// What was counted under one set of labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Series {
    pub(crate) family: Family,
    pub(crate) labels: Vec<(Label, Box<str>)>,
    pub(crate) counters: Vec<u64>,
    pub(crate) histograms: Vec<Histogram>,
}

/// What a metric says of one series.
#[derive(Debug)]
pub struct Point<'a> {
    /// The metric.
    pub metric: &'static Metric,
    /// The series' labels.
    pub labels: &'a [(Label, Box<str>)],
    /// The number or distribution.
    pub value: Value<'a>,
}

/// The value of a data point, in what is counted: see [`Metric::per_unit`].
#[derive(Debug)]
pub enum Value<'a> {
    /// Grows.
    Counter(u64),
    /// Its bounds are those of the metric.
    Histogram(Bounds, &'a Histogram),
}

impl Registry {
    /// Nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// Forgets what was counted.
    pub fn clear(&mut self) {
        self.series.clear();
    }

    /// Adds what `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        for series in other.series.values() {
            let labels: Vec<(Label, &str)> = (series.labels.iter())
                .map(|(label, value)| (*label, &**value))
                .collect();
            self.entry(series.family, &labels).add(series);
        }
    }

    /// The numbers of one set of labels.
    pub(crate) fn entry(&mut self, family: Family, labels: &[(Label, &str)]) -> &mut Series {
        let mut key = hash(family, labels);
        // Two sets with one hash are as good as impossible, and still told apart.
        while self
            .series
            .get(&key)
            .is_some_and(|series| !series.is(family, labels))
        {
            key = key.wrapping_add(1);
        }
        if self.series.len() >= MAX_SERIES && !self.series.contains_key(&key) {
            let overflow = [(Label::Overflow, "true")];
            let key = hash(family, &overflow);
            let series = self.series.entry(key);
            return series.or_insert_with(|| Series::new(family, &overflow));
        }
        let series = self.series.entry(key);
        series.or_insert_with(|| Series::new(family, labels))
    }

    /// Every metric of every series, metric by metric.
    pub fn points(&self) -> impl Iterator<Item = Point<'_>> {
        METRICS.iter().flat_map(|metric| {
            let series = self.series.values();
            series.filter_map(|series| series.point(metric))
        })
    }

    pub(crate) fn series(&self) -> impl ExactSizeIterator<Item = &Series> {
        self.series.values()
    }
}

impl Series {
    fn new(family: Family, labels: &[(Label, &str)]) -> Self {
        Self {
            family,
            labels: (labels.iter())
                .map(|(label, value)| (*label, Box::from(*value)))
                .collect(),
            counters: Vec::new(),
            histograms: Vec::new(),
        }
    }

    fn is(&self, family: Family, labels: &[(Label, &str)]) -> bool {
        let own = self.labels.iter().map(|(label, value)| (*label, &**value));
        self.family == family && own.eq(labels.iter().copied())
    }

    /// Adds to the counter at `place`.
    pub(crate) fn count(&mut self, place: usize, amount: u64) {
        if self.counters.len() <= place {
            self.counters.resize(place.saturating_add(1), 0);
        }
        if let Some(counter) = self.counters.get_mut(place) {
            *counter = counter.saturating_add(amount);
        }
    }

    /// Records `value` in the histogram at `place`.
    pub(crate) fn record(&mut self, place: usize, bounds: Bounds, value: u64) {
        if self.histograms.len() <= place {
            self.histograms
                .resize(place.saturating_add(1), Histogram::default());
        }
        if let Some(histogram) = self.histograms.get_mut(place) {
            histogram.record(bounds, value);
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (place, amount) in other.counters.iter().enumerate() {
            self.count(place, *amount);
        }
        if self.histograms.len() < other.histograms.len() {
            self.histograms
                .resize(other.histograms.len(), Histogram::default());
        }
        for (histogram, more) in self.histograms.iter_mut().zip(&other.histograms) {
            histogram.merge(more);
        }
    }

    fn point(&self, metric: &'static Metric) -> Option<Point<'_>> {
        if metric.family != self.family {
            return None;
        }
        let value = match metric.kind {
            MetricKind::Counter(place) => Value::Counter(*self.counters.get(place)?),
            MetricKind::Histogram(place, bounds) => {
                let histogram = self.histograms.get(place)?;
                (!histogram.counts().is_empty()).then_some(Value::Histogram(bounds, histogram))?
            }
        };
        Some(Point {
            metric,
            labels: &self.labels,
            value,
        })
    }
}

/// FNV-1a: quick for short texts, and the same everywhere.
fn hash(family: Family, labels: &[(Label, &str)]) -> u64 {
    const PRIME: u64 = 0x0100_0000_01b3;
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut byte = |byte: u8| {
        hash = (hash ^ u64::from(byte)).wrapping_mul(PRIME);
    };
    byte(family as u8);
    for (label, value) in labels {
        byte(*label as u8);
        value.bytes().for_each(&mut byte);
        byte(0xff);
    }
    hash
}
