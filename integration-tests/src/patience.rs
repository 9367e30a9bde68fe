//! How long tests wait for what has to come.

use std::time::Duration;

/// Longest wait for anything that takes a second or two on an idle machine, before a test fails. Only tests that fail wait
/// so long, so it is enough for a machine with ten times too much to do. What has to be fast is not waited for with this.
pub const PATIENCE: Duration = Duration::from_secs(120);
