//! Embeddings of members' texts, fetched from a provider.

use policy::Member;

use super::{cosine, texts};

/// One group's fetched vectors.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FetchedEmbeddings {
    /// For each member, a vector per text.
    members: Vec<Vec<Vec<f32>>>,
}

impl FetchedEmbeddings {
    /// Assigns `vectors`, one per text of all members in order, to their members. `None` if their number is wrong.
    pub(crate) fn new(members: &[Member], vectors: Vec<Vec<f32>>) -> Option<Self> {
        let mut vectors = vectors.into_iter();
        let dealt: Vec<Vec<Vec<f32>>> = members
            .iter()
            .map(|member| vectors.by_ref().take(texts(member).count()).collect())
            .collect();
        let complete = members
            .iter()
            .zip(&dealt)
            .all(|(member, own)| own.len() == texts(member).count());
        (complete && vectors.next().is_none()).then_some(Self { members: dealt })
    }

    /// Cosine similarity of `query` to the nearest text of each member; `None` if nothing can be compared, because the
    /// query's dimension differs from that of all texts.
    pub(crate) fn similarities(&self, query: &[f32]) -> Option<Vec<f32>> {
        let comparable = |text: &Vec<f32>| text.len() == query.len();
        if query.is_empty() || !self.members.iter().flatten().any(comparable) {
            return None;
        }
        let nearest = |texts: &Vec<Vec<f32>>| {
            texts
                .iter()
                .map(|text| cosine(query, text))
                .fold(0.0, f32::max)
        };
        Some(self.members.iter().map(nearest).collect())
    }
}
