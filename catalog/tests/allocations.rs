//! Lookups are made for every request, so none of them allocates.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]
#![cfg(not(target_arch = "wasm32"))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use catalog::providers::{BEDROCK, OPENAI};
use catalog::{ErrorText, Model, ModelStatus, Provider};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: all memory comes from the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn no_lookup_of_a_request_allocates() {
    let before = ALLOCATIONS.with(Cell::get);
    let found = (
        Provider::named("Azure_OpenAI"),
        Provider::of_host("API.openai.com"),
        Provider::of_model("gpt-4o"),
        OPENAI.dialect(Some("2024-06-01"), "gpt-5.4").takes("stop"),
        BEDROCK
            .dialect(None, "us.anthropic.claude-opus-4-6-v1:0")
            .efforts,
        Model::find(BEDROCK, "us.anthropic.claude-opus-4-6-v1:0"),
        ModelStatus::find(OPENAI, "gpt-4o-mni", "2026-11-30"),
        OPENAI.kind_of_error(&ErrorText {
            names: &["insufficient_quota"],
            message: "you exceeded your current quota",
            has_member: &|_| false,
            status: Some(429),
        }),
    );
    let after = ALLOCATIONS.with(Cell::get);
    assert_eq!(after - before, 0, "{found:?}");
    assert!(found.0.is_some() && found.5.is_some() && found.7.is_some());
}
