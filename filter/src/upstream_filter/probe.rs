//! Probes of the monitor: they bring their own complete request; what Envoy and the monitor have marked it with is taken off.

use crate::headers::belongs_to_probe;
use crate::host::{HeaderList, Host};

/// Header that marks a probe of the monitor.
pub const PROBE_HEADER: &str = "x-kt-probe";

pub(super) fn is_probe(headers: &HeaderList) -> bool {
    headers.text(PROBE_HEADER).is_some()
}

pub(super) fn take_off_marks(host: &impl Host, headers: &HeaderList) {
    let kept: Vec<(&str, &[u8])> = headers
        .iter()
        .filter(|(name, _)| belongs_to_probe(name))
        .collect();
    if let Err(error) = host.set_request_headers(&kept) {
        log::warn!("a probe keeps its marks: {error}");
    }
}
