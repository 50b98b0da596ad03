//! What was looked at, what was seen, and what to do about it.

use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Ok,
    /// The hub serves, and not as well or not as long as it could.
    Warning,
    /// The hub does not serve, or must not.
    Failure,
}

/// What belongs together, in the order in which it is looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    Configuration,
    Files,
    Certificates,
    Data,
    Disk,
    Clock,
    Ports,
    OpenFiles,
    Memory,
}

#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Finding {
    pub area: Area,
    pub state: State,
    /// The key, file, port or other thing that was looked at.
    pub subject: String,
    /// What was seen.
    pub value: String,
    pub remedy: Option<String>,
}

#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    pub fn ok(&mut self, area: Area, subject: impl Into<String>, value: impl Into<String>) {
        self.0.push(Finding {
            area,
            state: State::Ok,
            subject: subject.into(),
            value: value.into(),
            remedy: None,
        });
    }

    pub fn warning(
        &mut self,
        area: Area,
        subject: impl Into<String>,
        value: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.ill(State::Warning, area, subject, value, remedy);
    }

    pub fn failure(
        &mut self,
        area: Area,
        subject: impl Into<String>,
        value: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.ill(State::Failure, area, subject, value, remedy);
    }

    fn ill(
        &mut self,
        state: State,
        area: Area,
        subject: impl Into<String>,
        value: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.0.push(Finding {
            area,
            state,
            subject: subject.into(),
            value: value.into(),
            remedy: Some(remedy.into()),
        });
    }

    pub fn failures(&self) -> usize {
        self.count(State::Failure)
    }

    fn count(&self, state: State) -> usize {
        self.0.iter().filter(|it| it.state == state).count()
    }

    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        for it in &self.0 {
            let (state, area) = (it.state.to_string(), it.area.to_string());
            lines.push(format!(
                "{state:<8} {area:<13}  {}: {}",
                it.subject, it.value
            ));
            if let Some(remedy) = &it.remedy {
                lines.push(format!("{:24}remedy: {remedy}", ""));
            }
        }
        let (failures, warnings) = (self.failures(), self.count(State::Warning));
        lines.push(String::new());
        lines.push(match (failures, warnings) {
            (0, 0) => "healthy".to_owned(),
            (0, warnings) => format!("healthy; warnings: {warnings}"),
            (failures, warnings) => {
                format!("NOT HEALTHY; failures: {failures}; warnings: {warnings}")
            }
        });
        lines.join("\n")
    }

    pub fn record(&self) -> Value {
        json!({
            "healthy": self.failures() == 0,
            "failures": self.failures(),
            "warnings": self.count(State::Warning),
            "findings": self.0,
        })
    }
}

#[cfg(test)]
impl Findings {
    /// The state and value of each subject, in order.
    pub fn seen(&self) -> Vec<(State, &str, &str)> {
        let seen = self.0.iter();
        seen.map(|it| (it.state, it.subject.as_str(), it.value.as_str()))
            .collect()
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failure => "FAILURE",
        })
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Configuration => "configuration",
            Self::Files => "files",
            Self::Certificates => "certificates",
            Self::Data => "data",
            Self::Disk => "disk",
            Self::Clock => "clock",
            Self::Ports => "ports",
            Self::OpenFiles => "open files",
            Self::Memory => "memory",
        })
    }
}
