//! The price of a model at a target: the policy's own, else the catalogue's list price.
//!
//! List prices help with estimates; they are no invoice: they ignore discounts, batches and regions.

use std::fmt;

use catalog::{ListPrice, Model, PRICES_AS_OF, Provider};
use policy::Price;

/// The source of a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PriceSource {
    /// The member or its target.
    Policy,
    /// The catalogue, as of [`PRICES_AS_OF`].
    BuiltIn,
}

/// The price in force for `model` at a target of `vendor`, given the price `configured` by the policy.
pub fn in_force(
    configured: Option<Price>,
    vendor: Provider,
    model: &str,
) -> Option<(Price, PriceSource)> {
    let policys = configured.map(|price| (price, PriceSource::Policy));
    policys.or_else(|| Some((built_in(vendor, model)?, PriceSource::BuiltIn)))
}

/// The list price of `model`. None for vendors that run on the user's own machines, whatever their models are called.
pub fn built_in(vendor: Provider, model: &str) -> Option<Price> {
    if is_self_hosted(vendor) {
        return None;
    }
    Model::find(vendor, model)?.price.map(of_list)
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

pub(crate) fn is_self_hosted(vendor: Provider) -> bool {
    vendor.profile().self_hosted
}

impl fmt::Display for PriceSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy => formatter.write_str("policy"),
            Self::BuiltIn => write!(formatter, "built-in table of {PRICES_AS_OF}"),
        }
    }
}

#[cfg(test)]
mod tests;
