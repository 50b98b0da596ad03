//! The whole report of a month: its figures and the tables behind them, for one cut-off.

use ndxp_proto::registry::v1::SystemKind;
use ndxp_proto::statistics::v1::{
    CountFilter, CountRequest, Dimension, GetReportRequest, GetReportResponse, ReportTable,
};
use ndxp_registry::Registry;

use crate::ReportError;
use crate::assemble::{DOCUMENTS_RECEIVED, DOCUMENTS_SENT};
use crate::cut_off::Periods;
use crate::figures::Sources;
use crate::questions::within;

/// Rows of a table of connections, systems or services: more than every system of a nation, so
/// that a table stays a page that can be read and an answer below 4 MiB.
pub const TOP_MAX: u32 = 1_000;
const TOP_DEFAULT: u32 = 20;

/// The names of the tables, in the order of the report.
#[must_use]
pub fn table_names() -> [&'static str; TITLES.len()] {
    TITLES.map(|(name, ..)| name)
}

/// The report on a month, as [`crate::figures()`] cuts it.
///
/// # Errors
/// As [`crate::figures()`], and when more rows are asked for than a table has.
pub fn report(
    sources: &Sources<'_>,
    request: &GetReportRequest,
) -> Result<GetReportResponse, ReportError> {
    let top = match request.top {
        0 => TOP_DEFAULT,
        1..=TOP_MAX => request.top,
        _ => return Err(ReportError::TopTooLarge(request.top)),
    };
    let known = sources.known()?;
    let wanted = sources.wanted(&request.month, request.as_of_us, &known);
    let periods = Periods::of(sources.zone, wanted)?;
    // The tables first: no row of theirs may exceed the figure that it is a part of.
    let mut tables = Vec::new();
    for plan in plans(&periods, request.by_successor, top, sources.registry) {
        tables.push(ReportTable {
            name: plan.name.to_owned(),
            title_vi: plan.title_vi.to_owned(),
            title_en: plan.title_en.to_owned(),
            by: plan.request.by,
            counts: Some(sources.ask(&plan.request)?),
        });
    }
    let figures = sources.figures_of(&periods, request.by_successor, &known)?;
    Ok(GetReportResponse {
        month: periods.month_label,
        cut_off_us: periods.cut_off.as_micros(),
        time_zone: sources.zone.name().to_owned(),
        by_successor: request.by_successor,
        figures,
        tables,
        launched_at_us: known.launched().map_or(0, |at| at.as_micros()),
    })
}

/// A table and the question behind it.
struct TablePlan {
    name: &'static str,
    title_vi: &'static str,
    title_en: &'static str,
    request: CountRequest,
}

/// All tables but the one of months are of the month up to the cut-off. Opening balances stand in
/// them apart, so that a table comes to what its figure says.
fn plans(
    periods: &Periods,
    by_successor: bool,
    top: u32,
    registry: &Registry,
) -> [TablePlan; TITLES.len()] {
    TITLES.map(|(name, by, title_vi, title_en)| {
        let of = |period| CountRequest {
            by: by.into(),
            with_baselines: true,
            ..within(period, by_successor)
        };
        let of_month = of(periods.month);
        let request = match name {
            "months" => of(periods.last_months),
            "days" | "outcomes" | "classes" => of_month,
            "documents" => CountRequest {
                filter: document_service(registry),
                ..of_month
            },
            "databases" => CountRequest {
                top,
                filter: Some(CountFilter {
                    kind: SystemKind::Database.into(),
                    ..CountFilter::default()
                }),
                ..of_month
            },
            _ => CountRequest { top, ..of_month },
        };
        TablePlan {
            name,
            title_vi,
            title_en,
            request,
        }
    })
}

/// Narrows to the service that declares documents, where there is one and no other: whoever only
/// calls other services has no row then.
fn document_service(registry: &Registry) -> Option<CountFilter> {
    let mut names: Vec<String> = registry
        .services()
        .into_iter()
        .filter(|service| {
            let declares = |name: &str| service.measures.iter().any(|it| it == name);
            declares(DOCUMENTS_SENT) || declares(DOCUMENTS_RECEIVED)
        })
        .map(|service| service.name)
        .collect();
    names.sort_unstable();
    names.dedup();
    match <[String; 1]>::try_from(names) {
        Ok([service]) => Some(CountFilter {
            service,
            ..CountFilter::default()
        }),
        Err(_) => None,
    }
}

/// Name, what the rows are keyed by, and titles, in the order of the report.
const TITLES: [(&str, Dimension, &str, &str); 10] = [
    (
        "days",
        Dimension::Day,
        "Giao dịch theo ngày trong tháng",
        "Transactions by day of the month",
    ),
    (
        "months",
        Dimension::Month,
        "Giao dịch theo tháng trong 13 tháng gần nhất",
        "Transactions by month, the last 13 months",
    ),
    (
        "outcomes",
        Dimension::Outcome,
        "Cuộc gọi trong tháng theo kết quả",
        "Calls of the month by outcome",
    ),
    (
        "connections",
        Dimension::Connection,
        "Các kết nối có nhiều giao dịch nhất trong tháng",
        "Connections with the most transactions in the month",
    ),
    (
        "consumers",
        Dimension::Consumer,
        "Các hệ thống khai thác có nhiều giao dịch nhất trong tháng",
        "Consumers with the most transactions in the month",
    ),
    (
        "providers",
        Dimension::Provider,
        "Các hệ thống cung cấp có nhiều giao dịch nhất trong tháng",
        "Providers with the most transactions in the month",
    ),
    (
        "databases",
        Dimension::Provider,
        "Giao dịch trong tháng theo cơ sở dữ liệu",
        "Transactions of the month by database",
    ),
    (
        "services",
        Dimension::Service,
        "Các dịch vụ có nhiều giao dịch nhất trong tháng",
        "Services with the most transactions in the month",
    ),
    (
        "classes",
        Dimension::Class,
        "Giao dịch trong tháng theo loại cơ quan khai thác",
        "Transactions of the month by class of the consumer's member",
    ),
    (
        "documents",
        Dimension::ConsumerMember,
        "Văn bản điện tử gửi, nhận trong tháng theo cơ quan",
        "Documents sent and received in the month by member",
    ),
];

#[cfg(test)]
mod tests;
