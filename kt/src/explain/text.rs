//! An explanation for people.

use std::fmt;

use serde_json::Value;

use super::member::Member;
use super::{Explanation, RequestRead};

impl fmt::Display for Explanation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "request  {}", self.request)?;
        match &self.model_group {
            Some(group) => write!(out, "group    {group}: ")?,
            None => write!(out, "group    none: ")?,
        }
        writeln!(
            out,
            "{}{}",
            strategy(&self.strategy),
            if self.session_affinity {
                ", session affinity"
            } else {
                ""
            }
        )?;
        let rows: Vec<[String; 4]> = self.members.iter().map(columns).collect();
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let (provider, model) = (width(1), width(2));
        let mut rows = rows;
        rows.sort_by_key(|[position, ..]| position.parse::<usize>().unwrap_or(usize::MAX));
        for [position, id, name, rest] in &rows {
            let row = format!("{position:>3}  {id:provider$}  {name:model$}  {rest}");
            writeln!(out, "{}", row.trim_end())?;
        }
        if let Some(why) = &self.why {
            writeln!(out, "first    {why}")?;
        }
        if let Some(refusal) = &self.refusal {
            writeln!(
                out,
                "refused  {} {}: {}",
                refusal.status, refusal.code, refusal.message
            )?;
        }
        for note in &self.notes {
            writeln!(out, "note     {note}")?;
        }
        Ok(())
    }
}

impl fmt::Display for RequestRead {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} for {}{}, about {} prompt tokens, {} completion tokens{}, conversation {} told by {}",
            self.endpoint,
            self.model,
            if self.stream { " as a stream" } else { "" },
            self.prompt_tokens,
            self.output_tokens,
            if self.output_tokens_assumed {
                " assumed"
            } else {
                " at most"
            },
            self.conversation.id,
            self.conversation.source
        )
    }
}

/// `cost (budget_per_request_usd 0.01, …)`; settings that are not set are left out.
fn strategy(strategy: &Value) -> String {
    let name = strategy["name"].as_str().unwrap_or_default();
    let settings: Vec<String> = strategy
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, value)| *key != "name" && !value.is_null())
        .map(|(key, value)| match value {
            Value::String(text) => format!("{key} {text}"),
            other => format!("{key} {other}"),
        })
        .collect();
    if settings.is_empty() {
        name.to_owned()
    } else {
        format!("{name} ({})", settings.join(", "))
    }
}

/// Position, target, model, and what is known.
fn columns(member: &Member) -> [String; 4] {
    let mut facts = Vec::new();
    facts.extend(member.reason.clone());
    facts.extend(member.weight.map(|weight| format!("weight {weight}")));
    facts.extend(member.tag.as_ref().map(|tag| format!("tag {tag}")));
    facts.extend(member.similarity.map(|one| format!("similarity {one:.3}")));
    facts.extend(
        member
            .latency
            .as_ref()
            .map(|latency| match latency.average_ms {
                Some(average) => format!("{average:.0} ms over {} samples", latency.samples),
                None => format!("{} samples", latency.samples),
            }),
    );
    if let (Some(usd), Some(price)) = (member.estimated_cost_usd, &member.price) {
        facts.push(format!(
            "about {usd:.6} USD ({} in, {} out per 1,000 tokens, by the {})",
            price.input_per_1k, price.output_per_1k, price.source
        ));
    }
    let position = member
        .position
        .map_or_else(|| String::from("-"), |position| position.to_string());
    [
        position,
        member.provider.clone(),
        member.model.clone(),
        facts.join(", "),
    ]
}
