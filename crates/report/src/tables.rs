//! The tables of a report as grids: three drawn from the figures (platform, coverage,
//! comparison), one from the figures of services, and those that came with the report.

use ndxp_proto::statistics::v1::{ComparisonKind, Figure, GetReportResponse, ReportTable};

use crate::figure_records::{FigureRecord, TableRecord, change_of, titles};
use crate::grid::{Cell, Grid, Heading};
use crate::numbers::{grouped, wide};
use crate::records::{
    CountRecord, CountsRecord, DurationsRecord, OpeningRecord, OutcomesRecord, RowRecord,
};
use crate::words::{dimension_heading, key_words, measure_noun};
use crate::{Language, RenderError, table_names};

/// Names of the tables that are drawn from the figures.
const DRAWN: [&str; 4] = ["platform", "coverage", "comparison", "service_figures"];

/// Names of the tables that a report may have.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    DRAWN.into_iter().chain(table_names())
}

/// How many columns a table has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Detail {
    /// What a page is wide enough for.
    Brief,
    /// Everything that was counted.
    Full,
}

/// All tables of the report that hold something, in their order.
pub(crate) fn grids(
    report: &GetReportResponse,
    language: Language,
    detail: Detail,
) -> Result<Vec<Grid>, RenderError> {
    let mut grids = Vec::new();
    let of_service = |it: &&Figure| it.name.contains(':');
    let figures = || report.figures.iter();
    let plain = figures().filter(|it| !of_service(it) && it.comparison.is_none());
    let of_services = figures().filter(|it| of_service(it) && it.comparison.is_none());
    let titles = language.pick(
        ["Số liệu của nền tảng", "Số liệu của các dịch vụ"],
        ["The platform", "Figures of services"],
    );
    let [platform, services] = titles;
    grids.extend(of_figures(
        ("platform", platform),
        plain.collect(),
        language,
    )?);
    grids.extend(coverage(figures(), language));
    grids.extend(comparison(figures(), language));
    let of_services = of_services.collect();
    grids.extend(of_figures(
        ("service_figures", services),
        of_services,
        language,
    )?);
    for table in &report.tables {
        grids.push(of_counts(table, language, detail)?);
    }
    Ok(grids)
}

fn title(figure: &Figure, language: Language) -> &str {
    let [vietnamese, english] = titles(figure);
    language.pick(vietnamese, english)
}

fn number(value: impl Into<u128>) -> Cell {
    Cell::Number(value.into())
}

fn of_figures(
    (name, heading): (&str, &str),
    figures: Vec<&Figure>,
    language: Language,
) -> Result<Option<Grid>, RenderError> {
    if figures.is_empty() {
        return Ok(None);
    }
    let opening = figures.iter().any(|it| it.opening > 0);
    let mut columns = vec![
        Heading::words(language.pick("số liệu", "figure")),
        Heading::number(language.pick("giá trị", "value")),
    ];
    if opening {
        let heading = language.pick("trong đó kế thừa", "of it opening");
        columns.push(Heading::number(heading));
    }
    columns.push(Heading::words(language.pick("đơn vị tính", "unit")));
    columns.push(Heading::words(language.pick("kỳ", "state")));
    let mut rows = Vec::new();
    for figure in figures {
        let record = FigureRecord::of(figure)?;
        let unit = measure_noun(record.unit, language).unwrap_or(record.unit);
        let state = match record.proof.closed {
            true => language.pick("đã đóng", "closed"),
            false => language.pick("chưa đóng", "open"),
        };
        let mut row = vec![
            Cell::Words(title(figure, language).to_owned()),
            number(record.value),
        ];
        if opening {
            row.push(number(record.opening));
        }
        row.push(Cell::Words(unit.to_owned()));
        row.push(Cell::Words(state.to_owned()));
        rows.push(row);
    }
    Ok(Some(Grid {
        name: name.to_owned(),
        title: heading.to_owned(),
        columns,
        rows,
        sums: 0,
        notes: Vec::new(),
    }))
}

fn coverage<'a>(figures: impl Iterator<Item = &'a Figure>, language: Language) -> Option<Grid> {
    let rows: Vec<_> = figures
        .filter(|it| it.out_of > 0)
        .map(|figure| {
            let value = wide(figure.value_high, figure.value);
            let share = Cell::Share {
                part: value,
                whole: figure.out_of.into(),
            };
            vec![
                Cell::Words(title(figure, language).to_owned()),
                number(value),
                number(figure.out_of),
                share,
                Cell::Words(figure.missing.join(", ")),
            ]
        })
        .collect();
    (!rows.is_empty()).then(|| Grid {
        name: "coverage".to_owned(),
        title: language.pick("Mức độ kết nối", "Coverage").to_owned(),
        columns: vec![
            Heading::words(language.pick("số liệu", "figure")),
            Heading::number(language.pick("đã kết nối", "connected")),
            Heading::number(language.pick("trên", "out of")),
            Heading::number(language.pick("tỷ lệ", "share")),
            Heading::words(language.pick("còn thiếu", "missing")),
        ],
        rows,
        sums: 0,
        notes: Vec::new(),
    })
}

fn comparison<'a>(figures: impl Iterator<Item = &'a Figure>, language: Language) -> Option<Grid> {
    let rows: Vec<_> = figures
        .filter_map(|figure| {
            let comparison = figure.comparison.as_ref()?;
            let value = wide(figure.value_high, figure.value);
            let mut row = vec![
                Cell::Words(title(figure, language).to_owned()),
                number(value),
            ];
            row.extend(match change_of(comparison, value) {
                None => [Cell::Nothing, Cell::Nothing, Cell::Nothing],
                Some(it) => [number(it.base), Cell::ChangePercent(it), Cell::Ratio(it)],
            });
            let why = language.pick(&comparison.unavailable_vi, &comparison.unavailable_en);
            let against = match comparison.kind() {
                ComparisonKind::YearBefore => language.pick("cùng kỳ năm trước", "year before"),
                _ => language.pick("kỳ trước", "period before"),
            };
            row.push(Cell::Words(against.to_owned()));
            row.push(Cell::Words(why.clone()));
            Some(row)
        })
        .collect();
    let mut columns = vec![
        Heading::words(language.pick("số liệu", "figure")),
        Heading::number(language.pick("giá trị", "value")),
        Heading::number(language.pick("kỳ so sánh", "compared")),
        Heading::number(language.pick("tăng, giảm", "change")),
        Heading::number(language.pick("số lần", "ratio")),
        Heading::words(language.pick("so với", "against")),
        Heading::words(language.pick("ghi chú", "note")),
    ];
    let noted = |row: &Vec<Cell>| !matches!(row.last(), Some(Cell::Words(why)) if why.is_empty());
    let mut rows = rows;
    if !rows.iter().any(noted) {
        columns.pop();
        rows.iter_mut().for_each(|row| drop(row.pop()));
    }
    (!rows.is_empty()).then(|| Grid {
        name: "comparison".to_owned(),
        title: language.pick("So sánh", "Comparison").to_owned(),
        columns,
        rows,
        sums: 0,
        notes: Vec::new(),
    })
}

/// The columns of one table of counts: which there are depends on what it holds.
struct Columns<'a> {
    by: &'static str,
    language: Language,
    detail: Detail,
    titles: bool,
    transactions: bool,
    /// Share of the total's transactions or, where rows are endings, of its attempts.
    share: Option<u64>,
    measures: Vec<&'a str>,
    opening: bool,
    opening_measures: Vec<&'a str>,
}

fn of_counts(table: &ReportTable, language: Language, detail: Detail) -> Result<Grid, RenderError> {
    let TableRecord { counts, .. } = TableRecord::of(table)?;
    let columns = Columns::of(&table.name, &counts, language, detail);
    let mut rows: Vec<_> = counts
        .rows
        .iter()
        .map(|row| columns.row(row, None))
        .collect();
    let mut sums = 0;
    if let Some(others) = &counts.others {
        let words = language.pick("khác", "others");
        let key = format!("{words} ({})", grouped(counts.others_rows, language));
        rows.push(columns.row(others, Some(&key)));
        sums += 1;
    }
    rows.push(columns.total(&counts));
    sums += 1;
    Ok(Grid {
        name: table.name.clone(),
        title: language.pick(&table.title_vi, &table.title_en).clone(),
        columns: columns.headings(),
        rows,
        sums,
        notes: notes(&counts, language),
    })
}

/// What has to be said about a table's opening balances.
fn notes(counts: &CountsRecord<'_>, language: Language) -> Vec<String> {
    let Some(opening) = &counts.opening else {
        return Vec::new();
    };
    let mut notes = Vec::new();
    if !opening.sources.is_empty() {
        let label = language.pick("Nguồn số liệu kế thừa", "Sources of opening balances");
        notes.push(format!("{label}: {}", opening.sources.join("; ")));
    }
    if opening.left_out > 0 {
        let label = language.pick("Số liệu kế thừa không tính", "Opening balances left out");
        notes.push(format!("{label}: {}", grouped(opening.left_out, language)));
    }
    notes
}

impl<'a> Columns<'a> {
    fn of(name: &str, counts: &CountsRecord<'a>, language: Language, detail: Detail) -> Self {
        let by = counts.by.unwrap_or_default();
        let opening = counts.opening.as_ref();
        let documents = name == "documents" && detail == Detail::Brief;
        let share = match by {
            "outcome" | "fault" => Some(counts.total.attempts),
            "hour" | "day" | "week" | "month" => None,
            _ => Some(counts.total.transactions),
        };
        Self {
            by,
            language,
            detail,
            titles: counts.all_rows().any(|row| row.title.is_some()),
            transactions: !documents,
            share: share.filter(|_| !documents),
            measures: counts.measure_names(),
            opening: !documents && opening.is_some_and(|it| it.transactions > 0),
            opening_measures: counts.opening_measure_names(),
        }
    }

    fn headings(&self) -> Vec<Heading> {
        let language = self.language;
        let mut headings = vec![Heading::words(dimension_heading(self.by, language))];
        if self.titles {
            headings.push(Heading::words(language.pick("tên", "name")));
        }
        let mut number = |text: &str| headings.push(Heading::number(text));
        if self.transactions {
            number(language.pick("giao dịch", "transactions"));
        }
        let opening = language.pick("kế thừa", "opening");
        let both = language.pick("cả kế thừa", "with opening");
        if self.opening {
            number(opening);
            number(both);
        }
        if self.share.is_some() {
            number(language.pick("tỷ lệ", "share"));
        }
        if self.transactions {
            number(language.pick("cuộc gọi", "attempts"));
        }
        for name in self.all_measures() {
            let noun = measure_noun(name, language).unwrap_or(name);
            number(noun);
            if self.opening_measures.contains(&name) {
                number(&format!("{noun}: {opening}"));
                number(&format!("{noun}: {both}"));
            }
        }
        if self.detail == Detail::Full {
            let outcomes = OutcomesRecord::default().each();
            outcomes
                .iter()
                .for_each(|(name, _)| number(&key_words("outcome", name, language)));
            let fixed = full_headings(language);
            fixed.iter().for_each(|name| number(name));
        }
        headings
    }

    /// Measures that were counted or came with opening balances, each once.
    fn all_measures(&self) -> Vec<&'a str> {
        let more = self.opening_measures.iter();
        let more = more.filter(|name| !self.measures.contains(name));
        self.measures.iter().chain(more).copied().collect()
    }

    fn row(&self, row: &RowRecord<'_>, key: Option<&str>) -> Vec<Cell> {
        let words = match key {
            Some(key) => key.to_owned(),
            None => key_words(self.by, row.key, self.language),
        };
        let key = match (self.by, key) {
            ("day", None) => Cell::Day {
                iso: row.key.to_owned(),
                words,
            },
            _ => Cell::Words(words),
        };
        self.cells(key, row.title, &row.counts, row.opening.as_ref())
    }

    fn total(&self, counts: &CountsRecord<'_>) -> Vec<Cell> {
        let key = Cell::Words(self.language.pick("tổng", "total").to_owned());
        self.cells(key, None, &counts.total, counts.opening.as_ref())
    }

    fn cells(
        &self,
        key: Cell,
        title: Option<&str>,
        counts: &CountRecord<'_>,
        opening: Option<&OpeningRecord<'_>>,
    ) -> Vec<Cell> {
        let mut cells = vec![key];
        if self.titles {
            cells.push(Cell::Words(title.unwrap_or_default().to_owned()));
        }
        if self.transactions {
            cells.push(number(counts.transactions));
        }
        let before = u128::from(opening.map_or(0, |it| it.transactions));
        if self.opening {
            cells.push(number(before));
            cells.push(number(before + u128::from(counts.transactions)));
        }
        if let Some(whole) = self.share {
            let part = match self.by {
                "outcome" | "fault" => counts.attempts,
                _ => counts.transactions,
            };
            let (part, whole) = (part.into(), whole.into());
            cells.push(Cell::Share { part, whole });
        }
        if self.transactions {
            cells.push(number(counts.attempts));
        }
        for name in self.all_measures() {
            let sum = counts.measures.get(name).copied().unwrap_or(0);
            cells.push(number(sum));
            if self.opening_measures.contains(&name) {
                let before = opening.and_then(|it| it.measures.get(name).copied());
                let before = before.unwrap_or(0);
                cells.push(number(before));
                cells.push(number(before.saturating_add(sum)));
            }
        }
        if self.detail == Detail::Full {
            cells.extend(full(counts));
        }
        cells
    }
}

/// What [`full`] puts behind the outcomes.
fn full_headings(language: Language) -> [&'static str; 8] {
    language.pick(
        [
            "byte yêu cầu",
            "byte trả lời",
            "thông điệp yêu cầu",
            "thông điệp trả lời",
            "p50 ms",
            "p90 ms",
            "p99 ms",
            "tối đa ms",
        ],
        [
            "request bytes",
            "response bytes",
            "request messages",
            "response messages",
            "p50 ms",
            "p90 ms",
            "p99 ms",
            "max ms",
        ],
    )
}

/// Everything else that was counted.
fn full(counts: &CountRecord<'_>) -> impl Iterator<Item = Cell> {
    let outcomes = counts.outcomes.each().map(|(_, count)| number(count));
    let sizes = [
        counts.request_bytes,
        counts.response_bytes,
        counts.request_messages,
        counts.response_messages,
    ];
    let durations: [fn(&DurationsRecord) -> u64; 4] = [
        |it| it.p50_us,
        |it| it.p90_us,
        |it| it.p99_us,
        |it| it.max_us,
    ];
    let timed = counts.durations.as_ref();
    let durations = durations.map(|of| timed.map_or(Cell::Nothing, |it| Cell::Duration(of(it))));
    outcomes
        .into_iter()
        .chain(sizes.map(number))
        .chain(durations)
}
