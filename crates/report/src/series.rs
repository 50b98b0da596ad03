//! Days and months without gaps: a breakdown by time answers the buckets that hold something, and
//! a reader of a series, above all of a chart, takes two neighbours for two days in a row.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ndxp_model::{Granularity, Instant, Zone};
use ndxp_proto::statistics::v1::{
    CountResponse, CountRow, Counts, Dimension, GetReportResponse, ReportTable,
};

use crate::RenderError;

/// The longest series that is filled up: a leap year of days.
const ROWS_MAX: usize = 366;

/// The report with a row for every day and month of the periods of its series, from launch on, 0
/// where nothing was counted. The sums are the same.
pub(crate) fn without_gaps(
    report: &GetReportResponse,
) -> Result<Cow<'_, GetReportResponse>, RenderError> {
    let mut filled = Cow::Borrowed(report);
    for (place, table) in report.tables.iter().enumerate() {
        let Some(rows) = rows_of(table, report.launched_at_us)? else {
            continue;
        };
        let found = filled.to_mut().tables.get_mut(place);
        if let Some(counts) = found.and_then(|it| it.counts.as_mut()) {
            counts.rows = rows;
        }
    }
    Ok(filled)
}

/// All rows of a series. `None` for what is none, has no bounds or is too long, and before launch.
fn rows_of(table: &ReportTable, launched_at_us: i64) -> Result<Option<Vec<CountRow>>, RenderError> {
    let granularity = match table.by() {
        Dimension::Day => Granularity::Day,
        Dimension::Month => Granularity::Month,
        _ => return Ok(None),
    };
    let Some(CountResponse { rows, proof, .. }) = &table.counts else {
        return Ok(None);
    };
    let Some(proof) = proof else { return Ok(None) };
    let zone: Zone = proof.time_zone.parse()?;
    let bounded = proof.from_us != 0 && proof.to_us > proof.from_us;
    if !bounded || launched_at_us == 0 {
        return Ok(None);
    }
    let mut known: BTreeMap<&str, &CountRow> = rows.iter().map(|it| (&*it.key, it)).collect();
    let mut filled = Vec::new();
    let mut at = Instant::from_micros(proof.from_us.max(launched_at_us));
    while at.as_micros() < proof.to_us {
        if filled.len() == ROWS_MAX {
            return Ok(None);
        }
        let key = zone.label(granularity, at);
        filled.push(match known.remove(key.as_str()) {
            Some(row) => row.clone(),
            None => CountRow {
                key,
                counts: Some(Counts::default()),
                ..CountRow::default()
            },
        });
        at = zone.bucket(granularity, at).to;
    }
    // A row that no bucket of the period claims, such as that of undated balances, comes last.
    filled.extend(known.into_values().cloned());
    Ok(Some(filled))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndxp_proto::statistics::v1::Proof;

    fn series(by: Dimension, from: &str, to: &str, keys: &[&str]) -> GetReportResponse {
        let at = |text: &str| Zone::viet_nam().moment(text).unwrap().from.as_micros();
        let rows = keys.iter().map(|key| CountRow {
            key: (*key).to_owned(),
            title: "counted".to_owned(),
            ..CountRow::default()
        });
        let counts = CountResponse {
            rows: rows.collect(),
            proof: Some(Proof {
                from_us: at(from),
                to_us: at(to),
                time_zone: "Asia/Ho_Chi_Minh".to_owned(),
                ..Proof::default()
            }),
            ..CountResponse::default()
        };
        GetReportResponse {
            tables: vec![ReportTable {
                by: by.into(),
                counts: Some(counts),
                ..ReportTable::default()
            }],
            launched_at_us: at("2021-12-15"),
            ..GetReportResponse::default()
        }
    }

    #[track_caller]
    fn check(report: &GetReportResponse, wanted: &[(&str, bool)]) {
        let filled = without_gaps(report).unwrap();
        let rows = &filled.tables[0].counts.as_ref().unwrap().rows;
        let rows: Vec<_> = rows
            .iter()
            .map(|row| (row.key.as_str(), !row.title.is_empty()))
            .collect();
        assert_eq!(rows, wanted);
    }

    #[test]
    fn every_day_and_month_of_the_period_has_a_row() {
        let days = series(Dimension::Day, "2022-02-26", "2022-03-02", &["2022-02-28"]);
        let wanted = [
            ("2022-02-26", false),
            ("2022-02-27", false),
            ("2022-02-28", true),
            ("2022-03-01", false),
        ];
        check(&days, &wanted);
        let months = series(Dimension::Month, "2021-12", "2022-02-03", &["2022-01", "-"]);
        let wanted = [
            ("2021-12", false),
            ("2022-01", true),
            ("2022-02", false),
            ("-", true),
        ];
        check(&months, &wanted);
        let launch = series(Dimension::Month, "2021-11", "2022-01", &[]);
        check(&launch, &[("2021-12", false)]);
    }

    #[test]
    fn what_is_no_series_or_too_long_a_one_stays_as_it_is() {
        check(
            &series(Dimension::Consumer, "2022-02", "2022-03", &["a"]),
            &[("a", true)],
        );
        let long = series(Dimension::Day, "2021-12-31", "2023-01-03", &["2022-02-02"]);
        check(&long, &[("2022-02-02", true)]);
    }
}
