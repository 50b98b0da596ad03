//! A count as a file writes it: digits and nothing else, since a point is a thousand in one country
//! and a fraction in another.

use crate::entry::shown;
use crate::problem::Problem;

/// Marks that people set between thousands; blanks as word processors write them among these.
const GROUPING: [char; 7] = ['.', ',', ' ', '\'', '_', '\u{a0}', '\u{202f}'];

/// The number, or how it is to be written.
///
/// # Errors
/// With the style that was found.
pub fn number(text: &str) -> Result<u64, Problem> {
    if text.is_empty() {
        return Err(Problem::Missing {
            wanted: "the number in digits, such as 10385415; 0 where nothing was counted",
        });
    }
    let found = shown(text);
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map_err(|_| Problem::TooLarge { found });
    }
    if text.trim().starts_with(['-', '\u{2212}', '(']) {
        return Err(Problem::Negative { found });
    }
    match ungrouped(text) {
        Some(plain) => Err(Problem::Grouped { found, plain }),
        None => Err(Problem::NotDigits { found }),
    }
}

/// The digits of a number whose thousands are set apart, or that stands between blanks.
fn ungrouped(text: &str) -> Option<String> {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    let trimmed = text.trim();
    let mut groups = trimmed.split(GROUPING);
    let first = groups.next().filter(|first| is_digits(first))?;
    let mut plain = first.to_owned();
    let mut grouped = false;
    for group in groups {
        grouped = true;
        if group.len() != 3 || !is_digits(group) {
            return None;
        }
        plain.push_str(group);
    }
    let fits = plain.len() <= 20 && (!grouped || first.len() <= 3);
    fits.then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_digits() {
        for (text, wanted) in [
            ("0", 0),
            ("007", 7),
            ("10385415", 10_385_415),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(number(text), Ok(wanted));
        }
    }

    #[test]
    fn another_style_is_told_and_shown_plain_where_it_is_plain_what_was_meant() {
        for text in [
            "10.385.415",
            "10,385,415",
            "10 385 415",
            " 10385415",
            "10385415 ",
            "10\u{a0}385\u{a0}415",
            "10'385'415",
            "10_385_415",
        ] {
            let found = shown(text);
            let plain = "10385415".to_owned();
            assert_eq!(number(text), Err(Problem::Grouped { found, plain }));
        }
        let text = |problem: &str| problem.to_owned();
        for (found, wanted) in [
            ("", "is empty"),
            ("-5", "is negative"),
            ("\u{2212}5", "is negative"),
            ("(5)", "is negative"),
            ("1e6", "no whole number"),
            ("1.5", "no whole number"),
            ("10.385,5", "no whole number"),
            ("1000.000", "no whole number"),
            ("+5", "no whole number"),
            ("0x1f", "no whole number"),
            ("１２", "no whole number"),
            ("n/a", "no whole number"),
            ("5%", "no whole number"),
            ("18446744073709551616", "the largest"),
        ] {
            let told = number(found).unwrap_err().to_string();
            assert!(told.contains(&text(wanted)), "{found:?}: {told}");
        }
    }
}
