//! What a question gathers while it reads: rows, their total, and who took part.

use std::collections::{BTreeMap, HashSet};

use ndxp_model::{Fault, Instant, Zone};

use crate::counter::{Counter, Overflow};
use crate::counts::{Absent, Counts};
use crate::dimension::Dimension;
use crate::lens::Seen;
use crate::line::Ending;
use crate::plan::Sign;
use crate::query::{CountQuery, Distinct};

/// One bucket of time of one line and ending, as it was read.
#[derive(Clone, Copy, Debug)]
pub struct Cell<'a> {
    pub start: Instant,
    pub ending: Ending,
    pub counter: &'a Counter,
    /// Why, where the counter lacks its durations.
    pub absent: Absent,
}

/// The rows of an answer in the making.
#[derive(Debug)]
pub struct Rows<'a> {
    query: &'a CountQuery,
    zone: &'a Zone,
    whole: Counts,
    ended: BTreeMap<&'static str, Counts>,
    timed: BTreeMap<Instant, Counts>,
    /// By the places that [`Rows::place`] gave.
    named: Vec<Counts>,
    places: BTreeMap<String, usize>,
}

impl<'a> Rows<'a> {
    pub fn new(query: &'a CountQuery, zone: &'a Zone) -> Self {
        Self {
            query,
            zone,
            whole: Counts::default(),
            ended: BTreeMap::new(),
            timed: BTreeMap::new(),
            named: Vec::new(),
            places: BTreeMap::new(),
        }
    }

    /// The place of a row in a breakdown by names.
    pub fn place(&mut self, row: String) -> usize {
        let next = self.named.len();
        let place = *self.places.entry(row).or_insert(next);
        if place == next {
            self.named.push(Counts::default());
        }
        place
    }

    /// Adds a cell or takes it away, unless the question is not about such endings. `place` is that
    /// of its line's row in a breakdown by names.
    ///
    /// # Errors
    /// When a sum does not fit.
    pub fn count(
        &mut self,
        sign: Sign,
        place: Option<usize>,
        cell: &Cell<'_>,
    ) -> Result<(), Overflow> {
        let ending = cell.ending;
        if !self.query.filter.accepts_ending(ending) {
            return Ok(());
        }
        let time = |by: Dimension| by.start(self.zone, cell.start);
        let row = match (self.query.by, self.query.by.and_then(time)) {
            (_, Some(start)) => self.timed.entry(start).or_default(),
            (Some(Dimension::Outcome), _) => self.ended.entry(ending.outcome.as_str()).or_default(),
            (Some(Dimension::Fault), _) => self
                .ended
                .entry(ending.fault.map_or("none", Fault::as_str))
                .or_default(),
            _ => place
                .and_then(|place| self.named.get_mut(place))
                .unwrap_or(&mut self.whole),
        };
        match sign {
            Sign::More => row.add(ending.outcome, cell.counter, cell.absent),
            Sign::Less => row.take(ending.outcome, cell.counter),
        }
    }

    /// The rows by key, none of them empty, and their total.
    ///
    /// # Errors
    /// When a sum does not fit.
    pub fn finish(mut self) -> Result<(Vec<(String, Counts)>, Counts), Overflow> {
        let Some(by) = self.query.by else {
            return Ok((Vec::new(), self.whole));
        };
        let label = |(start, counts)| (by.label(self.zone, start), counts);
        let mut named = |(key, place): (String, usize)| {
            let counts = self.named.get_mut(place).map(std::mem::take)?;
            Some((key, counts))
        };
        let mut rows: Vec<(String, Counts)> = self.timed.into_iter().map(label).collect();
        let ended = self.ended.into_iter();
        rows.extend(ended.map(|(key, counts)| (key.to_owned(), counts)));
        rows.extend(self.places.into_iter().filter_map(&mut named));
        rows.retain(|(_, counts)| counts.attempts() > 0);
        let mut total = Counts::default();
        for (_, counts) in &rows {
            total.merge(counts)?;
        }
        Ok((rows, total))
    }
}

/// Who took part in at least one transaction.
#[derive(Debug, Default)]
pub struct Parties {
    consumers: HashSet<String>,
    providers: HashSet<String>,
}

impl Parties {
    pub fn add(&mut self, seen: &Seen<'_>) {
        for (parties, name) in [
            (&mut self.consumers, &seen.consumer),
            (&mut self.providers, &seen.provider),
        ] {
            if !name.is_empty() && !parties.contains(&**name) {
                parties.insert(name.to_string());
            }
        }
    }

    pub fn count(&self) -> Distinct {
        let systems: HashSet<&str> = self
            .consumers
            .union(&self.providers)
            .map(String::as_str)
            .collect();
        let member = |system: &&'_ str| system.split_once('/').map(|(member, _)| member.to_owned());
        let members: HashSet<String> = systems.iter().filter_map(member).collect();
        let amount = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        Distinct {
            consumers: amount(self.consumers.len()),
            providers: amount(self.providers.len()),
            systems: amount(systems.len()),
            members: amount(members.len()),
        }
    }
}

impl Cell<'_> {
    /// How many of what the cell counts are transactions.
    pub const fn transactions(&self) -> u64 {
        match self.ending.outcome.is_transaction() {
            true => self.counter.count,
            false => 0,
        }
    }
}
