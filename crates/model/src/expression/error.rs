//! Why an expression names no period, and what helps.

use std::fmt;

use super::moment::WORDS;

/// An expression, or a part of it, that names no period.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExpressionError {
    /// What was written, cut to a printable length.
    pub text: String,
    pub wrong: Wrong,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Wrong {
    /// Longer than the most bytes that are looked at.
    TooLong(usize),
    /// None of the forms; perhaps this word is meant.
    Unknown(Option<&'static str>),
    Year,
    NoSuchQuarter,
    NoSuchMonth,
    NoSuchDay {
        year: i16,
        month: i8,
        days: i8,
    },
    NoSuchWeek {
        year: i16,
        weeks: i8,
    },
    NoSuchHour,
    Reversed,
    Empty,
    /// Begins after now, which is this local time.
    Future(String),
}

const FORMS: &str = "a year (2022), quarter (2022-Q3), month (2022-07), week (2022-W29), date \
                     (2022-07-22) or hour (2022-07-22T09), a range of two of them \
                     (2022-01..2022-07), or today, yesterday, this-week, last-week, this-month, \
                     last-month, this-year, last-year, since-launch";

/// A bad value is repeated to its sender, but not at any length.
const SHOWN_CHARS_MAX: usize = 80;

impl ExpressionError {
    pub(super) fn new(text: &str, wrong: Wrong) -> Self {
        let text = text.chars().take(SHOWN_CHARS_MAX).collect();
        Self { text, wrong }
    }

    /// What to write instead.
    #[must_use]
    pub fn remedy(&self) -> String {
        match &self.wrong {
            Wrong::TooLong(_) | Wrong::Unknown(None) => format!("write {FORMS}"),
            Wrong::Unknown(Some(word)) => format!("did you mean {word}? Else write {FORMS}"),
            Wrong::Year => "write a year from 1970 to 9998".to_owned(),
            Wrong::NoSuchQuarter => "write a quarter from Q1 to Q4".to_owned(),
            Wrong::NoSuchMonth => "write a month from 01 to 12".to_owned(),
            Wrong::NoSuchDay { days, .. } => format!("write a day from 01 to {days}"),
            Wrong::NoSuchWeek { weeks, .. } => format!("write a week from W01 to W{weeks}"),
            Wrong::NoSuchHour => "write an hour from T00 to T23".to_owned(),
            Wrong::Reversed => "write the earlier time first".to_owned(),
            Wrong::Empty => {
                "an hour that ends a range is not part of it: write a later one".to_owned()
            }
            Wrong::Future(now) => format!("write a period that has begun; it is now {now}"),
        }
    }
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ", self.text)?;
        match &self.wrong {
            Wrong::TooLong(most) => write!(f, "is no period: it is longer than {most} bytes"),
            Wrong::Unknown(_) => f.write_str("is no period"),
            Wrong::Year => f.write_str("lies outside the calendar of periods"),
            Wrong::NoSuchQuarter => f.write_str("does not exist: a year has four quarters"),
            Wrong::NoSuchMonth => f.write_str("does not exist: a year has twelve months"),
            Wrong::NoSuchDay { year, month, days } => {
                write!(f, "does not exist: {year}-{month:02} has {days} days")
            }
            Wrong::NoSuchWeek { year, weeks } => {
                write!(f, "does not exist: {year} has {weeks} weeks")
            }
            Wrong::NoSuchHour => f.write_str("does not exist: a day has 24 hours"),
            Wrong::Reversed => f.write_str("ends before it begins"),
            Wrong::Empty => f.write_str("holds nothing"),
            Wrong::Future(_) => f.write_str("has not begun"),
        }
    }
}

impl std::error::Error for ExpressionError {}

impl Wrong {
    /// A text of no known form, with the word that it is most like.
    pub(super) fn unknown(text: &str) -> Self {
        let near = WORDS
            .into_iter()
            .map(|word| (distance(text, word), word))
            .filter(|(distance, _)| *distance <= DISTANCE_MAX)
            .min();
        Self::Unknown(near.map(|(_, word)| word))
    }
}

/// How many slips of the hand a word may be away.
const DISTANCE_MAX: usize = 2;

/// How many characters have to be put in, taken out or replaced to make one text of the other.
/// Both are short: an expression's length is bounded before.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (number, char) in (1..).zip(left.chars()) {
        let mut next = vec![number];
        for ((above, other), before) in row.iter().skip(1).zip(&right).zip(&row) {
            let put_in = next.last().map_or(number, |last| last + 1);
            let replaced = before + usize::from(char != *other);
            next.push(put_in.min(above + 1).min(replaced));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
