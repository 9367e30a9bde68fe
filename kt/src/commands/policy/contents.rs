//! What a valid policy holds, for `kt policy lint -v`.

use std::fmt::Write;

use catalog::PRICES_AS_OF;

use ::policy::{ModelGroup, Policy, Price, Target};
use routing::price::{self, PriceSource};

/// Targets, groups with the price in force for each member, policies, and the date of the built-in prices.
pub(super) fn contents(policy: &Policy) -> String {
    let mut out = String::new();
    for target in &policy.targets {
        let _ = writeln!(out, "  {}", of_target(target));
        // Members say it where there are groups.
        if let Some(model) = target.model.as_deref().filter(|_| policy.groups.is_empty()) {
            let _ = writeln!(
                out,
                "    {model}: {}",
                price_of(target.price, policy, target, model)
            );
        }
    }
    for group in &policy.groups {
        add_group(&mut out, policy, group);
    }
    for content in &policy.content_policies {
        let _ = writeln!(out, "  policy {}", content.name);
    }
    let _ = writeln!(
        out,
        "  prices: US dollars per 1,000 tokens; where the policy gives none, list prices as of {PRICES_AS_OF}"
    );
    out
}

fn of_target(target: &Target) -> String {
    let url = &target.base_url;
    let scheme = url.scheme();
    format!(
        "target {}: {}, {scheme}://{}{}, timeout {} ms",
        target.id,
        target.vendor.name(),
        url.authority(),
        url.path,
        target.timeout_ms
    )
}

fn add_group(out: &mut String, policy: &Policy, group: &ModelGroup) {
    let members = || {
        let targets = group.members.iter();
        targets.filter_map(|member| Some((member, policy.target(member.target)?)))
    };
    let ids: Vec<&str> = members().map(|(_, target)| target.id.as_str()).collect();
    let names = std::iter::once(&group.name).chain(&group.aliases);
    let names: Vec<&str> = names.map(String::as_str).collect();
    let _ = writeln!(
        out,
        "  group {}: {} over {}",
        names.join(", "),
        group.strategy.name(),
        ids.join(", ")
    );
    for (member, target) in members() {
        let (model, price) = match member.model.as_deref() {
            Some(model) => (model, price_of(member.price, policy, target, model)),
            None => ("the client's model", price_of_any(member.price)),
        };
        let _ = writeln!(out, "    {} {model}: {price}", target.id);
    }
}

fn price_of(configured: Option<Price>, policy: &Policy, target: &Target, model: &str) -> String {
    match price::in_force(configured, policy.gateway.unpriced, target, model) {
        Some((price, source)) => shown(price, source),
        None => String::from("no price is known"),
    }
}

fn price_of_any(configured: Option<Price>) -> String {
    match configured {
        Some(price) => shown(price, PriceSource::Policy),
        None => String::from("the price of that model, where it is known"),
    }
}

fn shown(price: Price, source: PriceSource) -> String {
    let cached = price
        .cached_input_per_1k
        .map(|cached| format!(" ({cached} cached)"));
    format!(
        "{} in{}, {} out, by the {source}",
        price.input_per_1k,
        cached.unwrap_or_default(),
        price.output_per_1k
    )
}
