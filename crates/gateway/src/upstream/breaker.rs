//! The circuit of one endpoint, as a pure state machine: calls that fail in a row open it, and
//! while it is open nobody waits there; when its pause is over one call tries, and its answer
//! closes it.
//!
//! State, event and the time in, state and decision out: no clock, no lock, no I/O.

use std::time::Duration;

use ndxp_model::Instant;

/// Failures in a row, by weight, that open a circuit. A deadline that has passed may be the fault
/// of one method, a connection that is lost is everybody's: ten calls or two connections.
const FAILURES_TO_OPEN: u32 = 10;
/// First and longest pause; it doubles with each try that fails.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// A try that has not been answered for this long keeps the next one from trying no more.
const TRY_MAX: Duration = Duration::from_secs(10);

/// What an endpoint did instead of answering.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failure {
    /// It could not be dialled.
    Unreachable,
    /// A connection with calls on it broke off.
    ConnectionLost,
    /// A call was reset.
    Reset,
    /// It let a call's time pass that was no short one.
    TimedOut,
    /// It fails far more often than the others of its system.
    Outlier,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// Calls pass.
    Closed { failures: u32 },
    /// No call passes until the pause is over.
    Open(Pause),
    /// One call at a time tries.
    HalfOpen {
        pause: Pause,
        trying_since: Option<Instant>,
    },
}

/// Since when and why no calls pass, and when the next may try.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pause {
    /// When the circuit was opened first; kept while tries fail.
    pub since: Instant,
    pub why: Failure,
    /// Tries that have failed.
    pub tries: u32,
    pub began: Instant,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Event {
    /// The endpoint has answered a call; `trying` if it was the one that tries.
    Answered {
        trying: bool,
    },
    Failed {
        why: Failure,
        trying: bool,
    },
    /// The call that tries has ended without an answer, and not by the endpoint's fault.
    Abandoned,
}

/// What becomes of a call that would go to the endpoint.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Decision {
    Pass,
    /// Passes, and decides by how it ends.
    Try,
    /// May come again in so much time.
    Refuse(Duration),
}

impl Failure {
    fn weight(self) -> u32 {
        match self {
            Self::TimedOut | Self::Reset => 1,
            Self::Unreachable | Self::ConnectionLost => 5,
            Self::Outlier => FAILURES_TO_OPEN,
        }
    }

    /// In words, for operators and callers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "it could not be connected",
            Self::ConnectionLost => "its connections broke off",
            Self::Reset => "it resets calls",
            Self::TimedOut => "it does not answer in time",
            Self::Outlier => "it fails far more calls than the others of its system",
        }
    }
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl State {
    /// A call asks to pass.
    #[must_use]
    pub fn ask(self, now: Instant) -> (Self, Decision) {
        match self {
            Self::Closed { .. } => (self, Decision::Pass),
            Self::Open(pause) => match pause.left(now) {
                Duration::ZERO => (Self::trying(pause, Some(now)), Decision::Try),
                left => (self, Decision::Refuse(left)),
            },
            Self::HalfOpen {
                trying_since: Some(since),
                ..
            } if is_recent(since, now) => (self, Decision::Refuse(PAUSE_MIN)),
            Self::HalfOpen { pause, .. } => (Self::trying(pause, Some(now)), Decision::Try),
        }
    }

    /// What `ask` would decide, while nobody asks yet.
    #[must_use]
    pub fn foresee(self, now: Instant) -> Decision {
        self.ask(now).1
    }

    #[must_use]
    pub fn tell(self, event: Event, now: Instant) -> Self {
        match (self, event) {
            (Self::Closed { .. }, Event::Answered { .. }) => Self::default(),
            (Self::Closed { failures }, Event::Failed { why, .. }) => {
                let failures = failures.saturating_add(why.weight());
                if failures < FAILURES_TO_OPEN {
                    return Self::Closed { failures };
                }
                Self::Open(Pause {
                    since: now,
                    why,
                    tries: 0,
                    began: now,
                })
            }
            (Self::HalfOpen { .. }, Event::Answered { trying: true }) => Self::default(),
            (Self::HalfOpen { pause, .. }, Event::Failed { why, trying: true }) => {
                Self::Open(Pause {
                    why,
                    tries: pause.tries.saturating_add(1),
                    began: now,
                    ..pause
                })
            }
            (Self::HalfOpen { pause, .. }, Event::Abandoned) => Self::trying(pause, None),
            // How calls end that began before the circuit was opened says nothing new.
            (state, _) => state,
        }
    }

    #[must_use]
    pub fn is_quiet(self) -> bool {
        self == Self::default()
    }

    fn trying(pause: Pause, trying_since: Option<Instant>) -> Self {
        Self::HalfOpen {
            pause,
            trying_since,
        }
    }
}

/// No longer than [`TRY_MAX`] ago, and not in the future of a clock that was set back.
fn is_recent(since: Instant, now: Instant) -> bool {
    let passed_us = now.as_micros().saturating_sub(since.as_micros());
    u64::try_from(passed_us).is_ok_and(|passed_us| Duration::from_micros(passed_us) < TRY_MAX)
}

impl Pause {
    fn length(&self) -> Duration {
        PAUSE_MIN
            .saturating_mul(1 << self.tries.min(10))
            .min(PAUSE_MAX)
    }

    /// A clock that was set back long before it began says no more than that it may be over; one that
    /// another thread has read a moment earlier says that it has just begun.
    fn left(&self, now: Instant) -> Duration {
        let end = self.began.saturating_add(self.length());
        let left = end.as_micros().saturating_sub(now.as_micros()).max(0);
        match Duration::from_micros(left.unsigned_abs()) {
            left if left > self.length().saturating_mul(2) => Duration::ZERO,
            left => left.min(self.length()),
        }
    }
}

/// How calls to one endpoint have ended lately.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    pub answered: u32,
    pub failed: u32,
}

impl Tally {
    fn calls(self) -> u32 {
        self.answered.saturating_add(self.failed)
    }

    /// Calls that are enough to judge an endpoint by.
    const ENOUGH: u32 = 20;

    /// Whether an endpoint is to be left out for the sake of the others: it fails at least half of
    /// its calls, they fail at most a tenth of theirs, and they are more than those already out.
    #[must_use]
    pub fn is_outlier(self, others: &[(Tally, bool)]) -> bool {
        let serving: Vec<Tally> = others
            .iter()
            .filter_map(|(tally, serves)| serves.then_some(*tally))
            .collect();
        let out = others.len() - serving.len();
        let of_others = serving.iter().fold(Tally::default(), |sum, tally| Tally {
            answered: sum.answered.saturating_add(tally.answered),
            failed: sum.failed.saturating_add(tally.failed),
        });
        self.calls() >= Self::ENOUGH
            && self.failed >= self.calls().div_ceil(2)
            && of_others.calls() >= Self::ENOUGH
            && of_others.failed <= of_others.calls() / 10
            && serving.len() > out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant::from_micros(1_000_000_000);
    /// How the others fare, and whether they serve.
    type Others<'a> = &'a [(Tally, bool)];

    const ANSWERED: Event = Event::Answered { trying: false };
    const TRIED: Event = Event::Answered { trying: true };

    fn at(ms: u64) -> Instant {
        START.saturating_add(Duration::from_millis(ms))
    }

    fn failed(why: Failure) -> Event {
        Event::Failed { why, trying: false }
    }

    fn tried_in_vain(why: Failure) -> Event {
        Event::Failed { why, trying: true }
    }

    /// After the events, each at its millisecond, this is decided about a call.
    #[track_caller]
    fn check(events: &[(u64, Event)], asked_ms: u64, expected: Decision) -> State {
        let mut state = State::default();
        for (ms, event) in events {
            // Whoever tries has asked before.
            if matches!(
                event,
                Event::Abandoned
                    | Event::Answered { trying: true }
                    | Event::Failed { trying: true, .. }
            ) {
                let (asked, decision) = state.ask(at(*ms));
                assert_eq!(decision, Decision::Try, "{state:?} at {ms} ms");
                state = asked;
            }
            state = state.tell(*event, at(*ms));
        }
        let (asked, decision) = state.ask(at(asked_ms));
        assert_eq!(decision, expected, "{state:?} at {asked_ms} ms");
        assert_eq!(state.foresee(at(asked_ms)), expected);
        asked
    }

    #[test]
    fn failures_in_a_row_open_it_and_an_answer_between_them_does_not() {
        use Failure::{ConnectionLost, Outlier, Reset, TimedOut, Unreachable};
        let refuse = Decision::Refuse(Duration::from_millis(100));
        let row = |count, why| vec![(0, failed(why)); count];
        check(&row(9, TimedOut), 0, Decision::Pass);
        check(&row(10, TimedOut), 0, refuse);
        check(&row(9, Reset), 0, Decision::Pass);
        check(&row(10, Reset), 0, refuse);
        check(&row(1, Unreachable), 0, Decision::Pass);
        check(&row(2, Unreachable), 0, refuse);
        check(&row(2, ConnectionLost), 0, refuse);
        check(&row(1, Outlier), 0, refuse);
        let answered = [row(9, TimedOut), vec![(0, ANSWERED)], row(9, TimedOut)].concat();
        check(&answered, 0, Decision::Pass);
    }

    #[test]
    fn one_call_tries_when_the_pause_is_over_and_decides() {
        let open = vec![(0, failed(Failure::Unreachable)); 2];
        let with = |more: &[(u64, Event)]| [open.clone(), more.to_vec()].concat();
        check(&open, 99, Decision::Refuse(Duration::from_millis(1)));
        let trying = check(&open, 100, Decision::Try);
        // While it tries, nobody else does.
        assert_eq!(trying.foresee(at(10_099)), Decision::Refuse(PAUSE_MIN));
        // Unless it hangs, or the clock was set back.
        assert_eq!(trying.foresee(at(10_100)), Decision::Try);
        assert_eq!(trying.foresee(at(0)), Decision::Try);
        check(&with(&[(100, TRIED)]), 100, Decision::Pass);
        // A try that is given up leaves it to the next.
        check(&with(&[(100, Event::Abandoned)]), 100, Decision::Try);
        // One that fails doubles the pause.
        let again = (100, tried_in_vain(Failure::TimedOut));
        check(
            &with(&[again]),
            299,
            Decision::Refuse(Duration::from_millis(1)),
        );
        check(&with(&[again]), 300, Decision::Try);
        // What ends late says nothing.
        check(
            &with(&[(50, ANSWERED), (60, failed(Failure::Reset))]),
            100,
            Decision::Try,
        );
    }

    #[test]
    fn the_pause_doubles_up_to_its_most_and_the_beginning_is_remembered() {
        let mut state = State::default().tell(failed(Failure::Outlier), START);
        let mut ms = 0;
        for expected_ms in [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000] {
            let left = Duration::from_millis(expected_ms);
            assert_eq!(state.foresee(at(ms)), Decision::Refuse(left));
            // It does not wait for a clock that was set back.
            assert_eq!(state.foresee(Instant::from_micros(0)), Decision::Try);
            ms += expected_ms;
            let (trying, decision) = state.ask(at(ms));
            assert_eq!(decision, Decision::Try);
            state = trying.tell(tried_in_vain(Failure::TimedOut), at(ms));
        }
        let State::Open(pause) = state else {
            panic!("{state:?}");
        };
        assert_eq!((pause.since, pause.why), (START, Failure::TimedOut));
    }

    #[test]
    fn an_outlier_is_left_out_only_where_others_serve_well() {
        let tally = |answered, failed| Tally { answered, failed };
        let well = (tally(100, 1), true);
        let ill = (tally(50, 50), true);
        let out = (tally(0, 30), false);
        let few = (tally(9, 0), true);
        let rows: [(Tally, Others<'_>, bool); 9] = [
            (tally(10, 10), &[well], true),
            (tally(11, 10), &[well], false),
            (tally(9, 10), &[well], false),
            (tally(0, 20), &[ill], false),
            (tally(0, 20), &[few], false),
            (tally(0, 20), &[], false),
            (tally(0, 20), &[out], false),
            (tally(0, 20), &[well, out], false),
            (tally(0, 20), &[well, well, out], true),
        ];
        for (own, others, expected) in rows {
            assert_eq!(
                own.is_outlier(others),
                expected,
                "{own:?} beside {others:?}"
            );
        }
    }
}
