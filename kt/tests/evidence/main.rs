//! `kt` on events, spend and keys: with a store at hand, and through a collector.

mod audit;
mod backup;
#[path = "../common/mod.rs"]
mod common;
mod documents;
mod events;
mod exports;
mod keys;
mod remote;
mod seeds;
mod spend;
mod store;
