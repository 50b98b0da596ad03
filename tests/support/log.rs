//! What a served hub says on its standard error. A WARN or ERROR that no test expected is a
//! failure of that test.

use std::io::{BufRead as _, BufReader};
use std::process::ChildStderr;
use std::thread::JoinHandle;

use tokio::sync::watch;

use super::wait::within;

/// Marks of lines that somebody should have looked into.
const COMPLAINTS: [&str; 3] = ["\"level\":\"WARN\"", "\"level\":\"ERROR\"", "panicked at"];

/// The lines, as they come.
pub struct Log {
    lines: watch::Receiver<Vec<String>>,
    reading: Option<JoinHandle<()>>,
}

impl Log {
    pub fn read(from: ChildStderr) -> Self {
        let (told, lines) = watch::channel(Vec::new());
        let reading = std::thread::spawn(move || {
            for line in BufReader::new(from).lines() {
                let line = line.unwrap_or_else(|error| format!("panicked at reading: {error}"));
                told.send_modify(|lines| lines.push(line));
            }
        });
        Self {
            lines,
            reading: Some(reading),
        }
    }

    /// What the first line holds that holds it.
    pub async fn find<T>(&self, what: &str, look: impl Fn(&str) -> Option<T>) -> T {
        let mut lines = self.lines.clone();
        let found = async {
            let seen = |lines: &Vec<String>| lines.iter().any(|line| look(line).is_some());
            let lines = lines.wait_for(|lines| seen(lines)).await.ok()?;
            lines.iter().find_map(|line| look(line))
        };
        let found = within(what, found).await;
        found.unwrap_or_else(|| panic!("the hub ended without {what}:\n{}", self.text()))
    }

    /// Waits for the last line; the process has ended.
    pub fn finish(&mut self) {
        if let Some(reading) = self.reading.take() {
            reading.join().expect("reading a log does not fail");
        }
    }

    /// Complaints other than those that hold one of these texts.
    pub fn complaints(&self, expected: &[&str]) -> Vec<String> {
        let lines = self.lines.borrow();
        let complaints = lines.iter().filter(|line| {
            COMPLAINTS.iter().any(|mark| line.contains(mark))
                && !expected.iter().any(|text| line.contains(text))
        });
        complaints.cloned().collect()
    }

    pub fn text(&self) -> String {
        self.lines.borrow().join("\n")
    }
}
