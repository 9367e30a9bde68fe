//! Which price counts for a model at a target: the policy's own, else the built-in table's.

use std::fmt;

use policy::{Price, Vendor};

use crate::price_table::{self, PRICES_AS_OF};

/// Where a price comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PriceSource {
    /// The member or its target gives it.
    Policy,
    /// [`price_table`], as of [`PRICES_AS_OF`].
    BuiltIn,
}

/// The price in force for `model` at a target of `vendor`, where the policy says `configured`.
pub fn in_force(
    configured: Option<Price>,
    vendor: Vendor,
    model: &str,
) -> Option<(Price, PriceSource)> {
    let policys = configured.map(|price| (price, PriceSource::Policy));
    policys.or_else(|| Some((built_in(vendor, model)?, PriceSource::BuiltIn)))
}

/// The built-in price of `model`. None at vendors that run on the user's own machines, whatever their models are called.
pub fn built_in(vendor: Vendor, model: &str) -> Option<Price> {
    if is_self_hosted(vendor) {
        return None;
    }
    price_table::lookup(model)
}

pub(crate) fn is_self_hosted(vendor: Vendor) -> bool {
    matches!(
        vendor,
        Vendor::Ollama | Vendor::Vllm | Vendor::OpenAiCompatible
    )
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
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    const OWN: Price = Price {
        input_per_1k: 1.0,
        output_per_1k: 2.0,
        cached_input_per_1k: None,
        cache_write_per_1k: None,
    };

    #[test]
    fn the_policys_price_wins_and_the_users_own_servers_have_none_by_their_models_names() {
        for (configured, vendor, model, expected) in [
            (
                Some(OWN),
                Vendor::OpenAi,
                "gpt-4o-mini",
                Some((1.0, PriceSource::Policy)),
            ),
            (
                None,
                Vendor::OpenAi,
                "gpt-4o-mini",
                Some((0.000_15, PriceSource::BuiltIn)),
            ),
            (None, Vendor::OpenAi, "house-special", None),
            (None, Vendor::Vllm, "gpt-4o-mini", None),
            (
                Some(OWN),
                Vendor::Vllm,
                "gpt-4o-mini",
                Some((1.0, PriceSource::Policy)),
            ),
        ] {
            let found = in_force(configured, vendor, model);
            assert_eq!(
                found.map(|(price, source)| (price.input_per_1k, source)),
                expected,
                "{vendor:?} {model}"
            );
        }
    }
}
