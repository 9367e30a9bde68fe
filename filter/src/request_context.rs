//! One client request on its way: the plan, the attempts made so far, and how they ended.
//!
//! The downstream filter opens a request; the upstream filters of its attempts, which run in the same VM on the same
//! worker, find it by token and continue it. No part of it travels in headers, so none can reach a provider.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use events::SpanId;
use policy::Target;
use policy::cluster::{FIRST_BYTE, cluster_name};
use protocols::ClientFormat;
use protocols::exchange::{Exchange, FailoverReason, Report};
use protocols::json::Writer;
use protocols::request_info::RequestTraits;
use routing::{Plan, PlannedAttempt, Random};

use crate::config::{AttemptRouting, GatewayConfig};
use crate::headers::ForwardedHeaders;
use crate::host::Now;
use crate::int_map::IntMap;
use crate::telemetry::RequestLog;
use crate::upstream_filter::{PreparedAttempt, PreparedRequest};

/// A request between the downstream filter and its attempts.
#[derive(Debug)]
pub struct RequestContext {
    /// The policy by which it was planned; a reload does not change it on the way.
    pub config: Rc<GatewayConfig>,
    /// The shape the client is owed.
    pub client: ClientFormat,
    /// As the client wrote it.
    pub requested_model: String,
    /// Bytes of the `model` value in the client's body.
    pub model_span: Range<usize>,
    /// The client asked for a stream.
    pub stream: bool,
    /// The client asked for a usage chunk.
    pub include_usage: bool,
    /// The client has said how it wants its stream.
    pub has_stream_options: bool,
    /// What its body holds that some provider wants otherwise.
    pub traits: RequestTraits,
    /// JSON answers carry `keeptrusts_metadata`; the client has not asked to leave it out.
    pub with_metadata: bool,
    /// Envoy's request id.
    pub request_id: String,
    /// The client's `anthropic-version` and `anthropic-beta`.
    pub anthropic: (Option<String>, Option<String>),
    /// Headers of the client that only some targets get.
    pub(crate) forwarded_headers: ForwardedHeaders,
    /// Who is tried, in this order.
    pub plan: Plan,
    /// One for each attempt begun, in the order of the plan. When the downstream filter's request is over, all have ended.
    pub attempts: Vec<Attempt>,
    /// Status of the answer that was sent to the client; `None` while there is none, and for good when the client left
    /// before.
    pub client_status: Option<u16>,
    /// What the downstream filter has done of the first attempt, until its upstream filter takes it over.
    pub(crate) ahead: Option<PreparedAttempt>,
    /// What else its event will say.
    pub(crate) log: RequestLog,
}

/// One try of one plan entry.
#[derive(Debug, Default)]
pub struct Attempt {
    /// Which entry of the plan was tried.
    pub entry: usize,
    /// Monotonic nanoseconds.
    pub started_ns: u64,
    /// Monotonic nanoseconds when the answer was let through to the client: for a stream, its first content.
    pub first_content_ns: Option<u64>,
    /// Monotonic nanoseconds; with it come `failure` and `report`, and nothing changes any more.
    pub ended_ns: Option<u64>,
    /// What the provider answered with.
    pub status: Option<u16>,
    /// Why the next one was tried, or would have been.
    pub failure: Option<FailoverReason>,
    /// A limit of Envoy's own kept it from the provider, whatever `failure` says.
    pub turned_away: bool,
    /// Envoy's configuration lacks the cluster of its target.
    pub(crate) has_no_cluster: bool,
    /// What the provider asked for with its failure.
    pub retry_after_ms: Option<u64>,
    /// The provider's answer went to the client, whatever it says.
    pub answered: bool,
    /// The plan entry that is tried after it, where it is another than the next one.
    pub(crate) next_entry: Option<usize>,
    /// What Envoy says of a connection that could not be made: in plain words, such as a certificate that nobody trusts.
    pub(crate) transport_failure: Option<String>,
    /// Its connection broke before an answer, and its target is asked again on another one.
    pub(crate) connection_repeated: bool,
    /// Health has been told that its first content came.
    pub(crate) has_told_first_content: bool,
    /// Tokens and errors; there from the end on, unless the attempt never got as far as an exchange.
    pub report: Option<Report>,
    /// The conversation with the provider while it lasts.
    pub(crate) exchange: Option<Exchange>,
}

/// Requests of this VM that are under way.
#[derive(Debug, Default)]
pub struct RequestRegistry {
    by_token: RefCell<IntMap<u64, Rc<RefCell<RequestContext>>>>,
    next: std::cell::Cell<u64>,
}

impl RequestRegistry {
    /// Starts with a random number, so that a token of a VM that was replaced never names a request of its successor.
    pub fn starting_at(first: u64) -> Self {
        Self {
            by_token: RefCell::default(),
            next: std::cell::Cell::new(first),
        }
    }

    /// Takes a request in and returns its token.
    pub fn open(&self, context: RequestContext) -> (u64, Rc<RefCell<RequestContext>>) {
        let token = self.next.get();
        self.next.set(token.wrapping_add(1));
        let context = Rc::new(RefCell::new(context));
        self.by_token
            .borrow_mut()
            .insert(token, Rc::clone(&context));
        (token, context)
    }

    /// The request of a token.
    pub fn find(&self, token: u64) -> Option<Rc<RefCell<RequestContext>>> {
        self.by_token.borrow().get(&token).cloned()
    }

    /// The request is over.
    pub fn close(&self, token: u64) {
        self.by_token.borrow_mut().remove(&token);
    }

    /// One of those under way.
    #[cfg(test)]
    pub(crate) fn any(&self) -> Option<Rc<RefCell<RequestContext>>> {
        self.by_token.borrow().values().next().cloned()
    }

    /// Requests under way.
    pub fn len(&self) -> usize {
        self.by_token.borrow().len()
    }

    /// No request is under way.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl RequestContext {
    /// The longest timeout of the plan: the one per-try timeout that Envoy can hold for a whole request.
    pub fn longest_timeout_ms(&self) -> u64 {
        self.plan
            .attempts
            .iter()
            .map(|entry| entry.timeout_ms)
            .max()
            .unwrap_or(policy::DEFAULT_TIMEOUT_MS)
    }

    /// The cluster that reaches the target of attempt `index` itself.
    pub fn attempt_cluster(&self, index: usize) -> Option<String> {
        self.inner_cluster(self.attempts.get(index)?.entry)
    }

    /// The cluster that reaches the target of plan entry `entry` itself.
    fn inner_cluster(&self, entry: usize) -> Option<String> {
        let entry = self.plan.attempts.get(entry)?;
        Some(cluster_name(
            self.config.policy.target(entry.target)?,
            entry.timeout_ms,
        ))
    }

    /// After how many milliseconds without a first byte the next target is asked as well; `None` when the policy does not
    /// want that or there is no next one.
    pub fn hedge_after_ms(&self) -> Option<u64> {
        let group = self.config.policy.group(self.plan.group?)?;
        group
            .hedge_after_ms
            .filter(|_| self.plan.attempts.len() > 1)
    }

    /// The cluster that Envoy routes an attempt at plan entry `entry` to. A stream whose own timeout is shorter than the request's
    /// per-try timeout takes the way over the first-byte hop, which times it alone. So do all attempts of a hedged
    /// request: Envoy hedges within one cluster only, and its per-try timeout is then the time to the next attempt.
    pub fn cluster(&self, entry: usize) -> Option<String> {
        if self.takes_hop(entry) {
            Some(FIRST_BYTE.to_owned())
        } else {
            self.inner_cluster(entry)
        }
    }

    /// An attempt at plan entry `entry` goes over the first-byte hop.
    pub(crate) fn takes_hop(&self, entry: usize) -> bool {
        let is_short =
            |entry: &PlannedAttempt| self.stream && entry.timeout_ms < self.longest_timeout_ms();
        !self.is_routed_directly()
            || self.plan.attempts.get(entry).is_some_and(is_short)
            || self.hedge_after_ms().is_some()
    }

    /// The route reads the cluster of each attempt from filter state.
    pub(crate) fn is_routed_directly(&self) -> bool {
        self.config.runtime.attempt_routing == AttemptRouting::Direct
    }

    /// Milliseconds after which the router gives an attempt up, or with hedging makes the next one beside it; `None` where
    /// the hop times each attempt by itself.
    pub(crate) fn per_try_timeout_ms(&self) -> Option<u64> {
        let for_stream =
            (self.stream && self.is_routed_directly()).then(|| self.longest_timeout_ms());
        self.hedge_after_ms().or(for_stream)
    }

    /// The first request, where it was written ahead. The upstream filter has met it then.
    pub(crate) fn take_written(&mut self) -> Option<PreparedRequest> {
        match self.ahead.take()? {
            PreparedAttempt::BodyMutation(written) => Some(written),
            begun @ PreparedAttempt::Begun => {
                self.ahead = Some(begun);
                None
            }
        }
    }

    /// No attempt comes any more: what was begun ahead has not happened, where no upstream filter has met it.
    pub(crate) fn forget_ahead(&mut self) {
        if self.ahead.take().is_some() {
            self.attempts.clear();
        }
    }

    /// How often Envoy may try again: once for each further entry, and as often as each may be asked again. Whoever is the
    /// last to fail says so (`FINAL`), so this only has to be enough.
    pub fn retries(&self) -> usize {
        let entries = self.plan.attempts.len();
        if self.hedge_after_ms().is_some() {
            return entries.saturating_sub(1).max(1);
        }
        let of_each = self.same_target_retries().saturating_add(2);
        entries.saturating_mul(of_each).saturating_sub(1)
    }

    /// How often a target that answered with a passing failure is asked again.
    pub(crate) fn same_target_retries(&self) -> usize {
        let default = u32::from(self.plan.attempts.len() == 1);
        let policy = &self.config.policy.failover;
        usize::try_from(policy.same_target.unwrap_or(default)).unwrap_or(0)
    }

    /// The plan entry that is tried after attempt `index`; beyond the plan where none is left.
    pub(crate) fn entry_after(&self, index: usize) -> usize {
        match self.attempts.get(index) {
            Some(attempt) => attempt
                .next_entry
                .unwrap_or(attempt.entry.saturating_add(1)),
            None => index.saturating_add(1),
        }
    }

    /// Begins the next attempt and returns its index; `None` when nothing is left to try.
    pub fn begin_attempt(&mut self, now_ns: u64) -> Option<usize> {
        let index = self.attempts.len();
        let entry = match index.checked_sub(1) {
            None => 0,
            Some(last) => self.entry_after(last),
        };
        self.plan.attempts.get(entry)?;
        self.attempts.push(Attempt {
            entry,
            started_ns: now_ns,
            ..Attempt::default()
        });
        Some(index)
    }

    /// Another attempt is under way beside `index`.
    pub(crate) fn has_attempt_beside(&self, index: usize) -> bool {
        (self.attempts.iter().enumerate())
            .any(|(other, attempt)| other != index && attempt.ended_ns.is_none())
    }

    /// The client's answer is a provider's error.
    pub(crate) fn is_answered_with_error(&self) -> bool {
        self.client_status.is_some_and(|status| status >= 500)
    }

    /// The upstream filter of attempt `index` has met it.
    pub(crate) fn is_met(&self, index: usize) -> bool {
        (self.attempts.get(index))
            .is_some_and(|attempt| attempt.exchange.is_some() || attempt.ended_ns.is_some())
    }

    /// The conversation of attempt `index`, until it ends.
    pub(crate) fn exchange(&mut self, index: usize) -> Option<&mut Exchange> {
        self.attempts.get_mut(index)?.exchange.as_mut()
    }

    /// When the last attempt ended; `None` while one is under way, and where none was made.
    pub(crate) fn ended(&self) -> Option<Now> {
        let mut last = None;
        for attempt in &self.attempts {
            last = last.max(Some(attempt.ended_ns?));
        }
        Some(self.log.arrived.when(last?))
    }

    /// The attempt that is under way, or the last one.
    pub fn current_attempt(&self) -> Option<usize> {
        self.attempts.len().checked_sub(1)
    }

    /// The answer of attempt `index` goes to the client with this status.
    pub fn answered_by(&mut self, index: usize, status: u16, now_ns: u64) {
        self.client_status = Some(status);
        if let Some(attempt) = self.attempts.get_mut(index) {
            attempt.answered = true;
            attempt.first_content_ns = Some(now_ns);
        }
    }

    /// Keeps a piece of the client's answer for the event, where the policy wants that.
    pub(crate) fn keep_answer(&mut self, piece: &[u8]) {
        if self.config.policy.gateway.log_bodies {
            let body = self.log.response_body.get_or_insert_default();
            body.append(piece);
        }
    }

    /// Attempt `index` tries whether a half-open target serves again.
    pub(crate) fn is_trial(&self, index: usize) -> bool {
        let is_head = |attempt: &Attempt| attempt.entry == 0;
        self.plan.primary_is_half_open && self.attempts.get(index).is_some_and(is_head)
    }

    /// The plan entry of attempt `index`.
    pub fn entry(&self, index: usize) -> Option<&PlannedAttempt> {
        self.plan.attempts.get(self.attempts.get(index)?.entry)
    }

    /// The span of attempt `index`, where the request has one: made of the request's, so that nothing has to be kept.
    pub(crate) fn span_of(&self, index: usize) -> Option<SpanId> {
        let mut seed = [0; 8];
        seed.copy_from_slice(&self.log.trace?.span_id.to_bytes());
        let number = u64::try_from(index).unwrap_or(u64::MAX);
        let mut random = Random::seeded(u64::from_le_bytes(seed).wrapping_add(number));
        Some(SpanId::new(random.next_u64()))
    }

    /// `traceparent` of attempt `index`, where the request has a span.
    pub(crate) fn traceparent(&self, index: usize) -> Option<String> {
        Some(self.log.trace?.traceparent(self.span_of(index)?))
    }

    /// The target of attempt `index`.
    pub(crate) fn target(&self, index: usize) -> Option<&Target> {
        self.config.policy.target(self.entry(index)?.target)
    }

    /// The target id of attempt `index`.
    pub fn target_id(&self, index: usize) -> &str {
        self.target(index).map_or("", |target| target.id.as_str())
    }

    /// The group's name; empty when the request named none.
    pub fn group_name(&self) -> &str {
        self.plan
            .group
            .and_then(|group| self.config.policy.group(group))
            .map_or("", |group| group.name.as_str())
    }

    /// How many targets were passed over before attempt `index`: tried in vain, or left out where the strategy would
    /// have put them first.
    pub fn fallback_count(&self, index: usize) -> usize {
        let entry = self.attempts.get(index).map_or(0, |attempt| attempt.entry);
        let mut tried: Vec<usize> = (self.attempts.iter().take(index))
            .map(|attempt| attempt.entry)
            .filter(|tried| *tried != entry)
            .collect();
        // Whoever was asked twice is one target.
        tried.dedup();
        tried
            .len()
            .saturating_add(usize::from(self.plan.preferred.is_some()))
    }

    /// Who would have been first and why it did not serve, as seen from attempt `index`; `None` where it did.
    pub fn first_choice_failed(&self, index: usize) -> Option<(&str, &'static str)> {
        if let Some(excluded) = &self.plan.preferred {
            let target = self.config.policy.target(excluded.target);
            return Some((
                target.map_or("", |target| target.id.as_str()),
                excluded.reason.name(),
            ));
        }
        let has_moved = self.attempts.get(index)?.entry > 0;
        // The last word of the first choice, however often it was asked.
        let first = self.attempts.iter().rfind(|attempt| attempt.entry == 0)?;
        let is_beside = has_moved && first.ended_ns.is_none();
        let reason = first
            .failure
            .or(is_beside.then_some(FailoverReason::Hedged))?;
        has_moved.then(|| (self.target_id(0), reason.as_str()))
    }

    /// Whether another target was the first choice, as seen from attempt `index`.
    pub(crate) fn failover(&self, index: usize) -> Failover<'_> {
        let (original_provider, reason) = self.first_choice_failed(index).unzip();
        Failover {
            triggered: original_provider.is_some(),
            original_provider,
            reason,
        }
    }

    /// The object that JSON answers carry as `keeptrusts_metadata`, as JSON (contract §4).
    pub(crate) fn metadata(&self, index: usize) -> String {
        fn text_or_null(w: &mut Writer<'_>, text: Option<&str>) {
            match text {
                Some(text) => w.string(text),
                None => w.null(),
            }
        }
        let mut out = Vec::with_capacity(256);
        Writer::new(&mut out).object(|w| {
            w.field("provider").string(self.target_id(index));
            text_or_null(
                w.field("model"),
                self.entry(index).map(|entry| &*entry.model),
            );
            w.field("model_group").string(self.group_name());
            w.field("request_id").string(&self.request_id);
            let fallback_count = u64::try_from(self.fallback_count(index)).unwrap_or(u64::MAX);
            w.field("fallback_count").number(fallback_count);
            let failover = self.failover(index);
            w.field("failover").object(|w| {
                w.field("triggered").bool(failover.triggered);
                text_or_null(w.field("original_provider"), failover.original_provider);
                text_or_null(w.field("reason"), failover.reason);
            });
        });
        // Names and numbers: this is UTF-8.
        String::from_utf8(out).unwrap_or_default()
    }
}

/// What became of the first choice.
#[derive(Debug)]
pub(crate) struct Failover<'a> {
    pub(crate) triggered: bool,
    pub(crate) original_provider: Option<&'a str>,
    pub(crate) reason: Option<&'a str>,
}
