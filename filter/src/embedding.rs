//! Semantic routing by a provider's embeddings: those of the members' texts are fetched ahead, that of a request's last
//! message while the request waits.
//!
//! Calls go through the target's cluster for calls ([`policy::cluster::Purpose::Calls`]), which adds its key. Whatever
//! goes wrong, the request is planned without an embedding, and the group's first member serves. A target that keeps
//! requests waiting is put aside, see [`crate::http_callout`]; what is fetched ahead keeps nobody waiting, and has waits of
//! its own.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use policy::{EmbeddingSource, GroupId, Policy, Target};
use protocols::formats::embeddings;
use protocols::{ClientFormat, upstream_path};

use crate::config::GatewayConfig;
use crate::host::{Host, HostError, HostResult};
use crate::http_callout::{self, Answer, Callout, CalloutRequest};
use crate::worker::Worker;

/// Nobody waits for members' texts, so there is time.
const LESSON_TIMEOUT_MS: u64 = 30_000;
/// After a failed lesson the next one is tried so much later, and twice as late after each further failure.
const FIRST_WAIT_MS: u64 = 1_000;
const LONGEST_WAIT_MS: u64 = 60_000;
/// Longest answer that is read, in bytes: some hundred vectors of the largest models.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// Fetches the embeddings of members' texts, one call for each group, until all are known.
#[derive(Debug, Default)]
pub struct EmbeddingCache {
    /// Whose groups are learnt. While a policy replaces another, both are asked for by requests.
    policy: RefCell<Option<Arc<Policy>>>,
    learnt: Cell<bool>,
    under_way: RefCell<HashMap<u32, EmbeddingFetch>>,
    waits: RefCell<HashMap<GroupId, Wait>>,
}

#[derive(Debug, Clone, Copy)]
struct EmbeddingFetch {
    group: GroupId,
    texts: usize,
}

/// When a group is tried again, by the clock that never jumps, and for how long it waited then.
#[derive(Debug, Clone, Copy)]
struct Wait {
    until_ms: u64,
    length_ms: u64,
}

impl EmbeddingCache {
    /// Starts the embeddings that are due.
    pub fn on_tick(&self, host: &impl Host, vm: &Worker, config: &GatewayConfig) {
        if self.learnt.get() || !self.are_about(config) {
            return;
        }
        let now_ms = host.now().monotonic_ms();
        let mut learnt = true;
        for (group, source, texts) in config.index.embedding_texts() {
            if vm.worker.borrow().has_embeddings(group) {
                continue;
            }
            learnt = false;
            if self.is_under_way(group) || self.has_to_wait(group, now_ms) {
                continue;
            }
            match call(host, config, source, &texts, LESSON_TIMEOUT_MS) {
                Ok(token) => {
                    let texts = texts.len();
                    let lesson = EmbeddingFetch { group, texts };
                    self.under_way.borrow_mut().insert(token, lesson);
                }
                Err(error) => self.failed(config, group, now_ms, &error.to_string()),
            }
        }
        self.learnt.set(learnt);
    }

    /// An answer came, or its time was over. `false` when it is none of ours.
    pub fn on_call_response(
        &self,
        host: &impl Host,
        vm: &Worker,
        config: &GatewayConfig,
        token: u32,
    ) -> bool {
        let Some(EmbeddingFetch { group, texts }) = self.under_way.borrow_mut().remove(&token)
        else {
            return false;
        };
        let answer = http_callout::read(host, MAX_BYTES);
        let learnt = vectors(&answer, texts).and_then(|vectors| {
            let learnt = vm
                .worker
                .borrow_mut()
                .set_embeddings(&config.index, group, vectors);
            learnt
                .then_some(())
                .ok_or_else(|| String::from("it gave other vectors than were asked for"))
        });
        match learnt {
            Ok(()) => _ = self.waits.borrow_mut().remove(&group),
            Err(why) => self.failed(config, group, host.now().monotonic_ms(), &why),
        }
        true
    }

    /// Begins anew with the groups of `policy`.
    pub fn turn_to(&self, policy: &Arc<Policy>) {
        self.policy.replace(Some(Arc::clone(policy)));
        self.learnt.set(false);
        self.under_way.take();
        self.waits.take();
    }

    fn are_about(&self, config: &GatewayConfig) -> bool {
        let policy = self.policy.borrow();
        policy
            .as_ref()
            .is_some_and(|policy| Arc::ptr_eq(policy, &config.policy))
    }

    fn is_under_way(&self, group: GroupId) -> bool {
        let under_way = self.under_way.borrow();
        under_way.values().any(|lesson| lesson.group == group)
    }

    fn has_to_wait(&self, group: GroupId, now_ms: u64) -> bool {
        let waits = self.waits.borrow();
        waits.get(&group).is_some_and(|wait| now_ms < wait.until_ms)
    }

    fn failed(&self, config: &GatewayConfig, group: GroupId, now_ms: u64, why: &str) {
        let mut waits = self.waits.borrow_mut();
        let length_ms = waits.get(&group).map_or(FIRST_WAIT_MS, |wait| {
            wait.length_ms.saturating_mul(2).min(LONGEST_WAIT_MS)
        });
        let until_ms = now_ms.saturating_add(length_ms);
        waits.insert(
            group,
            Wait {
                until_ms,
                length_ms,
            },
        );
        let name = config.policy.group(group).map_or("", |group| &group.name);
        log::warn!(
            "model group {name}: no embeddings of its members, so its first one serves; asked again in {} s: {why}",
            length_ms / 1_000
        );
    }
}

/// Asks for the embedding of `message` if `model` is routed by it. `None` where it is not, or where asking would be in
/// vain.
pub(crate) fn ask(
    host: &impl Host,
    vm: &Worker,
    config: &GatewayConfig,
    model: &str,
    message: Option<&str>,
) -> Option<Callout> {
    let (group, source) = config.index.embedding_for(model)?;
    let message = message.filter(|message| !message.trim().is_empty())?;
    let knows = vm.embeddings.are_about(config) && vm.worker.borrow().has_embeddings(group);
    if !knows {
        return None;
    }
    let question = CalloutRequest {
        target: source.target,
        path: &path(config.policy.target(source.target)?, source).ok()?,
        body: &embeddings::request(&source.model, &[message]),
        timeout_ms: source.timeout_ms,
    };
    http_callout::ask(host, vm, config, question)
}

/// The embedding that [`ask`] asked for; `None` when no good answer came.
pub(crate) fn answered(
    host: &impl Host,
    vm: &Worker,
    config: &GatewayConfig,
    callout: Callout,
) -> Option<Vec<f32>> {
    let answer = http_callout::read(host, MAX_BYTES);
    let vectors = vectors(&answer, 1);
    callout.report(host, vm, config, &answer, vectors.is_ok());
    vectors.ok()?.pop()
}

fn call(
    host: &impl Host,
    config: &GatewayConfig,
    source: &EmbeddingSource,
    texts: &[&str],
    timeout_ms: u64,
) -> HostResult<u32> {
    let target = config
        .policy
        .target(source.target)
        .ok_or(HostError::NotFound)?;
    let body = embeddings::request(&source.model, texts);
    http_callout::post_json(host, target, &path(target, source)?, &body, timeout_ms)
}

fn path(target: &Target, source: &EmbeddingSource) -> HostResult<String> {
    let attempt = ingress::capability_probe(target, ClientFormat::Embeddings, &source.model);
    // A deployment's name that cannot stand in a path names nothing.
    upstream_path::openai(&attempt, "embeddings").map_err(|_| HostError::NotFound)
}

fn vectors(answer: &Answer, texts: usize) -> Result<Vec<Vec<f32>>, String> {
    match answer.status {
        Some(200) => {}
        Some(status) => return Err(format!("the provider answered with status {status}")),
        None => return Err(String::from("the provider did not answer")),
    }
    embeddings::vectors(&answer.body, texts)
        .ok_or_else(|| format!("expected {texts} vectors, found something else"))
}
