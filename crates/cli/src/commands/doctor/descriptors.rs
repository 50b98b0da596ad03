//! The limit of open files against what the configuration allows to be open.

use ndxp_hub::config::{Config, Limits};
use ndxp_hub::cores;

use super::finding::{Area, Findings};
use super::ports::Holder;

/// The journal's segments being read, the counters' store, the log, listeners and runtimes.
const OWN: u64 = 1_000;

pub fn check(config: &Config, hub: Option<Holder>, findings: &mut Findings) {
    // Of a running hub if there is one: this command may have been given another limit.
    let (whose, soft) = match &hub {
        Some(hub) => (format!("limit of process {}", hub.pid), limit_of(hub.pid)),
        None => ("limit of this command".to_owned(), own_limit()),
    };
    let cores = u64::try_from(cores(config)).unwrap_or(u64::MAX);
    judge(
        whose,
        soft.or_else(own_limit),
        &config.limits,
        cores,
        findings,
    );
}

fn judge(whose: String, soft: Option<u64>, limits: &Limits, cores: u64, findings: &mut Findings) {
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let needed = OWN
        .saturating_add(count(limits.connections_max))
        .saturating_add(count(limits.control_connections_max))
        .saturating_add(count(limits.observe_connections_max));
    let each = count(limits.provider_connections_per_core_max).saturating_mul(cores);
    let Some(soft) = soft else {
        findings.ok(Area::OpenFiles, whose, "none");
        return;
    };
    let left = soft.saturating_sub(needed);
    let endpoints = left.checked_div(each).unwrap_or_default();
    let value = format!(
        "{soft}; the configuration needs {needed}, and {each} for each endpoint of a provider"
    );
    let remedy = format!(
        "raise LimitNOFILE in the service, or `ulimit -n`, above {} for 100 endpoints; or lower \
         limits.connections_max",
        needed.saturating_add(each.saturating_mul(100))
    );
    if soft < needed {
        findings.failure(Area::OpenFiles, whose, value, remedy);
    } else if endpoints < ENDPOINTS_WANTED {
        findings.warning(Area::OpenFiles, whose, value, remedy);
    } else {
        findings.ok(
            Area::OpenFiles,
            whose,
            format!("{value}: enough for {endpoints} endpoints"),
        );
    }
}

/// 63 provinces, 22 ministries, and some with several systems.
const ENDPOINTS_WANTED: u64 = 100;

fn own_limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

fn limit_of(pid: u32) -> Option<u64> {
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    soft_limit(&limits)
}

/// `Max open files            1024                 4096                 files`
fn soft_limit(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::finding::State;
    use super::*;

    #[test]
    fn the_limit_is_judged_by_what_the_configuration_allows() {
        let text = "[limits]\nconnections_max = 10_000\n";
        let config = Config::parse(Path::new("ndxp.toml"), text).unwrap();
        // 10,000 + 256 + 64 + 1,000 = 11,320, and 4 × 2 for each endpoint.
        let rows = [
            (Some(1_024), State::Failure),
            (Some(11_319), State::Failure),
            (Some(11_320), State::Warning),
            (Some(12_119), State::Warning),
            (Some(12_120), State::Ok),
            (None, State::Ok),
        ];
        for (soft, wanted) in rows {
            let mut findings = Findings::default();
            judge("x".to_owned(), soft, &config.limits, 2, &mut findings);
            let seen = findings.seen();
            assert_eq!(seen[0].0, wanted, "{seen:?}");
        }
    }

    #[test]
    fn a_process_tells_its_soft_limit() {
        let limits = "Limit  Soft Limit  Hard Limit  Units\n\
                      Max open files            1024                 4096                 files\n";
        assert_eq!(soft_limit(limits), Some(1_024));
        assert_eq!(soft_limit(""), None);
        assert!(limit_of(std::process::id()).is_some());
    }
}
