//! Probes of the monitor: they bring their own complete request, and only our marks are taken off.

use crate::host::{HeaderList, Host};

/// Header that marks a probe of the monitor.
pub const PROBE_HEADER: &str = "x-kt-probe";

const MARKS: [&str; 3] = ["x-kt-", "x-envoy-", "x-forwarded-"];

pub(super) fn is_probe(headers: &HeaderList) -> bool {
    headers.text(PROBE_HEADER).is_some()
}

pub(super) fn take_off_marks(host: &impl Host, headers: &HeaderList) {
    let kept: Vec<(&str, &[u8])> = headers
        .iter()
        .filter(|(name, _)| !MARKS.iter().any(|mark| name.starts_with(mark)))
        .collect();
    if let Err(error) = host.set_request_headers(&kept) {
        log::warn!("a probe keeps its marks: {error}");
    }
}
