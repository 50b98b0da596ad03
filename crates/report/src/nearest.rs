//! The name that somebody probably meant who wrote another.

/// The known name with the fewest changes from the one found: letters put in, taken out or
/// replaced. `None` where nothing is known. Both are cut to what a name may reasonably have.
pub(crate) fn nearest<'a>(
    found: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    known.into_iter().min_by_key(|name| distance(found, name))
}

/// Longest part that is compared.
const COMPARED_CHARS_MAX: usize = 200;

fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().take(COMPARED_CHARS_MAX).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (place, l) in (1..).zip(left.chars().take(COMPARED_CHARS_MAX)) {
        let mut diagonal = place - 1;
        let mut before = place;
        for (cell, r) in row.iter_mut().skip(1).zip(&right) {
            let above = *cell;
            let replaced = diagonal + usize::from(l != *r);
            before = replaced.min(above + 1).min(before + 1);
            *cell = before;
            diagonal = above;
        }
        if let Some(first) = row.first_mut() {
            *first = place;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_has_the_fewest_changes() {
        let rows = [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("transactions_mounth", "transactions_month", 1),
        ];
        for (left, right, wanted) in rows {
            assert_eq!(distance(left, right), wanted, "{left} {right}");
        }
        let known = ["transactions_month", "documents_month"];
        assert_eq!(nearest("document_month", known), Some("documents_month"));
        assert_eq!(nearest("x", []), None);
    }
}
