//! What every door into a domain type answers when it stays shut: the name of the field, the
//! value that came and the form that was wanted.

/// A value from outside that does not have the form of its type.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{kind} {value:?} is not valid: {expected}")]
pub struct InvalidValue {
    /// Which name of the house the value was meant to be.
    pub kind: &'static str,
    /// The value, cut to a printable length.
    pub value: String,
    /// The form that is accepted.
    pub expected: &'static str,
}

impl InvalidValue {
    /// Longest part of a bad value that is repeated to its sender.
    const SHOWN_CHARS_MAX: usize = 80;

    pub(crate) fn new(kind: &'static str, value: &str, expected: &'static str) -> Self {
        let value = value.chars().take(Self::SHOWN_CHARS_MAX).collect();
        Self {
            kind,
            value,
            expected,
        }
    }
}

/// Declares a newtype over a shared string whose only door is `FromStr`.
macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $expected:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::InvalidValue;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let check: fn(&str) -> bool = $check;
                if check(text) {
                    Ok(Self(text.into()))
                } else {
                    Err($crate::InvalidValue::new($kind, text, $expected))
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({})", stringify!($name), &self.0)
            }
        }

        // Lets maps keyed by the name be asked with a borrowed string.
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

pub(crate) use name_type;
