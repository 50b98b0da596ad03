//! What can be wrong with a catalogue: where it stands, what it is, and how to put it right.
//! Every error is one line, so that an operator can go through a file from top to bottom.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::limits::ERRORS_LISTED_MAX;

/// Everything that is wrong with one catalogue. `Display` prints one error a line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CatalogueErrors {
    /// In the order of the file, at most [`ERRORS_LISTED_MAX`].
    pub errors: Vec<CatalogueError>,
    /// Errors beyond those.
    pub omitted: usize,
}

/// One thing that is wrong with a catalogue.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct CatalogueError {
    pub place: Place,
    /// Such as `grant H26/lgsp>G01/population/…`; empty when the file as a whole is meant.
    pub item: String,
    /// The field; empty when the item as a whole is meant.
    pub key: String,
    /// As it would be written in a file, cut to a printable length; may be empty.
    pub value: String,
    pub problem: Problem,
}

/// Where an item came from.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Place {
    /// A catalogue that was sent, not read from a file.
    Request,
    Line {
        file: Arc<str>,
        line: usize,
    },
}

/// The four kinds of item.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ItemKind {
    Member,
    System,
    Service,
    Grant,
}

/// What is wrong, with the values that make it so.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Problem {
    #[error("is not {language}: {message}")]
    Syntax {
        language: &'static str,
        remedy: &'static str,
        message: String,
    },
    #[error("the file has {bytes} bytes, more than {max}")]
    FileTooLarge { bytes: usize, max: usize },
    #[error("no such key")]
    UnknownKey {
        nearest: Option<&'static str>,
        known: String,
    },
    #[error("the key is missing")]
    Missing { expected: Cow<'static, str> },
    #[error("is {found}")]
    WrongType {
        expected: &'static str,
        found: &'static str,
    },
    #[error("does not have the form that is wanted")]
    WrongForm { expected: Cow<'static, str> },
    #[error("is the old form of a code, which reads right to left")]
    OldCode { new: String },
    #[error("is none of the words that are known")]
    UnknownWord { expected: String },
    #[error("has {chars} characters, more than {max}")]
    TooLong { chars: usize, max: usize },
    #[error("holds a control character such as a line break")]
    ControlCharacter,
    #[error("is more than {max}")]
    TooHigh { max: u64 },
    #[error("lists {found}, more than {max}")]
    TooMany { found: usize, max: usize },
    #[error("stands twice in the list")]
    ListedTwice,
    #[error("there would be {found}, more than {max}")]
    TooManyItems { found: usize, max: usize },
    #[error("the changes have {bytes} bytes, more than the {max} of one journal entry")]
    TooMuchAtOnce { bytes: usize, max: usize },
    #[error("stands twice; it stands first at {first}")]
    StandsTwice { first: Place },
    #[error("is claimed by {holder} too")]
    FingerprintClaimed { holder: String },
    #[error("consumer and provider are the same system")]
    GrantToOneself,
    #[error("the grant ends at {until}, not after its start at {from}")]
    EndNotAfterStart { from: String, until: String },
    #[error("is not the id that the registry gives the grant")]
    WrongGrantId { expected: String },
    #[error("the window ends at {until}, not after its start at {from}")]
    WindowEndNotAfterStart { from: String, until: String },
    #[error("its time is over already")]
    Over,
    #[error("a window ends at {until}, which is over")]
    WindowOver { until: String },
    #[error("only what is closed has a successor")]
    SuccessorOfOpen,
    #[error("the succession comes back to where it began, through {through}")]
    SuccessorCycle { through: String },
    #[error("there is a burst and no rate that it would be an exception to")]
    BurstWithoutRate,
    #[error("the window from {from} to {until} lies over another")]
    WindowsOverlap { from: String, until: String },
    #[error("is an alias of {holder} too")]
    AliasClaimed { holder: String },
    #[error("overlaps the version that stands first at {first}")]
    VersionsOverlap { first: Place },
    #[error("overlaps version {version}, which is {state}, valid {validity}")]
    GrantOverlaps {
        version: u32,
        state: &'static str,
        validity: String,
    },
    #[error("there would be {found} versions that are requested or active, more than {max}")]
    TooManyVersions { found: usize, max: usize },
    #[error("the service has no such method")]
    UnknownMethod { known: String },
    #[error("{what} is {state}")]
    NotOpen { what: String, state: &'static str },
    #[error("{action} is not permitted while it is {state}")]
    Forbidden {
        action: &'static str,
        state: &'static str,
        permitted: String,
    },
    #[error("cannot go from {from} to {to}")]
    NoWay {
        from: &'static str,
        to: &'static str,
    },
    #[error("the reason is missing")]
    ReasonMissing,
    #[error("there is no such {kind}")]
    Unknown { kind: ItemKind },
    #[error("stands already")]
    StandsAlready,
    #[error("the grant has no version {version}")]
    NoSuchVersion { version: u32 },
    #[error("{found} versions could be meant")]
    WhichVersion { found: String },
    #[error("the grant has no version that is {wanted}")]
    NoVersionIs { wanted: &'static str },
    #[error("the descriptor set has {bytes} bytes, more than {max}")]
    DescriptorsTooLarge { bytes: usize, max: usize },
    #[error("is no encoded FileDescriptorSet: {message}")]
    DescriptorsUnreadable { message: String },
    #[error("the descriptor set lacks the service; it holds {found}")]
    DescriptorsLackService { found: String },
    #[error("the descriptor set lacks {name}, which the service needs")]
    DescriptorsIncomplete { name: String },
    #[error("callers break: {change}")]
    Breaks { change: String },
    #[error("the method {method}, which the grant {grant} lists, would be gone")]
    GrantedMethodGone { method: String, grant: String },
    #[error("there is no member {member}")]
    UnknownMember { member: String },
    #[error("there is no system {system}")]
    UnknownSystem { system: String },
    #[error("{provider} offers no such service")]
    NotOffered { provider: String },
}

impl Problem {
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> Cow<'static, str> {
        let told = match self {
            Self::UnknownKey { nearest, known } => match nearest {
                Some(nearest) => format!("did you mean {nearest}?"),
                None => format!("known are {known}"),
            },
            Self::Missing { expected } | Self::WrongForm { expected } => {
                format!("write {expected}")
            }
            Self::WrongType { expected, .. } => format!("write {expected}"),
            Self::OldCode { new } => format!("write {new}"),
            Self::UnknownWord { expected } => format!("write {expected}"),
            Self::TooHigh { max } => format!("write at most {max}"),
            Self::TooMany { max, .. } => format!("list at most {max}"),
            Self::WrongGrantId { expected } => format!("leave it out, or write {expected}"),
            Self::AliasClaimed { holder } => {
                format!("an alias names one member only: take it from {holder}")
            }
            Self::GrantOverlaps { version, .. } => {
                format!("move the validity, or say that the request replaces version {version}")
            }
            Self::UnknownMethod { known } => format!("the service has {known}"),
            Self::Forbidden { permitted, .. } => permitted.clone(),
            Self::Unknown { kind } => format!("look it up in the list of every {kind}"),
            Self::UnknownMember { member } => {
                format!("register the member {member} before, or in the same catalogue")
            }
            Self::UnknownSystem { system } => {
                format!("register the system {system} before, or in the same catalogue")
            }
            Self::NotOffered { provider } => {
                format!("register the service for {provider} before, or in the same catalogue")
            }
            _ => return self.fixed_remedy().into(),
        };
        told.into()
    }

    /// The remedies that name no value; empty for those that do.
    const fn fixed_remedy(&self) -> &'static str {
        match self {
            Self::Syntax { remedy, .. } => remedy,
            Self::FileTooLarge { .. } => "split it into several files",
            Self::TooLong { .. } => "shorten it",
            Self::ControlCharacter => "write it in one line of plain text",
            Self::ListedTwice => "take one of the two out",
            Self::TooManyItems { .. } => "register fewer, or raise the limit in the source",
            Self::TooMuchAtOnce { .. } => "apply the catalogue in parts",
            Self::StandsTwice { .. } => "join the two, or take one out",
            Self::FingerprintClaimed { .. } => {
                "a certificate proves one system only: take it from one of the two"
            }
            Self::GrantToOneself => "take the grant out; a system needs no hub to call itself",
            Self::EndNotAfterStart { .. } => "move valid_until behind valid_from",
            Self::WindowEndNotAfterStart { .. } => "move until behind from",
            Self::Over => "write a time that is to come",
            Self::WindowOver { .. } => "name windows that are to come, or none",
            Self::SuccessorOfOpen => "take the successor out, or close the item",
            Self::SuccessorCycle { .. } => "name one who carries on in the end",
            Self::BurstWithoutRate => "write rate_per_second_max too, or take the burst out",
            Self::WindowsOverlap { .. } => "join the two windows, or move one",
            Self::VersionsOverlap { .. } => "end the one before the other begins, or take one out",
            Self::TooManyVersions { .. } => "revoke those that are no longer needed",
            Self::NotOpen { .. } => "take part with an item that is open, such as the successor",
            Self::NoWay { .. } => "approve, suspend, resume or close it one step after the other",
            Self::ReasonMissing => "say why; the journal keeps it",
            Self::StandsAlready => "propose another, or change the one that stands",
            Self::NoSuchVersion { .. } => "leave the version out, or look it up",
            Self::WhichVersion { .. } => "name one of them",
            Self::NoVersionIs { .. } => "look up what became of its versions",
            Self::DescriptorsTooLarge { .. } => "leave out files that the service does not need",
            Self::DescriptorsUnreadable { .. } => {
                "write it with protoc --include_imports --descriptor_set_out, or buf build"
            }
            Self::DescriptorsLackService { .. } => {
                "build it from the file that defines the service"
            }
            Self::DescriptorsIncomplete { .. } => "build it with --include_imports",
            Self::Breaks { .. } => {
                "offer it as a service of a new version, or allow it to break them"
            }
            Self::GrantedMethodGone { .. } => {
                "have the grant's methods changed first, or allow it to break them"
            }
            _ => "",
        }
    }
}

impl fmt::Display for CatalogueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.item.is_empty() {
            write!(f, "{}: ", self.item)?;
        }
        match (self.key.is_empty(), self.value.is_empty()) {
            (true, true) => {}
            (true, false) => write!(f, "{}: ", self.value)?,
            (false, true) => write!(f, "{}: ", self.key)?,
            (false, false) => write!(f, "{} = {}: ", self.key, self.value)?,
        }
        write!(f, "{}; {}", self.problem, self.problem.remedy())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request => f.write_str("catalogue"),
            Self::Line { file, line } => write!(f, "{file}:{line}"),
        }
    }
}

impl ItemKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::System => "system",
            Self::Service => "service",
            Self::Grant => "grant",
        }
    }
}

impl fmt::Display for ItemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::error::Error for CatalogueErrors {}

impl fmt::Display for CatalogueErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{error}")?;
        }
        if self.omitted > 0 {
            write!(f, "\nand {} more", self.omitted)?;
        }
        Ok(())
    }
}

impl CatalogueErrors {
    /// Puts the errors in the order of the file and keeps as many as a person can use.
    pub(crate) fn of(mut errors: Vec<CatalogueError>) -> Self {
        errors.sort_by(|a, b| a.place.cmp(&b.place));
        let omitted = errors.len().saturating_sub(ERRORS_LISTED_MAX);
        errors.truncate(ERRORS_LISTED_MAX);
        Self { errors, omitted }
    }

    /// `Ok` when there are none.
    pub(crate) fn none_of(errors: Vec<CatalogueError>) -> Result<(), Self> {
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Self::of(errors))
        }
    }
}

/// A text as a file would write it, cut to a length that an error line can carry.
pub(crate) fn shown(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 80;
    let cut: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    let dots = if cut.len() < text.len() { "…" } else { "" };
    format!("{cut:?}{dots}")
}
