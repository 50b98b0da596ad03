//! The figures by name: what each counts, in both languages. The one place where a definition
//! stands; `docs/figures.md` explains them.

mod documents;
mod services;
mod stock;
mod transactions;

pub use documents::*;
pub use services::*;
pub use stock::*;
pub use transactions::*;

/// A figure's stable name, what it counts in, its title, and what it counts.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    pub name: &'static str,
    pub unit: &'static str,
    pub title_vi: &'static str,
    pub title_en: &'static str,
    pub definition_vi: &'static str,
    pub definition_en: &'static str,
}

/// The figures that every report has, in the order in which it lists them.
pub const DEFINITIONS: [Definition; 32] = [
    TRANSACTIONS_MONTH,
    TRANSACTIONS_PER_DAY_MONTH,
    TRANSACTIONS_MONTH_CHANGE_PREVIOUS,
    TRANSACTIONS_MONTH_CHANGE_YEAR_BEFORE,
    TRANSACTIONS_SINCE_LAUNCH,
    TRANSACTIONS_YEAR_TO_DATE,
    TRANSACTIONS_PER_DAY,
    TRANSACTIONS_YEAR_TO_DATE_CHANGE_YEAR_BEFORE,
    TRANSACTIONS_FIRST_MONTHS,
    TRANSACTIONS_PREVIOUS_YEAR,
    TRANSACTIONS_PER_DAY_PREVIOUS_YEAR,
    SYSTEMS_TRANSACTING_MONTH,
    MEMBERS_TRANSACTING_MONTH,
    DOCUMENTS_MONTH,
    DOCUMENTS_SENT_MONTH,
    DOCUMENTS_RECEIVED_MONTH,
    DOCUMENTS_MONTH_CHANGE_PREVIOUS,
    DOCUMENTS_MONTH_CHANGE_YEAR_BEFORE,
    DOCUMENTS_FIRST_MONTHS,
    DOCUMENTS_SENT_FIRST_MONTHS,
    DOCUMENTS_RECEIVED_FIRST_MONTHS,
    DOCUMENTS_FIRST_MONTHS_CHANGE_YEAR_BEFORE,
    DOCUMENTS_SINCE_LAUNCH,
    DOCUMENTS_SENT_SINCE_LAUNCH,
    DOCUMENTS_RECEIVED_SINCE_LAUNCH,
    MEMBERS_CONNECTED,
    SYSTEMS_CONNECTED,
    SYSTEMS_LGSP,
    SYSTEMS_DATABASE,
    SYSTEMS_INFORMATION_SYSTEM,
    COVERAGE_MINISTRIES,
    COVERAGE_PROVINCES,
];

/// The figures of services, which follow them: each service's in this order. `<service>` in a name
/// stands for the service's full name, `<measure>` for a measure that it declares.
pub const SERVICE_DEFINITIONS: [Definition; 4] = [
    SERVICE_TRANSACTIONS_MONTH,
    SERVICE_TRANSACTIONS_SINCE_LAUNCH,
    SERVICE_MEASURE_MONTH,
    SERVICE_MEASURE_SINCE_LAUNCH,
];

/// The definition under a name. `None` for a figure that this program does not know. That of a
/// service's figure is the pattern of all of its kind.
#[must_use]
pub fn definition(name: &str) -> Option<&'static Definition> {
    let fixed = DEFINITIONS.iter().find(|it| it.name == name);
    fixed.or_else(|| SERVICE_DEFINITIONS.iter().find(|it| fits(it.name, name)))
}

/// Whether a name is one that the pattern stands for.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((kind, service)) = name.split_once(':') else {
        return false;
    };
    let Some((pattern, _)) = pattern.split_once(':') else {
        return false;
    };
    let of_kind = match pattern.split_once("<measure>") {
        None => kind == pattern,
        Some((before, after)) => kind
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .is_some_and(|measure| !measure.is_empty()),
    };
    of_kind && !service.is_empty()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[track_caller]
    fn check(name: &str, wanted: Option<&str>) {
        assert_eq!(definition(name).map(|found| found.name), wanted, "{name}");
    }

    #[test]
    fn a_definition_is_found_by_its_name_and_a_services_by_its_pattern() {
        let since = Some("transactions_since_launch:<service>");
        check("transactions_month", Some("transactions_month"));
        check("transactions_since_launch:a.v1.B", since);
        let month = Some("measure_<measure>_month:<service>");
        check("measure_amount_vnd_month:a.v1.B", month);
        let since = Some("measure_<measure>_since_launch:<service>");
        check("measure_records_since_launch:a.v1.B", since);
        for unknown in [
            "",
            "transactions",
            "transactions_month:",
            "transactions_year_to_date:a.v1.B",
            "measure__month:a.v1.B",
            "measure_records_month",
            "measure_records_year:a.v1.B",
        ] {
            check(unknown, None);
        }
    }

    #[test]
    fn every_name_and_title_is_one_figures_alone() {
        let all = || DEFINITIONS.iter().chain(&SERVICE_DEFINITIONS);
        for of in [
            (|it: &Definition| it.name) as fn(&Definition) -> &'static str,
            |it| it.title_vi,
            |it| it.title_en,
            |it| it.definition_vi,
            |it| it.definition_en,
        ] {
            let distinct: BTreeSet<_> = all().map(of).collect();
            assert_eq!(distinct.len(), all().count());
            assert!(!distinct.contains(""));
        }
    }
}
