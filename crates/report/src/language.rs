//! The two languages of reports, and what each of them calls its marks, units, dates and times.

use std::cmp::Ordering;
use std::str::FromStr;

use ndxp_model::{Instant, Zone};

/// A language that reports are written in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Language {
    #[default]
    Vietnamese,
    English,
}

/// A language that reports are not written in.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("language {0:?} is not known: say vi or en")]
pub struct UnknownLanguage(pub String);

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "vi" => Ok(Self::Vietnamese),
            "en" => Ok(Self::English),
            _ => Err(UnknownLanguage(text.to_owned())),
        }
    }
}

impl Language {
    /// The word for the language at hand.
    pub(crate) fn pick<T>(self, vietnamese: T, english: T) -> T {
        match self {
            Self::Vietnamese => vietnamese,
            Self::English => english,
        }
    }

    pub(crate) fn group_mark(self) -> char {
        self.pick('.', ',')
    }

    pub(crate) fn decimal_mark(self) -> char {
        self.pick(',', '.')
    }

    /// Names of 10^3, 10^6 … 10^36: enough for every u128.
    pub(crate) fn units(self) -> [&'static str; 12] {
        self.pick(
            [
                "nghìn",
                "triệu",
                "tỷ",
                "nghìn tỷ",
                "triệu tỷ",
                "tỷ tỷ",
                "nghìn tỷ tỷ",
                "triệu tỷ tỷ",
                "tỷ tỷ tỷ",
                "nghìn tỷ tỷ tỷ",
                "triệu tỷ tỷ tỷ",
                "tỷ tỷ tỷ tỷ",
            ],
            [
                "thousand",
                "million",
                "billion",
                "trillion",
                "quadrillion",
                "quintillion",
                "sextillion",
                "septillion",
                "octillion",
                "nonillion",
                "decillion",
                "undecillion",
            ],
        )
    }

    /// The true hedge for a shortened number by how it stands to the exact one.
    pub(crate) fn hedge(self, against_exact: Ordering) -> &'static str {
        match against_exact {
            Ordering::Less => self.pick("hơn", "more than"),
            Ordering::Equal => "",
            Ordering::Greater => self.pick("gần", "nearly"),
        }
    }

    pub(crate) fn about(self) -> &'static str {
        self.pick("khoảng", "about")
    }

    /// The local date. In Vietnamese as Decree 30/2020/NĐ-CP writes it: days below ten and the
    /// months one and two take a leading zero (`05/02/2022`, `22/7/2022`).
    pub(crate) fn date(self, zone: &Zone, at: Instant) -> String {
        let local = zone.local(at);
        match self {
            Self::Vietnamese => {
                let month = vietnamese_month(local.month());
                format!("{:02}/{month}/{}", local.day(), local.year())
            }
            Self::English => local.strftime("%-d %B %Y").to_string(),
        }
    }

    /// The local month: `tháng 7 năm 2022`, `July 2022`.
    pub(crate) fn month(self, zone: &Zone, at: Instant) -> String {
        let local = zone.local(at);
        match self {
            Self::Vietnamese => {
                let month = vietnamese_month(local.month());
                format!("tháng {month} năm {}", local.year())
            }
            Self::English => local.strftime("%B %Y").to_string(),
        }
    }

    /// The local minute: `09:30 ngày 22/7/2022`, `09:30 on 22 July 2022`.
    pub(crate) fn minute(self, zone: &Zone, at: Instant) -> String {
        let clock = zone.local(at).strftime("%H:%M").to_string();
        let date = self.date(zone, at);
        format!("{clock} {} {date}", self.pick("ngày", "on"))
    }

    /// The local second, for the proof lines.
    pub(crate) fn second(self, zone: &Zone, at: Instant) -> String {
        let clock = zone.local(at).strftime("%H:%M:%S").to_string();
        let date = self.date(zone, at);
        format!("{clock} {} {date}", self.pick("ngày", "on"))
    }
}

fn vietnamese_month(month: i8) -> String {
    match month {
        1 | 2 => format!("0{month}"),
        _ => month.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_local_and_written_as_each_language_does() {
        let zone = Zone::viet_nam();
        let rows = [
            ("2022-07-22", "22/7/2022", "22 July 2022"),
            ("2022-02-05", "05/02/2022", "5 February 2022"),
            ("2021-12-31", "31/12/2021", "31 December 2021"),
        ];
        for (day, vietnamese, english) in rows {
            let at = zone.moment(day).unwrap().from;
            assert_eq!(Language::Vietnamese.date(&zone, at), vietnamese);
            assert_eq!(Language::English.date(&zone, at), english);
        }
    }

    #[test]
    fn a_language_is_named_by_its_code() {
        assert_eq!("vi".parse(), Ok(Language::Vietnamese));
        assert_eq!("en".parse(), Ok(Language::English));
        assert_eq!(
            "fr".parse::<Language>().unwrap_err().to_string(),
            r#"language "fr" is not known: say vi or en"#
        );
    }
}
