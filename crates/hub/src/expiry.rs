//! Warns before a certificate ends: the hub's own, its authorities', and those that systems show.
//! A gauge for monitoring, and a line in the log 30 days, 7 days and a day before, and at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use ndxp_gateway::Seen;
use ndxp_model::{Clock, Instant};
use prometheus::{IntGaugeVec, Opts, Registry};

use crate::keeper::Keeper;
use crate::tls::LiveTls;

const DAY_SECONDS: i64 = 86_400;

/// Seconds before the end at which somebody is told, the longest first.
const TOLD_AT: [i64; 4] = [30 * DAY_SECONDS, 7 * DAY_SECONDS, DAY_SECONDS, 0];

/// Watches over the ends of certificates.
pub struct Expiry {
    seconds: IntGaugeVec,
    sources: Sources,
    told: Mutex<Told>,
}

/// What knows of certificates.
pub struct Sources {
    pub node: String,
    pub live: Arc<LiveTls>,
    pub seen: Arc<Seen>,
    pub keeper: Arc<Keeper>,
    pub clock: Arc<dyn Clock>,
}

/// What the log has said, by subject: of which end, and how many of the times in [`TOLD_AT`].
#[derive(Debug, Default)]
struct Told(BTreeMap<String, (Instant, usize)>);

impl Expiry {
    /// # Errors
    /// When the metric's name is taken.
    pub fn register(registry: &Registry, sources: Sources) -> Result<Self, prometheus::Error> {
        let options = Opts::new(
            "ndxp_certificate_expires_seconds",
            "Seconds until a certificate ends: of this hub, its authorities, and of systems whose \
             last one ends within 30 days",
        );
        let seconds = IntGaugeVec::new(options, &["subject"])?;
        registry.register(Box::new(seconds.clone()))?;
        Ok(Self {
            seconds,
            sources,
            told: Mutex::default(),
        })
    }

    #[must_use]
    pub fn live(&self) -> Arc<LiveTls> {
        Arc::clone(&self.sources.live)
    }

    /// Brings the gauge up to date and says what is new. To be called about once a minute.
    pub fn sample(&self) {
        let now = self.sources.clock.now();
        let ends = self.sources.ends(now);
        // A system that has shown a newer certificate is no subject any more.
        self.seconds.reset();
        for (subject, until) in &ends {
            let left = seconds_between(now, *until);
            self.seconds.with_label_values(&[subject]).set(left);
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for (subject, until) in told.news(ends, now) {
            let days = seconds_between(now, until).div_euclid(DAY_SECONDS);
            tracing::warn!(subject, valid_until = %until, days, "certificate ends soon: renew it");
        }
    }
}

impl Sources {
    /// Subjects and the ends of their certificates; of systems only those that end soon.
    fn ends(&self, now: Instant) -> BTreeMap<String, Instant> {
        let tls = self.live.current();
        let mut ends = BTreeMap::from([
            (format!("hub {}", self.node), tls.valid_until()),
            ("authority".to_owned(), tls.authorities_valid_until()),
        ]);
        let registry = self.keeper.current();
        let soon = |until: Instant| stage(seconds_between(now, until)) > 0;
        for (system, until) in self.seen.all() {
            if soon(until) && registry.is_active(system.as_str()) {
                ends.insert(format!("system {system}"), until);
            }
        }
        ends
    }
}

impl Told {
    /// What has not been said yet of these ends. What is no subject any more is forgotten.
    fn news(&mut self, ends: BTreeMap<String, Instant>, now: Instant) -> Vec<(String, Instant)> {
        let subjects: BTreeSet<&String> = ends.keys().collect();
        self.0.retain(|subject, _| subjects.contains(subject));
        let mut news = Vec::new();
        for (subject, until) in ends {
            let reached = stage(seconds_between(now, until));
            let said = self.0.get(&subject);
            let said = said.map_or(0, |(of, stage)| if *of == until { *stage } else { 0 });
            if reached > said {
                news.push((subject.clone(), until));
            }
            self.0.insert(subject, (until, reached.max(said)));
        }
        news
    }
}

/// How many of the times to tell have come.
fn stage(seconds_left: i64) -> usize {
    TOLD_AT.iter().filter(|at| seconds_left <= **at).count()
}

fn seconds_between(now: Instant, until: Instant) -> i64 {
    let micros = until.as_micros().saturating_sub(now.as_micros());
    micros.div_euclid(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn news(told: &mut Told, subject: &str, until: i64, now: i64) -> usize {
        let ends = BTreeMap::from([(subject.to_owned(), at(until))]);
        told.news(ends, at(now)).len()
    }

    #[test]
    fn each_time_to_tell_comes_once() {
        let end = 100 * DAY_SECONDS;
        let mut told = Told::default();
        // Days before the end, and whether something new is said.
        let rows = [
            (60, 0),
            (31, 0),
            (30, 1),
            (30, 0),
            (8, 0),
            (7, 1),
            (2, 0),
            (1, 1),
            (0, 1),
            (-1, 0),
        ];
        for (days, expected) in rows {
            let now = end - days * DAY_SECONDS;
            assert_eq!(news(&mut told, "hub hub-1", end, now), expected, "{days}");
        }
    }

    #[test]
    fn a_renewed_certificate_is_told_of_anew_and_a_forgotten_one_too() {
        let mut told = Told::default();
        assert_eq!(news(&mut told, "a", 10, 5), 1);
        assert_eq!(news(&mut told, "a", 10, 5), 0);
        assert_eq!(news(&mut told, "a", 20, 5), 1, "another end");
        assert_eq!(news(&mut told, "b", 10, 5), 1);
        assert_eq!(
            news(&mut told, "a", 20, 5),
            1,
            "it was no subject in between"
        );
    }

    #[test]
    fn one_that_is_found_late_is_told_of_once() {
        let mut told = Told::default();
        assert_eq!(news(&mut told, "a", 0, DAY_SECONDS), 1);
        assert_eq!(news(&mut told, "a", 0, 2 * DAY_SECONDS), 0);
    }
}
