//! The rows with the most, and the others.

use std::cmp::Reverse;

/// By how much a row stands before others: transactions, then attempts.
pub type Rank = (u128, u128);

/// Rows parted by their rank.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Top<T> {
    /// The highest rank first, those of one rank by key.
    pub rows: Vec<(String, T)>,
    /// By key.
    pub others: Vec<(String, T)>,
}

/// Parts the `most` rows of the highest rank from the others. The rows come sorted by key.
pub fn top<T>(rows: Vec<(String, T)>, most: usize, rank: impl Fn(&T) -> Rank) -> Top<T> {
    let mut places: Vec<(Reverse<Rank>, usize)> = rows
        .iter()
        .enumerate()
        .map(|(place, (_, row))| (Reverse(rank(row)), place))
        .collect();
    places.sort_unstable();
    places.truncate(most);
    let mut left: Vec<Option<(String, T)>> = rows.into_iter().map(Some).collect();
    let take = |(_, place): (_, usize)| left.get_mut(place).and_then(Option::take);
    let rows = places.into_iter().filter_map(take).collect();
    Top {
        rows,
        others: left.into_iter().flatten().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_transactions_come_first_then_attempts_then_the_key() {
        let rows: Vec<(String, Rank)> = [
            ("a", (1, 9)),
            ("b", (7, 7)),
            ("c", (7, 8)),
            ("d", (0, 99)),
            ("e", (7, 8)),
        ]
        .map(|(key, rank)| (key.to_owned(), rank))
        .to_vec();
        let keys = |rows: &[(String, Rank)]| -> String {
            rows.iter().map(|(key, _)| key.as_str()).collect()
        };
        for (most, kept, others) in [
            (0, "", "abcde"),
            (1, "c", "abde"),
            (3, "ceb", "ad"),
            (5, "cebad", ""),
            (9, "cebad", ""),
        ] {
            let parted = top(rows.clone(), most, |rank| *rank);
            let found = (keys(&parted.rows), keys(&parted.others));
            assert_eq!(found, (kept.to_owned(), others.to_owned()));
        }
    }
}
