//! How streams fail, and how the connection ends.

use std::io;

use super::inbound::Breach;
use super::{Going, Key, Role, State};
use crate::error::{By, Cause, Error, Reason};
use crate::frame;

/// A reset, as it answers what it is for.
const RESET_BYTES: usize = frame::HEAD_BYTES + 4;

impl State {
    /// The other side broke the protocol on one stream, which is reset: not without end.
    pub(super) fn reset_for_fault(&mut self, id: u32, reason: Reason) -> Result<(), Breach> {
        self.error_resets += 1;
        if self.error_resets > self.config.error_resets_max {
            return Err((Reason::ENHANCE_YOUR_CALM, "too_many_internal_resets"));
        }
        self.put_reset(id, reason);
        self.replies += RESET_BYTES;
        if let Some(key) = self.find(id) {
            self.fail(key, Error::reset(reason, By::Library));
        }
        Ok(())
    }

    /// A stream ends early, for both directions.
    pub(super) fn fail(&mut self, key: Key, error: Error) {
        let stream = self.stream(key);
        stream.failed = Some(error);
        stream.wake_reader();
        stream.wake_writer();
        self.close(key);
    }

    /// The connection ends here and now: nothing more is taken or given, and every stream fails.
    pub fn end(&mut self, error: Error) {
        if self.ended.is_some() {
            return;
        }
        self.ended = Some(error);
        self.openers.dismiss();
        while let Some((_, key)) = self.open.last().copied() {
            self.fail(key, error);
        }
        while let Some((key, _)) = self.take_arrived() {
            self.let_go(key);
            self.let_go(key);
        }
        self.wake();
    }

    /// Ends the connection and says why.
    pub fn go_away(&mut self, reason: Reason, why: &str, by_user: bool) {
        if self.ended.is_some() {
            return;
        }
        let last = self.highest_remote.min(self.remote_max);
        frame::put_goaway(&mut self.out.bytes, last, reason, why);
        let by = if by_user { By::User } else { By::Library };
        self.end(Error::go_away(reason, by));
    }

    /// Says good-bye if nothing is open and nothing will be.
    pub fn go_if_over(&mut self) {
        if self.is_over() {
            self.go_away(Reason::NO_ERROR, "", true);
        }
    }

    pub(super) fn is_over(&self) -> bool {
        let no_more = match self.role {
            Role::Client => self.senders == 0,
            Role::Server => false,
        };
        let leaving = self.peer_going.is_some() || self.going == Going::Named || no_more;
        leaving && self.open.is_empty() && self.arrived.is_empty()
    }

    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// How a connection ended whose other side has hung up.
    pub fn outcome_of_remote(&self) -> Result<(), Error> {
        match self.peer_going {
            Some(reason) if reason != Reason::NO_ERROR => Err(Error::go_away(reason, By::Remote)),
            _ => Ok(()),
        }
    }

    /// How a connection ended that broke. Many clients hang up without a word, which is no error where
    /// nothing waits for them.
    pub fn outcome_of_loss(&self, kind: io::ErrorKind) -> Result<(), Error> {
        let unsaid = !self.out.is_empty();
        let expected = self.role == Role::Server || self.peer_going == Some(Reason::NO_ERROR);
        match kind == io::ErrorKind::UnexpectedEof && expected && !unsaid {
            true => Ok(()),
            false => Err(Error::io(kind)),
        }
    }

    /// What the connection's end is told as: that the other side broke the protocol, or else its own reason, if
    /// it gave one.
    pub fn outcome(&self) -> Result<(), Error> {
        match self.ended {
            Some(error @ Error(Cause::GoAway(_, By::Library))) => Err(error),
            Some(Error(Cause::GoAway(_, By::User))) | None => self.outcome_of_remote(),
            Some(error) => self.outcome_of_remote().and(Err(error)),
        }
    }
}
