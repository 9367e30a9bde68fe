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
    /// US dollars.
    pub total_cost_usd: f64,
    /// Mean US dollars for each request, with its interval by Student's t.
    pub cost_per_request_usd: Option<Estimate>,
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
    /// The interval does not hold 0.
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
}

/// Fewer requests than this in an arm prove nothing, whatever the intervals say: they lean on many of them.
const FEWEST_REQUESTS: u64 = 30;

impl Comparison {
    /// What it is made from.
    pub(crate) const METRICS: &'static [Metric] = &[
        Metric::ErrorRate,
        Metric::LatencyAverage,
        Metric::TotalInputTokens,
        Metric::TotalOutputTokens,
        Metric::TotalCost,
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
            verdict: verdict(&arms, &differences),
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
        total_cost_usd: events::usd(totals.cost_nanos),
        cost_per_request_usd: statistics::mean(cost(totals)),
    }
}

fn between(
    (arm, a): (&str, &Totals),
    (baseline, b): (&str, &Totals),
) -> impl Iterator<Item = Difference> {
    let enough = a.requests >= FEWEST_REQUESTS && b.requests >= FEWEST_REQUESTS;
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
    ]
    .into_iter()
    .filter_map(move |(measure, difference)| {
        let difference = difference?;
        Some(Difference {
            arm: arm.clone(),
            baseline: baseline.clone(),
            measure,
            difference,
            proved: enough && (difference.low > 0.0 || difference.high < 0.0),
        })
    })
}

fn verdict(arms: &[Arm], differences: &[Difference]) -> String {
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
    for arm in arms.iter().filter(|arm| arm.requests < FEWEST_REQUESTS) {
        sentences.push(format!(
            "{} has {} requests; fewer than {FEWEST_REQUESTS} prove nothing.",
            arm.name, arm.requests
        ));
    }
    sentences.join(" ")
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
        count: float(totals.requests),
        sum: events::usd(totals.cost_nanos),
        squared: totals.cost_nanos_squared / events::NANOS_PER_USD / events::NANOS_PER_USD,
    }
}

/// Exact below 2^53.
#[allow(clippy::cast_precision_loss)]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str, requests: u64, errors: u64, ms: u64, nanos: u64) -> Group {
        let mut totals = Totals {
            requests,
            errors,
            ..Totals::default()
        };
        for number in 0..requests {
            // Around `ms` by 10 to each side; costs by a tenth.
            totals.add_latency(ms - 10 + number % 21);
            totals.add_cost(nanos - nanos / 10 + (number % 3) * (nanos / 10));
        }
        Group {
            key: vec![Some(name.to_owned())],
            totals,
        }
    }

    #[test]
    fn equal_arms_prove_nothing() {
        let groups = [
            group("a", 1_000, 10, 500, 9_000_000),
            group("b", 999, 10, 500, 9_000_000),
        ];
        let comparison = Comparison::of(&[Dimension::Tag], &groups);
        assert_eq!(comparison.verdict, "No difference proved.");
        assert_eq!(comparison.differences.len(), 3);
    }

    #[test]
    fn a_faster_and_cheaper_arm_that_fails_more_often_is_said_to_be_so() {
        let groups = [
            group("b", 500, 50, 300, 3_000_000),
            group("a", 1_000, 10, 500, 9_000_000),
        ];
        let comparison = Comparison::of(&[Dimension::Tag], &groups);
        assert_eq!(comparison.arms[0].name, "a", "most requests first");
        let proved: Vec<_> = comparison
            .differences
            .iter()
            .map(|one| one.proved)
            .collect();
        assert_eq!(proved, [true, true, true]);
        for words in [
            "b fails more often than a",
            "b is faster than a",
            "b is cheaper than a",
        ] {
            assert!(comparison.verdict.contains(words), "{}", comparison.verdict);
        }
    }

    #[test]
    fn few_requests_prove_nothing_however_far_apart() {
        let groups = [
            group("a", 1_000, 0, 500, 9_000_000),
            group("b", 29, 29, 5_000, 9_000),
        ];
        let comparison = Comparison::of(&[Dimension::Tag], &groups);
        assert!(comparison.verdict.starts_with("No difference proved."));
        assert!(comparison.verdict.contains("b has 29 requests"));
    }

    #[test]
    fn one_arm_or_none_is_said() {
        assert!(Comparison::of(&[], &[]).verdict.contains("No requests"));
        let one = Comparison::of(&[Dimension::Tag], &[group("a", 40, 0, 500, 9_000)]);
        assert!(one.verdict.contains("Only one arm"), "{}", one.verdict);
    }
}
