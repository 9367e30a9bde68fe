//! Similarity of a message to the members of a group: by a small built-in embedding, or by fetched embeddings.
//!
//! The built-in embedding knows no meaning beyond a lexicon of everyday subjects: it hashes words, pairs and pieces of
//! words, and subjects into a sparse vector, weighs each by how few members share it, and compares by cosine. That
//! suffices to tell topics apart if members have a description and a handful of examples; `tests/semantic.rs` measures
//! it.

mod fetched;
mod lexicon;
mod text;

use std::collections::{BTreeMap, HashMap, HashSet};

use policy::Member;

pub(crate) use fetched::FetchedEmbeddings;
use text::{Feature, Vector};

/// Weight of the nearest single text in a member's similarity; the rest is that of all its texts together. Rewards both
/// one example that matches well and a member that matches overall.
const NEAREST: f32 = 0.4;
/// Scales similarities so that [`policy::DEFAULT_MIN_SIMILARITY`] lies between messages that belong to a member and
/// messages that belong nowhere, as it does for fetched embeddings.
const LIFT: f32 = 0.85;

/// The built-in vectors of one group's members.
#[derive(Debug, Default)]
pub(crate) struct BuiltInEmbedding {
    /// How well a feature tells members apart.
    rarity: HashMap<Feature, f32>,
    /// The rarity of a feature that no member has.
    strange: f32,
    members: Vec<MemberVectors>,
}

#[derive(Debug)]
struct MemberVectors {
    texts: Vec<Vector>,
    together: Vector,
}

/// The texts that describe a member: its description and examples. Embeddings are fetched for these.
pub(crate) fn texts(member: &Member) -> impl Iterator<Item = &str> {
    member
        .description
        .iter()
        .chain(&member.examples)
        .map(String::as_str)
}

impl BuiltInEmbedding {
    pub(crate) fn new(members: &[Member]) -> Self {
        let features: Vec<Vec<Vector>> = members
            .iter()
            .map(|member| texts(member).map(text::features).collect())
            .collect();
        let mut built_in = Self {
            rarity: rarity(&features),
            strange: (1.0 + members.len() as f32).ln(),
            members: Vec::new(),
        };
        built_in.members = features
            .iter()
            .map(|texts| built_in.vectors(texts))
            .collect();
        built_in
    }

    /// Similarity of `message` to each member, from 0 to 1.
    pub(crate) fn similarities(&self, message: &str) -> Vec<f32> {
        let query = self.vector(&text::features(message));
        self.members
            .iter()
            .map(|member| {
                let texts = member.texts.iter().map(|text| dot(&query, text));
                let nearest = texts.fold(0.0, f32::max);
                let together = dot(&query, &member.together);
                (NEAREST * nearest + (1.0 - NEAREST) * together)
                    .clamp(0.0, 1.0)
                    .powf(LIFT)
            })
            .collect()
    }

    fn vectors(&self, features: &[Vector]) -> MemberVectors {
        let texts: Vec<Vector> = features.iter().map(|text| self.vector(text)).collect();
        let mut sums: BTreeMap<Feature, f32> = BTreeMap::new();
        for (feature, weight) in texts.iter().flatten() {
            *sums.entry(*feature).or_default() += weight;
        }
        let mut together: Vector = sums.into_iter().collect();
        normalise(&mut together);
        MemberVectors { texts, together }
    }

    /// Weighted by rarity, of length 1.
    fn vector(&self, features: &Vector) -> Vector {
        let mut vector: Vector = features
            .iter()
            .map(|(feature, weight)| {
                let rarity = self.rarity.get(feature).unwrap_or(&self.strange);
                (*feature, weight * rarity)
            })
            .collect();
        normalise(&mut vector);
        vector
    }
}

/// ln(1 + members / members with the feature).
fn rarity(members: &[Vec<Vector>]) -> HashMap<Feature, f32> {
    let mut holders: HashMap<Feature, u32> = HashMap::new();
    for texts in members {
        let mut seen = HashSet::new();
        for (feature, _) in texts.iter().flatten() {
            if seen.insert(*feature) {
                let count = holders.entry(*feature).or_default();
                *count = count.saturating_add(1);
            }
        }
    }
    let count = members.len() as f32;
    holders
        .into_iter()
        .map(|(feature, holders)| (feature, (1.0 + count / holders as f32).ln()))
        .collect()
}

fn normalise(vector: &mut Vector) {
    let squares: f32 = vector.iter().map(|(_, weight)| weight * weight).sum();
    let length = squares.sqrt();
    if length > 0.0 {
        for (_, weight) in vector {
            *weight /= length;
        }
    }
}

/// Both are sorted by feature.
fn dot(left: &Vector, right: &Vector) -> f32 {
    let mut right = right.iter().peekable();
    let mut sum = 0.0;
    for (feature, weight) in left {
        while right.next_if(|(other, _)| other < feature).is_some() {}
        if let Some((_, other)) = right.next_if(|(other, _)| other == feature) {
            sum += weight * other;
        }
    }
    sum
}

/// Cosine similarity; 0 for vectors of different length or without direction.
pub(crate) fn cosine(left: &[f32], right: &[f32]) -> f32 {
    if left.len() != right.len() {
        return 0.0;
    }
    let product: f32 = left.iter().zip(right).map(|(a, b)| a * b).sum();
    let lengths = |vector: &[f32]| vector.iter().map(|a| a * a).sum::<f32>();
    let length = (lengths(left) * lengths(right)).sqrt();
    if length > 0.0 && product.is_finite() {
        product / length
    } else {
        0.0
    }
}
