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
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn a_request_names_model_and_texts() {
        assert_eq!(
            request("text-embedding-3-small", &["a \"b\"", "ü"]),
            r#"{"model":"text-embedding-3-small","input":["a \"b\"","ü"]}"#.as_bytes()
        );
    }

    #[test]
    fn vectors_come_in_the_order_of_the_texts_or_not_at_all() {
        let two = Some(vec![vec![1.0, 2.0], vec![3.0, 4.0]]);
        for (body, expected) in [
            (
                r#"{"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [1, 2]}, {"index": 1, "embedding": [3, 4]}], "usage": {}}"#,
                two.clone(),
            ),
            (
                r#"{"data": [{"index": 1, "embedding": [3, 4]}, {"index": 0, "embedding": [1, 2]}]}"#,
                two.clone(),
            ),
            (
                r#"{"data": [{"embedding": [1, 2]}, {"embedding": [3, 4]}]}"#,
                two,
            ),
            // Missing, surplus, duplicate, from another model, empty.
            (r#"{"data": [{"index": 0, "embedding": [1, 2]}]}"#, None),
            (
                r#"{"data": [{"embedding": [1]}, {"embedding": [1]}, {"embedding": [1]}]}"#,
                None,
            ),
            (
                r#"{"data": [{"index": 0, "embedding": [1]}, {"index": 0, "embedding": [1]}]}"#,
                None,
            ),
            (
                r#"{"data": [{"embedding": [1, 2]}, {"embedding": [1]}]}"#,
                None,
            ),
            (r#"{"data": [{"embedding": []}, {"embedding": []}]}"#, None),
            (
                r#"{"data": [{"embedding": "AACAPw=="}, {"embedding": [1]}]}"#,
                None,
            ),
            (r#"{"error": {"message": "no"}}"#, None),
            ("no JSON", None),
        ] {
            assert_eq!(vectors(body.as_bytes(), 2), expected, "{body}");
        }
    }
}
