//! What a wrong configuration is answered with: every fault at once, each with the place, the
//! key, the value that stands there and what to write instead.

use std::fmt;
use std::path::PathBuf;

/// One fault in the file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigError {
    /// Line of the fault, from 1; `None` when the file as a whole is at fault.
    pub line: Option<usize>,
    /// Full key such as `limits.deadline_ms_max`; empty when no key is at fault.
    pub key: String,
    /// The value as written, cut to a printable length; empty when none stands there.
    pub value: String,
    pub problem: String,
    pub remedy: String,
}

/// Everything that is wrong with one file, in the order of its lines.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct ConfigErrors {
    pub file: PathBuf,
    pub errors: Vec<ConfigError>,
}

impl ConfigErrors {
    /// One fault of the file as a whole.
    pub(crate) fn of_file(file: PathBuf, problem: String, remedy: &str) -> Self {
        let error = ConfigError {
            line: None,
            key: String::new(),
            value: String::new(),
            problem,
            remedy: remedy.to_owned(),
        };
        Self {
            file,
            errors: vec![error],
        }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}", self.file.display())?;
            if let Some(line) = error.line {
                write!(f, ":{line}")?;
            }
            write!(f, ": {error}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.key.is_empty(), self.value.is_empty()) {
            (true, _) => {}
            (false, true) => write!(f, "{}: ", self.key)?,
            (false, false) => write!(f, "{} = {}: ", self.key, self.value)?,
        }
        write!(f, "{}; {}", self.problem, self.remedy)
    }
}
