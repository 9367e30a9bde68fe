//! A first request that is written ahead: by the downstream filter, which has its head and body at hand anyway.
//!
//! Where nothing changes in the body but the model's name, the upstream filter then needs neither read the head nor wait for
//! the body, which saves most of its calls of the proxy. What the router may look at before is left to it. A later attempt
//! finds what the first one left, as ever.

use protocols::{BodyEdit, BodyPrefix};

use super::body_mutation::BodyMutation;
use super::request;
use crate::headers::{TRACEPARENT, is_for_the_router, is_forwarded};
use crate::host::{HeaderList, Host, HostResult, Now};
use crate::request_context::RequestContext;

/// How much of the first attempt the downstream filter has done; the upstream filter takes it over.
#[derive(Debug)]
pub(crate) enum PreparedAttempt {
    /// The attempt has begun, and its exchange is there.
    Begun,
    /// Its request is written as well, but for its rest.
    BodyMutation(PreparedRequest),
}

/// What a upstream filter needs to complete a request.
#[derive(Debug)]
pub(crate) struct PreparedRequest {
    pub(super) path: String,
    /// The translator's.
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body_bytes: usize,
    /// How many headers the router was given to pass on. Where more or fewer come out, somebody behind the downstream filter has
    /// changed the head, and it has to be read after all. Who replaces as many as he takes away means it so.
    header_count: usize,
    /// Headers to set, or, without a value, to take out.
    rest: Vec<(&'static str, Option<String>)>,
}

/// A request that can be written ahead.
pub(crate) struct FirstRequest {
    /// The translator's.
    headers: Vec<(&'static str, String)>,
    /// What this target gets of the client's beside the usual ones.
    forwarded: Vec<(String, Vec<u8>)>,
    written: BodyMutation,
    content_length: String,
    /// Of the attempt's span, in place of the client's.
    traceparent: Option<String>,
}

impl FirstRequest {
    /// Begins the first attempt of `request`, whose body has `size` bytes and these `prefix`.
    /// `None` where its upstream filter must do it, or must at least write the request.
    pub(crate) fn begin(
        context: &mut RequestContext,
        headers: &HeaderList,
        prefix: BodyPrefix<'_>,
        size: usize,
        now: Now,
    ) -> Option<Self> {
        if context.takes_hop(0) {
            return None;
        }
        let index = context.begin_attempt(now.monotonic_ns)?;
        // The upstream filter refuses what cannot be said.
        let Ok(mut exchange) = request::exchange(context, index, now) else {
            context.attempts.clear();
            return None;
        };
        // What else is changed may not suit the targets that come after this one.
        let outgoing = if exchange.changes_only_the_model() {
            exchange.request_from_prefix(prefix)
        } else {
            None
        };
        if let Some(attempt) = context.attempts.get_mut(index) {
            attempt.exchange = Some(exchange);
        }
        context.ahead = Some(PreparedAttempt::Begun);
        let outgoing = outgoing?.ok()?;
        if let BodyEdit::Splice(edits) = &outgoing.body
            && let [(range, model)] = edits.as_slice()
        {
            let end = range.start.saturating_add(model.len());
            context.model_span = range.start..end;
        }
        let written = BodyMutation::of(prefix.start, outgoing.body);
        let body_bytes = written.length(size);
        let forwarded = context.forwarded_headers.to(context.target(index));
        let first = Self {
            forwarded: forwarded
                .map(|(name, value)| (name.to_owned(), value.to_vec()))
                .collect(),
            headers: outgoing.headers,
            content_length: body_bytes.to_string(),
            traceparent: context.traceparent(index),
            written,
        };
        context.ahead = Some(PreparedAttempt::BodyMutation(PreparedRequest {
            rest: rest(context, index, headers, &outgoing.path),
            path: outgoing.path,
            headers: first.headers.clone(),
            body_bytes,
            header_count: 0,
        }));
        Some(first)
    }

    /// The provider's head, as far as the router does not look at it.
    pub(crate) fn head<'a>(&'a self, client: &'a HeaderList) -> Vec<(&'a str, &'a [u8])> {
        let mut list: Vec<(&str, &[u8])> = vec![
            ("content-type", b"application/json"),
            ("content-length", self.content_length.as_bytes()),
        ];
        let own = |name: &str| self.headers.iter().any(|(own, _)| *own == name);
        list.extend(
            client
                .iter()
                .filter(|(name, _)| is_for_the_router(name) || (is_forwarded(name) && !own(name)))
                .filter(|(name, _)| self.traceparent.is_none() || *name != TRACEPARENT),
        );
        let traceparent = self.traceparent.as_ref();
        list.extend(traceparent.map(|value| (TRACEPARENT, value.as_bytes())));
        let forwarded = self.forwarded.iter().filter(|(name, _)| !own(name));
        list.extend(forwarded.map(|(name, value)| (name.as_str(), value.as_slice())));
        list.extend((self.headers.iter()).map(|(name, value)| (*name, value.as_bytes())));
        list
    }

    /// Gives the body of `size` bytes back, which is `held` where we have it.
    pub(crate) fn write_body(
        &self,
        host: &impl Host,
        size: usize,
        held: Option<&[u8]>,
    ) -> HostResult<()> {
        self.written.give_back(host, size, held)
    }
}

fn rest(
    context: &RequestContext,
    index: usize,
    client: &HeaderList,
    path: &str,
) -> Vec<(&'static str, Option<String>)> {
    let target = context.target(index);
    let authority = target.map(|target| target.base_url.authority());
    let scheme = target.map_or("http", |target| target.base_url.scheme());
    let mut rest = vec![(":authority", authority)];
    if client.text(":path") != Some(path) {
        rest.push((":path", Some(path.to_owned())));
    }
    if client.text(":scheme") != Some(scheme) {
        rest.push((":scheme", Some(scheme.to_owned())));
    }
    if client.text("x-forwarded-proto").is_some() {
        rest.push(("x-forwarded-proto", None));
    }
    rest
}

impl PreparedAttempt {
    /// So many headers go to the router.
    pub(crate) fn expect_headers(&mut self, count: usize) {
        match self {
            Self::Begun => {}
            Self::BodyMutation(written) => written.header_count = count,
        }
    }
}

impl PreparedRequest {
    /// The head came out as it was given in, so that [`PreparedRequest::complete`] makes the provider's of it.
    pub(super) fn is_untouched(&self, header_count: usize) -> bool {
        self.header_count == header_count
    }

    /// The upstream filter's part.
    pub(super) fn complete(&self, host: &impl Host) -> HostResult<()> {
        for (name, value) in &self.rest {
            match value {
                Some(value) => host.set_request_header(name, value.as_bytes())?,
                None => host.remove_request_header(name)?,
            }
        }
        Ok(())
    }
}
