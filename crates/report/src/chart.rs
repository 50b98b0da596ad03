//! Charts as SVG, drawn from the same counts as the tables beside them: columns for days and
//! months, bars for connections. They hold no script and refer to nothing outside, every text is
//! escaped, and a reader who cannot see them hears title and description.

use std::fmt::Write as _;

use ndxp_proto::statistics::v1::{CountRow, GetReportResponse};

use crate::Language;
use crate::escape::html;
use crate::grid::Grid;
use crate::numbers::{grouped, phrase, scaled};
use crate::words::key_words;

/// One column or bar.
#[derive(Debug)]
struct Point {
    /// What stands at the axis, and what is said of the point.
    label: String,
    words: String,
    value: u128,
    /// Of the value, what a previous platform counted: the lower part of a column.
    before: u128,
}

/// The most points that a chart can show side by side.
const POINTS_MAX: usize = 62;
/// The most bars below one another.
const BARS_MAX: usize = 20;
const LABEL_CHARS_MAX: usize = 96;

/// The chart of a table, where a chart helps: `days`, `months` and `connections` with rows.
pub(crate) fn of(report: &GetReportResponse, grid: &Grid, language: Language) -> Option<String> {
    let table = report.tables.iter().find(|it| it.name == grid.name)?;
    let rows = &table.counts.as_ref()?.rows;
    if rows.is_empty() {
        return None;
    }
    let name = grid.name.as_str();
    let point = |row: &CountRow| {
        let words = match name {
            "days" => key_words("day", &row.key, language),
            "months" => key_words("month", &row.key, language),
            _ => row.key.clone(),
        };
        let day = row.key.rsplit('-').next().map(str::to_owned);
        Point {
            label: day
                .filter(|_| name == "days")
                .unwrap_or_else(|| words.clone()),
            words,
            value: transactions(row),
            before: before(row),
        }
    };
    match name {
        "days" | "months" => {
            let shown = rows.len().saturating_sub(POINTS_MAX);
            let points: Vec<_> = rows.iter().skip(shown).map(point).collect();
            Some(columns(grid, &points, language))
        }
        "connections" => {
            let points: Vec<_> = rows.iter().take(BARS_MAX).map(point).collect();
            Some(bars(grid, &points, language))
        }
        _ => None,
    }
}

/// What was counted, and what a previous platform had.
fn transactions(row: &CountRow) -> u128 {
    let counted = row.counts.as_ref().map_or(0, |it| it.transactions);
    u128::from(counted) + before(row)
}

fn before(row: &CountRow) -> u128 {
    row.opening.as_ref().map_or(0, |it| it.transactions.into())
}

const WIDTH: usize = 760;
const LEFT: usize = 90;
const RIGHT: usize = 10;
const TOP: usize = 12;
const HEIGHT: usize = 200;
const LEGEND: usize = 20;
const STEPS: u128 = 4;

/// Columns over an axis of labels, with lines at quarters of a round maximum.
fn columns(grid: &Grid, points: &[Point], language: Language) -> String {
    let most = round_up(points.iter().map(|it| it.value).max().unwrap_or(0));
    let opening = points.iter().any(|it| it.before > 0);
    let legend = if opening { LEGEND } else { 0 };
    let mut svg = begin(grid, points, TOP + HEIGHT + 30 + legend, language);
    if opening {
        legend_of_openings(&mut svg, language);
    }
    for step in 0..=STEPS {
        let value = most / STEPS * step;
        let y = TOP + HEIGHT - part(value, most, HEIGHT);
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\" class=\"grid\"/>\n\
             <text x=\"{}\" y=\"{}\" class=\"end\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 6,
            y + 4,
            html(&phrase(value, language)),
        );
    }
    let room = (WIDTH - LEFT - RIGHT) / points.len().max(1);
    let thick = (room * 7 / 10).max(1);
    // Labels of about seven pixels a letter, as many as do not touch.
    let letters = points.iter().map(|it| it.label.chars().count()).max();
    let every = (letters.unwrap_or(1) * 7 + 6).div_ceil(room.max(1));
    for (place, point) in points.iter().enumerate() {
        let x = LEFT + place * room + (room - thick) / 2;
        let high = part(point.value, most, HEIGHT);
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{}\" width=\"{thick}\" height=\"{high}\" class=\"bar\">\
             <title>{}: {}</title></rect>",
            TOP + HEIGHT - high,
            html(&point.words),
            grouped(point.value, language),
        );
        let low = part(point.before, most, HEIGHT);
        if low > 0 {
            let _ = writeln!(
                svg,
                "<rect x=\"{x}\" y=\"{}\" width=\"{thick}\" height=\"{low}\" \
                 class=\"opening\"/>",
                TOP + HEIGHT - low,
            );
        }
        if place.is_multiple_of(every) {
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{}\" class=\"middle\">{}</text>",
                x + thick / 2,
                TOP + HEIGHT + 18,
                html(&point.label),
            );
        }
    }
    svg + "</svg>"
}

/// Which part of a column is whose.
fn legend_of_openings(svg: &mut String, language: Language) {
    let y = TOP + HEIGHT + 30;
    let words = language.pick(
        ["do nền tảng ghi nhận", "kế thừa từ nền tảng trước"],
        ["counted by the platform", "opening balances"],
    );
    for ((x, class), words) in [(LEFT, "bar"), (LEFT + 240, "opening")].iter().zip(words) {
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"12\" height=\"12\" class=\"{class}\"/>\n\
             <text x=\"{}\" y=\"{}\">{words}</text>",
            x + 18,
            y + 10,
        );
    }
}

const BAR: usize = 36;

/// Bars below one another, each under its label and before its number.
fn bars(grid: &Grid, points: &[Point], language: Language) -> String {
    let most = points.iter().map(|it| it.value).max().unwrap_or(0);
    let mut svg = begin(grid, points, points.len() * BAR + TOP, language);
    let room = WIDTH - 150;
    for (place, point) in points.iter().enumerate() {
        let y = TOP + place * BAR;
        let long = part(point.value, most, room);
        let _ = writeln!(
            svg,
            "<text x=\"0\" y=\"{}\">{}</text>\n\
             <rect x=\"0\" y=\"{}\" width=\"{long}\" height=\"14\" class=\"bar\"/>\n\
             <text x=\"{}\" y=\"{}\">{}</text>",
            y + 10,
            html(&shortened(&point.label)),
            y + 15,
            long + 6,
            y + 26,
            grouped(point.value, language),
        );
    }
    svg + "</svg>"
}

/// The drawing up to its first mark: size, title, and the points in words.
fn begin(grid: &Grid, points: &[Point], height: usize, language: Language) -> String {
    let name: String = grid.name.chars().filter(char::is_ascii_lowercase).collect();
    let most = points.iter().max_by_key(|it| it.value);
    let described = match (points.first(), points.last(), most) {
        (Some(first), Some(last), Some(most)) => {
            let (first, last, top) = (&first.words, &last.words, &most.words);
            let value = grouped(most.value, language);
            match language {
                Language::Vietnamese => format!(
                    "Số giao dịch, {} giá trị từ {first} đến {last}; lớn nhất: {top}, {value}. \
                     Bảng số liệu ở dưới.",
                    points.len(),
                ),
                Language::English => format!(
                    "Transactions, {} values from {first} to {last}; the largest: {top}, \
                     {value}. The table follows.",
                    points.len(),
                ),
            }
        }
        _ => String::new(),
    };
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-labelledby=\"chart-{name}-title chart-{name}-desc\">\n\
         <title id=\"chart-{name}-title\">{}</title>\n<desc id=\"chart-{name}-desc\">{}</desc>\n",
        html(&grid.title),
        html(&described),
    )
}

/// `length` × value / most, rounded down.
fn part(value: u128, most: u128, length: usize) -> usize {
    let scale = u128::try_from(length).unwrap_or(0);
    let (part, _) = scaled(value.min(most), most, scale).unwrap_or((0, false));
    usize::try_from(part).unwrap_or(0)
}

/// The next of 4, 8, 12, 20, 40 … above: a quarter of it is a round number.
fn round_up(value: u128) -> u128 {
    let mut ten: u128 = 1;
    loop {
        for step in [4, 8, 12, 20, 28] {
            match ten.checked_mul(step) {
                Some(round) if round >= value => return round,
                Some(_) => {}
                None => return value,
            }
        }
        ten = ten.saturating_mul(10);
    }
}

fn shortened(label: &str) -> String {
    match label.char_indices().nth(LABEL_CHARS_MAX) {
        Some((end, _)) => format!("{}…", label.get(..end).unwrap_or_default()),
        None => label.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_ends_at_a_round_number_above_the_largest_value() {
        let rows = [
            (0, 4),
            (4, 4),
            (5, 8),
            (13, 20),
            (29, 40),
            (471_000, 800_000),
            (u128::MAX, u128::MAX),
        ];
        for (value, wanted) in rows {
            assert_eq!(round_up(value), wanted, "{value}");
        }
    }

    #[test]
    fn a_part_is_never_longer_than_the_whole() {
        assert_eq!(part(0, 0, 200), 0);
        assert_eq!(part(5, 0, 200), 0);
        assert_eq!(part(1, 3, 200), 66);
        assert_eq!(part(u128::MAX, u128::MAX, 200), 200);
        assert_eq!(part(9, 3, 200), 200);
    }
}
