//! `semantic`: the member whose description and examples are most similar to the last user message.
//!
//! Below `min_similarity`, without a message, or if an embedding could not be fetched, the group's first member serves.

use policy::SemanticSettings;

use super::{LoadBalancer, Pick};
use crate::plan::context::{Candidate, Context};

pub(super) struct Semantic<'s>(pub(super) &'s SemanticSettings);

impl Semantic<'_> {
    /// Similarity of the message to each member of the group, by position; `None` if unknown.
    fn similarities(&self, context: &Context<'_>) -> Option<Vec<f32>> {
        let group = context.group?;
        match self.0.embedding {
            Some(_) => {
                let query = context.request.query_embedding?;
                context.worker.embeddings(group)?.similarities(query)
            }
            None => {
                let message = context.request.last_user_message?;
                Some(context.index.built_in(group)?.similarities(message))
            }
        }
    }
}

impl LoadBalancer for Semantic<'_> {
    fn pick(&self, candidates: &[Candidate<'_>], context: &mut Context<'_>) -> Pick {
        let Some(similarities) = self.similarities(context) else {
            return Pick::primary(0);
        };
        let of = |candidate: &Candidate<'_>| {
            similarities.get(candidate.position).copied().unwrap_or(0.0)
        };
        let mut nearest: Option<(usize, f32)> = None;
        for (position, similarity) in candidates.iter().map(of).enumerate() {
            if nearest.is_none_or(|(_, best)| similarity > best) {
                nearest = Some((position, similarity));
            }
        }
        match nearest {
            Some((primary, similarity)) if f64::from(similarity) >= self.0.min_similarity => Pick {
                similarity: Some(similarity),
                ..Pick::primary(primary)
            },
            _ => Pick {
                similarity: candidates.first().map(of),
                ..Pick::primary(0)
            },
        }
    }
}
