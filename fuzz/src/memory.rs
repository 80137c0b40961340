//! An allocator that counts, and ends the program where an input takes more memory than any file of its size may.
#![allow(unsafe_code, reason = "a counting allocator has to implement GlobalAlloc")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// The system's allocator, counted.
pub struct Counted;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(usize::MAX);
static PEAK: AtomicUsize = AtomicUsize::new(0);
/// Seed and number of the input that is being read.
static INPUT: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];

/// From here on no more than `bytes` bytes may be held beyond those that are; the input is named if they are.
pub fn allow(bytes: usize, seed: u64, number: u64) {
    INPUT[0].store(seed, Relaxed);
    INPUT[1].store(number, Relaxed);
    let held = HELD.load(Relaxed);
    PEAK.store(held, Relaxed);
    MOST.store(held.saturating_add(bytes), Relaxed);
}

/// Ends the watch; the most bytes that were held at a time, at its end or before.
pub fn stop() -> usize {
    MOST.store(usize::MAX, Relaxed);
    PEAK.load(Relaxed)
}

/// Bytes held now.
pub fn held() -> usize {
    HELD.load(Relaxed)
}

fn take(bytes: usize) {
    let held = HELD.fetch_add(bytes, Relaxed).wrapping_add(bytes);
    PEAK.fetch_max(held, Relaxed);
    if held > MOST.load(Relaxed) {
        MOST.store(usize::MAX, Relaxed);
        let [seed, number] = [INPUT[0].load(Relaxed), INPUT[1].load(Relaxed)];
        eprintln!("too much memory: {bytes} bytes more make {held}; repeat with --seed {seed} --from {number} --count 1");
        std::process::abort();
    }
}

// SAFETY: every call is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        HELD.fetch_sub(layout.size(), Relaxed);
        take(size);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
