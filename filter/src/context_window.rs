//! Where a request goes that was too long for a model: to the next member that may take more.

use catalog::Model;
use policy::{OnContextLength, Policy};
use routing::PlannedAttempt;

/// Which of `attempts` may cure that attempt number `failed` was refused for its length; `None` where none can.
pub(crate) fn next(policy: &Policy, attempts: &[PlannedAttempt], failed: usize) -> Option<usize> {
    let refused = attempts.get(failed)?;
    let first = failed.saturating_add(1);
    let mut later = attempts.iter().enumerate().skip(first);
    let found = match policy.failover.on_context_length {
        OnContextLength::Answer => None,
        OnContextLength::NextMember => later.next(),
        OnContextLength::LargerWindow => {
            let window = of(policy, refused);
            later.find(|(_, next)| match (window, of(policy, next)) {
                (Some(window), Some(next)) => next > window,
                // The same model takes no more at another provider; of others it may be true.
                _ => next.model != refused.model,
            })
        }
    };
    found.map(|(index, _)| index)
}

/// Tokens that the member takes: by the policy, else by the catalogue. What runs on a user's own server is cut to its
/// memory, so that its model's name says nothing.
fn of(policy: &Policy, attempt: &PlannedAttempt) -> Option<u32> {
    let told = attempt.member.and_then(|(group, member)| {
        let group = policy.group(group)?;
        group.members.get(member)?.context_window
    });
    told.or_else(|| {
        let vendor = policy.target(attempt.target)?.vendor;
        let model = Model::find(vendor, &attempt.model).filter(|_| !vendor.profile().self_hosted);
        model
            .map(|model| model.context_window)
            .filter(|window| *window > 0)
    })
}
