//! Targets that know a model name that is no group: those of its vendor, and those that serve it under the same name.

use catalog::Provider;
use policy::Target;

use crate::resolve::MatchQuality;

/// How well `target` matches the name `model`, which it does not name itself. `owner` is [`Provider::of_model`],
/// computed once for all targets.
pub(crate) fn fit(target: &Target, model: &str, owner: Option<Provider>) -> MatchQuality {
    // If users name models themselves and this target has one, it serves only that.
    let serves_another = serves_any_name(target.vendor) && target.model.is_some();
    match owner.filter(|_| !serves_another) {
        Some(owner) if owner == target.vendor => MatchQuality::Vendor,
        Some(owner) if target.vendor.shares_models_with(owner) => MatchQuality::SameName,
        Some(_) | None if target.model_mapping.contains_key(model) => MatchQuality::Mapped,
        Some(_) | None => MatchQuality::Fallback,
    }
}

/// Whether any name may be right, because users name models or deployments themselves or the catalogue is open.
pub(crate) fn serves_any_name(vendor: Provider) -> bool {
    vendor.profile().takes_any_model
}
