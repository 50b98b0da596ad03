//! The file that `ndxp init` wrote, with some of its values changed, as an operator changes it.

use std::fs;
use std::path::PathBuf;

pub struct ConfigFile {
    pub path: PathBuf,
}

impl ConfigFile {
    /// Gives the key its value. The file states every key, commented out where it has a default.
    #[track_caller]
    pub fn set(&self, section: &str, key: &str, value: &str) {
        let text = fs::read_to_string(&self.path).expect("init wrote it");
        let mut within = "";
        let mut found = false;
        let lines: Vec<String> = text
            .lines()
            .map(|line| {
                if let Some(name) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
                    within = name;
                }
                let stated = line.trim_start_matches('#').split_once(" = ");
                if within != section || stated.is_none_or(|(name, _)| name != key) {
                    return line.to_owned();
                }
                found = true;
                format!("{key} = {value}")
            })
            .collect();
        assert!(found, "the file does not state {section}.{key}");
        fs::write(&self.path, lines.join("\n") + "\n").expect("the file can be written");
    }
}
