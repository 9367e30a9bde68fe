//! Which streams want to be called again, once the proxy is done with the callback that is running.
//!
//! The ABI has no call for that. A shared queue does it: what is put into it is told to the root context that registered it,
//! on its own thread, in the next turn of the proxy's event loop.

use std::cell::{Cell, RefCell};

use super::{HostError, HostResult, callout_registry};

thread_local! {
    static QUEUE: Cell<Option<u32>> = const { Cell::new(None) };
    static WAITING: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

/// Wake-ups come by this queue from now on.
pub(super) fn come_by(queue: u32) {
    QUEUE.set(Some(queue));
}

/// Asks for the running stream, by `enqueue` where nobody has asked since the last wake-up.
pub(super) fn ask(enqueue: impl FnOnce(u32) -> HostResult<()>) -> HostResult<()> {
    let queue = QUEUE.get().ok_or(HostError::NotFound)?;
    let stream = callout_registry::running().ok_or(HostError::NotInThisPhase)?;
    WAITING.with_borrow_mut(|waiting| {
        if waiting.is_empty() {
            enqueue(queue)?;
        }
        waiting.push(stream);
        Ok(())
    })
}

/// Who has asked since the last time.
pub(crate) fn take() -> Vec<u32> {
    WAITING.take()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_entry_of_the_queue_wakes_all_that_have_asked() {
        let entries = Cell::new(0);
        let ask_for = |stream| {
            callout_registry::while_running(stream, || {
                ask(|queue| {
                    assert_eq!(queue, 9);
                    entries.set(entries.get() + 1);
                    Ok(())
                })
            })
        };
        assert_eq!(ask_for(1), Err(HostError::NotFound), "no queue yet");
        come_by(9);
        assert_eq!((ask_for(1), ask_for(2)), (Ok(()), Ok(())));
        assert_eq!((entries.get(), take()), (1, vec![1, 2]));
        assert_eq!((ask_for(3), entries.get(), take()), (Ok(()), 2, vec![3]));
    }

    #[test]
    fn who_could_not_ask_is_not_waited_for() {
        come_by(9);
        let refused = callout_registry::while_running(1, || ask(|_| Err(HostError::Status(10))));
        assert_eq!(refused, Err(HostError::Status(10)));
        assert!(take().is_empty());
        assert_eq!(ask(|_| Ok(())), Err(HostError::NotInThisPhase), "no stream");
    }
}
