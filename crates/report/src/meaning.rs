//! What an answer counts, in words: the definition that goes with it.

use ndxp_counters::{CountQuery, DASH, Dimension, Side};
use ndxp_model::{Fault, Party};
use ndxp_proto::statistics::v1::Definition;

/// The definition of what a question counts.
pub(crate) fn meaning(query: &CountQuery) -> Definition {
    let mut name = "transactions".to_owned();
    let mut vietnamese = "Giao dịch là cuộc gọi qua nền tảng đã được hệ thống cung cấp trả lời \
                          (kết quả completed hoặc provider_error), ghi nhận trong kỳ, không tính \
                          cuộc gọi thử nghiệm; cuộc gọi (attempts) là tổng của mọi kết quả."
        .to_owned();
    let mut english = "Transactions are calls through the platform that a provider answered \
                       (outcomes completed and provider_error), settled in the period, test calls \
                       excluded; attempts are the sum of all outcomes."
        .to_owned();
    let mut say = |in_vietnamese: String, in_english: String| {
        vietnamese.push(' ');
        vietnamese.push_str(&in_vietnamese);
        english.push(' ');
        english.push_str(&in_english);
    };
    if let Some(by) = query.by {
        name = format!("transactions_by_{}", by.as_str().replace('-', "_"));
        let (in_vietnamese, in_english) = rows(by);
        say(
            format!("Mỗi dòng là {in_vietnamese}."),
            format!("One row for each {in_english}."),
        );
    }
    let conditions = conditions(query);
    if !conditions.is_empty() {
        let (in_vietnamese, in_english): (Vec<_>, Vec<_>) = conditions.into_iter().unzip();
        say(
            format!("Chỉ tính: {}.", in_vietnamese.join("; ")),
            format!("Only: {}.", in_english.join("; ")),
        );
    }
    if query.by_successor {
        say(
            "Đơn vị và hệ thống đã kết thúc được tính vào đơn vị, hệ thống kế thừa.".to_owned(),
            "Members and systems that have closed count with those that carry on.".to_owned(),
        );
    }
    Definition {
        name,
        definition_vi: vietnamese,
        definition_en: english,
    }
}

/// What a row is.
const fn rows(by: Dimension) -> (&'static str, &'static str) {
    match by {
        Dimension::Connection => (
            "một kết nối (hệ thống gọi > hệ thống cung cấp/dịch vụ)",
            "connection (consumer > provider/service)",
        ),
        Dimension::Consumer => ("một hệ thống gọi", "consumer system"),
        Dimension::Provider => ("một hệ thống cung cấp", "provider system"),
        Dimension::Service => ("một dịch vụ", "service"),
        Dimension::Kind => (
            "một loại hệ thống cung cấp",
            "kind of the provider's system",
        ),
        Dimension::Outcome => ("một kết quả", "outcome"),
        Dimension::Hour => ("một giờ địa phương", "local hour"),
        Dimension::Day => ("một ngày địa phương", "local day"),
        Dimension::Month => ("một tháng", "local calendar month"),
        Dimension::Method => (
            "một phương thức của dịch vụ (dấu - là cuộc gọi chưa được tính theo tên phương thức)",
            "method of a service (the dash is calls that are counted under no method's name)",
        ),
        Dimension::Fault => ("một bên chịu trách nhiệm về lỗi", "side at fault"),
        Dimension::Class => ("một nhóm đơn vị gọi", "class of the consumer's member"),
        Dimension::Week => (
            "một tuần ISO, từ thứ Hai đến Chủ nhật",
            "ISO week, Monday to Sunday",
        ),
        Dimension::ConsumerMember => ("một đơn vị gọi", "member of the consumer"),
        Dimension::ProviderMember => ("một đơn vị cung cấp", "member of the provider"),
    }
}

/// The conditions that narrow the answer, in both languages.
fn conditions(query: &CountQuery) -> Vec<(String, String)> {
    let filter = &query.filter;
    let side = |side: &Side| match side {
        Side::Unknown => DASH.to_owned(),
        Side::Party(party) => party_name(party).to_owned(),
    };
    let text = |text: &String| match text.as_str() {
        "" => DASH.to_owned(),
        text => text.to_owned(),
    };
    let fault = |fault: &Option<Fault>| fault.map_or("none", Fault::as_str).to_owned();
    let party = query.party.as_ref().map(|it| party_name(it).to_owned());
    let stated = [
        ("kết nối của", "connections of", party),
        ("bên gọi", "consumer", filter.consumer.as_ref().map(side)),
        (
            "bên cung cấp",
            "provider",
            filter.provider.as_ref().map(side),
        ),
        ("dịch vụ", "service", filter.service.as_ref().map(text)),
        ("phương thức", "method", filter.method.as_ref().map(text)),
        (
            "loại hệ thống",
            "kind",
            filter.kind.map(|it| it.to_string()),
        ),
        (
            "nhóm đơn vị gọi",
            "class of the consumer's member",
            filter.class.map(|it| it.to_string()),
        ),
        (
            "kết quả",
            "outcome",
            filter.outcome.map(|it| it.to_string()),
        ),
        ("bên có lỗi", "fault", filter.fault.as_ref().map(fault)),
    ];
    let told = stated.into_iter().filter_map(|(vi, en, value)| {
        let value = value?;
        Some((format!("{vi} {value}"), format!("{en} {value}")))
    });
    told.collect()
}

fn party_name(party: &Party) -> &str {
    match party {
        Party::Member(code) => code.as_str(),
        Party::System(id) => id.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use ndxp_counters::Filter;
    use ndxp_model::Outcome;

    use super::*;

    #[test]
    fn a_definition_says_what_is_counted_by_what_and_of_whom() {
        let whole = meaning(&CountQuery::since_launch());
        assert_eq!(whole.name, "transactions");
        assert!(whole.definition_en.ends_with("the sum of all outcomes."));
        assert!(whole.definition_vi.ends_with("tổng của mọi kết quả."));
        let narrow = meaning(&CountQuery {
            by: Some(Dimension::ConsumerMember),
            party: Some("H26".parse().unwrap()),
            filter: Filter {
                provider: Some(Side::Party("G01".parse().unwrap())),
                method: Some(String::new()),
                outcome: Some(Outcome::Refused),
                fault: Some(None),
                ..Filter::default()
            },
            by_successor: true,
            ..CountQuery::since_launch()
        });
        assert_eq!(narrow.name, "transactions_by_consumer_member");
        assert!(
            narrow.definition_en.ends_with(
                "One row for each member of the consumer. Only: connections of H26; provider \
                 G01; method -; outcome refused; fault none. Members and systems that have \
                 closed count with those that carry on."
            ),
            "{}",
            narrow.definition_en
        );
        assert!(
            narrow.definition_vi.contains(
                "Chỉ tính: kết nối của H26; bên cung cấp G01; phương thức -; kết quả refused; \
                 bên có lỗi none."
            ),
            "{}",
            narrow.definition_vi
        );
    }

    #[test]
    fn every_breakdown_has_a_definition_of_its_own() {
        let mut texts = std::collections::BTreeSet::new();
        for by in Dimension::ALL {
            let (vi, en) = rows(by);
            assert!(texts.insert(vi) && texts.insert(en), "{by}");
        }
    }
}
