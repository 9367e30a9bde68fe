//! Events as lines of a batch.

use crate::decision::{
    AttemptRecord, Decision, DecisionEvent, FailoverSummary, PolicyResult, SkippedTarget, Tokens,
};
use crate::event::{Event, EventId};
use crate::health_changed::HealthChangedEvent;
use crate::json::{Json, list, members, object, plain_string};
use crate::timestamp::Timestamp;
use crate::trace::{SpanId, TraceContext, TraceId, hex};

/// An event that writes itself as the JSON that `serde_json` would write of the [`Event`]. Taken by the outbox.
pub trait WriteNdjson {
    /// Appends the JSON, without the line end.
    fn write_ndjson(&self, out: &mut Vec<u8>);

    /// Appends the JSON within `max_bytes`, for an event with `line_bytes` that is too long: see [`Event::fitted`].
    fn write_fitted_ndjson(&self, line_bytes: usize, max_bytes: usize, out: &mut Vec<u8>);
}

impl WriteNdjson for Event<'_> {
    fn write_ndjson(&self, out: &mut Vec<u8>) {
        match self {
            Self::Decision(event) => event.write_ndjson(out),
            Self::HealthChanged(event) => event.write_ndjson(out),
        }
    }

    fn write_fitted_ndjson(&self, line_bytes: usize, max_bytes: usize, out: &mut Vec<u8>) {
        match self.fitted(line_bytes, max_bytes) {
            Some(fitted) => fitted.write_ndjson(out),
            None => self.write_ndjson(out),
        }
    }
}

impl WriteNdjson for DecisionEvent<'_> {
    fn write_ndjson(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"event_type":"decision""#);
        members!(
            out,
            self,
            id,
            timestamp,
            request_id,
            decision,
            model,
            model_group,
            resolved_model,
            provider,
            vendor,
            tag,
            region,
            strategy
        );
        if self.similarity.is_some() {
            members!(out, self, similarity);
        }
        if self.endpoint.is_some() {
            members!(out, self, endpoint);
        }
        members!(out, self, stream, status_code);
        if self.error_code.is_some() {
            members!(out, self, error_code);
        }
        if self.client_gone {
            members!(out, self, client_gone);
        }
        members!(
            out,
            self,
            latency_ms,
            upstream_latency_ms,
            time_to_first_token_ms
        );
        if self.finish_reason.is_some() {
            members!(out, self, finish_reason);
        }
        members!(
            out,
            self,
            tokens,
            estimated_cost_usd,
            actual_cost_usd,
            fallback_count,
            failover
        );
        out.extend_from_slice(br#","attempts":"#);
        list(out, self.attempts.iter());
        if !self.passed_over.is_empty() {
            out.extend_from_slice(br#","passed_over":"#);
            list(out, &self.passed_over);
        }
        out.extend_from_slice(br#","policies_evaluated":"#);
        list(out, &*self.policies_evaluated);
        members!(out, self, key_name);
        if self.team.is_some() {
            members!(out, self, team);
        }
        if self.simulated {
            members!(out, self, simulated);
        }
        members!(out, self, conversation_id);
        if self.trace.is_some() {
            members!(out, self, trace);
        }
        members!(out, self, config_version, gateway_id, instance_id);
        if self.request_body.is_some() {
            members!(out, self, request_body);
        }
        if self.response_body.is_some() {
            members!(out, self, response_body);
        }
        if !self.truncated.is_empty() {
            out.extend_from_slice(br#","truncated":"#);
            list(out, &self.truncated);
        }
        out.push(b'}');
    }
    fn write_fitted_ndjson(&self, line_bytes: usize, max_bytes: usize, out: &mut Vec<u8>) {
        match self.fitted(line_bytes, max_bytes) {
            Some(fitted) => fitted.write_ndjson(out),
            None => self.write_ndjson(out),
        }
    }
}

impl WriteNdjson for HealthChangedEvent<'_> {
    fn write_ndjson(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"event_type":"gateway.health_changed""#);
        members!(
            out,
            self,
            id,
            timestamp,
            provider,
            from,
            to,
            reason,
            consecutive_failures,
            gateway_id,
            instance_id,
            config_version
        );
        if !self.truncated.is_empty() {
            out.extend_from_slice(br#","truncated":"#);
            list(out, &self.truncated);
        }
        out.push(b'}');
    }

    fn write_fitted_ndjson(&self, line_bytes: usize, max_bytes: usize, out: &mut Vec<u8>) {
        match self.fitted(line_bytes, max_bytes) {
            Some(fitted) => fitted.write_ndjson(out),
            None => self.write_ndjson(out),
        }
    }
}

// === impl Json ===

impl Json for EventId {
    fn write(&self, out: &mut Vec<u8>) {
        plain_string(out, &self.text());
    }
}

impl Json for Timestamp {
    fn write(&self, out: &mut Vec<u8>) {
        plain_string(out, &self.text());
    }
}

impl Json for TraceId {
    fn write(&self, out: &mut Vec<u8>) {
        plain_string(out, &hex::<16, 32>(self.to_bytes()));
    }
}

impl Json for SpanId {
    fn write(&self, out: &mut Vec<u8>) {
        plain_string(out, &hex::<8, 16>(self.to_bytes()));
    }
}

impl Json for TraceContext {
    fn write(&self, out: &mut Vec<u8>) {
        object!(out, self, trace_id, span_id, parent_span_id, sampled);
        out.push(b'}');
    }
}

impl Json for Decision {
    fn write(&self, out: &mut Vec<u8>) {
        plain_string(out, self.name().as_bytes());
    }
}

impl Json for Tokens {
    fn write(&self, out: &mut Vec<u8>) {
        object!(out, self, prompt, completion, cached);
        if self.cache_written > 0 {
            members!(out, self, cache_written);
        }
        if self.reasoning > 0 {
            members!(out, self, reasoning);
        }
        members!(out, self, total);
        if self.estimated {
            members!(out, self, estimated);
        }
        out.push(b'}');
    }
}

impl Json for FailoverSummary<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        object!(out, self, triggered, original_provider, reason);
        out.push(b'}');
    }
}

impl Json for AttemptRecord<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        object!(out, self, provider, model, status_code, reason, latency_ms);
        if self.started_after_ms.is_some() {
            members!(out, self, started_after_ms);
        }
        if self.span_id.is_some() {
            members!(out, self, span_id);
        }
        out.push(b'}');
    }
}

impl Json for SkippedTarget<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        object!(out, self, provider, reason);
        out.push(b'}');
    }
}

impl Json for PolicyResult<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"name":"#);
        self.name.write(out);
        out.extend_from_slice(br#","result":"#);
        plain_string(out, self.result.name().as_bytes());
        out.push(b'}');
    }
}
