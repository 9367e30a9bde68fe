//! Embeddings of members' texts that were fetched from a provider.

use policy::Member;

use super::{cosine, texts};

/// One group's fetched vectors.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FetchedEmbeddings {
    /// For each member, a vector for each of its texts.
    members: Vec<Vec<Vec<f32>>>,
}

impl FetchedEmbeddings {
    /// Deals `vectors`, one for each text of all members in order, to their members. `None` when their number is wrong.
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

    /// Cosine similarity of `query` to the nearest text of each member; `None` when nothing can be compared, because
    /// the query has another number of dimensions than all texts.
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
