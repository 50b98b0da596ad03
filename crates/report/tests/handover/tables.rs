//! The tables of the report put together by hand.

use ndxp_proto::journal::v1::Outcome;
use ndxp_proto::statistics::v1::{
    CountResponse, CountRow, Counts, Dimension, Durations, MeasureSum, Opening, OutcomeCount,
    ReportTable,
};

use crate::fixture::{PAYMENT, SOURCE, high, low, until_cut_off};

pub fn counts(outcomes: &[(Outcome, u64)], measures: &[(&str, u128)]) -> Counts {
    let count_of = |wanted: &[Outcome]| -> u64 {
        let counts = outcomes.iter().filter(|(it, _)| wanted.contains(it));
        counts.map(|(_, count)| count).sum()
    };
    let transactions = count_of(&[Outcome::Completed, Outcome::ProviderError]);
    Counts {
        transactions,
        attempts: outcomes.iter().map(|(_, count)| count).sum(),
        outcomes: outcomes
            .iter()
            .map(|&(outcome, count)| OutcomeCount {
                outcome: outcome.into(),
                count,
            })
            .collect(),
        request_bytes: transactions * 120,
        response_bytes: transactions * 480,
        request_messages: transactions,
        response_messages: transactions,
        durations: (transactions > 0).then_some(Durations {
            p50_us: 2_350,
            p90_us: 9_800,
            p99_us: 41_000,
            max_us: 1_250_075,
        }),
        measures: sums(measures),
    }
}

pub fn sums(measures: &[(&str, u128)]) -> Vec<MeasureSum> {
    let measures = measures.iter();
    measures
        .map(|&(name, value)| MeasureSum {
            name: name.to_owned(),
            value: low(value),
            value_high: high(value),
        })
        .collect()
}

pub fn row(key: &str, title: &str, counts: Counts) -> CountRow {
    CountRow {
        key: key.to_owned(),
        counts: Some(counts),
        opening: None,
        title: title.to_owned(),
    }
}

pub fn completed(count: u64) -> Counts {
    counts(&[(Outcome::Completed, count)], &[])
}

fn table(name: &str, titles: [&str; 2], by: Dimension, counts: CountResponse) -> ReportTable {
    ReportTable {
        name: name.to_owned(),
        title_vi: titles[0].to_owned(),
        title_en: titles[1].to_owned(),
        by: by.into(),
        counts: Some(counts),
    }
}

fn response(rows: Vec<CountRow>, total: Counts) -> CountResponse {
    CountResponse {
        rows,
        total: Some(total),
        proof: Some(until_cut_off("2022-07-01")),
        ..CountResponse::default()
    }
}

fn opening(transactions: u64, measures: &[(&str, u128)]) -> Option<Opening> {
    Some(Opening {
        transactions,
        measures: sums(measures),
        sources: vec![SOURCE.to_owned()],
        left_out: 0,
    })
}

/// 22 days that add up to the month.
pub fn days() -> ReportTable {
    let mut left = 10_385_415;
    let mut rows = Vec::new();
    for day in 1..=22 {
        // 2, 3, 9, 10, 16, 17 July 2022 were Saturdays and Sundays.
        let weekend = [2, 3, 9, 10, 16, 17].contains(&day);
        let count = match day {
            22 => left,
            _ if weekend => 210_000 + day * 1_001,
            _ => 560_000 + day * 503,
        };
        left -= count;
        rows.push(row(&format!("2022-07-{day:02}"), "", completed(count)));
    }
    let titles = ["Giao dịch theo ngày", "Transactions by day"];
    table(
        "days",
        titles,
        Dimension::Day,
        response(rows, completed(10_385_415)),
    )
}

/// Thirteen months, of which a previous platform counted twelve.
pub fn months() -> ReportTable {
    let names = [
        "2021-07", "2021-08", "2021-09", "2021-10", "2021-11", "2021-12", "2022-01", "2022-02",
        "2022-03", "2022-04", "2022-05", "2022-06", "2022-07",
    ];
    let mut rows = Vec::new();
    let mut before = 0;
    for (place, name) in (0..).zip(names) {
        let mut row = row(name, "", completed(0));
        let count = 15_000_000 + place * 1_250_001;
        match name {
            "2022-07" => row = self::row(name, "", completed(10_385_415)),
            _ => {
                before += count;
                row.opening = opening(count, &[]);
            }
        }
        rows.push(row);
    }
    let mut answer = response(rows, completed(10_385_415));
    answer.opening = opening(before, &[]);
    answer.proof = Some(until_cut_off("2021-07-01"));
    let titles = ["Giao dịch theo tháng", "Transactions by month"];
    table("months", titles, Dimension::Month, answer)
}

pub fn outcomes() -> ReportTable {
    let all = [
        (Outcome::Completed, 10_380_000),
        (Outcome::ProviderError, 5_415),
        (Outcome::Refused, 12_345),
        (Outcome::TimedOut, 77),
    ];
    let named = ["completed", "provider_error", "refused", "timed_out"];
    let rows = named.iter().zip(&all);
    let rows = rows.map(|(name, ending)| row(name, "", counts(&[*ending], &[])));
    let titles = ["Cuộc gọi theo kết quả", "Calls by outcome"];
    let answer = response(rows.collect(), counts(&all, &[]));
    table("outcomes", titles, Dimension::Outcome, answer)
}

pub fn connections() -> ReportTable {
    let rows = vec![
        row(
            "H01/lgsp>G01/population/ndxp.examples.identity.v1.IdentityService",
            "",
            completed(6_000_000),
        ),
        row(
            "G24/insurance>G01/population/ndxp.examples.identity.v1.BatchService",
            "",
            completed(3_000_000),
        ),
        row(
            &format!("G22/public-service-portal>G22/payment/{PAYMENT}"),
            "",
            completed(126_345),
        ),
    ];
    let mut answer = response(rows, completed(10_385_415));
    answer.others = Some(row("others", "", completed(1_259_070)));
    answer.others_rows = 241;
    let titles = ["Các kết nối nhiều giao dịch nhất", "Busiest connections"];
    table("connections", titles, Dimension::Connection, answer)
}

pub fn services() -> ReportTable {
    let measured = [("amount_vnd", 307_412_345_678), ("records", 324_567)];
    let paid = counts(&[(Outcome::Completed, 126_345)], &measured);
    let all = counts(&[(Outcome::Completed, 10_385_415)], &measured);
    let rows = vec![
        row(
            "ndxp.examples.identity.v1.IdentityService",
            "Xác thực thông tin công dân",
            completed(10_259_070),
        ),
        row(PAYMENT, "Thanh toán trực tuyến", paid),
    ];
    let titles = ["Giao dịch theo dịch vụ", "Transactions by service"];
    table("services", titles, Dimension::Service, response(rows, all))
}

pub fn documents() -> ReportTable {
    let now = [("documents_sent", 135_164), ("documents_received", 485_666)];
    let june = [("documents_sent", 130_000), ("documents_received", 470_000)];
    let mut before = row("2022-06", "", completed(0));
    before.opening = opening(0, &june);
    let carried = counts(&[(Outcome::Completed, 485_700)], &now);
    let rows = vec![before, row("2022-07", "", carried.clone())];
    let mut answer = response(rows, carried);
    answer.opening = opening(0, &june);
    answer.proof = Some(until_cut_off("2022-06-01"));
    let titles = ["Văn bản điện tử gửi, nhận theo tháng", "Documents by month"];
    table("documents", titles, Dimension::Month, answer)
}
