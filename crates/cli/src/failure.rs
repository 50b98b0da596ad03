//! How a command ends when it does not end well: what is wrong, why, what to do about it, and
//! the exit status that scripts go by. The one place that maps errors to exit statuses.

use std::fmt;
use std::process::ExitCode;

use ndxp_model::InvalidValue;
use tonic::Code;

use crate::connect::details;

/// Exit statuses, by sysexits where it has a name for the case.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Exit {
    /// The reader of our output has gone away: nothing is wrong.
    Done = 0,
    /// The answer is no: figures differ, the thing asked for does not exist, access is denied.
    Negative = 1,
    /// Wrong arguments, configuration or catalogue; nothing was changed.
    Usage = 64,
    /// The hub cannot be reached or cannot answer now.
    Unavailable = 69,
    /// The hub or this program failed.
    Internal = 70,
}

#[derive(Debug, Eq, PartialEq)]
pub struct Failure {
    pub exit: Exit,
    /// One sentence that names the value at fault; empty when the output has said it all.
    pub what: String,
    /// The hub's stable reason, such as `NO_GRANT`.
    pub reason: Option<String>,
    pub remedy: Option<String>,
}

impl Failure {
    pub fn new(exit: Exit, what: impl fmt::Display) -> Self {
        Self {
            exit,
            what: what.to_string(),
            reason: None,
            remedy: None,
        }
    }

    pub fn usage(what: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, what)
    }

    pub fn internal(what: impl fmt::Display) -> Self {
        Self::new(Exit::Internal, what)
    }

    /// The output has already said that the answer is no.
    pub fn negative() -> Self {
        Self::new(Exit::Negative, "")
    }

    #[must_use]
    pub fn remedy(self, remedy: impl Into<String>) -> Self {
        Self {
            remedy: Some(remedy.into()),
            ..self
        }
    }

    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit as u8)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.what)?;
        if let Some(reason) = &self.reason {
            write!(f, "\nreason: {reason}")?;
        }
        if let Some(remedy) = &self.remedy {
            write!(f, "\nremedy: {remedy}")?;
        }
        Ok(())
    }
}

impl From<InvalidValue> for Failure {
    fn from(error: InvalidValue) -> Self {
        Self::usage(error)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::internal(format_args!("{error:#}"))
    }
}

impl From<tonic::Status> for Failure {
    fn from(status: tonic::Status) -> Self {
        let info = details::error_info(&status);
        let remedy = info
            .as_ref()
            .and_then(|info| info.metadata.get("remedy").cloned());
        let what = match status.message() {
            "" => status.code().description().to_owned(),
            message => message.to_owned(),
        };
        Self {
            exit: exit_of(status.code()),
            what: format!("{what}{}", causes(&status)),
            reason: info.map(|info| info.reason),
            remedy: remedy.or_else(|| remedy_of(status.code()).map(str::to_owned)),
        }
    }
}

fn exit_of(code: Code) -> Exit {
    match code {
        Code::InvalidArgument | Code::OutOfRange => Exit::Usage,
        Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted | Code::Cancelled => {
            Exit::Unavailable
        }
        Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::Unauthenticated
        | Code::FailedPrecondition
        | Code::Aborted => Exit::Negative,
        Code::Ok | Code::Unknown | Code::Unimplemented | Code::Internal | Code::DataLoss => {
            Exit::Internal
        }
    }
}

/// What helps when the hub has not said what does.
fn remedy_of(code: Code) -> Option<&'static str> {
    match code {
        Code::PermissionDenied | Code::Unauthenticated => Some(
            "use a certificate with the role that this needs: name it with --as CERT_DIR, or under [client] in ndxp.toml",
        ),
        Code::Unavailable | Code::DeadlineExceeded => {
            Some("see the hub's log, and repeat when it is ready")
        }
        Code::Unimplemented => Some("use an ndxp of the same version as the hub"),
        _ => None,
    }
}

/// The chain of causes that lies under a transport's error, each part once.
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut text = String::new();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
