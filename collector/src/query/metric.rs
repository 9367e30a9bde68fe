//! The numbers of a report.

macro_rules! metrics {
    ($($variant:ident $name:literal $unit:ident $doc:literal,)+) => {
        /// A column of a report.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Metric {
            $(#[doc = $doc] $variant,)+
        }

        impl Metric {
            /// All there are.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// As `metrics` writes it, and the name of the column.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// Of its values.
            pub fn unit(self) -> Unit {
                match self {
                    $(Self::$variant => Unit::$unit,)+
                }
            }
        }
    };
}

metrics! {
    RequestCount "request_count" Count "Requests.",
    ErrorCount "error_count" Count "Answers of 400 and above to requests that were not blocked, and streams that failed after they had begun.",
    ErrorRate "error_rate" Ratio "`error_count` of `request_count`.",
    BlockedCount "blocked_count" Count "Decision `blocked`.",
    FailoverCount "failover_count" Count "Another than the first choice served.",
    FailoverRate "failover_rate" Ratio "`failover_count` of `request_count`.",
    LatencyP50 "latency_p50" Millis "Median of `latency_ms` of requests that were answered with 200 to 399.",
    LatencyP99 "latency_p99" Millis "99th percentile of the same.",
    LatencyAverage "latency_avg" Millis "Mean of the same.",
    TtftP50 "ttft_p50" Millis "Median of `time_to_first_token_ms` where there is one.",
    TtftP99 "ttft_p99" Millis "99th percentile of the same.",
    TotalInputTokens "total_input_tokens" Count "Sum of `tokens.prompt`.",
    TotalOutputTokens "total_output_tokens" Count "Sum of `tokens.completion`.",
    TotalCachedTokens "total_cached_tokens" Count "Sum of `tokens.cached`.",
    TotalTokens "total_tokens" Count "Sum of `tokens.total`.",
    CacheShare "cache_share" Ratio "`total_cached_tokens` of `total_input_tokens`.",
    TotalCost "total_cost" Usd "Sum of `actual_cost_usd` where it is known; `null` where tokens were used and none is.",
    Cost "cost" Usd "The same as `total_cost`.",
    UnpricedCount "unpriced_count" Count "Requests with tokens and without a known cost: they are in no sum and no mean.",
    CostPerRequest "cost_per_request" Usd "`total_cost` by the requests whose cost is known.",
    CostPerMillionTokens "cost_per_1m_tokens" Usd "`total_cost` by million of `total_tokens` of the same requests.",
    SuccessCount "success_count" Count "Answers of 200 to 399; of attempts, those that served.",
    CostPerSuccess "cost_per_successful_request" Usd "`total_cost` by those of `success_count` whose cost is known.",
    AttemptCount "attempt_count" Count "Attempts; only by `attempts.provider` or `attempts.model`.",
    FailureCount "failure_count" Count "Attempts that failed, rescued by another or not; else the same as `error_count`.",
    Availability "availability" Ratio "What of the attempts did not fail; else what of the requests was no error.",
    RateLimitedCount "rate_limited_count" Count "Answers of 429.",
    ClientErrorCount "client_error_count" Count "Answers of 400 to 499.",
    ServerErrorCount "server_error_count" Count "Answers of 500 and above; of attempts also those without an answer.",
    QualityScore "quality_score" Ratio "Mean score of the requests that have feedback.",
    FeedbackCount "feedback_count" Count "Requests that have feedback.",
}

impl Metric {
    /// What comes when nothing is asked for.
    pub const USUAL: [Self; 7] = [
        Self::RequestCount,
        Self::ErrorRate,
        Self::LatencyP50,
        Self::LatencyP99,
        Self::TotalInputTokens,
        Self::TotalOutputTokens,
        Self::TotalCost,
    ];

    /// By its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|metric| metric.name() == name)
    }
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Whole things.
    Count,
    /// Milliseconds.
    Millis,
    /// US dollars.
    Usd,
    /// 0 to 1.
    Ratio,
}
