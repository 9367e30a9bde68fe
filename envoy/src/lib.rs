//! Renders a policy into Envoy configuration.
