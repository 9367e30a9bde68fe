//! No text makes the policy reader panic, and a policy it accepts can be indexed and planned with.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let loaded = policy::load(text);
    if let Some(policy) = loaded.policy {
        let _ = policy::cluster::clusters(&policy);
        let _ = routing::PolicyIndex::new(Arc::new(policy));
    }
});
