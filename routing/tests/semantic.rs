//! The accuracy of the built-in embedding: `cargo test -p keeptrusts-routing --test semantic -- --nocapture` prints the
//! confusion matrix.
//!
//! `tests/data/intents.tsv` has six intents of 40 sentences: ten are the members' examples, thirty are test messages.
//! Only the scale of similarity was fitted to them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

#[path = "../src/testing.rs"]
#[allow(dead_code)]
mod testing;

use std::path::Path;
use std::sync::Arc;

use catalog::providers;
use policy::{
    DEFAULT_MIN_SIMILARITY, EmbeddingSource, Member, Policy, SemanticSettings, Strategy, TargetId,
};
use routing::health::HealthTable;
use routing::latency::LatencySnapshot;
use routing::{Budgeted, Plan, PolicyIndex, Random, Request, StateSnapshot, StrategyState, plan};

struct Intents {
    names: Vec<String>,
    /// (intent, use, sentence)
    rows: Vec<(String, String, String)>,
}

impl Intents {
    fn read() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/intents.tsv");
        let rows: Vec<(String, String, String)> = std::fs::read_to_string(file)
            .unwrap()
            .lines()
            .map(|line| {
                let mut columns = line.split('\t').map(str::to_owned);
                let mut column = || columns.next().unwrap();
                (column(), column(), column())
            })
            .collect();
        let mut names: Vec<String> = rows.iter().map(|(intent, _, _)| intent.clone()).collect();
        names.dedup();
        Self { names, rows }
    }

    fn sentences<'a>(&'a self, intent: &'a str, used: &'a str) -> impl Iterator<Item = &'a str> {
        self.rows
            .iter()
            .filter(move |(of, kind, _)| of == intent && kind == used)
            .map(|(_, _, sentence)| sentence.as_str())
    }

    /// One member per intent, with its description and the first `examples` of its training sentences.
    fn policy(&self, examples: usize, settings: SemanticSettings) -> Policy {
        let members = self
            .names
            .iter()
            .map(|intent| Member {
                description: self
                    .sentences(intent, "description")
                    .next()
                    .map(str::to_owned),
                examples: self
                    .sentences(intent, "train")
                    .take(examples)
                    .map(str::to_owned)
                    .collect(),
                ..testing::member(0, intent)
            })
            .collect();
        let group = testing::group("g", Strategy::Semantic(settings), members);
        testing::policy(vec![testing::target("t", providers::OPENAI)], vec![group])
    }
}

const BUILT_IN: SemanticSettings = SemanticSettings {
    min_similarity: 0.0,
    embedding: None,
};

fn defaults() -> SemanticSettings {
    SemanticSettings {
        min_similarity: DEFAULT_MIN_SIMILARITY,
        embedding: None,
    }
}

fn make(index: &PolicyIndex, worker: &mut StrategyState, request: &Request<'_>) -> Plan {
    let view = StateSnapshot {
        health: &HealthTable::default(),
        latency: &LatencySnapshot::default(),
        over_budget: &[],
        budgeted: Budgeted::None,
    };
    plan::make(index, &view, worker, request, &mut Random::seeded(1), 0).unwrap()
}

fn ask(index: &PolicyIndex, message: &str) -> Plan {
    let request = Request {
        last_user_message: Some(message),
        ..Request::for_model("g")
    };
    make(index, &mut StrategyState::default(), &request)
}

/// The share of test sentences that go to their intent.
fn accuracy(intents: &Intents, examples: usize, settings: SemanticSettings) -> f64 {
    let index = PolicyIndex::new(Arc::new(intents.policy(examples, settings)));
    let mut right = 0;
    let mut asked = 0;
    for intent in &intents.names {
        for sentence in intents.sentences(intent, "test") {
            let plan = ask(&index, sentence);
            let served = &plan.attempts[0].model;
            asked += 1;
            if **served == **intent {
                right += 1;
            } else {
                println!(
                    "{intent:12} went to {served:12} {:.2}  {sentence}",
                    plan.similarity.unwrap()
                );
            }
        }
    }
    let share = f64::from(right) / f64::from(asked);
    println!(
        "{examples} examples each: {right} of {asked}, {:.1} %\n",
        share * 100.0
    );
    share
}

#[test]
fn at_least_85_percent_of_the_test_sentences_find_their_member() {
    let intents = Intents::read();
    assert!(intents.names.len() >= 5 && intents.rows.len() >= 200);
    assert!(accuracy(&intents, 10, BUILT_IN) >= 0.85);
    assert!(accuracy(&intents, 3, BUILT_IN) >= 0.85);
    // The default threshold sends few of them to the first member.
    assert!(accuracy(&intents, 10, defaults()) >= 0.85);
}

#[test]
fn the_same_message_has_the_same_similarity_every_time() {
    let intents = Intents::read();
    let similarity = || {
        let index = PolicyIndex::new(Arc::new(intents.policy(10, BUILT_IN)));
        ask(&index, "Can you spot the bug in this loop?").similarity
    };
    assert_eq!(similarity(), similarity());
}

#[test]
fn what_belongs_nowhere_goes_to_the_first_member() {
    let index = PolicyIndex::new(Arc::new(Intents::read().policy(10, defaults())));
    for message in [
        "What is the weather like in Lisbon tomorrow?",
        "My dog does not eat",
        "When did the Roman empire fall?",
        "zzz qqq",
        "Wie spät ist es?",
        "🙂",
        "",
    ] {
        let plan = ask(&index, message);
        assert_eq!(&*plan.attempts[0].model, "code", "{message}");
        assert!(plan.similarity.unwrap() < DEFAULT_MIN_SIMILARITY as f32);
    }
    let plan = make(
        &index,
        &mut StrategyState::default(),
        &Request::for_model("g"),
    );
    assert_eq!((&*plan.attempts[0].model, plan.similarity), ("code", None));
}

#[test]
fn fetched_embeddings_are_used_where_configured_and_their_absence_means_the_first_member() {
    let intents = Intents::read();
    let settings = SemanticSettings {
        min_similarity: 0.5,
        embedding: Some(EmbeddingSource {
            target: TargetId(0),
            model: String::from("text-embedding-3-small"),
            timeout_ms: 500,
        }),
    };
    let index = PolicyIndex::new(Arc::new(intents.policy(2, settings)));
    let (group, source, texts) = index.embedding_texts().remove(0);
    assert_eq!(source.model, "text-embedding-3-small");
    assert_eq!(texts.len(), 6 * 3);
    assert_eq!(
        index.embedding_for("g").map(|(group, _)| group),
        Some(group)
    );
    assert!(index.embedding_for("gpt-4o").is_none());

    // Substitutes: every member's texts point in their own direction.
    let vectors: Vec<Vec<f32>> = (0..texts.len())
        .map(|text| {
            (0..6)
                .map(|axis| f32::from(u8::from(axis == text / 3)))
                .collect()
        })
        .collect();
    let mut worker = StrategyState::default();
    let near_legal = [0.1, 0.0, 0.2, 0.0, 0.9, 0.0];
    let request = Request {
        query_embedding: Some(&near_legal),
        last_user_message: Some("Can you spot the bug in this loop?"),
        ..Request::for_model("g")
    };
    assert_eq!(
        &*make(&index, &mut worker, &request).attempts[0].model,
        "code"
    );
    assert!(!worker.set_embeddings(&index, group, vectors[1..].to_vec()));
    assert!(!worker.has_embeddings(group));
    assert!(worker.set_embeddings(&index, group, vectors));
    let plan = make(&index, &mut worker, &request);
    assert_eq!(&*plan.attempts[0].model, "legal");
    // 0.9 / sqrt(0.01 + 0.04 + 0.81)
    assert!((plan.similarity.unwrap() - 0.970_5).abs() < 1e-3);

    let timed_out = Request {
        query_embedding: None,
        ..request
    };
    let plan = make(&index, &mut worker, &timed_out);
    assert_eq!((&*plan.attempts[0].model, plan.similarity), ("code", None));
    let other_model = Request {
        query_embedding: Some(&near_legal[..3]),
        ..request
    };
    assert_eq!(
        &*make(&index, &mut worker, &other_model).attempts[0].model,
        "code"
    );
}
