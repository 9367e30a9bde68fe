//! Simulated language model providers that answer, stream, stall, fail and remember what they received.
