//! Harness for tests through a real Envoy: starts it with the filter, `kt` and simulated providers on free ports.
