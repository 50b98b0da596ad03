//! What the screen knows: answers folded into totals, rates and rows, and what its reader wants
//! to see of them. Pure: it neither draws nor listens.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use ndxp_model::Outcome;
use ndxp_proto::statistics::v1::{CountResponse, CountRow, Counts, Dimension};
use ndxp_report::Language;

use super::track::{Course, Track};

#[derive(Debug)]
pub struct Screen {
    pub by: Dimension,
    pub language: Language,
    /// The hub's address.
    pub hub: String,
    pub link: Link,
    pub order: Order,
    /// Rows above the first that is shown.
    pub scrolled: usize,
    pub total: Option<Line>,
    pub rows: Vec<Line>,
    pub outcomes: Vec<Ending>,
    /// Rows that the answer sums up, and what they come to.
    pub others: (u64, Option<Line>),
    pub course: Course,
    /// Start of the period that was counted last.
    from_us: Option<i64>,
}

/// Whether answers come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Link {
    Connecting,
    Live,
    /// Since when, and why.
    Lost(Duration, String),
}

/// A row of counts, and how it moves.
#[derive(Clone, Debug)]
pub struct Line {
    pub key: String,
    pub title: String,
    pub counts: Counts,
    pub transactions: Track,
}

/// One outcome of the total.
#[derive(Clone, Debug)]
pub struct Ending {
    pub outcome: Outcome,
    pub count: u64,
    pub track: Track,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Order {
    pub column: Column,
    /// The smallest first.
    pub reversed: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Column {
    Transactions,
    Rate,
    Errors,
    Latency,
    Bytes,
}

/// What a key means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wish {
    Quit,
    /// By this column; once more: the other way round.
    Sort(Column),
    Reverse,
    /// So many rows down, or up.
    Scroll(isize),
    First,
    Last,
}

impl Screen {
    pub fn new(by: Dimension, language: Language, hub: String) -> Self {
        Self {
            by,
            language,
            hub,
            link: Link::Connecting,
            order: Order {
                column: Column::Rate,
                reversed: false,
            },
            scrolled: 0,
            total: None,
            rows: Vec::new(),
            outcomes: Vec::new(),
            others: (0, None),
            course: Course::default(),
            from_us: None,
        }
    }

    /// Takes an answer in.
    pub fn fold(&mut self, answer: CountResponse, now: Duration) {
        let from_us = answer.proof.as_ref().map(|proof| proof.from_us);
        // Of another period, or of a time in which nobody listened, no rate is known.
        let goes_on = self.link == Link::Live && self.from_us == from_us;
        let gap = matches!(self.link, Link::Lost(..));
        if self.link == Link::Connecting {
            self.course = Course::new(now);
        }
        self.course.advance(now, !gap);
        self.link = Link::Live;
        self.from_us = from_us;
        let mut before = Before::default();
        if goes_on {
            before.total = self.total.take().map(|line| line.transactions);
            before.others = self.others.1.take().map(|line| line.transactions);
            let rows = self.rows.drain(..);
            before.rows = rows.map(|line| (line.key, line.transactions)).collect();
            let endings = self.outcomes.drain(..);
            before.outcomes = endings.map(|it| (it.outcome, it.track)).collect();
        }
        let total = answer.total.unwrap_or_default();
        let more = before
            .total
            .as_ref()
            .map_or(0, |track| total.transactions.saturating_sub(track.latest()));
        self.course.add(more);
        self.outcomes = Outcome::ALL
            .into_iter()
            .map(|outcome| before.ending(outcome, &total, now))
            .collect();
        self.total = Some(line(String::new(), String::new(), total, before.total, now));
        self.others = (
            answer.others_rows,
            answer.others.map(|row| {
                let counts = row.counts.unwrap_or_default();
                line(row.key, String::new(), counts, before.others, now)
            }),
        );
        self.rows = answer
            .rows
            .into_iter()
            .map(
                |CountRow {
                     key, counts, title, ..
                 }| {
                    let track = before.rows.remove(&key);
                    line(key, title, counts.unwrap_or_default(), track, now)
                },
            )
            .collect();
        self.sort(now);
    }

    /// Answers have stopped coming.
    pub fn lost(&mut self, why: String, now: Duration) {
        let since = match &self.link {
            Link::Lost(since, _) => *since,
            _ => now,
        };
        self.course.advance(now, self.link == Link::Live);
        self.link = Link::Lost(since, why);
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Duration) {
        self.course.advance(now, self.link == Link::Live);
        self.sort(now);
    }

    /// Does what the reader wants; `true` when that is to leave.
    pub fn wish(&mut self, wish: Wish, now: Duration) -> bool {
        match wish {
            Wish::Quit => return true,
            Wish::Sort(column) if column == self.order.column => {
                self.order.reversed = !self.order.reversed;
            }
            Wish::Sort(column) => {
                self.order = Order {
                    column,
                    reversed: false,
                };
            }
            Wish::Reverse => self.order.reversed = !self.order.reversed,
            Wish::Scroll(rows) => self.scrolled = self.scrolled.saturating_add_signed(rows),
            Wish::First => self.scrolled = 0,
            Wish::Last => self.scrolled = self.rows.len(),
        }
        self.scrolled = self.scrolled.min(self.rows.len().saturating_sub(1));
        self.sort(now);
        false
    }

    /// The instant that rates are of: now, or when the last was heard.
    pub fn heard(&self, now: Duration) -> Duration {
        match &self.link {
            Link::Lost(since, _) => *since,
            Link::Connecting | Link::Live => now,
        }
    }

    fn sort(&mut self, now: Duration) {
        let now = self.heard(now);
        let Order { column, reversed } = self.order;
        let weight = |line: &Line| match column {
            Column::Transactions => line.counts.transactions,
            Column::Rate => line.transactions.rate_tenths(now).unwrap_or(0),
            Column::Errors => line.errors(),
            Column::Latency => line.counts.durations.map_or(0, |it| it.p99_us),
            Column::Bytes => line.bytes(),
        };
        // Equal ones by how much they carry, then by name: rows must not jump about.
        self.rows.sort_by_cached_key(|line| {
            let busiest = (weight(line), line.counts.transactions);
            (Reverse(busiest), line.key.clone())
        });
        if reversed {
            self.rows.reverse();
        }
    }
}

/// How things moved until the answer came.
#[derive(Default)]
struct Before {
    total: Option<Track>,
    others: Option<Track>,
    rows: HashMap<String, Track>,
    outcomes: HashMap<Outcome, Track>,
}

impl Before {
    fn ending(&mut self, outcome: Outcome, total: &Counts, now: Duration) -> Ending {
        let number = i32::from(outcome.number());
        let found = total.outcomes.iter().find(|it| it.outcome == number);
        let count = found.map_or(0, |it| it.count);
        Ending {
            outcome,
            count,
            track: pushed(self.outcomes.remove(&outcome), count, now),
        }
    }
}

fn line(key: String, title: String, counts: Counts, track: Option<Track>, now: Duration) -> Line {
    Line {
        key,
        title,
        transactions: pushed(track, counts.transactions, now),
        counts,
    }
}

fn pushed(track: Option<Track>, value: u64, now: Duration) -> Track {
    match track {
        None => Track::new(now, value),
        Some(mut track) => {
            track.push(now, value);
            track
        }
    }
}

impl Line {
    /// Calls that did not end as asked.
    pub fn errors(&self) -> u64 {
        let completed = i32::from(Outcome::Completed.number());
        let outcomes = self.counts.outcomes.iter();
        outcomes
            .filter(|it| it.outcome != completed)
            .fold(0, |sum: u64, it| sum.saturating_add(it.count))
    }

    /// Bytes of both directions.
    pub fn bytes(&self) -> u64 {
        let Counts {
            request_bytes,
            response_bytes,
            ..
        } = self.counts;
        request_bytes.saturating_add(response_bytes)
    }
}

#[cfg(test)]
mod tests;
