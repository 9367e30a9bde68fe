//! An `/embeddings` call that the gateway itself makes.
//!
//! Source: OpenAI's API reference, "Create embeddings".

use serde::{Deserialize, Serialize};

use crate::json;

#[derive(Serialize)]
struct Asked<'a> {
    model: &'a str,
    input: &'a [&'a str],
}

#[derive(Deserialize)]
struct Answered {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    /// Position of the text in the request. Some servers omit it and respond in order.
    index: Option<usize>,
    embedding: Vec<f32>,
}

/// A body that asks `model` for one vector per text.
pub fn request(model: &str, texts: &[&str]) -> Vec<u8> {
    let asked = Asked {
        model,
        input: texts,
    };
    // Serializing strings cannot fail.
    serde_json::to_vec(&asked).unwrap_or_default()
}

/// The vectors of a response in the order of the `count` requested texts. `None` unless each text has one and all have
/// the same dimension.
pub fn vectors(body: &[u8], count: usize) -> Option<Vec<Vec<f32>>> {
    let answered: Answered = json::parse(body).ok()?;
    let mut placed: Vec<Option<Vec<f32>>> = vec![None; count];
    for (position, item) in answered.data.into_iter().enumerate() {
        let place = placed.get_mut(item.index.unwrap_or(position))?;
        if place.replace(item.embedding).is_some() {
            return None;
        }
    }
    let vectors: Vec<Vec<f32>> = placed.into_iter().collect::<Option<_>>()?;
    let dimensions = vectors.first().map_or(0, Vec::len);
    let template = |vector: &Vec<f32>| !vector.is_empty() && vector.len() == dimensions;
    vectors.iter().all(template).then_some(vectors)
}

#[cfg(test)]
mod tests;
