//! What of the balances belongs to a question, by row and in total. A question without rows gives
//! every connection the same key.

use std::collections::{BTreeMap, HashMap};

use ndxp_model::Sequence;
use ndxp_proto::journal::v1::{BaselineRow, Connection};
use ndxp_proto::statistics::v1::{MeasureSum, Opening};

use crate::balances::{Balances, Imported};
use crate::entry::{TRANSACTIONS, connection, measure, place, span};
use crate::span::Span;
use crate::window::{Lies, Window};

/// What is asked of the balances.
pub struct Question<'a> {
    pub window: Window,
    /// Only imports up to this sequence: the one that the counts beside them include.
    pub through: Sequence,
    /// The row of a connection; none for one that is not asked for.
    pub key_of: &'a dyn Fn(&Connection) -> Option<String>,
    pub in_total: InTotal,
    /// Whether balances can tell what is asked: not where calls are chosen by method or by how they
    /// ended, of which a previous platform told nothing. What could hold it is then left out.
    pub is_told: bool,
    /// For rows by time: the row that holds the whole of a balance's days. Balances that none holds
    /// whole, or that have no first day, come under [`NO_KEY`].
    pub bucket_of: Option<&'a dyn Fn(Span) -> Option<String>>,
}

/// What becomes of balances that name no connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum InTotal {
    /// They belong to a question about everything, under [`NO_KEY`] where rows are by name.
    Counted,
    /// They may hold what is asked for, and nobody knows how much: told as left out.
    LeftOut,
    /// Whoever asks may not see them.
    Hidden,
}

/// The row of what no row can claim.
pub const NO_KEY: &str = "-";

/// The balances that belong to a question.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Sums {
    /// By key; none without a balance. They sum to the total.
    pub rows: BTreeMap<String, OpeningSum>,
    pub total: OpeningSum,
    /// Balances that overlap the question without belonging to it whole.
    pub left_out: u64,
}

/// What balances come to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct OpeningSum {
    pub transactions: u64,
    /// By name.
    pub measures: BTreeMap<String, u128>,
    /// Each once, in the order of the journal.
    pub sources: Vec<String>,
}

/// A sum of transactions that no counter holds. Imports are refused before it comes to that.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("transactions of opening balances come to {found}, more than can be counted")]
pub struct TooLarge {
    pub found: u128,
}

/// A sum with its names as numbers: those of all imports have one list.
#[derive(Clone, Debug, Default)]
struct Sum {
    transactions: u128,
    measures: BTreeMap<usize, u128>,
    sources: Vec<usize>,
}

/// Texts in the order in which they came up.
#[derive(Debug, Default)]
struct Names<'a> {
    list: Vec<&'a str>,
    numbers: HashMap<&'a str, usize>,
}

/// One pass over the imports.
struct Adding<'a, 'q> {
    question: &'q Question<'q>,
    keys: Vec<String>,
    numbers: HashMap<String, usize>,
    sums: Vec<Sum>,
    buckets: HashMap<Span, usize>,
    measures: Names<'a>,
    sources: Names<'a>,
    left_out: u64,
}

impl Balances {
    /// What belongs to the question. Looks at each balance once, and asks for the key of each
    /// connection once for each import.
    ///
    /// # Errors
    /// When a sum of transactions is too large to be counted.
    pub fn sum(&self, question: &Question<'_>) -> Result<Sums, TooLarge> {
        let mut adding = Adding {
            question,
            keys: Vec::new(),
            numbers: HashMap::new(),
            sums: Vec::new(),
            buckets: HashMap::new(),
            measures: Names::default(),
            sources: Names::default(),
            left_out: 0,
        };
        let imports = self.imports().iter();
        for import in imports.take_while(|import| import.sequence <= question.through) {
            adding.import(import);
        }
        adding.finish()
    }
}

impl<'a> Adding<'a, '_> {
    fn import(&mut self, import: &'a Imported) {
        let entry = &import.baseline;
        let question = self.question;
        let keys: Vec<Option<usize>> = entry
            .connections
            .iter()
            .map(|names| (question.key_of)(names).map(|key| self.number(key)))
            .collect();
        let measures: Vec<usize> = entry
            .measures
            .iter()
            .map(|name| self.measures.number(name))
            .collect();
        let no_key = self.number(NO_KEY.to_owned());
        for row in &entry.rows {
            let key = match connection(entry, row) {
                None if question.in_total == InTotal::Hidden => continue,
                None => no_key,
                Some(_) => {
                    let key = place(row.connection).and_then(|place| keys.get(place));
                    let Some(Some(key)) = key else { continue };
                    *key
                }
            };
            self.row(import, row, key, &measures);
        }
    }

    fn row(&mut self, import: &'a Imported, row: &BaselineRow, key: usize, measures: &[usize]) {
        let entry = &import.baseline;
        let span = span(row);
        let is_whole = match self.question.window.holds(span, import.ends) {
            Lies::Outside => return,
            Lies::Across => false,
            Lies::Within => {
                let in_total = self.question.in_total == InTotal::Counted;
                self.question.is_told && (row.connection != 0 || in_total)
            }
        };
        if !is_whole {
            self.left_out += 1;
            return;
        }
        let key = self.bucket(span).unwrap_or(key);
        let source = place(row.source).and_then(|place| entry.sources.get(place));
        let source = source.map(|text| self.sources.number(text));
        let Some(sum) = self.sums.get_mut(key) else {
            return;
        };
        let value = u128::from(row.value);
        if measure(entry, row) == TRANSACTIONS {
            sum.transactions += value;
        } else if let Some(number) = place(row.measure).and_then(|place| measures.get(place)) {
            *sum.measures.entry(*number).or_default() += value;
        }
        if let Some(source) = source
            && !sum.sources.contains(&source)
        {
            sum.sources.push(source);
        }
    }

    /// The row by time, where rows are by time.
    fn bucket(&mut self, span: Span) -> Option<usize> {
        let bucket_of = self.question.bucket_of?;
        if let Some(number) = self.buckets.get(&span) {
            return Some(*number);
        }
        let key = bucket_of(span).unwrap_or_else(|| NO_KEY.to_owned());
        let number = self.number(key);
        self.buckets.insert(span, number);
        Some(number)
    }

    fn number(&mut self, key: String) -> usize {
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        let number = self.keys.len();
        self.keys.push(key.clone());
        self.sums.push(Sum::default());
        self.numbers.insert(key, number);
        number
    }

    fn finish(self) -> Result<Sums, TooLarge> {
        let mut total = Sum::default();
        let mut rows = BTreeMap::new();
        for (key, sum) in self.keys.into_iter().zip(self.sums) {
            // Every balance has a source: a row without one has no balance.
            if sum.sources.is_empty() {
                continue;
            }
            total.add(&sum);
            rows.insert(key, sum.named(&self.measures, &self.sources)?);
        }
        Ok(Sums {
            rows,
            total: total.named(&self.measures, &self.sources)?,
            left_out: self.left_out,
        })
    }
}

impl Sum {
    fn add(&mut self, other: &Self) {
        self.transactions += other.transactions;
        for (measure, value) in &other.measures {
            *self.measures.entry(*measure).or_default() += value;
        }
        let known = self.sources.clone();
        let new = other.sources.iter().filter(|it| !known.contains(it));
        self.sources.extend(new);
    }

    fn named(mut self, measures: &Names<'_>, sources: &Names<'_>) -> Result<OpeningSum, TooLarge> {
        self.sources.sort_unstable();
        let found = self.transactions;
        let values = self.measures.into_iter();
        let values = values.filter_map(|(number, sum)| Some((measures.name(number)?, sum)));
        let texts = self.sources.into_iter();
        Ok(OpeningSum {
            transactions: u64::try_from(found).map_err(|_| TooLarge { found })?,
            measures: values.collect(),
            sources: texts.filter_map(|number| sources.name(number)).collect(),
        })
    }
}

impl OpeningSum {
    /// Adds another's balances, of which none is in this one.
    ///
    /// # Errors
    /// When the sum of transactions is too large to be counted.
    pub fn merge(&mut self, other: &Self) -> Result<(), TooLarge> {
        let found = u128::from(self.transactions) + u128::from(other.transactions);
        self.transactions = u64::try_from(found).map_err(|_| TooLarge { found })?;
        for (measure, value) in &other.measures {
            *self.measures.entry(measure.clone()).or_default() += value;
        }
        for source in &other.sources {
            if !self.sources.contains(source) {
                self.sources.push(source.clone());
            }
        }
        Ok(())
    }
}

impl<'a> Names<'a> {
    fn number(&mut self, name: &'a str) -> usize {
        let next = self.list.len();
        let number = *self.numbers.entry(name).or_insert(next);
        if number == next {
            self.list.push(name);
        }
        number
    }

    fn name(&self, number: usize) -> Option<String> {
        self.list.get(number).map(|name| (*name).to_owned())
    }
}

/// As answers carry it; what was left out is told of the whole answer.
impl From<OpeningSum> for Opening {
    fn from(sum: OpeningSum) -> Self {
        let halves = |sum: u128| {
            let low = sum & u128::from(u64::MAX);
            [sum >> 64, low].map(|half| u64::try_from(half).unwrap_or(u64::MAX))
        };
        let measures = sum.measures.into_iter().map(|(name, sum)| {
            let [value_high, value] = halves(sum);
            MeasureSum {
                name,
                value,
                value_high,
            }
        });
        Self {
            transactions: sum.transactions,
            measures: measures.collect(),
            sources: sum.sources,
            left_out: 0,
        }
    }
}

#[cfg(test)]
mod tests;
