//! What is counted before it is written: the hours of each line, and of the total.

use std::collections::HashMap;

use ndxp_model::Instant;

use crate::counter::Counter;
use crate::key::LineId;
use crate::line::Ending;
use crate::state::Hasher;

/// What is counted of one ending in one hour.
#[derive(Clone, Debug)]
pub struct Hour {
    pub start: Instant,
    pub ending: Ending,
    pub counter: Counter,
}

/// All of them in one place, in the order in which they began.
#[derive(Debug, Default)]
pub struct Hours {
    hours: Vec<Linked>,
    /// Where the last one of each line stands.
    last: HashMap<LineId, Place, Hasher>,
}

type Place = u32;

#[derive(Debug)]
struct Linked {
    hour: Hour,
    /// Where the line's one before it stands.
    before: Option<Place>,
}

impl Hours {
    /// How many counters are held.
    pub const fn len(&self) -> usize {
        self.hours.len()
    }

    /// Those of a line, or of the total, as time goes.
    pub fn of(&self, line: LineId) -> Vec<&Hour> {
        let mut hours: Vec<&Hour> = self.back_from(line).map(|(_, hour)| hour).collect();
        hours.reverse();
        hours
    }

    /// The lines on which anything was counted, and the total, ascending.
    pub fn touched(&self) -> Vec<LineId> {
        let mut lines: Vec<LineId> = self.last.keys().copied().collect();
        lines.sort_unstable();
        lines
    }

    /// Takes over what another counted on a line of which nothing is held here.
    pub fn copy(&mut self, line: LineId, from: &Self) {
        for hour in from.of(line) {
            self.push(line, hour.clone());
        }
    }

    /// The counter of an hour that is not before the line's last one.
    pub fn counter(&mut self, line: LineId, start: Instant, ending: Ending) -> &mut Counter {
        let of_hour = self
            .back_from(line)
            .take_while(|(_, hour)| hour.start == start);
        let known = of_hour
            .filter(|(_, hour)| hour.ending == ending)
            .map(|(place, _)| place)
            .next();
        let place = known.unwrap_or_else(|| {
            let counter = Counter::default();
            self.push(
                line,
                Hour {
                    start,
                    ending,
                    counter,
                },
            )
        });
        let found = self.hours.get_mut(place as usize);
        &mut found.expect("it was found or put there").hour.counter
    }

    fn push(&mut self, line: LineId, hour: Hour) -> Place {
        let place = Place::try_from(self.hours.len()).expect("they are written long before");
        let before = self.last.insert(line, place);
        self.hours.push(Linked { hour, before });
        place
    }

    /// The latest first.
    fn back_from(&self, line: LineId) -> impl Iterator<Item = (Place, &Hour)> {
        let mut next = self.last.get(&line).copied();
        std::iter::from_fn(move || {
            let place = next?;
            let linked = self.hours.get(place as usize)?;
            next = linked.before;
            Some((place, &linked.hour))
        })
    }
}

#[cfg(test)]
mod tests {
    use ndxp_model::Outcome;

    use super::*;

    #[test]
    fn hours_of_lines_keep_apart_and_in_order() {
        let completed = Ending::FIRST;
        let failed = Ending {
            outcome: Outcome::ProviderError,
            fault: None,
        };
        let mut hours = Hours::default();
        // Line, hour, ending, and how often it was counted until then.
        let rows = [
            (1, 10, completed, 0),
            (2, 10, completed, 0),
            (1, 10, failed, 0),
            (1, 10, completed, 1),
            (2, 20, completed, 0),
            (1, 20, failed, 0),
            (1, 20, failed, 1),
            (2, 20, completed, 1),
        ];
        for (line, start, ending, before) in rows {
            let counter = hours.counter(LineId(line), Instant::from_micros(start), ending);
            assert_eq!(counter.count, before);
            counter.count += 1;
        }
        let mut copied = Hours::default();
        copied.copy(LineId(1), &hours);
        for hours in [&hours, &copied] {
            let of_one = hours.of(LineId(1)).into_iter();
            let of_one: Vec<_> = of_one
                .map(|hour| (hour.start.as_micros(), hour.ending, hour.counter.count))
                .collect();
            let expected = [(10, completed, 2), (10, failed, 1), (20, failed, 2)];
            assert_eq!(of_one, expected);
        }
        assert_eq!((hours.len(), copied.len()), (5, 3));
        assert_eq!(hours.touched(), [LineId(1), LineId(2)]);
        assert_eq!(copied.touched(), [LineId(1)]);
        assert!(copied.of(LineId(2)).is_empty());
    }
}
