//! Colours for people who look at a terminal, and for nobody else: never into a file or a pipe,
//! and never where `NO_COLOR` is set.

use std::io::IsTerminal as _;

/// What a line of a comparison means to its reader.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Meaning {
    Added,
    Changed,
    Removed,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Colours(bool);

const RESET: &str = "\x1b[0m";

impl Colours {
    /// As standard output wants them.
    pub fn of_stdout() -> Self {
        // By no-color.org: any text but an empty one says no.
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self(std::io::stdout().is_terminal() && !refused && !dumb)
    }

    #[cfg(test)]
    pub const NONE: Self = Self(false);
    #[cfg(test)]
    pub const ALWAYS: Self = Self(true);

    pub fn paint(self, meaning: Meaning, text: &str) -> String {
        if !self.0 {
            return text.to_owned();
        }
        let start = match meaning {
            Meaning::Added => "\x1b[32m",
            Meaning::Changed => "\x1b[33m",
            Meaning::Removed => "\x1b[31m",
        };
        format!("{start}{text}{RESET}")
    }
}
