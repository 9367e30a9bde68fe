//! Which stream waits for the answer to which call.
//!
//! The proxy attaches every call to the root context and tells the answer to that, whichever stream was running when the
//! call was made.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

thread_local! {
    static RUNNING: Cell<Option<u32>> = const { Cell::new(None) };
    static CALLERS: RefCell<HashMap<u32, u32>> = RefCell::default();
}

/// Runs `job` as a callback of stream `id`.
pub(crate) fn while_running<T>(id: u32, job: impl FnOnce() -> T) -> T {
    let before = RUNNING.replace(Some(id));
    let result = job();
    RUNNING.set(before);
    result
}

/// The stream whose callback is running.
pub(super) fn running() -> Option<u32> {
    RUNNING.get()
}

/// A call was made with this token, by the stream that is running if one is.
pub(super) fn called(token: u32) {
    if let Some(id) = RUNNING.get() {
        CALLERS.with_borrow_mut(|callers| callers.insert(token, id));
    }
}

/// The stream that made the call, once; `None` where it was a root context.
pub(crate) fn caller(token: u32) -> Option<u32> {
    CALLERS.with_borrow_mut(|callers| callers.remove(&token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_belongs_to_the_stream_that_was_running() {
        called(1);
        while_running(7, || {
            called(2);
            // Answering one stream may let another run.
            while_running(8, || called(3));
            called(4);
        });
        called(5);
        let callers = [1, 2, 3, 4, 5].map(caller);
        assert_eq!(callers, [None, Some(7), Some(8), Some(7), None]);
        assert_eq!(caller(2), None, "told once");
    }
}
