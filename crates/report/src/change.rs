//! How a number stands to another of its kind: the change in percent, rounded to the nearest
//! tenth, and the ratio, rounded down to hundredths. Of nothing there is neither.

use std::cmp::Ordering;

use crate::Language;
use crate::numbers::{grouped, scaled};

/// A number beside the one that it is compared with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Change {
    pub value: u128,
    pub base: u128,
}

impl Change {
    /// Tenths of a percent by which the number lies above or below the base, rounded to the
    /// nearest and a half away from zero. `None` where the base is 0.
    fn tenths(self) -> Option<u128> {
        let (down, half) = scaled(self.value.abs_diff(self.base), self.base, 1_000)?;
        Some(down.saturating_add(half.into()))
    }

    fn direction(self) -> Ordering {
        self.value.cmp(&self.base)
    }

    /// With its sign and one decimal: `−16,6%`, `+20,0%`, `0,0%`. `None` where the base is 0.
    #[must_use]
    pub fn percent(self, language: Language) -> Option<String> {
        let sign = match self.direction() {
            Ordering::Less => "−",
            Ordering::Equal => "",
            Ordering::Greater => "+",
        };
        Some(format!("{sign}{}%", decimal(self.tenths()?, 1, language)))
    }

    /// For a sentence: `giảm 16,6%`, `tăng 20,0%`, `không đổi`; a change too small for a tenth of
    /// a percent is said to be so. `None` where the base is 0.
    #[must_use]
    pub fn words(self, language: Language) -> Option<String> {
        let tenths = self.tenths()?;
        let verb = match self.direction() {
            Ordering::Less => language.pick("giảm", "down"),
            Ordering::Equal => return Some(language.pick("không đổi", "unchanged").to_owned()),
            Ordering::Greater => language.pick("tăng", "up"),
        };
        let by = match tenths {
            0 => format!(
                "{} {}%",
                language.pick("dưới", "less than"),
                decimal(1, 1, language)
            ),
            _ => format!("{}%", decimal(tenths, 1, language)),
        };
        Some(format!("{verb} {by}"))
    }

    /// How many times the base: `1,49`, rounded down, so that it never claims more than there
    /// is. `None` where the base is 0.
    #[must_use]
    pub fn ratio(self, language: Language) -> Option<String> {
        let (hundredths, _) = scaled(self.value, self.base, 100)?;
        Some(decimal(hundredths, 2, language))
    }

    /// As [`Self::words`], and from a tenth more than the base on as official reports say it:
    /// `tăng 1,49 lần` for 1.49 times the base.
    #[must_use]
    pub fn times_words(self, language: Language) -> Option<String> {
        let (hundredths, _) = scaled(self.value, self.base, 100)?;
        if hundredths < 110 {
            return self.words(language);
        }
        let ratio = decimal(hundredths, 2, language);
        Some(match language {
            Language::Vietnamese => format!("tăng {ratio} lần"),
            Language::English => format!("{ratio} times as many"),
        })
    }

    /// The change for programs: percent with one decimal, `-16.6`.
    #[must_use]
    pub fn percent_number(self) -> Option<String> {
        let tenths = self.tenths()?;
        let sign = match self.direction() {
            Ordering::Less if tenths > 0 => "-",
            _ => "",
        };
        Some(format!("{sign}{}.{}", tenths / 10, tenths % 10))
    }

    /// The ratio for programs: two decimals, `1.49`.
    #[must_use]
    pub fn ratio_number(self) -> Option<String> {
        let (hundredths, _) = scaled(self.value, self.base, 100)?;
        Some(format!("{}.{:02}", hundredths / 100, hundredths % 100))
    }
}

/// A number of `places` decimals, all of them shown.
fn decimal(value: u128, places: u32, language: Language) -> String {
    let unit = 10_u128.pow(places);
    let whole = grouped(value / unit, language);
    let mark = language.decimal_mark();
    let width = usize::try_from(places).unwrap_or(0);
    format!("{whole}{mark}{:0width$}", value % unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Language::{English, Vietnamese};

    /// Rows 14 and 15 of the anchors, and the edges.
    #[test]
    fn a_change_is_rounded_to_the_nearest_and_a_ratio_down() {
        let rows = [
            (834, 1_000, "−16,6%", "giảm 16,6%", "0,83"),
            (1_200, 1_000, "+20,0%", "tăng 20,0%", "1,20"),
            (1_499, 1_000, "+49,9%", "tăng 49,9%", "1,49"),
            (1_000, 1_000, "0,0%", "không đổi", "1,00"),
            (0, 7, "−100,0%", "giảm 100,0%", "0,00"),
            (2_001, 2_000, "+0,1%", "tăng 0,1%", "1,00"),
            (1_999, 2_000, "−0,1%", "giảm 0,1%", "0,99"),
            (20_001, 20_000, "+0,0%", "tăng dưới 0,1%", "1,00"),
            (12_345, 1, "+1.234.400,0%", "tăng 1.234.400,0%", "12.345,00"),
            (u128::MAX, u128::MAX, "0,0%", "không đổi", "1,00"),
            (u128::MAX / 2, u128::MAX, "−50,0%", "giảm 50,0%", "0,49"),
        ];
        for (value, base, percent, words, ratio) in rows {
            let change = Change { value, base };
            assert_eq!(change.percent(Vietnamese).as_deref(), Some(percent));
            assert_eq!(change.words(Vietnamese).as_deref(), Some(words));
            assert_eq!(change.ratio(Vietnamese).as_deref(), Some(ratio));
        }
    }

    #[test]
    fn of_nothing_there_is_no_percent_and_no_ratio() {
        for value in [0, 1, u128::MAX] {
            let change = Change { value, base: 0 };
            assert_eq!(change.percent(English), None);
            assert_eq!(change.words(English), None);
            assert_eq!(change.ratio(English), None);
            assert_eq!(change.times_words(English), None);
            assert_eq!(change.percent_number(), None);
            assert_eq!(change.ratio_number(), None);
        }
    }

    #[test]
    fn a_large_growth_is_said_as_a_ratio() {
        let rows = [
            (1_490, "tăng 1,49 lần", "1.49 times as many"),
            (1_100, "tăng 1,10 lần", "1.10 times as many"),
            (1_099, "tăng 9,9%", "up 9.9%"),
            (834, "giảm 16,6%", "down 16.6%"),
            (1_000, "không đổi", "unchanged"),
        ];
        for (value, vietnamese, english) in rows {
            let change = Change { value, base: 1_000 };
            assert_eq!(change.times_words(Vietnamese).as_deref(), Some(vietnamese));
            assert_eq!(change.times_words(English).as_deref(), Some(english));
        }
    }

    #[test]
    fn programs_get_plain_numbers() {
        let down = Change {
            value: 834,
            base: 1_000,
        };
        assert_eq!(down.percent_number().as_deref(), Some("-16.6"));
        assert_eq!(down.ratio_number().as_deref(), Some("0.83"));
        let hardly = Change {
            value: 99_999,
            base: 100_000,
        };
        assert_eq!(hardly.percent_number().as_deref(), Some("0.0"));
    }
}
