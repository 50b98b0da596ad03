//! Counts over a period as a table for people, JSON for programs and CSV for spreadsheets.

use ndxp_proto::statistics::v1::{CountResponse, Dimension};

use crate::numbers::grouped;
use crate::proof::ReadProof;
use crate::records::{CountRecord, CountsRecord, DurationsRecord};
use crate::table::{Column, aligned, csv_text};
use crate::{Format, Language, ReportError};

/// Key of the row that holds everything.
const TOTAL: &str = "total";

/// What was counted, in the form that the reader asked for. The language is that of the table;
/// JSON and CSV are the same in both.
///
/// # Errors
/// When the answer lacks its total or proof, or holds an outcome this program does not know.
pub fn render_counts(
    response: &CountResponse,
    by: Dimension,
    format: Format,
    language: Language,
) -> Result<String, ReportError> {
    let record = CountsRecord::of(response, by)?;
    match format {
        Format::Table => {
            let proof = ReadProof::of(response.proof.as_ref(), language)?;
            Ok(table(&record, &proof, language))
        }
        Format::Json => Ok(serde_json::to_string_pretty(&record)? + "\n"),
        Format::Csv => csv(&record),
    }
}

fn table(record: &CountsRecord<'_>, proof: &ReadProof<'_>, language: Language) -> String {
    let measures = record.measure_names();
    let mut columns = vec![Column::words(heading(record.by, language))];
    columns.extend(number_headings(language).map(Column::number));
    columns.extend(measures.iter().copied().map(Column::number));
    let total = (language.pick("tổng", TOTAL), &record.total);
    let rows = record
        .rows
        .iter()
        .map(|row| (row.key, &row.counts))
        .chain([total])
        .map(|(key, counts)| cells(key, counts, &measures, language));
    let mut text = aligned(&columns, rows);
    text.push('\n');
    for (label, value) in proof.lines() {
        text.push_str(&format!("{label}: {value}\n"));
    }
    text
}

fn heading(by: Option<&'static str>, language: Language) -> &'static str {
    let Some(by) = by else { return "" };
    match language {
        Language::English => by,
        Language::Vietnamese => match by {
            "connection" => "kết nối",
            "consumer" => "bên gọi",
            "provider" => "bên cung cấp",
            "service" => "dịch vụ",
            "kind" => "loại",
            "outcome" => "kết quả",
            "hour" => "giờ",
            "day" => "ngày",
            "month" => "tháng",
            other => other,
        },
    }
}

fn number_headings(language: Language) -> [&'static str; 12] {
    language.pick(
        [
            "giao dịch",
            "cuộc gọi",
            "thành công",
            "báo lỗi",
            "từ chối",
            "mất kết nối",
            "quá hạn",
            "hủy",
            "gián đoạn",
            "p50 ms",
            "p99 ms",
            "tối đa ms",
        ],
        [
            "transactions",
            "attempts",
            "completed",
            "provider error",
            "refused",
            "unreachable",
            "timed out",
            "cancelled",
            "interrupted",
            "p50 ms",
            "p99 ms",
            "max ms",
        ],
    )
}

fn cells(
    key: &str,
    counts: &CountRecord<'_>,
    measures: &[&str],
    language: Language,
) -> Vec<String> {
    let number = |value: u64| grouped(value, language);
    let duration = |of: fn(&DurationsRecord) -> u64| {
        counts
            .durations
            .as_ref()
            .map_or_else(|| "–".to_owned(), |it| milliseconds(of(it), language))
    };
    let mut cells = vec![key.to_owned()];
    cells.extend([counts.transactions, counts.attempts].map(number));
    cells.extend(counts.outcomes.each().map(|(_, count)| number(count)));
    cells.push(duration(|it| it.p50_us));
    cells.push(duration(|it| it.p99_us));
    cells.push(duration(|it| it.max_us));
    cells.extend(
        measures
            .iter()
            .map(|name| number(counts.measures.get(name).copied().unwrap_or(0))),
    );
    cells
}

/// Microseconds as milliseconds with one decimal, rounded to the nearest.
fn milliseconds(micros: u64, language: Language) -> String {
    let tenths = micros / 100 + u64::from(micros % 100 >= 50);
    let whole = grouped(tenths / 10, language);
    format!("{whole}{}{}", language.decimal_mark(), tenths % 10)
}

fn csv(record: &CountsRecord<'_>) -> Result<String, ReportError> {
    let measures = record.measure_names();
    let outcomes = record.total.outcomes.each().map(|(name, _)| name);
    let mut header: Vec<String> = ["transactions", "attempts"]
        .into_iter()
        .chain(outcomes)
        .chain([
            "request_bytes",
            "response_bytes",
            "request_messages",
            "response_messages",
            "p50_us",
            "p90_us",
            "p99_us",
            "max_us",
        ])
        .map(str::to_owned)
        .collect();
    header.insert(0, record.by.unwrap_or("key").to_owned());
    header.extend(measures.iter().map(|name| format!("measure_{name}")));
    // A breakdown prints its rows alone, so that a column's sum is the total and not its double.
    let rows: Vec<_> = match record.by {
        Some(_) => record.rows.iter().map(|it| (it.key, &it.counts)).collect(),
        None => vec![(TOTAL, &record.total)],
    };
    let rows = rows
        .into_iter()
        .map(|(key, counts)| csv_row(key, counts, &measures));
    csv_text(&header, rows)
}

fn csv_row(key: &str, counts: &CountRecord<'_>, measures: &[&str]) -> Vec<String> {
    let durations = counts.durations.as_ref();
    let durations = durations.map(|it| [it.p50_us, it.p90_us, it.p99_us, it.max_us]);
    let durations = durations.map_or([None; 4], |it| it.map(Some));
    let outcomes = counts.outcomes.each().map(|(_, count)| count);
    let measures = measures
        .iter()
        .map(|name| counts.measures.get(name).copied().unwrap_or(0));
    let numbers = [counts.transactions, counts.attempts]
        .into_iter()
        .chain(outcomes)
        .chain([
            counts.request_bytes,
            counts.response_bytes,
            counts.request_messages,
            counts.response_messages,
        ])
        .map(Some)
        .chain(durations)
        .chain(measures.map(Some))
        .map(|value| value.map_or_else(String::new, |it| it.to_string()));
    std::iter::once(key.to_owned()).chain(numbers).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_shown_in_milliseconds() {
        let rows = [
            (0, "0,0"),
            (49, "0,0"),
            (50, "0,1"),
            (999_949, "999,9"),
            (999_950, "1.000,0"),
            (u64::MAX, "18.446.744.073.709.551,6"),
        ];
        for (micros, wanted) in rows {
            assert_eq!(milliseconds(micros, Language::Vietnamese), wanted);
        }
    }
}
