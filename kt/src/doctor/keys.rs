//! Are providers' keys there, and does nobody else read them?

use std::path::Path;

use policy::{Credential, Policy, Target};

use super::aws;
use super::report::Finding;
use crate::paths::variable;
use crate::secrets::Secrets;

/// One finding for each target that needs a key.
pub(crate) fn findings(policy: &Policy, secrets: &Secrets) -> Vec<Finding> {
    policy
        .targets
        .iter()
        .filter_map(|target| finding(target, secrets))
        .collect()
}

fn finding(target: &Target, secrets: &Secrets) -> Option<Finding> {
    let check = format!("key of {}", target.id);
    if let Some(region) = &target.aws_sigv4_region {
        return Some(aws::finding(check, region, variable, Path::is_file));
    }
    let place = match &target.credential {
        Credential::None => return None,
        Credential::Env(name) => format!("variable {name}"),
        Credential::Store(name) => format!("{name} of the secrets folder, or variable {name}"),
    };
    Some(match secrets.key(&target.credential) {
        Ok(_) => match secrets.exposed_file(&target.credential) {
            Some((file, mode)) => Finding::warning(
                check,
                format!(
                    "others can read {} (mode {mode:04o}): chmod 600 it",
                    file.display()
                ),
            ),
            None => Finding::ok(check, place),
        },
        Err(_) if target.serves_without_key() => {
            Finding::ok(check, "none, and this local server needs none")
        }
        Err(error) => Finding::failed(check, error.to_string()),
    })
}
