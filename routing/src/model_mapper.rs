//! The model name that a target is sent, and its price there.

use std::cell::OnceCell;
use std::sync::Arc;

use catalog::Provider;
use policy::{Price, Target};

use crate::index::{Deployment, PolicyIndex};
use crate::price;
use crate::resolve::MatchQuality;

/// Names and prices for one client request; caches the last one, because most members of a plan share it.
pub(crate) struct ModelMapper<'a> {
    index: &'a PolicyIndex,
    client_model: &'a str,
    mapped: OnceCell<Option<Mapped<'a>>>,
    last: Option<Arc<str>>,
    last_price: Option<(Arc<str>, Provider, Option<Price>)>,
}

/// The entry of `failover.model_mapping` for the client's model, and its vendor.
#[derive(Clone, Copy)]
struct Mapped<'a> {
    name: &'a str,
    owner: Option<Provider>,
}

impl<'a> ModelMapper<'a> {
    pub(crate) fn new(index: &'a PolicyIndex, client_model: &'a str) -> Self {
        Self {
            index,
            client_model,
            mapped: OnceCell::new(),
            last: None,
            last_price: None,
        }
    }

    /// The model name sent to `deployment`. `first`: it is the first choice of its group or resolution.
    pub(crate) fn model(
        &mut self,
        deployment: &Deployment,
        fit: MatchQuality,
        first: bool,
    ) -> Arc<str> {
        if let Some(fixed) = &deployment.model {
            return Arc::clone(fixed);
        }
        let policy = self.index.policy();
        let name = match policy.target(deployment.target) {
            Some(target) => {
                let mapped = *self.mapped.get_or_init(|| {
                    let name = policy.failover.model_mapping.get(self.client_model)?;
                    let owner = Provider::of_model(name);
                    Some(Mapped { name, owner })
                });
                sent_name(target, self.client_model, mapped, fit, first)
            }
            None => self.client_model,
        };
        match &self.last {
            Some(last) if **last == *name => Arc::clone(last),
            _ => {
                let name: Arc<str> = Arc::from(name);
                self.last = Some(Arc::clone(&name));
                name
            }
        }
    }

    /// The price of `model` at `deployment`: configured, or the list price.
    pub(crate) fn price(&mut self, deployment: &Deployment, model: &Arc<str>) -> Option<Price> {
        if deployment.price.is_some() || deployment.model.is_some() {
            return deployment.price;
        }
        let policy = self.index.policy();
        let target = policy.target(deployment.target)?;
        if let Some((last, vendor, price)) = &self.last_price
            && Arc::ptr_eq(last, model)
            && *vendor == target.vendor
            && !target.costs_nothing()
        {
            return *price;
        }
        let price = price::listed_or_assumed(policy.gateway.unpriced, target, model);
        if !target.costs_nothing() {
            self.last_price = Some((Arc::clone(model), target.vendor, price));
        }
        price
    }
}

/// The rules for a (target, client's model) without a fixed member model:
///
/// 1. the target's own `model_mapping`;
/// 2. the client's name at the first choice, if it knows that model;
/// 3. `failover.model_mapping` (`mapped`), unless the target knows the client's model but not the mapped one;
/// 4. the client's name if the target knows it; else the target's own model; else the client's name.
fn sent_name<'n>(
    target: &'n Target,
    client: &'n str,
    mapped: Option<Mapped<'n>>,
    fit: MatchQuality,
    first: bool,
) -> &'n str {
    if let Some(own) = target.model_mapping.get(client) {
        return own;
    }
    let knows = match fit {
        MatchQuality::Named | MatchQuality::Vendor | MatchQuality::SameName => true,
        MatchQuality::Mapped | MatchQuality::Fallback => false,
    };
    if knows && first {
        return client;
    }
    let own_model = target.model.as_deref();
    match mapped {
        Some(mapped) if !knows => own_model.unwrap_or(mapped.name),
        Some(mapped) if mapped.owner == Some(target.vendor) => mapped.name,
        Some(_) => client,
        None if knows => client,
        None => own_model.unwrap_or(client),
    }
}
