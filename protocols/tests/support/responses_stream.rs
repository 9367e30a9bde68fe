//! Reads a stream of OpenAI's Responses as strictly as the strictest client, and adds it up to one response.

use serde_json::{Map, Value, json};

use super::chat_stream::frames;

/// The response at the end of a failed stream, or the `error` event of one that never began.
pub fn failure(raw: &[u8]) -> Option<Value> {
    let frames = frames(raw);
    let (name, data) = frames.last()?;
    let data: Value = serde_json::from_str(data).ok()?;
    match name.as_str() {
        "response.failed" => Some(check(raw)["error"].clone()),
        "error" if frames.len() == 1 => Some(data),
        _ => None,
    }
}

/// Adds a complete stream up to a `response`.
///
/// # Panics
/// It breaks one of the rules that clients rely on.
pub fn accumulate(raw: &[u8]) -> Value {
    let response = check(raw);
    assert_ne!(response["status"], "failed");
    response
}

/// An item that grows.
struct Item {
    id: Value,
    kind: String,
    /// Finished parts, and the one that grows.
    parts: Vec<(String, bool)>,
    /// What `output_item.done` said.
    done: Option<Value>,
}

fn check(raw: &[u8]) -> Value {
    assert!(raw.ends_with(b"\n\n"), "no blank line at the end");
    let mut items: Vec<Item> = Vec::new();
    let mut last: Option<Value> = None;
    for (number, (name, data)) in frames(raw).into_iter().enumerate() {
        let event: Value = serde_json::from_str(&data).expect("JSON");
        assert_eq!(event["type"], name.as_str(), "{data}");
        assert_eq!(event["sequence_number"], number, "{data}");
        assert!(last.is_none(), "after the last event: {data}");
        match (number, name.as_str()) {
            (0, "response.created") | (1, "response.in_progress") => {
                assert_eq!(event["response"]["status"], "in_progress");
                assert_eq!(event["response"]["output"], json!([]));
            }
            (0 | 1, _) => panic!("unexpected beginning: {data}"),
            (_, "response.output_item.added") => {
                let item = &event["item"];
                assert_eq!(event["output_index"], items.len(), "{data}");
                assert_eq!(item["status"], "in_progress", "{data}");
                let kind = item["type"].as_str().expect("type").to_owned();
                items.push(Item {
                    id: item["id"].clone(),
                    parts: match kind.as_str() {
                        "function_call" => vec![(String::new(), false)],
                        _ => Vec::new(),
                    },
                    kind,
                    done: None,
                });
            }
            (_, "response.output_item.done") => {
                let item = at(&mut items, &event);
                assert_eq!(event["item"]["id"], item.id, "{data}");
                assert!(item.parts.iter().all(|(_, done)| *done), "{data}");
                assert_eq!(texts(&event["item"]), item.texts(), "{data}");
                item.done = Some(event["item"].clone());
            }
            (_, "response.completed" | "response.incomplete" | "response.failed") => {
                let response = event["response"].clone();
                assert_eq!(
                    format!("response.{}", response["status"].as_str().unwrap()),
                    name
                );
                last = Some(response);
            }
            (_, name) => grow(at(&mut items, &event), name, &event),
        }
    }
    let response = last.expect("a last event");
    let done: Vec<Value> = items.iter().filter_map(|item| item.done.clone()).collect();
    assert_eq!(response["output"], json!(done));
    assert!(response["status"] == "failed" || done.len() == items.len());
    response
}

fn at<'i>(items: &'i mut [Item], event: &Value) -> &'i mut Item {
    let index = event["output_index"].as_u64().expect("output_index");
    let item = &mut items[usize::try_from(index).unwrap()];
    assert!(item.done.is_none(), "the item is done: {event}");
    item
}

fn grow(item: &mut Item, name: &str, event: &Value) {
    assert_eq!(event["item_id"], item.id, "{event}");
    let part = ["content_index", "summary_index"]
        .iter()
        .find_map(|index| event.get(index)?.as_u64())
        .map_or(0, |part| usize::try_from(part).unwrap());
    let (kind, step) = match name {
        "response.content_part.added" => {
            assert!(item.parts.iter().all(|(_, done)| *done), "{event}");
            assert_eq!(part, item.parts.len(), "{event}");
            item.parts.push((String::new(), false));
            return;
        }
        "response.reasoning_summary_part.added" => {
            assert_eq!((part, item.parts.len()), (0, 0), "{event}");
            item.parts.push((String::new(), false));
            return;
        }
        "response.output_text.delta" | "response.refusal.delta" => ("message", "delta"),
        "response.reasoning_summary_text.delta" => ("reasoning", "delta"),
        "response.function_call_arguments.delta" => ("function_call", "delta"),
        "response.output_text.done" => ("message", "text"),
        "response.refusal.done" => ("message", "refusal"),
        "response.reasoning_summary_text.done" => ("reasoning", "text"),
        "response.function_call_arguments.done" => ("function_call", "arguments"),
        "response.content_part.done" | "response.reasoning_summary_part.done" => {
            let text = ["text", "refusal"]
                .iter()
                .find_map(|name| event["part"][name].as_str());
            assert_eq!(text, Some(item.parts[part].0.as_str()), "{event}");
            item.parts[part].1 = true;
            return;
        }
        _ => panic!("unexpected event: {event}"),
    };
    assert_eq!(item.kind, kind, "{event}");
    let (text, done) = &mut item.parts[part];
    assert!(!*done, "{event}");
    let said = event[step].as_str().expect("text");
    if step == "delta" {
        assert!(!said.is_empty(), "{event}");
        text.push_str(said);
    } else {
        assert_eq!(text, said, "{event}");
        *done = kind == "function_call";
    }
}

impl Item {
    fn texts(&self) -> Vec<String> {
        self.parts.iter().map(|(text, _)| text.clone()).collect()
    }
}

/// The texts of a finished item.
fn texts(item: &Value) -> Vec<String> {
    let of = |part: &Map<String, Value>| {
        let text = ["text", "refusal"]
            .iter()
            .find_map(|name| part.get(*name)?.as_str());
        text.expect("text").to_owned()
    };
    let parts = |name: &str| {
        let parts = item[name].as_array().expect("parts");
        parts
            .iter()
            .map(|part| of(part.as_object().unwrap()))
            .collect()
    };
    match item["type"].as_str().expect("type") {
        "message" => parts("content"),
        "reasoning" => parts("summary"),
        "function_call" => vec![item["arguments"].as_str().expect("arguments").to_owned()],
        other => panic!("{other}"),
    }
}
