//! Numbers as official texts write them: grouped, shortened with a hedge that is true, and as
//! shares that never claim more than they are.

use std::cmp::Ordering;

use crate::Language;

/// Below this a number is short enough to stand in a sentence as it is.
const SHORTENED_FROM: u128 = 10_000;

/// A number of two halves, as the wire carries what may pass 2^64.
pub(crate) fn wide(high: u64, low: u64) -> u128 {
    (u128::from(high) << 64) | u128::from(low)
}

/// Every digit, in groups of three: `10.385.415` or `10,385,415`.
#[must_use]
pub fn grouped(value: impl Into<u128>, language: Language) -> String {
    let digits = value.into().to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(language.group_mark());
        }
        text.push(digit);
    }
    text
}

/// A small stock as official texts write it: below ten with a leading zero in Vietnamese (`08`).
#[must_use]
pub fn stock(value: impl Into<u128>, language: Language) -> String {
    let value = value.into();
    match (language, value) {
        (Language::Vietnamese, 1..=9) => format!("0{value}"),
        _ => grouped(value, language),
    }
}

/// The number for a sentence: rounded down with `hơn`, or, within a tenth of a step below the
/// next, up with `gần`; exact and bare when nothing was cut.
#[must_use]
pub fn phrase(value: impl Into<u128>, language: Language) -> String {
    let value = value.into();
    shorten(value, language, |remainder, step| {
        remainder * 10 >= step * 9
    })
    .map_or_else(
        || grouped(value, language),
        |short| short.hedged(language, language.hedge(short.against_exact)),
    )
}

/// The number for a sentence about an average: rounded to the nearest, with `khoảng`.
#[must_use]
pub fn about(value: impl Into<u128>, language: Language) -> String {
    let value = value.into();
    let hedge = |short: &Short| match short.against_exact {
        Ordering::Equal => "",
        _ => language.about(),
    };
    shorten(value, language, |remainder, step| remainder * 2 >= step).map_or_else(
        || grouped(value, language),
        |short| short.hedged(language, hedge(&short)),
    )
}

/// A share with one decimal, rounded down, so that `100%` means all. `None` of nothing.
#[must_use]
pub fn percent(
    part: impl Into<u128>,
    whole: impl Into<u128>,
    language: Language,
) -> Option<String> {
    let thousandths = scaled(part.into(), whole.into(), 1_000)?.0;
    Some(format!("{}%", tenths(thousandths, language)))
}

/// A number cut to tenths of a unit of language.
struct Short {
    tenths: u128,
    unit: &'static str,
    /// How the shortened number stands to the exact one.
    against_exact: Ordering,
}

impl Short {
    fn hedged(&self, language: Language, hedge: &str) -> String {
        let space = if hedge.is_empty() { "" } else { " " };
        let number = tenths(self.tenths, language);
        format!("{hedge}{space}{number} {}", self.unit)
    }
}

/// Cuts the number to tenths of its largest unit. `rounds_up` is asked with what was cut off and
/// the step of a tenth. A number that rounds up to a thousand of its unit takes the next unit.
fn shorten(
    exact: u128,
    language: Language,
    rounds_up: impl Fn(u128, u128) -> bool,
) -> Option<Short> {
    if exact < SHORTENED_FROM {
        return None;
    }
    let mut scale: u128 = 1_000;
    for unit in language.units() {
        let step = scale / 10;
        let (down, remainder) = (exact / step, exact % step);
        let tenths = down + u128::from(remainder > 0 && rounds_up(remainder, step));
        if tenths < 10_000 {
            return Some(Short {
                tenths,
                unit,
                against_exact: (tenths * step).cmp(&exact),
            });
        }
        scale = scale.saturating_mul(1_000);
    }
    // The last unit, 10^36, holds every u128 below a thousand of it.
    None
}

/// `part` × `scale` / `whole`, rounded down, and whether the rest is half of `whole` or more.
/// `None` of nothing. A part that would pass 2^128 stays at the largest number there is.
pub(crate) fn scaled(part: u128, whole: u128, scale: u128) -> Option<(u128, bool)> {
    let (times, mut rest) = (part.checked_div(whole)?, part.checked_rem(whole)?);
    let mut whole = whole;
    // Beyond 2^128 / scale the last bits weigh less than any digit that is shown.
    while rest.checked_mul(scale).is_none() {
        (rest, whole) = (rest >> 1, whole >> 1);
    }
    // Less than the whole it was, and so it stays.
    let fraction = rest.min(whole - 1) * scale;
    let down = times.saturating_mul(scale).saturating_add(fraction / whole);
    Some((down, fraction % whole >= whole - fraction % whole))
}

pub(crate) fn tenths(value: u128, language: Language) -> String {
    match (value / 10, value % 10) {
        (whole, 0) => whole.to_string(),
        (whole, tenth) => format!("{whole}{}{tenth}", language.decimal_mark()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Language::{English, Vietnamese};

    #[test]
    fn every_digit_is_kept_in_groups_of_three() {
        let rows = [
            (0_u128, "0", "0"),
            (7, "7", "7"),
            (999, "999", "999"),
            (1_000, "1.000", "1,000"),
            (10_385_415, "10.385.415", "10,385,415"),
            (553_969_478, "553.969.478", "553,969,478"),
            (
                u128::from(u64::MAX),
                "18.446.744.073.709.551.615",
                "18,446,744,073,709,551,615",
            ),
            (
                1 << 64,
                "18.446.744.073.709.551.616",
                "18,446,744,073,709,551,616",
            ),
        ];
        for (value, vietnamese, english) in rows {
            assert_eq!(grouped(value, Vietnamese), vietnamese);
            assert_eq!(grouped(value, English), english);
        }
    }

    #[test]
    fn a_phrase_is_hedged_by_the_way_it_was_rounded() {
        let rows = [
            (0_u128, "0", "0"),
            (999, "999", "999"),
            (1_000, "1.000", "1,000"),
            (9_999, "9.999", "9,999"),
            (10_000, "10 nghìn", "10 thousand"),
            (10_001, "hơn 10 nghìn", "more than 10 thousand"),
            (10_089, "hơn 10 nghìn", "more than 10 thousand"),
            (10_090, "gần 10,1 nghìn", "nearly 10.1 thousand"),
            (10_100, "10,1 nghìn", "10.1 thousand"),
            (324_567, "hơn 324,5 nghìn", "more than 324.5 thousand"),
            (999_989, "hơn 999,9 nghìn", "more than 999.9 thousand"),
            (999_990, "gần 1 triệu", "nearly 1 million"),
            (999_999, "gần 1 triệu", "nearly 1 million"),
            (1_000_000, "1 triệu", "1 million"),
            (1_000_001, "hơn 1 triệu", "more than 1 million"),
            (10_385_415, "hơn 10,3 triệu", "more than 10.3 million"),
            (553_969_478, "hơn 553,9 triệu", "more than 553.9 million"),
            (553_995_000, "gần 554 triệu", "nearly 554 million"),
            (999_999_999, "gần 1 tỷ", "nearly 1 billion"),
            (307_400_000_000, "307,4 tỷ", "307.4 billion"),
            (
                2_345_000_000_000,
                "hơn 2,3 nghìn tỷ",
                "more than 2.3 trillion",
            ),
            (5_000_000_000_000_000, "5 triệu tỷ", "5 quadrillion"),
            (
                u64::MAX.into(),
                "hơn 18,4 tỷ tỷ",
                "more than 18.4 quintillion",
            ),
            (wide(1, 0), "hơn 18,4 tỷ tỷ", "more than 18.4 quintillion"),
            (10_u128.pow(21), "1 nghìn tỷ tỷ", "1 sextillion"),
            (
                u128::MAX,
                "hơn 340,2 tỷ tỷ tỷ tỷ",
                "more than 340.2 undecillion",
            ),
        ];
        for (value, vietnamese, english) in rows {
            assert_eq!(phrase(value, Vietnamese), vietnamese, "{value}");
            assert_eq!(phrase(value, English), english, "{value}");
        }
    }

    #[test]
    fn an_average_is_rounded_to_the_nearest() {
        let rows = [
            (0_u128, "0", "0"),
            (9_999, "9.999", "9,999"),
            (1_649_999, "khoảng 1,6 triệu", "about 1.6 million"),
            (1_650_000, "khoảng 1,7 triệu", "about 1.7 million"),
            (1_700_000, "1,7 triệu", "1.7 million"),
            (1_749_999, "khoảng 1,7 triệu", "about 1.7 million"),
            (999_949, "khoảng 999,9 nghìn", "about 999.9 thousand"),
            (999_950, "khoảng 1 triệu", "about 1 million"),
            (
                u64::MAX.into(),
                "khoảng 18,4 tỷ tỷ",
                "about 18.4 quintillion",
            ),
        ];
        for (value, vietnamese, english) in rows {
            assert_eq!(about(value, Vietnamese), vietnamese, "{value}");
            assert_eq!(about(value, English), english, "{value}");
        }
    }

    #[test]
    fn a_small_stock_has_two_digits_in_vietnamese() {
        let rows = [
            (0_u64, "0", "0"),
            (1, "01", "1"),
            (8, "08", "8"),
            (9, "09", "9"),
            (10, "10", "10"),
            (1_085, "1.085", "1,085"),
        ];
        for (value, vietnamese, english) in rows {
            assert_eq!(stock(value, Vietnamese), vietnamese);
            assert_eq!(stock(value, English), english);
        }
    }

    #[test]
    fn a_share_is_rounded_down_and_only_all_is_a_hundred() {
        let rows = [
            (0_u128, 63_u128, Some("0%")),
            (1, 3, Some("33,3%")),
            (62, 63, Some("98,4%")),
            (63, 63, Some("100%")),
            (u128::MAX - 1, u128::MAX, Some("99,9%")),
            (u128::MAX, u128::MAX, Some("100%")),
            (0, 0, None),
        ];
        for (part, whole, wanted) in rows {
            assert_eq!(percent(part, whole, Vietnamese).as_deref(), wanted);
        }
        assert_eq!(percent(1_u64, 3_u64, English).as_deref(), Some("33.3%"));
    }
}
