//! Configurations of other gateways as policies.

mod document;
pub(crate) mod litellm;
pub(crate) mod portkey;

use serde_json::Value;

/// What became of another gateway's configuration.
#[derive(Debug)]
pub(crate) struct Imported {
    /// A policy.
    pub(crate) policy: Value,
    /// What has no counterpart, what is done otherwise here, and what is left to do, each with the place it is about.
    pub(crate) notes: Vec<String>,
}

/// Members of an object that are read one by one, so that those that nobody read can be named.
struct Members<'a> {
    /// Where the object stands, such as `model_list[0].litellm_params`.
    place: String,
    left: Vec<(&'a str, &'a Value)>,
}

impl<'a> Members<'a> {
    /// Of a value that is no object there are none.
    fn of(place: impl Into<String>, value: &'a Value) -> Self {
        let members = value.as_object().into_iter().flatten();
        Self {
            place: place.into(),
            left: members
                .map(|(name, value)| (name.as_str(), value))
                .collect(),
        }
    }

    /// The member of the first of `names` that is there and not null.
    fn take(&mut self, names: &[&str]) -> Option<&'a Value> {
        let mut found = None;
        self.left.retain(|(name, value)| {
            let wanted = names.contains(name);
            if wanted && found.is_none() && !value.is_null() {
                found = Some(*value);
            }
            !wanted
        });
        found
    }

    fn has(&self, name: &str) -> bool {
        self.left.iter().any(|(left, _)| *left == name)
    }

    fn text(&mut self, names: &[&str]) -> Option<&'a str> {
        self.take(names)?.as_str()
    }

    fn number(&mut self, names: &[&str]) -> Option<f64> {
        self.take(names)?.as_f64()
    }

    fn objects(&mut self, names: &[&str]) -> Vec<Members<'a>> {
        let list = self.take(names).and_then(Value::as_array);
        let items = list.into_iter().flatten().enumerate();
        let name = names.first().copied().unwrap_or_default();
        items
            .map(|(index, item)| Members::of(format!("{}[{index}]", self.place_of(name)), item))
            .collect()
    }

    fn place_of(&self, name: &str) -> String {
        if self.place.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.place)
        }
    }

    /// Names what nobody has read.
    fn finish(self, notes: &mut Vec<String>) {
        for (name, value) in &self.left {
            if !value.is_null() {
                notes.push(format!("{}: has no counterpart here", self.place_of(name)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ::policy::{LoadOptions, Severity, load_with};
    use routing::price;

    use super::*;

    /// The policy and the notes, after a check that lint finds no error in the policy as YAML.
    pub(super) fn checked(imported: Result<Imported, String>) -> (Value, Vec<String>) {
        let Imported { policy, notes } = imported.unwrap();
        let text = ::envoy::to_yaml(&policy);
        let options = LoadOptions {
            known_price: Some(&|vendor, model| price::built_in(vendor, model).is_some()),
            ..LoadOptions::default()
        };
        let findings = load_with(&text, &options).findings;
        let errors: Vec<_> = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .collect();
        assert!(errors.is_empty(), "{errors:?}\n{text}");
        (policy, notes)
    }
}
