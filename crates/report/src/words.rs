//! What the two languages call the dimensions, their closed sets of keys and the measures that
//! official reports know.

use crate::Language;

/// Heading of the column of keys.
pub(crate) fn dimension_heading(name: &'static str, language: Language) -> &'static str {
    let vietnamese = match name {
        "connection" => "kết nối",
        "consumer" => "bên gọi",
        "provider" => "bên cung cấp",
        "service" => "dịch vụ",
        "kind" => "loại",
        "outcome" => "kết quả",
        "hour" => "giờ",
        "day" => "ngày",
        "month" => "tháng",
        "method" => "phương thức",
        "fault" => "bên gây lỗi",
        "class" => "loại cơ quan",
        "week" => "tuần",
        "consumer-member" => "cơ quan gọi",
        "provider-member" => "cơ quan cung cấp",
        other => other,
    };
    language.pick(vietnamese, name)
}

/// A key as a report says it. Keys that are names, such as those of systems, are themselves.
pub(crate) fn key_words(dimension: &str, key: &str, language: Language) -> String {
    if key == "-" {
        return language.pick("không rõ", "unknown").to_owned();
    }
    let known = match dimension {
        "outcome" => outcome(key),
        "kind" => kind(key),
        "class" => class(key),
        "fault" => fault(key),
        "day" | "month" if language == Language::Vietnamese => return vietnamese_date(key),
        _ => None,
    };
    known.map_or_else(
        || key.to_owned(),
        |(vi, en)| language.pick(vi, en).to_owned(),
    )
}

type Words = Option<(&'static str, &'static str)>;

fn outcome(key: &str) -> Words {
    Some(match key {
        "completed" => ("thành công", "completed"),
        "provider_error" => ("bên cung cấp báo lỗi", "provider error"),
        "refused" => ("bị từ chối", "refused"),
        "unreachable" => ("không kết nối được", "unreachable"),
        "timed_out" => ("quá thời hạn", "timed out"),
        "cancelled" => ("bị hủy", "cancelled"),
        "interrupted" => ("bị gián đoạn", "interrupted"),
        _ => return None,
    })
}

fn kind(key: &str) -> Words {
    Some(match key {
        "lgsp" => ("LGSP", "LGSP"),
        "database" => ("cơ sở dữ liệu", "database"),
        "information_system" => ("hệ thống thông tin", "information system"),
        _ => return None,
    })
}

fn class(key: &str) -> Words {
    Some(match key {
        "province" => ("tỉnh, thành phố", "province"),
        "ministry" => ("bộ, cơ quan ngang bộ", "ministry"),
        "agency" => ("cơ quan khác", "agency"),
        "enterprise" => ("doanh nghiệp", "enterprise"),
        _ => return None,
    })
}

fn fault(key: &str) -> Words {
    Some(match key {
        "none" => ("không có lỗi", "none"),
        "consumer" => ("bên gọi", "consumer"),
        "hub" => ("nền tảng", "hub"),
        "provider" => ("bên cung cấp", "provider"),
        _ => return None,
    })
}

/// `2022-07-22` as `22/7/2022`, `2022-07` as `7/2022`; with the zeros of Decree 30/2020/NĐ-CP.
fn vietnamese_date(key: &str) -> String {
    let parts: Vec<&str> = key.split('-').collect();
    let month = |text: &str| match text {
        "01" | "02" => text.to_owned(),
        _ => text.trim_start_matches('0').to_owned(),
    };
    match *parts.as_slice() {
        [year, of_year] => format!("{}/{year}", month(of_year)),
        [year, of_year, day] => format!("{day}/{}/{year}", month(of_year)),
        _ => key.to_owned(),
    }
}

/// What a measure counts: `hồ sơ` of `records`. `None` where reports have no word for it.
pub(crate) fn measure_noun(name: &str, language: Language) -> Option<&'static str> {
    let (vietnamese, english) = match name {
        "records" => ("hồ sơ", "records"),
        "payments" => ("lượt thanh toán", "payments"),
        "amount_vnd" => ("đồng", "dong"),
        "documents_sent" => ("văn bản gửi", "documents sent"),
        "documents_received" => ("văn bản nhận", "documents received"),
        "transactions" => ("giao dịch", "transactions"),
        "documents" => ("văn bản", "documents"),
        "members" => ("cơ quan, đơn vị", "members"),
        "systems" => ("hệ thống", "systems"),
        _ => return None,
    };
    Some(language.pick(vietnamese, english))
}

/// Short name of a report's table, for the tab of a sheet. `None` for one that is not known.
pub(crate) fn sheet_name(table: &str, language: Language) -> Option<&'static str> {
    let (vietnamese, english) = match table {
        "platform" => ("Số liệu", "Figures"),
        "coverage" => ("Mức độ kết nối", "Coverage"),
        "comparison" => ("So sánh", "Comparison"),
        "service_figures" => ("Số liệu dịch vụ", "Figures of services"),
        "days" => ("Theo ngày", "Days"),
        "months" => ("Theo tháng", "Months"),
        "outcomes" => ("Theo kết quả", "Outcomes"),
        "connections" => ("Kết nối", "Connections"),
        "consumers" => ("Bên gọi", "Consumers"),
        "providers" => ("Bên cung cấp", "Providers"),
        "databases" => ("Cơ sở dữ liệu", "Databases"),
        "services" => ("Dịch vụ", "Services"),
        "classes" => ("Loại cơ quan", "Classes"),
        "documents" => ("Văn bản", "Documents"),
        "proofs" => ("Căn cứ", "Proofs"),
        _ => return None,
    };
    Some(language.pick(vietnamese, english))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Language::{English, Vietnamese};

    #[test]
    fn keys_of_closed_sets_and_dates_are_said_in_words() {
        let rows = [
            ("outcome", "timed_out", "quá thời hạn", "timed out"),
            ("kind", "database", "cơ sở dữ liệu", "database"),
            ("class", "ministry", "bộ, cơ quan ngang bộ", "ministry"),
            ("fault", "hub", "nền tảng", "hub"),
            ("day", "2022-07-05", "05/7/2022", "2022-07-05"),
            ("month", "2022-02", "02/2022", "2022-02"),
            ("month", "2021-12", "12/2021", "2021-12"),
            ("consumer", "-", "không rõ", "unknown"),
            ("consumer", "completed", "completed", "completed"),
            ("week", "2022-W29", "2022-W29", "2022-W29"),
        ];
        for (dimension, key, vietnamese, english) in rows {
            assert_eq!(key_words(dimension, key, Vietnamese), vietnamese);
            assert_eq!(key_words(dimension, key, English), english);
        }
    }
}
