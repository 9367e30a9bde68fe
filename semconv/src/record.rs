//! What is counted of an event.

use std::borrow::Cow;

use events::{AttemptRecord, Decision, DecisionEvent};

use crate::label::{Label, LabelChoice};
use crate::metric::{
    DURATION_MS, FIRST_TOKEN_MS, Family, ONLY, PER_TOKEN_US, TOKENS, VENDOR_ATTEMPT_DURATION,
    VENDOR_DURATION_MS, request, usage,
};
use crate::operation::{operation_name, provider_name};
use crate::registry::Registry;

/// More than any real number of tokens; a million of these still add up in 64 bits.
const LARGEST: u64 = 1 << 40;
/// Longest value of a label, in bytes.
const MAX_VALUE_BYTES: usize = 128;

/// Labels that a series can have.
const MOST_LABELS: usize = 10;

/// Labels of one series; those without a value are left out.
struct Labels<'a> {
    list: [(Label, &'a str); MOST_LABELS],
    length: usize,
}

impl<'a> Labels<'a> {
    fn new() -> Self {
        Self {
            list: [(Label::Operation, ""); MOST_LABELS],
            length: 0,
        }
    }

    /// In the order of calls, which is the same for each family.
    fn with(mut self, wanted: bool, label: Label, value: Option<&'a str>) -> Self {
        let value = value.filter(|value| wanted && !value.is_empty());
        if let (Some(value), Some(place)) = (value, self.list.get_mut(self.length)) {
            *place = (label, cut(value));
            self.length = self.length.saturating_add(1);
        }
        self
    }

    fn as_slice(&self) -> &[(Label, &'a str)] {
        self.list.get(..self.length).unwrap_or_default()
    }
}

fn cut(value: &str) -> &str {
    let end = (0..=MAX_VALUE_BYTES.min(value.len())).rev();
    end.filter_map(|end| value.get(..end))
        .next()
        .unwrap_or_default()
}

impl Registry {
    /// Counts a request that has ended.
    pub fn record(&mut self, event: &DecisionEvent<'_>, choice: LabelChoice) {
        let vendor = event.vendor.as_deref().map(provider_name);
        let operation = operation_name(event.endpoint.as_deref());
        let model = event.resolved_model.as_deref();
        let group = event.model_group.as_deref();
        let common = || {
            Labels::new()
                .with(true, Label::Operation, Some(operation))
                .with(choice.provider, Label::Vendor, vendor.as_deref())
                .with(choice.provider, Label::Provider, event.provider.as_deref())
                // A model that is no group's may be any text; what was sent to a target is bounded by what it takes.
                .with(choice.model, Label::RequestModel, group.or(model))
                .with(choice.model, Label::Model, model)
                .with(choice.group, Label::Group, group)
                .with(choice.key, Label::Key, event.key_name.as_deref())
                .with(choice.team, Label::Team, event.team.as_deref())
        };
        let status = Number::of(event.status_code);
        let error = error_type(event);
        let labels = common()
            .with(true, Label::Status, Some(status.as_str()))
            .with(true, Label::ErrorType, error.as_deref());
        let requests = self.entry(Family::Request, labels.as_slice());
        requests.count(request::REQUESTS, 1);
        requests.record(
            request::DURATION,
            DURATION_MS,
            event.latency_ms.min(LARGEST),
        );
        requests.record(
            request::VENDOR_DURATION,
            VENDOR_DURATION_MS,
            event.latency_ms.min(LARGEST),
        );
        if event.tokens.is_some() || event.time_to_first_token_ms.is_some() {
            self.record_usage(event, common().as_slice());
        }
        for attempt in event.attempts.iter() {
            self.record_attempt(event, attempt, operation, choice);
        }
        if event.failover.triggered {
            let labels = Labels::new()
                .with(
                    choice.provider,
                    Label::Provider,
                    event.failover.original_provider.as_deref(),
                )
                .with(choice.group, Label::Group, group)
                .with(true, Label::Reason, event.failover.reason.as_deref());
            self.entry(Family::Failover, labels.as_slice())
                .count(ONLY, 1);
        }
        for policy in &*event.policies_evaluated {
            let labels = Labels::new()
                .with(true, Label::Policy, Some(&policy.name))
                .with(true, Label::Result, Some(policy.result.name()));
            self.entry(Family::Policy, labels.as_slice()).count(ONLY, 1);
        }
    }

    fn record_usage(&mut self, event: &DecisionEvent<'_>, labels: &[(Label, &str)]) {
        let series = self.entry(Family::Usage, labels);
        let output = event
            .tokens
            .map_or(0, |tokens| tokens.completion.min(LARGEST));
        if let Some(tokens) = event.tokens {
            let input = tokens.prompt.min(LARGEST);
            series.count(usage::INPUT, input);
            series.count(usage::OUTPUT, output);
            series.count(usage::CACHED, tokens.cached.min(LARGEST));
            series.count(usage::REASONING, tokens.reasoning.min(LARGEST));
            series.record(usage::INPUT_PER_CALL, TOKENS, input);
            series.record(usage::OUTPUT_PER_CALL, TOKENS, output);
        }
        // Nothing was spent where simulated providers answered.
        let cost = event.actual_cost_usd.filter(|_| !event.simulated);
        series.count(usage::COST, cost.map_or(0, events::nanos));
        let Some(first_ms) = event.time_to_first_token_ms else {
            return;
        };
        series.record(usage::FIRST_TOKEN, FIRST_TOKEN_MS, first_ms.min(LARGEST));
        let rest_us = event
            .latency_ms
            .saturating_sub(first_ms)
            .min(LARGEST)
            .saturating_mul(1_000);
        let is_whole = error_type(event).is_none();
        if let (true, Some(per_token_us)) =
            (is_whole, rest_us.checked_div(output.saturating_sub(1)))
        {
            series.record(usage::PER_TOKEN, PER_TOKEN_US, per_token_us);
        }
    }

    fn record_attempt(
        &mut self,
        event: &DecisionEvent<'_>,
        attempt: &AttemptRecord<'_>,
        operation: &'static str,
        choice: LabelChoice,
    ) {
        // Events know the vendor of the target that served; of another it is in the target's id.
        let has_served = event.provider.as_deref() == Some(&*attempt.provider);
        let vendor = event
            .vendor
            .as_deref()
            .filter(|_| has_served)
            .map(provider_name);
        let status = Number::of(attempt.status_code.unwrap_or(0));
        let error = attempt_error(event, attempt);
        let group = event.model_group.as_deref();
        let labels = Labels::new()
            .with(true, Label::Operation, Some(operation))
            .with(choice.provider, Label::Vendor, vendor.as_deref())
            .with(choice.provider, Label::Provider, Some(&attempt.provider))
            .with(choice.model, Label::RequestModel, Some(&attempt.model))
            .with(choice.group, Label::Group, group)
            .with(true, Label::Status, Some(status.as_str()))
            .with(true, Label::ErrorType, error.as_deref());
        let series = self.entry(Family::Attempt, labels.as_slice());
        series.count(ONLY, 1);
        let latency_ms = attempt.latency_ms.min(LARGEST);
        series.record(ONLY, DURATION_MS, latency_ms);
        series.record(VENDOR_ATTEMPT_DURATION, VENDOR_DURATION_MS, latency_ms);
    }
}

/// `error.type` of a request: the code of an answer of the gateway's own, `client_gone`, or the status; `None` for one that
/// went well.
pub(crate) fn error_type<'a>(event: &'a DecisionEvent<'_>) -> Option<Cow<'a, str>> {
    if let Some(code) = event.error_code.as_deref() {
        return Some(Cow::Borrowed(code));
    }
    if event.client_gone {
        return Some(Cow::Borrowed("client_gone"));
    }
    match event.status_code {
        400.. => Some(Cow::Owned(
            Number::of(event.status_code).as_str().to_owned(),
        )),
        _ if event.decision == Decision::Blocked => Some(Cow::Borrowed("blocked")),
        _ => None,
    }
}

/// `error.type` of an attempt; `None` for one that went well.
pub(crate) fn attempt_error<'a>(
    event: &'a DecisionEvent<'_>,
    attempt: &'a AttemptRecord<'_>,
) -> Option<Cow<'a, str>> {
    if let Some(reason) = attempt.reason.as_deref() {
        return Some(Cow::Borrowed(reason));
    }
    match attempt.status_code {
        Some(status @ 400..) => Some(Cow::Owned(Number::of(status).as_str().to_owned())),
        // It broke after its answer had begun.
        _ if event.is_broken() && event.provider.as_deref() == Some(&*attempt.provider) => {
            event.error_code.as_deref().map(Cow::Borrowed)
        }
        _ => None,
    }
}

/// A status as text, without an allocation.
struct Number {
    digits: [u8; 5],
    from: usize,
}

impl Number {
    fn of(mut number: u16) -> Self {
        let mut digits = [b'0'; 5];
        let mut from = digits.len();
        for digit in digits.iter_mut().rev() {
            // Below 10.
            *digit = b'0'.saturating_add(u8::try_from(number % 10).unwrap_or(0));
            number /= 10;
            from = from.saturating_sub(1);
            if number == 0 {
                break;
            }
        }
        Self { digits, from }
    }

    fn as_str(&self) -> &str {
        let digits = self.digits.get(self.from..).unwrap_or_default();
        std::str::from_utf8(digits).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
