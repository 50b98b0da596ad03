//! Buffers for what waits for the socket, one pool for each thread: a connection has one only while
//! bytes of it wait, so that those that are idle cost none.

use std::cell::RefCell;

/// So many are kept, each of at most so many bytes.
const KEPT: usize = 32;
const BYTES_MAX: usize = 128 * 1024;
/// What a new one has room for.
const BYTES: usize = 4 * 1024;

thread_local! {
    static POOL: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// An empty buffer.
pub fn take() -> Vec<u8> {
    let kept = POOL.with_borrow_mut(Vec::pop);
    kept.unwrap_or_else(|| Vec::with_capacity(BYTES))
}

/// Keeps a buffer for the next who needs one.
pub fn give_back(mut buffer: Vec<u8>) {
    if buffer.capacity() == 0 || buffer.capacity() > BYTES_MAX {
        return;
    }
    buffer.clear();
    POOL.with_borrow_mut(|pool| {
        if pool.len() < KEPT {
            pool.push(buffer);
        }
    });
}

/// What one read from a socket brings at most: a TLS record.
const SCRATCH_BYTES: usize = 16 * 1024;
/// A frame that goes on in the next record has its end here, too, if little stood before it.
const SCRATCH_SLACK_BYTES: usize = 4 * 1024;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Room for one read, which is over before another connection of the thread has its turn. Whoever keeps
/// what was read keeps it.
pub fn take_scratch() -> Vec<u8> {
    let scratch = SCRATCH.take();
    if !scratch.is_empty() {
        return scratch;
    }
    let mut scratch = Vec::with_capacity(SCRATCH_BYTES + SCRATCH_SLACK_BYTES);
    scratch.resize(SCRATCH_BYTES, 0);
    scratch
}

pub fn give_back_scratch(scratch: Vec<u8>) {
    SCRATCH.set(scratch);
}
