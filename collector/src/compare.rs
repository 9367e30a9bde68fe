//! How the arms of an experiment differ, and whether the difference is more than chance.

use serde::{Deserialize, Serialize};

use crate::query::{Dimension, Metric};
use crate::statistics::{self, Sample};
use crate::store::{Group, Totals};

/// The arms, the one with most requests first: it is what the others are compared with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What tells the arms apart.
    pub by: Vec<String>,
    /// Each arm's numbers.
    pub arms: Vec<Arm>,
    /// Each arm but the first against the first, for each number that is compared.
    pub differences: Vec<Difference>,
    /// What it comes to, in a sentence or a few.
    pub verdict: String,
}

/// One arm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// Its values of `by`, with `/` between them.
    pub name: String,
    /// Requests.
    pub requests: u64,
    /// Share of errors, with its Wilson interval.
    pub error_rate: Estimate,
    /// Mean milliseconds of requests without error, with its interval by Student's t.
    pub latency_mean_ms: Option<Estimate>,
    /// Median milliseconds.
    pub latency_p50_ms: Option<f64>,
    /// 99th percentile.
    pub latency_p99_ms: Option<f64>,
    /// Input tokens.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// US dollars of requests whose cost is known; `None` where tokens were used and no cost is known.
    pub total_cost_usd: Option<f64>,
    /// Mean US dollars for each request whose cost is known, with its interval by Student's t.
    pub cost_per_request_usd: Option<Estimate>,
    /// Requests with tokens and without a known cost: they are in no sum and no mean.
    #[serde(default)]
    pub unpriced: u64,
    /// US dollars for a million tokens, of requests whose cost is known.
    #[serde(default)]
    pub cost_per_1m_tokens_usd: Option<f64>,
    /// Mean score of the requests that have feedback, 0 to 1, with its interval by Student's t; `None` without feedback.
    #[serde(default)]
    pub quality_score: Option<Estimate>,
    /// Requests that have feedback.
    #[serde(default)]
    pub feedback: u64,
}

/// A number, and between which bounds the true one lies with 95 % confidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// As measured.
    pub value: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// An arm against the first one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The arm.
    pub arm: String,
    /// The arm it is compared with.
    pub baseline: String,
    /// Which number.
    pub measure: Measure,
    /// The arm's value less the baseline's, with its 95 % interval.
    pub difference: Estimate,
    /// Both samples are large enough for their intervals to be believed.
    #[serde(default)]
    pub enough: bool,
    /// They are, and the interval does not hold 0.
    pub proved: bool,
}

/// The numbers that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Share of errors.
    ErrorRate,
    /// Mean milliseconds.
    Latency,
    /// Mean US dollars for each request.
    CostPerRequest,
    /// Mean score of feedback.
    QualityScore,
}

/// A smaller sample than this proves nothing, whatever the intervals say: they lean on large ones. Counted are those
/// requests of which the number is known: successes for latency, known costs for cost.
const MIN_SAMPLE: u64 = 30;

impl Comparison {
    /// What it is made from.
    pub(crate) const METRICS: &'static [Metric] = &[
        Metric::ErrorRate,
        Metric::LatencyAverage,
        Metric::TotalInputTokens,
        Metric::TotalOutputTokens,
        Metric::TotalCost,
        Metric::UnpricedCount,
        Metric::CostPerMillionTokens,
        Metric::QualityScore,
    ];

    /// Of groups by `by`. Rates by Wilson's and Newcombe's intervals, means by Student's and Welch's, all at 95 % for each
    /// comparison alone: of twenty where there is no difference, one will look proved.
    pub fn of(by: &[Dimension], groups: &[Group]) -> Self {
        let mut groups: Vec<(&Group, String)> = groups
            .iter()
            .map(|group| {
                let parts: Vec<_> = group
                    .key
                    .iter()
                    .map(|part| part.as_deref().unwrap_or("none"))
                    .collect();
                (group, parts.join("/"))
            })
            .collect();
        groups.sort_by(|(a, a_name), (b, b_name)| {
            (b.totals.requests.cmp(&a.totals.requests)).then(a_name.cmp(b_name))
        });
        let arms: Vec<Arm> = groups
            .iter()
            .map(|(group, name)| arm(name, &group.totals))
            .collect();
        let differences: Vec<Difference> = match groups.split_first() {
            None => Vec::new(),
            Some(((first, baseline), others)) => others
                .iter()
                .flat_map(|(group, name)| between((name, &group.totals), (baseline, &first.totals)))
                .collect(),
        };
        Self {
            by: by.iter().map(|one| one.name().to_owned()).collect(),
            verdict: verdict(&arms, &groups, &differences),
            arms,
            differences,
        }
    }
}

fn arm(name: &str, totals: &Totals) -> Arm {
    Arm {
        name: name.to_owned(),
        requests: totals.requests,
        error_rate: statistics::rate(float(totals.errors), float(totals.requests)),
        latency_mean_ms: statistics::mean(latency(totals)),
        latency_p50_ms: totals.metric(Metric::LatencyP50),
        latency_p99_ms: totals.metric(Metric::LatencyP99),
        input_tokens: totals.prompt_tokens,
        output_tokens: totals.completion_tokens,
        total_cost_usd: totals.total_cost_usd(),
        cost_per_request_usd: statistics::mean(cost(totals)),
        unpriced: totals.unpriced,
        cost_per_1m_tokens_usd: totals.metric(Metric::CostPerMillionTokens),
        quality_score: statistics::share_mean(score(totals)),
        feedback: totals.scored,
    }
}

fn between(
    (arm, a): (&str, &Totals),
    (baseline, b): (&str, &Totals),
) -> impl Iterator<Item = Difference> {
    let enough = Measure::ALL
        .map(|measure| measure.sample(a) >= MIN_SAMPLE && measure.sample(b) >= MIN_SAMPLE);
    let errors = statistics::rate_difference(
        (float(a.errors), float(a.requests)),
        (float(b.errors), float(b.requests)),
    );
    let (arm, baseline) = (arm.to_owned(), baseline.to_owned());
    [
        (Measure::ErrorRate, Some(errors)),
        (
            Measure::Latency,
            statistics::mean_difference(latency(a), latency(b)),
        ),
        (
            Measure::CostPerRequest,
            statistics::mean_difference(cost(a), cost(b)),
        ),
        (
            Measure::QualityScore,
            statistics::mean_difference(score(a), score(b)),
        ),
    ]
    .into_iter()
    .zip(enough)
    .filter_map(move |((measure, difference), enough)| {
        let difference = difference?;
        Some(Difference {
            arm: arm.clone(),
            baseline: baseline.clone(),
            measure,
            difference,
            enough,
            proved: enough && (difference.low > 0.0 || difference.high < 0.0),
        })
    })
}

fn verdict(arms: &[Arm], groups: &[(&Group, String)], differences: &[Difference]) -> String {
    let [first, others @ ..] = arms else {
        return "No requests in this time.".to_owned();
    };
    if others.is_empty() {
        return format!(
            "Only one arm has requests ({}): nothing to compare.",
            first.name
        );
    }
    let mut sentences: Vec<String> = differences
        .iter()
        .filter(|difference| difference.proved)
        .map(sentence)
        .collect();
    if sentences.is_empty() {
        sentences.push("No difference proved.".to_owned());
    }
    for (group, name) in groups {
        sentences.extend(reservations(name, &group.totals));
    }
    sentences.join(" ")
}

/// What of an arm is too little to prove anything, or not known.
fn reservations(name: &str, totals: &Totals) -> Vec<String> {
    if totals.requests < MIN_SAMPLE {
        return vec![format!(
            "{name} has {} requests; fewer than {MIN_SAMPLE} prove nothing.",
            totals.requests
        )];
    }
    let mut sentences = Vec::new();
    let latencies = Measure::Latency.sample(totals);
    if latencies < MIN_SAMPLE {
        sentences.push(format!(
            "{name} has {latencies} successful requests; fewer than {MIN_SAMPLE} prove nothing of its latency."
        ));
    }
    let priced = Measure::CostPerRequest.sample(totals);
    if priced < MIN_SAMPLE {
        sentences.push(format!(
            "{name} has {priced} requests whose cost is known; fewer than {MIN_SAMPLE} prove nothing of its cost."
        ));
    }
    if totals.scored > 0 && totals.scored < MIN_SAMPLE {
        sentences.push(format!(
            "{name} has feedback on {} requests; fewer than {MIN_SAMPLE} prove nothing of its quality.",
            totals.scored
        ));
    }
    if totals.unpriced > 0 {
        sentences.push(format!(
            "{} of {} requests of {name} have no known price and are not in its cost.",
            totals.unpriced, totals.requests
        ));
    }
    sentences
}

impl Measure {
    const ALL: [Self; 4] = [
        Self::ErrorRate,
        Self::Latency,
        Self::CostPerRequest,
        Self::QualityScore,
    ];

    /// How many requests it is computed from.
    fn sample(self, totals: &Totals) -> u64 {
        match self {
            Self::ErrorRate => totals.requests,
            Self::Latency => totals.latency.count(),
            Self::CostPerRequest => totals.priced,
            Self::QualityScore => totals.scored,
        }
    }
}

fn sentence(difference: &Difference) -> String {
    let Difference {
        arm,
        baseline,
        measure,
        difference,
        ..
    } = difference;
    let more = difference.value > 0.0;
    let (nearest, farthest) = if more {
        (difference.low, difference.high)
    } else {
        (-difference.high, -difference.low)
    };
    match measure {
        Measure::ErrorRate => format!(
            "{arm} fails {} often than {baseline}, by {:.2} to {:.2} percentage points.",
            if more { "more" } else { "less" },
            nearest * 100.0,
            farthest * 100.0
        ),
        Measure::Latency => format!(
            "{arm} is {} than {baseline}, by {nearest:.0} to {farthest:.0} ms in the mean.",
            if more { "slower" } else { "faster" }
        ),
        Measure::CostPerRequest => format!(
            "{arm} is {} than {baseline}, by ${nearest:.6} to ${farthest:.6} a request.",
            if more { "dearer" } else { "cheaper" }
        ),
        Measure::QualityScore => format!(
            "{arm} is judged {} than {baseline}, by {:.1} to {:.1} points of 100.",
            if more { "better" } else { "worse" },
            nearest * 100.0,
            farthest * 100.0
        ),
    }
}

fn latency(totals: &Totals) -> Sample {
    Sample {
        count: float(totals.latency.count()),
        sum: float(totals.latency.sum()),
        squared: totals.latency_ms_squared,
    }
}

fn cost(totals: &Totals) -> Sample {
    Sample {
        count: float(totals.priced),
        sum: events::usd(totals.cost_nanos),
        squared: totals.cost_nanos_squared / events::NANOS_PER_USD / events::NANOS_PER_USD,
    }
}

fn score(totals: &Totals) -> Sample {
    Sample {
        count: float(totals.scored),
        sum: float(totals.score_millionths) / 1e6,
        squared: totals.score_millionths_squared / 1e12,
    }
}

/// Exact below 2^53.
#[allow(clippy::cast_precision_loss)]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests;
