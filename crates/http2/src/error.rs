//! Why a stream or a connection ended: RFC 9113, section 7.

use std::fmt;
use std::io;

/// An error code, as it stands in RST_STREAM and GOAWAY.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Reason(u32);

/// Whose decision an end was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum By {
    /// This end's own code found the other at fault.
    Library,
    /// Whoever uses this crate said so.
    User,
    Remote,
}

/// Why something ended that had not come to its own end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Error(pub(crate) Cause);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Cause {
    /// The stream alone.
    Reset(Reason, By),
    /// The connection, or all streams of it that were not seen.
    GoAway(Reason, By),
    Io(io::ErrorKind),
}

impl Reason {
    pub const NO_ERROR: Self = Self(0);
    pub const PROTOCOL_ERROR: Self = Self(1);
    pub const INTERNAL_ERROR: Self = Self(2);
    pub const FLOW_CONTROL_ERROR: Self = Self(3);
    pub const STREAM_CLOSED: Self = Self(5);
    pub const FRAME_SIZE_ERROR: Self = Self(6);
    pub const REFUSED_STREAM: Self = Self(7);
    pub const CANCEL: Self = Self(8);
    pub const COMPRESSION_ERROR: Self = Self(9);
    pub const ENHANCE_YOUR_CALM: Self = Self(11);
    pub const INADEQUATE_SECURITY: Self = Self(12);

    #[must_use]
    pub fn code(self) -> u32 {
        self.0
    }
}

impl From<u32> for Reason {
    fn from(code: u32) -> Self {
        Self(code)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            0 => "NO_ERROR",
            1 => "PROTOCOL_ERROR",
            2 => "INTERNAL_ERROR",
            3 => "FLOW_CONTROL_ERROR",
            4 => "SETTINGS_TIMEOUT",
            5 => "STREAM_CLOSED",
            6 => "FRAME_SIZE_ERROR",
            7 => "REFUSED_STREAM",
            8 => "CANCEL",
            9 => "COMPRESSION_ERROR",
            10 => "CONNECT_ERROR",
            11 => "ENHANCE_YOUR_CALM",
            12 => "INADEQUATE_SECURITY",
            13 => "HTTP_1_1_REQUIRED",
            code => return write!(f, "error code {code:#x}"),
        };
        f.write_str(name)
    }
}

impl Error {
    pub(crate) fn reset(reason: Reason, by: By) -> Self {
        Self(Cause::Reset(reason, by))
    }

    pub(crate) fn go_away(reason: Reason, by: By) -> Self {
        Self(Cause::GoAway(reason, by))
    }

    pub(crate) fn io(kind: io::ErrorKind) -> Self {
        Self(Cause::Io(kind))
    }

    /// The code that was sent or received, if one was.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        match self.0 {
            Cause::Reset(reason, _) | Cause::GoAway(reason, _) => Some(reason),
            Cause::Io(_) => None,
        }
    }

    /// One stream ended, and not its connection.
    #[must_use]
    pub fn is_reset(&self) -> bool {
        matches!(self.0, Cause::Reset(..))
    }

    /// The connection ended by a GOAWAY frame.
    #[must_use]
    pub fn is_go_away(&self) -> bool {
        matches!(self.0, Cause::GoAway(..))
    }

    /// The other side said so.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        matches!(
            self.0,
            Cause::Reset(_, By::Remote) | Cause::GoAway(_, By::Remote)
        )
    }

    /// The other side broke the protocol, and this one noticed.
    #[must_use]
    pub fn is_library(&self) -> bool {
        matches!(
            self.0,
            Cause::Reset(_, By::Library) | Cause::GoAway(_, By::Library)
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, reason, by) = match self.0 {
            Cause::Reset(reason, by) => ("the stream was reset", reason, by),
            Cause::GoAway(reason, by) => ("the connection was ended", reason, by),
            Cause::Io(kind) => return write!(f, "the connection was lost: {kind}"),
        };
        let by = match by {
            By::Library => "here, because the other side broke the protocol",
            By::User => "here",
            By::Remote => "by the other side",
        };
        write!(f, "{what} {by}: {reason}")
    }
}

impl std::error::Error for Error {}

impl From<io::ErrorKind> for Error {
    fn from(kind: io::ErrorKind) -> Self {
        Self::io(kind)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::io(error.kind())
    }
}
