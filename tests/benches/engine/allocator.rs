//! Counts the bytes that are allocated, while somebody wants to know.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering};

/// The system's allocator. As long as nothing is counted, it costs one look at a
/// flag that nobody changes.
pub(crate) struct Counting;

static COUNTS: AtomicBool = AtomicBool::new(false);
static LIVE: AtomicIsize = AtomicIsize::new(0);

/// Starts to count. What was allocated before must not be freed while it matters.
pub(crate) fn start() {
    COUNTS.store(true, Ordering::Relaxed);
}

/// Stops counting.
pub(crate) fn stop() {
    COUNTS.store(false, Ordering::Relaxed);
}

/// The bytes that were allocated and not freed since counting began.
pub(crate) fn live() -> isize {
    LIVE.load(Ordering::Relaxed)
}

fn count(bytes: isize) {
    if COUNTS.load(Ordering::Relaxed) {
        LIVE.fetch_add(bytes, Ordering::Relaxed);
    }
}

fn signed(size: usize) -> isize {
    // No allocation is larger than isize::MAX.
    size.cast_signed()
}

#[expect(unsafe_code, reason = "an allocator can't be written without; it only hands on")]
// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(signed(layout.size()));
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(signed(layout.size()));
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-signed(layout.size()));
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(signed(size) - signed(layout.size()));
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
