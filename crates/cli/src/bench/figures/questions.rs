//! What `ndxp bench figures` asks: single figures, each time of other days and connections.

use jiff::Span;
use jiff::civil::Date;
use ndxp_counters::{CountQuery, Dimension, Filter, Side};
use ndxp_model::{Period, Zone};

use super::dice::Dice;
use super::years::connection;

/// Longest window of days that is asked.
const WINDOW_DAYS_MAX: i32 = 400;

/// Puts questions about a store of so many connections and days.
pub struct Asker<'a> {
    zone: &'a Zone,
    connections: usize,
    first: Date,
    /// Behind the last day.
    end: Date,
    days: i32,
    dice: Dice,
}

/// A question, of other days and connections each time.
type Question = fn(&mut Asker<'_>) -> anyhow::Result<CountQuery>;

pub const QUESTIONS: [(&str, Question); 12] = [
    ("all, a month", |asker| Ok(of(asker.month()?))),
    ("all, since launch", |_| Ok(CountQuery::since_launch())),
    ("all, any 1 to 400 days", |asker| Ok(of(asker.window()?))),
    ("all, a month by day", |asker| {
        Ok(by(Dimension::Day, of(asker.month()?)))
    }),
    ("one connection, a month", |asker| {
        let month = asker.month()?;
        asker.of_one(of(month))
    }),
    ("one connection, since launch", |asker| {
        asker.of_one(CountQuery::since_launch())
    }),
    ("one connection, any 1 to 400 days", |asker| {
        let window = asker.window()?;
        asker.of_one(of(window))
    }),
    ("one connection, the last month by hour", |asker| {
        let from = asker.end.checked_sub(Span::new().days(30))?;
        let days = asker.days_from(from, 30)?;
        Ok(by(Dimension::Hour, asker.of_one(of(days))?))
    }),
    ("one service, a month", |asker| {
        let month = asker.month()?;
        Ok(asker.of_service(of(month)))
    }),
    ("one service, a month, no durations", |asker| {
        let month = asker.month()?;
        Ok(CountQuery {
            durations: false,
            ..asker.of_service(of(month))
        })
    }),
    ("by connection, a month", |asker| {
        Ok(by(Dimension::Connection, of(asker.month()?)))
    }),
    ("by connection, since launch", |_| {
        Ok(by(Dimension::Connection, CountQuery::since_launch()))
    }),
];

fn of(period: Period) -> CountQuery {
    CountQuery {
        period,
        ..CountQuery::since_launch()
    }
}

fn by(dimension: Dimension, query: CountQuery) -> CountQuery {
    CountQuery {
        by: Some(dimension),
        ..query
    }
}

impl<'a> Asker<'a> {
    pub fn new(zone: &'a Zone, connections: usize, first: Date, end: Date) -> anyhow::Result<Self> {
        Ok(Self {
            zone,
            connections,
            first,
            end,
            days: first.until(end)?.get_days(),
            dice: Dice::seeded(7),
        })
    }

    /// A calendar month that was over for another at least.
    fn month(&mut self) -> anyhow::Result<Period> {
        let first = self.day(62)?.first_of_month().max(self.first);
        let to = first.last_of_month().tomorrow()?;
        self.days_from(first, first.until(to)?.get_days())
    }

    fn window(&mut self) -> anyhow::Result<Period> {
        let longest = (self.days - 1).min(WINDOW_DAYS_MAX);
        let length = i32::try_from(self.dice.below(usize::try_from(longest)?))? + 1;
        let from = self.day(longest)?;
        self.days_from(from, length)
    }

    /// A day that lies so many before the end.
    fn day(&mut self, before_end: i32) -> anyhow::Result<Date> {
        let offset = self.dice.below(usize::try_from(self.days - before_end)?);
        Ok(self
            .first
            .checked_add(Span::new().days(i64::try_from(offset)?))?)
    }

    fn days_from(&self, from: Date, days: i32) -> anyhow::Result<Period> {
        let to = from.checked_add(Span::new().days(days))?;
        let start = |day: Date| self.zone.moment(&day.to_string()).map(|moment| moment.from);
        Ok(Period {
            from: start(from)?,
            to: start(to)?,
        })
    }

    fn of_one(&mut self, query: CountQuery) -> anyhow::Result<CountQuery> {
        let connection = connection(self.dice.below(self.connections));
        let filter = Filter {
            consumer: Some(Side::Party(connection.consumer.parse()?)),
            provider: Some(Side::Party(connection.provider.parse()?)),
            service: Some(connection.service),
            ..Filter::default()
        };
        Ok(CountQuery { filter, ..query })
    }

    fn of_service(&mut self, query: CountQuery) -> CountQuery {
        let service = connection(self.dice.below(self.connections)).service;
        let filter = Filter {
            service: Some(service),
            ..Filter::default()
        };
        CountQuery { filter, ..query }
    }
}
