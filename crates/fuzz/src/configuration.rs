//! The configuration file.

use std::path::Path;

use ndxp_hub::config::Config;

use crate::check_error;

/// What is accepted keeps the bounds that others rely on; each fault has its place and a remedy.
pub fn file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match Config::parse(Path::new("/etc/ndxp/ndxp.toml"), text) {
        Ok(config) => {
            assert!((1..=63).contains(&config.hub.node.len()));
            assert!(config.hub.data_dir.is_absolute());
            assert!(!config.hub.drain_max.is_zero());
            assert!(config.limits.deadline_default <= config.limits.deadline_max);
            assert!(config.limits.metadata_bytes_max > 0 && config.limits.connections_max > 0);
        }
        Err(errors) => {
            assert!(!errors.errors.is_empty());
            for error in &errors.errors {
                check_error(error);
                assert!(!error.problem.is_empty() && !error.remedy.is_empty());
                let lines = text.lines().count() + 1;
                assert!(error.line.is_none_or(|line| (1..=lines).contains(&line)));
            }
        }
    }
}
