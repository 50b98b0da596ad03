//! The clock: against what it said before, and whether anybody keeps it right.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use ndxp_hub::tls::Tls;
use ndxp_journal::Position;
use ndxp_model::{Clock as _, Instant, SystemClock};

use super::finding::{Area, Findings};

/// What clocks that are kept right are apart at most, with room.
const BEHIND_US_MAX: i64 = 5_000_000;
/// A service that tells the system's state answers in milliseconds.
const TELLS_MAX: Duration = Duration::from_secs(2);
/// Written by systemd-timesyncd once it has set the clock.
const TIMESYNCD: &str = "/run/systemd/timesync/synchronized";

pub fn check(last: Option<Position>, hub: Option<&Tls>, findings: &mut Findings) {
    let now = SystemClock.now();
    match last {
        Some(last) => against_journal(now, last.at, findings),
        None => findings.ok(
            Area::Clock,
            "time",
            format!("{now}; no journal to compare it with"),
        ),
    }
    if let Some(hub) = hub {
        against_certificate(now, hub.validity().from, findings);
    }
    kept_right(synchronised(), findings);
}

/// The journal's time never runs backwards: until the clock has caught up, every entry is given
/// the time of the last one.
fn against_journal(now: Instant, last: Instant, findings: &mut Findings) {
    let behind_us = last.as_micros().saturating_sub(now.as_micros());
    let remedy = "set the clock, and find out who set it wrong: entries get the time of the last \
                  one until it has caught up";
    if behind_us > BEHIND_US_MAX {
        let value = format!(
            "{now}, {} s before the journal's last entry",
            behind_us / 1_000_000
        );
        findings.failure(Area::Clock, "time", value, remedy);
    } else if behind_us > 0 {
        let value = format!(
            "{now}, {} ms before the journal's last entry",
            behind_us / 1_000
        );
        findings.warning(Area::Clock, "time", value, remedy);
    } else {
        findings.ok(
            Area::Clock,
            "time",
            format!("{now}, behind the journal's last entry"),
        );
    }
}

/// A certificate that this machine's clock has not reached yet was issued by somebody whose clock
/// had: that the clock is behind is as likely as that the certificate is wrong.
fn against_certificate(now: Instant, from: Instant, findings: &mut Findings) {
    if now < from {
        findings.failure(
            Area::Clock,
            "time",
            format!("{now}, before the hub's certificate begins, {from}"),
            "set the clock, or wait until then",
        );
    }
}

fn kept_right(synchronised: Option<bool>, findings: &mut Findings) {
    match synchronised {
        Some(true) => findings.ok(
            Area::Clock,
            "synchronisation",
            "the system keeps its clock right",
        ),
        Some(false) => findings.warning(
            Area::Clock,
            "synchronisation",
            "the system says that its clock is not synchronised",
            "run chrony or systemd-timesyncd: reports are cut by this clock",
        ),
        None => findings.warning(
            Area::Clock,
            "synchronisation",
            "the system does not tell whether its clock is synchronised",
            "make sure that it is, by chrony or systemd-timesyncd: reports are cut by this clock",
        ),
    }
}

fn synchronised() -> Option<bool> {
    if Path::new(TIMESYNCD).exists() {
        return Some(true);
    }
    let (told, answer) = sync_channel(1);
    // A thread, so that a system service that hangs holds up nobody; it ends with the process.
    std::thread::spawn(move || {
        let asked = Command::new("timedatectl")
            .args(["show", "--property=NTPSynchronized", "--value"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output();
        // Whoever asked may have given up.
        let _given_up = told.send(asked);
    });
    let answered = answer.recv_timeout(TELLS_MAX).ok()?.ok()?;
    match answered.stdout.trim_ascii() {
        b"yes" => Some(true),
        b"no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;

    #[test]
    fn a_clock_before_the_journals_last_entry_is_wrong() {
        let now = Instant::from_micros(1_658_448_000_000_000);
        let rows = [
            (-1_000_000, State::Ok, "behind the journal's last entry"),
            (0, State::Ok, "behind the journal's last entry"),
            (20_000, State::Warning, "20 ms before"),
            (5_000_000, State::Warning, "5000 ms before"),
            (3_600_000_000, State::Failure, "3600 s before"),
        ];
        for (ahead_us, state, value) in rows {
            let mut findings = Findings::default();
            let last = Instant::from_micros(now.as_micros() + ahead_us);
            against_journal(now, last, &mut findings);
            let seen = findings.seen();
            assert_eq!(seen[0].0, state, "{ahead_us}");
            assert!(seen[0].2.contains(value), "{seen:?}");
        }
    }

    #[test]
    fn a_clock_that_nobody_answers_for_is_a_warning() {
        for (told, state) in [
            (Some(true), State::Ok),
            (Some(false), State::Warning),
            (None, State::Warning),
        ] {
            let mut findings = Findings::default();
            kept_right(told, &mut findings);
            assert_eq!(findings.seen()[0].0, state);
        }
    }
}
