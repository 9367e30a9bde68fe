# `make help` lists what there is. What a target needs is fetched by scripts/setup into .tools.

SHELL := bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

CARGO_TARGET_DIR ?= target

# make run: which policy, which port
POLICY ?= examples/quickstart/policy-config.yaml
PORT ?= 41002
# make install: below which folder
PREFIX ?= /usr/local
# make bench-memory: for how long
MINUTES ?= 10

FILTER_WASM := $(abspath $(CARGO_TARGET_DIR))/keeptrusts_filter.wasm
KT := $(abspath $(CARGO_TARGET_DIR))/release/kt

# cargo knows what is up to date, and keeps two of itself apart under make -j.
.PHONY: help run build wasm kt dist install image image-gateway setup test test-unit test-wasm test-integration test-envoys soak test-image test-compose lint audit fmt bench bench-quick bench-memory bench-peers profile fuzz envoy-files clean distclean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# === use ===

run: wasm kt ## start the gateway (POLICY=file PORT=n); without a provider's key in the environment, providers are simulated
	@scripts/run "$(KT)" "$(FILTER_WASM)" "$(POLICY)" "$(PORT)"

# === build ===

build: wasm kt ## compile the filter module and kt, optimized (minutes when cold)

wasm: ## compile the filter module, target/keeptrusts_filter.wasm (two minutes when cold)
	@scripts/build-module

kt: ## compile the kt command, optimized (minutes when cold)
	@cargo build --release -p keeptrusts-kt

dist: build ## kt, the module, checksums and a bill of materials in dist/, as a release has them
	@scripts/dist

install: build ## kt, the module, completions and manual pages below PREFIX (/usr/local), DESTDIR before it
	@scripts/install "$(KT)" "$(FILTER_WASM)" "$(DESTDIR)$(PREFIX)"

image: wasm ## the filter module as an OCI image layout in dist/image, without Docker
	@scripts/image "$(FILTER_WASM)" dist/image

image-gateway: build ## kt, the module and Envoy as an OCI image layout for `docker run` in dist/image-gateway, without Docker
	@scripts/setup envoy
	@. .tools/env && scripts/image-gateway "$(KT)" "$(FILTER_WASM)" "$$ENVOY_BIN" dist/image-gateway

setup: ## fetch everything that building and testing need into .tools (a few minutes once, then at once)
	@scripts/setup all

# === check ===

test: ## all tests: host, wasm under Node, real Envoy (up to 25 minutes when cold, then a few)
	@scripts/test

test-unit: ## only the crates' own tests, on the host
	@scripts/test unit

test-wasm: ## only the pure crates as wasm under Node
	@scripts/test wasi wasm

test-integration: ## only the tests with real Envoy
	@scripts/test integration

test-image: build ## write the image for `docker run`, read it back with skopeo and umoci, and run it where a Docker Engine answers
	@scripts/test-image

test-compose: ## the tests with real Envoy, in containers with Envoy's official image (needs Docker)
	@. scripts/versions.sh && export ENVOY_VERSION && docker compose --file integration-tests/compose.yaml run --build --rm tests

test-envoys: ## the tests of failover, timeouts, health and bodies with every supported release of Envoy (many minutes)
	@scripts/test-envoys

soak: ## the tests that take minutes: outages of a minute under load
	@scripts/test soak

lint: ## formatting, clippy, and no panics in what runs inside Envoy
	@scripts/lint

audit: ## licences, advisories and sources of all dependencies (deny.toml)
	@scripts/audit

fmt: ## format the code
	@cargo fmt --all

bench: build ## measure added latency, throughput and memory (many minutes, on an idle machine)
	@scripts/bench

bench-quick: build ## the same, shorter: tells a big change from none
	@scripts/bench --quick

bench-memory: build ## mixed load for MINUTES (10): prints a worker's memory, fails if it grows
	@scripts/bench --soak $(MINUTES)

bench-peers: ## fetch LiteLLM and Portkey's gateway into .tools: make bench then measures them too
	@scripts/setup-peers

profile: ## where the time of a request goes inside the filter module, by function
	@scripts/profile

fuzz: ## run every fuzz target for FUZZ_SECONDS (60) each
	@scripts/fuzz

envoy-files: ## write the configuration in envoy/ anew, after a change of what is rendered
	@UPDATE_ENVOY_FILES=1 cargo test -q -p keeptrusts-kt --test rendered_files

# === tidy ===

clean: ## remove what was compiled
	cargo clean

distclean: clean ## remove .tools too
	rm -rf .tools
