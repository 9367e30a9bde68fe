//! The module's memory: free lists by size in front of the standard allocator.
//!
//! A request asks for some hundred small pieces and gives all of them back within a millisecond. Taking a piece of the
//! same size from a list is a handful of instructions, where the standard allocator looks for the best fit and joins
//! neighbours. What is pooled stays pooled: memory is bounded by the most pieces of each size that were ever in use at
//! once, and a module's memory never shrinks in any case.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::ptr;

/// Every piece begins on such a boundary.
const ALIGN: usize = 16;
/// Up to here there is a list for each multiple of [`ALIGN`].
const FINE: usize = 512;
/// Up to here there is a list for each power of two; what is longer is the standard allocator's.
const COARSE: usize = 4096;
const FINE_LISTS: usize = FINE / ALIGN;
const LISTS: usize = FINE_LISTS + (COARSE / FINE).ilog2() as usize;
/// Pieces are cut from blocks of so many bytes.
const BLOCK: usize = 64 * 1024;

/// A pool over `Inner`. Not for several threads: a wasm VM has one.
pub(crate) struct Pool<Inner> {
    inner: Inner,
    /// By [`List`]: the first free piece. Its first word points to the next one.
    free: [Cell<*mut u8>; LISTS],
    /// What is left of the block that is being cut.
    rest: Cell<*mut u8>,
    rest_bytes: Cell<usize>,
}

/// The list that serves a layout, and the length of its pieces in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct List {
    index: usize,
    piece: usize,
}

impl List {
    #[inline(always)]
    fn of(layout: Layout) -> Option<Self> {
        if layout.align() > ALIGN {
            return None;
        }
        match layout.size() {
            0 => None,
            size @ ..=FINE => {
                let piece = size.next_multiple_of(ALIGN);
                Some(Self {
                    index: piece / ALIGN - 1,
                    piece,
                })
            }
            size @ ..=COARSE => {
                let piece = size.next_power_of_two();
                let doublings = (piece / FINE).ilog2() as usize;
                Some(Self {
                    index: FINE_LISTS + doublings - 1,
                    piece,
                })
            }
            _ => None,
        }
    }
}

impl<Inner: GlobalAlloc> Pool<Inner> {
    /// An empty pool that fetches its blocks from `inner`.
    pub(crate) const fn over(inner: Inner) -> Self {
        Self {
            inner,
            free: [const { Cell::new(ptr::null_mut()) }; LISTS],
            rest: Cell::new(ptr::null_mut()),
            rest_bytes: Cell::new(0),
        }
    }

    /// A new piece, where its list is empty. What is left of a block that has no room for it is lost: at most one piece
    /// for each block.
    #[cold]
    fn cut(&self, piece: usize) -> *mut u8 {
        if self.rest_bytes.get() < piece {
            // SAFETY: the size is not zero, and the alignment is a power of two.
            let block = unsafe {
                self.inner
                    .alloc(Layout::from_size_align_unchecked(BLOCK, ALIGN))
            };
            if block.is_null() {
                return block;
            }
            self.rest.set(block);
            self.rest_bytes.set(BLOCK);
        }
        let cut = self.rest.get();
        // SAFETY: there are at least `piece` bytes left, see above.
        self.rest.set(unsafe { cut.add(piece) });
        self.rest_bytes.set(self.rest_bytes.get() - piece);
        cut
    }
}

// SAFETY: pieces are at least as long as asked for and aligned to `ALIGN`; each is in one hand or in one list, because
// the list of a layout depends on that layout alone, which is the same when the piece comes back.
unsafe impl<Inner: GlobalAlloc> GlobalAlloc for Pool<Inner> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(list) = List::of(layout) else {
            // SAFETY: the caller's promises are passed on.
            return unsafe { self.inner.alloc(layout) };
        };
        // SAFETY: `List::of` gives indices below `LISTS` only.
        let head = unsafe { self.free.get_unchecked(list.index) };
        let piece = head.get();
        if piece.is_null() {
            return self.cut(list.piece);
        }
        // SAFETY: a free piece holds the address of the next one; it is aligned for it and long enough.
        head.set(unsafe { piece.cast::<*mut u8>().read() });
        piece
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        let Some(list) = List::of(layout) else {
            // SAFETY: the caller's promises are passed on.
            return unsafe { self.inner.dealloc(piece, layout) };
        };
        // SAFETY: as in `alloc`.
        let head = unsafe { self.free.get_unchecked(list.index) };
        // SAFETY: the caller gives the piece up; it is aligned and long enough for an address.
        unsafe { piece.cast::<*mut u8>().write(head.get()) };
        head.set(piece);
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if List::of(layout).is_none() {
            // SAFETY: the caller's promises are passed on. Fresh memory need not be written again.
            return unsafe { self.inner.alloc_zeroed(layout) };
        }
        // SAFETY: as above.
        let piece = unsafe { self.alloc(layout) };
        if !piece.is_null() {
            // SAFETY: the piece is at least that long.
            unsafe { piece.write_bytes(0, layout.size()) };
        }
        piece
    }

    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the new size is valid with this alignment.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        match (List::of(layout), List::of(new_layout)) {
            // SAFETY: the caller's promises are passed on.
            (None, None) => unsafe { self.inner.realloc(piece, layout, new_size) },
            (Some(old), Some(new)) if old == new => piece,
            (Some(_) | None, _) => {
                // SAFETY: the old piece is valid for its size and the new one, if there is one, for its own.
                unsafe {
                    let moved = self.alloc(new_layout);
                    if !moved.is_null() {
                        let kept = layout.size().min(new_size);
                        ptr::copy_nonoverlapping(piece, moved, kept);
                        self.dealloc(piece, layout);
                    }
                    moved
                }
            }
        }
    }
}

// SAFETY: a wasm VM has one thread.
#[cfg(target_arch = "wasm32")]
unsafe impl<Inner> Sync for Pool<Inner> {}

#[cfg(test)]
mod tests {
    use std::alloc::System;

    use proptest::prelude::*;

    use super::*;

    /// A piece in use, and the byte that fills it.
    struct Piece {
        at: *mut u8,
        layout: Layout,
        filling: u8,
    }

    impl Piece {
        fn fill(&self, bytes: usize) {
            // SAFETY: the piece is that long, and nobody else's.
            unsafe { self.at.write_bytes(self.filling, bytes) };
        }

        fn is_as_filled(&self, bytes: usize) -> bool {
            // SAFETY: as above, and it was filled.
            let piece = unsafe { std::slice::from_raw_parts(self.at, bytes) };
            piece.iter().all(|byte| *byte == self.filling)
        }
    }

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    #[test]
    fn each_size_has_the_shortest_pieces_that_hold_it() {
        let mut lists = std::collections::BTreeMap::new();
        for size in 1..=COARSE {
            let list = List::of(layout(size, 8)).unwrap();
            assert!(
                list.piece >= size && list.piece < size + ALIGN.max(size),
                "{size}"
            );
            assert_eq!(list.piece % ALIGN, 0, "{size}");
            assert_eq!(*lists.entry(list.index).or_insert(list.piece), list.piece);
        }
        assert_eq!(lists.len(), LISTS, "every list is used");
        assert_eq!(lists.keys().copied().max(), Some(LISTS - 1));
        assert_eq!(List::of(layout(COARSE + 1, 8)), None);
        assert_eq!(List::of(layout(8, 32)), None);
    }

    #[test]
    fn a_piece_that_was_given_back_serves_again() {
        let pool = Pool::over(System);
        // SAFETY: sizes are not zero, and pieces come back with their layouts.
        unsafe {
            let first = pool.alloc(layout(40, 8));
            pool.dealloc(first, layout(40, 8));
            let again = pool.alloc(layout(48, 1));
            assert_eq!(first, again);
            assert_eq!(pool.realloc(again, layout(48, 1), 33), again);
            let grown = pool.realloc(again, layout(33, 1), 100);
            assert_ne!(grown, again);
            assert_eq!(pool.alloc(layout(48, 1)), again);
        }
    }

    proptest! {
        /// What is in one piece stays as it is, whatever happens to the others.
        #[test]
        fn pieces_do_not_touch_each_other(
            steps in proptest::collection::vec((0_usize..3, 0_usize..40, 1_usize..6000, 0_u32..6), 1..300)
        ) {
            let pool = Pool::over(System);
            let mut pieces: Vec<Piece> = Vec::new();
            for (number, (step, which, size, align)) in steps.into_iter().enumerate() {
                let which = which % pieces.len().max(1);
                match step {
                    1 if !pieces.is_empty() => {
                        let piece = pieces.swap_remove(which);
                        prop_assert!(piece.is_as_filled(piece.layout.size()));
                        // SAFETY: it came from this pool with this layout.
                        unsafe { pool.dealloc(piece.at, piece.layout) };
                    }
                    2 if !pieces.is_empty() => {
                        let piece = &mut pieces[which];
                        let kept = piece.layout.size().min(size);
                        // SAFETY: as above.
                        piece.at = unsafe { pool.realloc(piece.at, piece.layout, size) };
                        piece.layout = layout(size, piece.layout.align());
                        prop_assert!(piece.is_as_filled(kept));
                        piece.fill(size);
                    }
                    _ => {
                        let layout = layout(size, 1 << align);
                        // SAFETY: the size is not zero.
                        let at = unsafe { pool.alloc_zeroed(layout) };
                        prop_assert_eq!(at.align_offset(layout.align()), 0);
                        let piece = Piece { at, layout, filling: 0 };
                        prop_assert!(piece.is_as_filled(size));
                        let piece = Piece { filling: u8::try_from(number % 251).unwrap(), ..piece };
                        piece.fill(size);
                        pieces.push(piece);
                    }
                }
            }
            for piece in &pieces {
                prop_assert!(piece.is_as_filled(piece.layout.size()));
            }
        }
    }
}
