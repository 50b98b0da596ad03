//! How much the other side may send: a promise that is renewed as what came is taken.

use crate::frame::{WINDOW_BYTES_DEFAULT, WINDOW_MAX};

/// A window of a stream, or that of the connection.
#[derive(Debug)]
pub struct Window {
    /// What may still come.
    left: i64,
    /// What came, and has not been given back.
    held: i64,
    /// What may come and be held together.
    target: i64,
}

/// More came than was promised.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Overrun;

impl Window {
    #[must_use]
    pub fn new(bytes: u32) -> Self {
        Self {
            left: i64::from(bytes),
            held: 0,
            target: i64::from(bytes),
        }
    }

    /// The connection's, which begins as the protocol has it.
    #[must_use]
    pub fn of_connection() -> Self {
        Self::new(WINDOW_BYTES_DEFAULT)
    }

    /// So much came.
    pub fn take(&mut self, bytes: usize) -> Result<(), Overrun> {
        let bytes = i64::try_from(bytes).map_err(|_| Overrun)?;
        if bytes > self.left {
            return Err(Overrun);
        }
        self.left -= bytes;
        self.held += bytes;
        Ok(())
    }

    /// Gives back what was taken; no more than is held. Returns how much that was.
    pub fn release(&mut self, bytes: usize) -> usize {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX).min(self.held);
        self.held -= bytes;
        usize::try_from(bytes).unwrap_or_default()
    }

    #[must_use]
    pub fn held(&self) -> usize {
        usize::try_from(self.held).unwrap_or_default()
    }

    pub fn set_target(&mut self, bytes: u32) {
        self.target = i64::from(bytes).min(WINDOW_MAX);
    }

    /// What to promise anew, once it is worth a frame: half of what the other side still has.
    pub fn renew(&mut self) -> Option<u32> {
        let free = self.target - self.held - self.left;
        if free <= 0 || free < self.left / 2 {
            return None;
        }
        self.left += free;
        u32::try_from(free).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_is_promised_again_when_it_is_worth_a_frame() {
        let mut window = Window::new(100);
        assert_eq!(window.renew(), None);
        assert_eq!(window.take(101), Err(Overrun));
        window.take(60).unwrap();
        assert_eq!((window.renew(), window.held()), (None, 60));
        // 40 are left, and 19 are no half of them.
        assert_eq!((window.release(19), window.renew()), (19, None));
        assert_eq!((window.release(1), window.renew()), (1, Some(20)));
        assert_eq!((window.release(100), window.renew()), (40, Some(40)));
        window.take(100).unwrap();
        assert_eq!(window.take(1), Err(Overrun));
    }

    #[test]
    fn a_wider_window_is_told_at_once_and_a_narrower_one_never() {
        let mut window = Window::of_connection();
        window.set_target(1 << 20);
        assert_eq!(window.renew(), Some((1 << 20) - 65_535));
        window.set_target(1);
        assert_eq!(window.renew(), None);
        window.take(1 << 20).unwrap();
        assert_eq!(window.release(1 << 20), 1 << 20);
        assert_eq!(window.renew(), Some(1));
    }
}
