//! The screen's words and numbers in both languages.

use ndxp_model::Outcome;
use ndxp_proto::statistics::v1::Dimension;
use ndxp_report::{Language, grouped};

use super::screen::Column;

pub fn pick<T>(language: Language, vietnamese: T, english: T) -> T {
    match language {
        Language::Vietnamese => vietnamese,
        Language::English => english,
    }
}

pub fn outcome(outcome: Outcome, language: Language) -> &'static str {
    let (vietnamese, english) = match outcome {
        Outcome::Completed => ("thành công", "completed"),
        Outcome::ProviderError => ("báo lỗi", "provider error"),
        Outcome::Refused => ("từ chối", "refused"),
        Outcome::Unreachable => ("mất kết nối", "unreachable"),
        Outcome::TimedOut => ("quá hạn", "timed out"),
        Outcome::Cancelled => ("hủy", "cancelled"),
        Outcome::Interrupted => ("gián đoạn", "interrupted"),
    };
    pick(language, vietnamese, english)
}

pub fn dimension(by: Dimension, language: Language) -> &'static str {
    let english = ndxp_report::dimension_name(by).unwrap_or_default();
    let vietnamese = match by {
        Dimension::Connection => "kết nối",
        Dimension::Consumer => "bên gọi",
        Dimension::Provider => "bên cung cấp",
        Dimension::ConsumerMember => "đơn vị gọi",
        Dimension::ProviderMember => "đơn vị cung cấp",
        Dimension::Service => "dịch vụ",
        Dimension::Method => "phương thức",
        Dimension::Kind => "loại hệ thống",
        Dimension::Class => "khối đơn vị",
        Dimension::Outcome => "kết quả",
        Dimension::Fault => "bên có lỗi",
        _ => english,
    };
    pick(language, vietnamese, english)
}

/// A column's heading and the key that sorts by it.
pub fn column(column: Column, language: Language) -> (&'static str, char) {
    let (vietnamese, english, key) = match column {
        Column::Transactions => ("giao dịch", "transactions", 't'),
        Column::Rate => ("/giây", "per s", 'r'),
        Column::Errors => ("lỗi", "errors", 'e'),
        Column::Latency => ("p99 ms", "p99 ms", 'l'),
        Column::Bytes => ("dữ liệu", "bytes", 'b'),
    };
    (pick(language, vietnamese, english), key)
}

/// A number of tenths with one decimal, `–` where it is not known.
pub fn tenths(value: Option<u64>, language: Language) -> String {
    value.map_or_else(
        || "–".to_owned(),
        |tenths| {
            let whole = grouped(tenths / 10, language);
            format!("{whole}{}{}", mark(language), tenths % 10)
        },
    )
}

/// Microseconds as milliseconds with one decimal.
pub fn milliseconds(us: u64, language: Language) -> String {
    tenths(Some(us.saturating_add(50) / 100), language)
}

/// Bytes with a unit of a thousand, cut to one decimal.
pub fn bytes(value: u64, language: Language) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if value < 1_000 {
        return format!("{value} B");
    }
    let mut scale = 1_000_u64;
    let mut unit = "kB";
    for next in UNITS {
        unit = next;
        if value / scale < 1_000 {
            break;
        }
        scale = scale.saturating_mul(1_000);
    }
    let tenths = value / (scale / 10);
    format!("{}{}{} {unit}", tenths / 10, mark(language), tenths % 10)
}

/// Of the whole, in percent with one decimal, rounded down; empty for nothing.
pub fn share(part: u64, whole: u64, language: Language) -> String {
    let thousandths = (u128::from(part) * 1_000).checked_div(u128::from(whole));
    thousandths.map_or_else(String::new, |it| {
        format!("{}{}{}%", it / 10, mark(language), it % 10)
    })
}

/// The beginning of the text in at most so many columns.
pub fn begun(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    let Some(kept) = columns.checked_sub(1) else {
        return String::new();
    };
    text.chars().take(kept).chain(['…']).collect()
}

/// A row's name in at most so many columns. A service first loses its package; what is still too
/// long is cut in its middle, since names that stand together differ at their ends.
pub fn fitted(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    let last = text.rfind('/').map_or(0, |slash| slash + 1);
    let (front, name) = text.split_at(last);
    let text = match name.rsplit_once('.') {
        Some((_, name)) => format!("{front}…{name}"),
        None => text.to_owned(),
    };
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= columns {
        return text;
    }
    let Some(kept) = columns.checked_sub(1) else {
        return String::new();
    };
    let front = kept.div_ceil(2);
    let back = kept - front;
    let start = chars.iter().take(front);
    let end = chars.iter().skip(chars.len() - back);
    start.chain(&['…']).chain(end).collect()
}

fn mark(language: Language) -> char {
    pick(language, ',', '.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use Language::{English, Vietnamese};

    #[test]
    fn numbers_are_written_as_each_language_does() {
        assert_eq!(tenths(None, English), "–");
        assert_eq!(tenths(Some(12_345), English), "1,234.5");
        assert_eq!(tenths(Some(12_345), Vietnamese), "1.234,5");
        assert_eq!(milliseconds(1_250, English), "1.3");
        assert_eq!(milliseconds(u64::MAX, Vietnamese).len(), 24);
        assert_eq!(share(1, 3, Vietnamese), "33,3%");
        assert_eq!(share(u64::MAX, u64::MAX, English), "100.0%");
        assert_eq!(share(0, 0, English), "");
    }

    #[test]
    fn bytes_have_the_largest_unit_that_leaves_a_digit_before_the_mark() {
        let rows = [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (999_999, "999.9 kB"),
            (1_000_000, "1.0 MB"),
            (52_340_000_000, "52.3 GB"),
            (u64::MAX, "18.4 EB"),
        ];
        for (value, text) in rows {
            assert_eq!(bytes(value, English), text);
        }
        assert_eq!(bytes(1_234, Vietnamese), "1,2 kB");
    }

    #[test]
    fn a_text_is_cut_in_its_middle_to_what_fits() {
        assert_eq!(fitted("H26/lgsp", 8), "H26/lgsp");
        assert_eq!(fitted("H26/lgsp", 7), "H26…gsp");
        assert_eq!(fitted("Hà Nội", 4), "Hà…i");
        assert_eq!(fitted("H26", 1), "…");
        assert_eq!(fitted("H26", 0), "");
        let name = "H26/lgsp>G01/population/ndxp.example.v1.PopulationService";
        assert_eq!(fitted(name, 57), name);
        assert_eq!(
            fitted(name, 56),
            "H26/lgsp>G01/population/…PopulationService"
        );
        assert_eq!(fitted(name, 20), "H26/lgsp>G…onService");
        assert_eq!(begun("reconnecting: the hub", 13), "reconnecting…");
        assert_eq!(begun("live", 4), "live");
        assert_eq!(begun("live", 0), "");
    }
}
