//! The report as a workbook: a sheet of the figures, one for each table, and one of the proofs.
//! Numbers are numbers, and those that a spreadsheet would round (above 2^53) stand as text in
//! full. No text is a formula. The same report gives the same bytes: the only date in the file is
//! the cut-off.

use ndxp_model::Instant;
use ndxp_proto::statistics::v1::GetReportResponse;
use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet,
    XlsxError,
};

use crate::escape::plain;
use crate::explain::proof_lines;
use crate::figure_records::titles;
use crate::grid::{Cell, Grid, Heading};
use crate::tables::{Detail, grids};
use crate::words::sheet_name;
use crate::{Language, RenderError};

/// Numbers up to here are exact in a spreadsheet, which counts in IEEE 754 doubles.
const EXACT_MAX: u128 = 1 << 53;
/// Excel's limit for the text of a cell is 32,767 UTF-16 units.
const TEXT_CHARS_MAX: usize = 16_000;
/// Excel's limit for a sheet's name.
const NAME_CHARS_MAX: usize = 31;
const WIDTH_CHARS_MAX: usize = 60;

/// The workbook's bytes.
pub(crate) fn render_xlsx(
    report: &GetReportResponse,
    language: Language,
) -> Result<Vec<u8>, RenderError> {
    let mut workbook = Workbook::new();
    let created = ExcelDateTime::from_timestamp(seconds(report.cut_off_us))?;
    let title = language.pick("Báo cáo số liệu nền tảng", "Report of the platform");
    let properties = DocProperties::new()
        .set_title(format!("{title} {}", plain(&report.month)))
        .set_creation_datetime(&created);
    workbook.set_properties(&properties);
    let styles = Styles::new();
    let mut names = Vec::new();
    for grid in grids(report, language, Detail::Full)? {
        let sheet = workbook.add_worksheet();
        sheet.set_name(free_name(&grid, &mut names, language))?;
        write_grid(sheet, &grid, &styles)?;
    }
    let proofs = proofs(report, language)?;
    let sheet = workbook.add_worksheet();
    sheet.set_name(free_name(&proofs, &mut names, language))?;
    write_grid(sheet, &proofs, &styles)?;
    Ok(workbook.save_to_buffer()?)
}

/// A spreadsheet knows no time before 1970 here and none after 9999.
fn seconds(micros: i64) -> i64 {
    Instant::from_micros(micros)
        .as_micros()
        .div_euclid(1_000_000)
        .clamp(0, 253_402_300_799)
}

struct Styles {
    header: Format,
    number: Format,
    percent: Format,
    ratio: Format,
    milliseconds: Format,
    date: Format,
    text: Format,
}

impl Styles {
    fn new() -> Self {
        let header = Format::new()
            .set_bold()
            .set_background_color(Color::RGB(0x00d9_e2f3))
            .set_border_bottom(FormatBorder::Thin)
            .set_align(FormatAlign::Top)
            .set_text_wrap();
        Self {
            header,
            number: Format::new().set_num_format("#,##0"),
            percent: Format::new().set_num_format("0.0%"),
            ratio: Format::new().set_num_format("0.00"),
            milliseconds: Format::new().set_num_format("#,##0.0"),
            date: Format::new().set_num_format("dd/mm/yyyy"),
            text: Format::new()
                .set_num_format("@")
                .set_align(FormatAlign::Top),
        }
    }
}

/// A name that Excel takes, and that no sheet before has.
fn free_name(grid: &Grid, taken: &mut Vec<String>, language: Language) -> String {
    let wanted = sheet_name(&grid.name, language).unwrap_or(&grid.title);
    let allowed = |c: &char| !"[]:*?/\\'".contains(*c);
    let wanted: String = plain(wanted).chars().filter(allowed).collect();
    let wanted = match wanted.trim() {
        "" => "-",
        named => named,
    };
    let cut = |room: usize| wanted.chars().take(room).collect::<String>();
    let numbered = (2..).map(|number| format!("{} ({number})", cut(NAME_CHARS_MAX - 6)));
    let mut candidates = std::iter::once(cut(NAME_CHARS_MAX)).chain(numbered);
    let is_free = |name: &String| {
        !taken
            .iter()
            .any(|it| it.to_lowercase() == name.to_lowercase())
    };
    let name = candidates.find(is_free).unwrap_or_default();
    taken.push(name.clone());
    name
}

fn write_grid(sheet: &mut Worksheet, grid: &Grid, styles: &Styles) -> Result<(), XlsxError> {
    sheet.set_freeze_panes(1, 0)?;
    sheet.set_landscape();
    sheet.set_print_fit_to_pages(1, 0);
    sheet.set_repeat_rows(0, 0)?;
    for (column, heading) in (0..).zip(&grid.columns) {
        sheet.write_string_with_format(0, column, text(&heading.text), &styles.header)?;
        sheet.set_column_width(column, width(grid, column.into()))?;
    }
    let mut row = 1;
    for cells in &grid.rows {
        for (column, cell) in (0..).zip(cells) {
            write_cell(sheet, (row, column), cell, styles)?;
        }
        row += 1;
    }
    for note in &grid.notes {
        row += 1;
        sheet.write_string_with_format(row, 0, text(note), &styles.text)?;
    }
    Ok(())
}

fn write_cell(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    cell: &Cell,
    styles: &Styles,
) -> Result<(), XlsxError> {
    let mut number = |value: Option<f64>, style: &Format| {
        let written = value.map(|it| sheet.write_number_with_format(row, column, it, style));
        written.transpose().map(|_| ())
    };
    // Numbers of our own making: their text is what a double is read from.
    let read = |text: Option<String>| text.and_then(|text| text.parse::<f64>().ok());
    let hundredth = |percent: f64| percent / 100.0;
    match cell {
        Cell::Nothing => Ok(()),
        Cell::Number(value) if *value <= EXACT_MAX => {
            number(read(Some(value.to_string())), &styles.number)
        }
        Cell::Number(value) => {
            sheet.write_string_with_format(row, column, value.to_string(), &styles.text)?;
            Ok(())
        }
        Cell::Duration(micros) => {
            let micros = read(Some(micros.to_string()));
            number(micros.map(|it| it / 1_000.0), &styles.milliseconds)
        }
        Cell::Share { part, whole } => {
            let share = crate::numbers::scaled(*part, *whole, 1_000);
            let share = read(share.map(|(thousandths, _)| thousandths.to_string()));
            number(share.map(|it| it / 1_000.0), &styles.percent)
        }
        Cell::ChangePercent(change) => number(
            read(change.percent_number()).map(hundredth),
            &styles.percent,
        ),
        Cell::Ratio(change) => number(read(change.ratio_number()), &styles.ratio),
        Cell::Day { iso, words } => match ExcelDateTime::parse_from_str(iso) {
            Ok(date) => {
                sheet.write_datetime_with_format(row, column, &date, &styles.date)?;
                Ok(())
            }
            Err(_) => write_text(sheet, (row, column), words, styles),
        },
        Cell::Words(words) => write_text(sheet, (row, column), words, styles),
    }
}

fn write_text(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    words: &str,
    styles: &Styles,
) -> Result<(), XlsxError> {
    if !words.is_empty() {
        sheet.write_string_with_format(row, column, text(words), &styles.text)?;
    }
    Ok(())
}

fn text(words: &str) -> String {
    plain(words).chars().take(TEXT_CHARS_MAX).collect()
}

/// As wide as the longest text of the column, within reason.
fn width(grid: &Grid, column: usize) -> u32 {
    let heading = grid.columns.get(column).map(|it| it.text.chars().count());
    let cells = grid.rows.iter().filter_map(|row| row.get(column));
    let cells = cells.map(|cell| cell.text(Language::Vietnamese).chars().count());
    let widest = cells.chain(heading).max().unwrap_or(0);
    u32::try_from(widest.clamp(8, WIDTH_CHARS_MAX) + 2).unwrap_or(8)
}

/// Every figure with the lines of its proof.
fn proofs(report: &GetReportResponse, language: Language) -> Result<Grid, RenderError> {
    let mut rows = Vec::new();
    for figure in &report.figures {
        let [vietnamese, english] = titles(figure);
        let title = language.pick(vietnamese, english);
        for (label, value) in proof_lines(figure, language)? {
            rows.push(
                [title, label, &value]
                    .map(|text| Cell::Words(text.to_owned()))
                    .into(),
            );
        }
    }
    Ok(Grid {
        name: "proofs".to_owned(),
        title: String::new(),
        columns: vec![
            Heading::words(language.pick("số liệu", "figure")),
            Heading::words(language.pick("mục", "item")),
            Heading::words(language.pick("nội dung", "value")),
        ],
        rows,
        sums: 0,
        notes: Vec::new(),
    })
}
