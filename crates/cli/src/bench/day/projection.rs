//! What a larger machine would carry, by what a call cost on this one. No measurement: an upper
//! bound, with the arithmetic beside it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::bench::process;
use crate::bench::rows::count;

/// The server that is spoken of; consumers and providers are elsewhere.
const CORES: f64 = 16.0;
/// What is planned for: the rest is for peaks, and for what grows with the number of cores.
const USED_SHARE: f64 = 0.7;
/// A thread that took less of a call does not set the pace.
const NOTED_US: f64 = 0.05;

/// CPU seconds, of the process and of its threads by name.
#[derive(Debug, Default)]
pub struct Spent {
    process: f64,
    /// Seconds, and how many threads share the name.
    threads: BTreeMap<String, (f64, u32)>,
}

#[derive(Debug, Serialize)]
pub struct Projection {
    pub cpu_us_per_call: f64,
    /// Threads of which there is only one, whatever the number of cores.
    pub single_threads: Vec<Thread>,
    /// What all cores together would carry.
    pub by_cores_per_second: f64,
    /// The least of all bounds.
    pub calls_per_second: f64,
    pub bound_by: String,
}

#[derive(Debug, Serialize)]
pub struct Thread {
    pub name: String,
    pub cpu_us_per_call: f64,
    pub calls_per_second: f64,
}

impl Spent {
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let mut threads = BTreeMap::new();
        for (name, seconds) in process::threads(pid)? {
            let (all, number) = threads.entry(name).or_insert((0.0, 0));
            *all += seconds;
            *number += 1;
        }
        Ok(Self {
            process: process::cpu_seconds(pid)?,
            threads,
        })
    }

    pub fn since(&self, before: &Self) -> Self {
        let threads = self.threads.iter().map(|(name, (seconds, number))| {
            let earlier = before.threads.get(name).map_or(0.0, |it| it.0);
            (name.clone(), ((seconds - earlier).max(0.0), *number))
        });
        Self {
            process: self.process - before.process,
            threads: threads.collect(),
        }
    }
}

impl Projection {
    pub fn of(spent: &Spent, calls: u64) -> Self {
        let of_call = |seconds: f64| seconds * 1e6 / count(calls);
        let cpu_us_per_call = of_call(spent.process);
        let single_threads: Vec<_> = spent
            .threads
            .iter()
            .filter(|(name, (_, number))| *number == 1 && !is_one_of_many(name))
            .map(|(name, (seconds, _))| (name, of_call(*seconds)))
            .filter(|(_, cpu_us)| *cpu_us >= NOTED_US)
            .map(|(name, cpu_us)| Thread {
                name: name.clone(),
                cpu_us_per_call: cpu_us,
                calls_per_second: USED_SHARE * 1e6 / cpu_us,
            })
            .collect();
        let by_cores = CORES * USED_SHARE * 1e6 / cpu_us_per_call;
        let slowest = single_threads
            .iter()
            .min_by(|a, b| a.calls_per_second.total_cmp(&b.calls_per_second));
        let (calls_per_second, bound_by) = match slowest {
            Some(thread) if thread.calls_per_second < by_cores => {
                (thread.calls_per_second, format!("thread {}", thread.name))
            }
            _ => (by_cores, "all cores".to_owned()),
        };
        Self {
            cpu_us_per_call,
            by_cores_per_second: by_cores,
            calls_per_second,
            bound_by,
            single_threads,
        }
    }

    pub fn text(&self) -> String {
        let mut text = format!(
            "Projection to a server of {CORES} cores with consumers and providers elsewhere, \
             {:.0} % used; calculated, not measured:\n\
             all cores: {CORES} × {USED_SHARE} × 1,000,000 µs ÷ {:.1} µs = {:.0} calls a second",
            USED_SHARE * 100.0,
            self.cpu_us_per_call,
            self.by_cores_per_second
        );
        for thread in &self.single_threads {
            let _written = write!(
                text,
                "\nthe one thread {}: {USED_SHARE} × 1,000,000 µs ÷ {:.2} µs = {:.0} calls a second",
                thread.name, thread.cpu_us_per_call, thread.calls_per_second
            );
        }
        let day = self.calls_per_second * 86_400.0 / 1e6;
        let _written = write!(
            text,
            "\nthe least: {:.0} calls a second ({}), {day:.0} million in a day at that rate",
            self.calls_per_second, self.bound_by
        );
        text
    }
}

/// `core-0`: there is one for each core.
fn is_one_of_many(name: &str) -> bool {
    let numbered = name.rsplit_once('-').map(|(_, number)| number);
    numbered.is_some_and(|it| it.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(threads: &[(&str, f64, u32)], per_second: f64, bound_by: &str) {
        let threads = threads.iter();
        let threads = threads.map(|(name, seconds, number)| ((*name).into(), (*seconds, *number)));
        let spent = Spent {
            process: 40.0,
            threads: threads.collect(),
        };
        let projection = Projection::of(&spent, 1_000_000);
        assert!((projection.calls_per_second - per_second).abs() < 1.0);
        assert_eq!(projection.bound_by, bound_by);
    }

    #[test]
    fn the_slowest_of_cores_and_lone_threads_sets_the_pace() {
        // 40 µs of a call: 16 × 0.7 ÷ 40 µs.
        check(&[], 280_000.0, "all cores");
        check(&[("core", 30.0, 2)], 280_000.0, "all cores");
        check(&[("core-0", 20.0, 1)], 280_000.0, "all cores");
        check(&[("writer", 2.0, 1)], 280_000.0, "all cores");
        check(
            &[("writer", 7.0, 1), ("counters", 3.0, 1)],
            100_000.0,
            "thread writer",
        );
    }
}
