//! The price of a model at a target: the policy's own, else the catalogue's list price.
//!
//! List prices help with estimates; they are no invoice: they ignore discounts, batches and regions.

use std::fmt;

use catalog::{ListPrice, Model, PRICES_AS_OF, Provider};
use policy::{Price, Target, Unpriced};

/// The source of a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PriceSource {
    /// The member or its target.
    Policy,
    /// The catalogue, as of [`PRICES_AS_OF`].
    BuiltIn,
    /// The dearest model of the provider, because nothing is known of this one.
    WorstKnown,
}

/// The price in force for `model` at `target`, given what the policy says: the price `configured`, and what becomes of
/// unpriced models.
pub fn in_force(
    configured: Option<Price>,
    unpriced: Unpriced,
    target: &Target,
    model: &str,
) -> Option<(Price, PriceSource)> {
    let policys = configured.map(|price| (price, PriceSource::Policy));
    let listed = || Some((built_in(target.vendor, model)?, PriceSource::BuiltIn));
    let assumed = || Some((assumed(unpriced, target)?, PriceSource::WorstKnown));
    policys.or_else(listed).or_else(assumed)
}

/// The list price of `model`, else the price that a model without one is assumed to have.
pub(crate) fn listed_or_assumed(unpriced: Unpriced, target: &Target, model: &str) -> Option<Price> {
    built_in(target.vendor, model).or_else(|| assumed(unpriced, target))
}

/// The list price of `model`. None for vendors that run on the user's own machines, whatever their models are called.
pub fn built_in(vendor: Provider, model: &str) -> Option<Price> {
    if vendor.profile().self_hosted {
        return None;
    }
    Model::find(vendor, model)?.price.map(of_list)
}

/// The price that a model without one is assumed to have: with `worst_known` that of the dearest model of the vendor, or
/// of any vendor where none of its prices is known.
fn assumed(unpriced: Unpriced, target: &Target) -> Option<Price> {
    if unpriced != Unpriced::WorstKnown || target.costs_nothing() {
        return None;
    }
    let dearest = |rows: &mut dyn Iterator<Item = &'static Model>| {
        rows.filter_map(|row| row.price)
            .max_by_key(|price| (price.output, price.input))
    };
    let of_vendor = |row: &&Model| row.provider == target.vendor.name();
    let rows = || Model::all().iter();
    dearest(&mut rows().filter(of_vendor))
        .or_else(|| dearest(&mut rows()))
        .map(of_list)
}

fn of_list(list: ListPrice) -> Price {
    Price {
        input_per_1k: per_1k(list.input),
        output_per_1k: per_1k(list.output),
        cached_input_per_1k: list.cached.map(per_1k),
        cache_write_per_1k: list.cache_write.map(per_1k),
        tiers: list.tiers,
    }
}

/// Dollars per 1,000 tokens from millionths of dollars per million.
pub(crate) fn per_1k(list: u32) -> f64 {
    f64::from(list) / 1e9
}

impl fmt::Display for PriceSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy => formatter.write_str("policy"),
            Self::BuiltIn => write!(formatter, "built-in table of {PRICES_AS_OF}"),
            Self::WorstKnown => formatter.write_str("dearest model that is known"),
        }
    }
}

#[cfg(test)]
mod tests;
