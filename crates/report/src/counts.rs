//! Counts over a period as a table for people, JSON for programs and CSV for spreadsheets.

use ndxp_proto::statistics::v1::{CountResponse, Dimension};

use crate::explain::left_out;
use crate::grid::milliseconds;
use crate::numbers::grouped;
use crate::proof::ReadProof;
use crate::records::{CountRecord, CountsRecord, DistinctRecord, DurationsRecord, OpeningRecord};
use crate::table::{Column, aligned, csv_text};
use crate::words::dimension_heading;
use crate::{Format, Language, RenderError};

/// Key of the row that holds everything, and of that which holds what `top` left out.
const TOTAL: &str = "total";
const OTHERS: &str = "others";

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
) -> Result<String, RenderError> {
    let record = CountsRecord::of(response, by)?;
    match format {
        Format::Table => {
            let proof = ReadProof::of(response.proof.as_ref(), language)?;
            let mut text = CountsTable::of(&record, language).text();
            text.push('\n');
            for (label, value) in notes(response, &record, language)
                .into_iter()
                .chain(proof.lines())
            {
                text.push_str(&format!("{label}: {value}\n"));
            }
            Ok(text)
        }
        Format::Json => Ok(serde_json::to_string_pretty(&record)? + "\n"),
        Format::Csv => csv(&record),
    }
}

/// The table for people: which columns there are depends on what was asked for and found.
struct CountsTable<'a> {
    record: &'a CountsRecord<'a>,
    language: Language,
    titles: bool,
    measures: Vec<&'a str>,
    /// Present when opening balances were asked for.
    opening: Option<Vec<&'a str>>,
}

impl<'a> CountsTable<'a> {
    fn of(record: &'a CountsRecord<'a>, language: Language) -> Self {
        let opening = record.opening.as_ref();
        Self {
            record,
            language,
            titles: record.all_rows().any(|row| row.title.is_some()),
            measures: record.measure_names(),
            opening: opening.map(|_| record.opening_measure_names()),
        }
    }

    fn text(&self) -> String {
        let (record, language) = (self.record, self.language);
        let by = record.by.map(|by| dimension_heading(by, language));
        let headings = self.opening_headings();
        let mut columns = vec![Column::words(by.unwrap_or_default())];
        if self.titles {
            columns.push(Column::words(language.pick("tên", "name")));
        }
        columns.extend(number_headings(language).map(Column::number));
        columns.extend(self.measures.iter().copied().map(Column::number));
        columns.extend(headings.iter().map(|it| Column::number(it)));
        let rows = record.rows.iter().map(|row| {
            let title = row.title.unwrap_or_default();
            self.cells((row.key, title), &row.counts, row.opening.as_ref())
        });
        let others = record.others.as_ref().map(|row| {
            let key = format!("{} ({})", language.pick("khác", OTHERS), record.others_rows);
            self.cells((&key, ""), &row.counts, row.opening.as_ref())
        });
        let total = self.cells(
            (language.pick("tổng", TOTAL), ""),
            &record.total,
            record.opening.as_ref(),
        );
        aligned(&columns, rows.chain(others).chain([total]))
    }

    fn opening_headings(&self) -> Vec<String> {
        let Some(measures) = &self.opening else {
            return Vec::new();
        };
        let opening = self.language.pick("kế thừa", "opening");
        let both = self.language.pick("cả kế thừa", "with opening");
        let fixed = [opening, both].map(str::to_owned);
        let of_measures = measures
            .iter()
            .flat_map(|name| [opening, both].map(|heading| format!("{heading}: {name}")));
        fixed.into_iter().chain(of_measures).collect()
    }

    fn cells(
        &self,
        (key, title): (&str, &str),
        counts: &CountRecord<'_>,
        opening: Option<&OpeningRecord<'_>>,
    ) -> Vec<String> {
        let number = |value: u128| grouped(value, self.language);
        let duration = |of: fn(&DurationsRecord) -> u64| {
            counts
                .durations
                .as_ref()
                .map_or_else(|| "–".to_owned(), |it| milliseconds(of(it), self.language))
        };
        let measure = |name: &str| counts.measures.get(name).copied().unwrap_or(0);
        let mut cells = vec![key.to_owned()];
        if self.titles {
            cells.push(title.to_owned());
        }
        cells.extend([counts.transactions, counts.attempts].map(|it| number(it.into())));
        cells.extend(
            counts
                .outcomes
                .each()
                .map(|(_, count)| number(count.into())),
        );
        cells.push(duration(|it| it.p50_us));
        cells.push(duration(|it| it.p99_us));
        cells.push(duration(|it| it.max_us));
        cells.extend(self.measures.iter().map(|name| number(measure(name))));
        if let Some(names) = &self.opening {
            let of = |sum: fn(&OpeningRecord<'_>) -> u64| u128::from(opening.map_or(0, sum));
            let transactions = of(|it| it.transactions);
            let both = transactions + u128::from(counts.transactions);
            cells.extend([transactions, both].map(number));
            for name in names {
                let sum = opening.and_then(|it| it.measures.get(name).copied());
                let sum = sum.unwrap_or(0);
                cells.extend([sum, sum.saturating_add(measure(name))].map(number));
            }
        }
        cells
    }
}

/// What has to be said about the numbers before their proof.
fn notes(
    response: &CountResponse,
    record: &CountsRecord<'_>,
    language: Language,
) -> Vec<(&'static str, String)> {
    let mut notes = Vec::new();
    if let Some(distinct) = &record.distinct {
        let label = language.pick("Số bên tham gia", "Distinct");
        notes.push((label, distinct_words(distinct, language)));
    }
    if record.total.transactions > 0 && record.total.durations.is_none() {
        let label = language.pick("Thời gian xử lý", "Durations");
        let absent = language.pick(
            "không lưu cho kỳ này; chỉ lưu theo từng tháng trọn vẹn, và theo ngày trong 62 ngày",
            "not kept for this period, only for whole months and for the days of the last 62",
        );
        notes.push((label, absent.to_owned()));
    }
    if let Some(opening) = &response.opening {
        if !opening.sources.is_empty() {
            let label = language.pick("Nguồn số liệu kế thừa", "Sources of opening balances");
            notes.push((label, opening.sources.join("; ")));
        }
        notes.extend(left_out(opening, language));
    }
    for (_, value) in &mut notes {
        *value = crate::escape::plain(value);
    }
    notes
}

fn distinct_words(distinct: &DistinctRecord, language: Language) -> String {
    let number = |value: u64| grouped(value, language);
    let [consumers, providers, systems, members] = [
        number(distinct.consumers),
        number(distinct.providers),
        number(distinct.systems),
        number(distinct.members),
    ];
    match language {
        Language::Vietnamese => format!(
            "{consumers} hệ thống gọi, {providers} hệ thống cung cấp; {systems} hệ thống của \
             {members} cơ quan, đơn vị"
        ),
        Language::English => format!(
            "{consumers} consumers, {providers} providers; {systems} systems of {members} members"
        ),
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

/// A breakdown's rows alone, with that of the others, so that a column's sum is the total and not
/// its double. Columns that come last: the title, and what opening balances add.
pub(crate) fn csv(record: &CountsRecord<'_>) -> Result<String, RenderError> {
    let measures = record.measure_names();
    let opening_measures = record.opening_measure_names();
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
    header.push("title".to_owned());
    if record.opening.is_some() {
        header.push("opening_transactions".to_owned());
        let named = opening_measures.iter();
        header.extend(named.map(|name| format!("opening_measure_{name}")));
    }
    let row = |key: &str, title: Option<&str>, counts, opening: Option<&OpeningRecord<'_>>| {
        let mut row = csv_row(key, counts, &measures);
        row.push(title.unwrap_or_default().to_owned());
        if record.opening.is_some() {
            row.push(opening.map_or(0, |it| it.transactions).to_string());
            row.extend(opening_measures.iter().map(|name| {
                let sum = opening.and_then(|it| it.measures.get(name).copied());
                sum.unwrap_or(0).to_string()
            }));
        }
        row
    };
    let rows: Vec<_> = match record.by {
        Some(_) => {
            let others = record.others.iter();
            let others = others.map(|it| row(OTHERS, None, &it.counts, it.opening.as_ref()));
            let rows = record.rows.iter();
            rows.map(|it| row(it.key, it.title, &it.counts, it.opening.as_ref()))
                .chain(others)
                .collect()
        }
        None => vec![row(TOTAL, None, &record.total, record.opening.as_ref())],
    };
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
        .map(|value| value.map(u128::from))
        .chain(measures.map(Some))
        .map(|value| value.map_or_else(String::new, |it| it.to_string()));
    std::iter::once(key.to_owned()).chain(numbers).collect()
}
