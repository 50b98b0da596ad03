//! The busiest rows: names at the left, numbers at the right, and as many columns as fit.

use std::time::Duration;

use ndxp_report::{Language, grouped};
use ratatui::style::{Modifier, Style};

use super::{Pen, bold};
use crate::commands::top::screen::{Column, Line, Screen};
use crate::commands::top::words::{bytes, column, dimension, fitted, milliseconds, pick, tenths};

/// Columns in their order, with their widths; the last ones go first where there is no room.
const COLUMNS: [(Column, u16); 5] = [
    (Column::Transactions, 15),
    (Column::Rate, 11),
    (Column::Errors, 11),
    (Column::Latency, 11),
    (Column::Bytes, 11),
];

/// Names of fewer columns than these are no help.
const NAME_MIN: u16 = 24;

/// Draws down to the rows that are kept free for the footer.
pub fn draw(screen: &Screen, now: Duration, footer: u16, pen: &mut Pen<'_>) {
    let (columns, name) = fitting(pen.area.width);
    heading(screen, columns, name, pen);
    let others = screen.others.1.as_ref();
    let room = pen.left().saturating_sub(footer);
    let rows = usize::from(room.saturating_sub(u16::from(others.is_some())));
    for line in screen.rows.iter().skip(screen.scrolled).take(rows) {
        let text = match line.title.as_str() {
            "" => line.key.clone(),
            title => format!("{}  {title}", line.key),
        };
        row(screen, line, &text, now, columns, name, pen);
    }
    if let Some(line) = others.filter(|_| room > 0) {
        let language = screen.language;
        let many = grouped(screen.others.0, language);
        let text = pick(
            language,
            format!("{many} dòng khác"),
            format!("{many} others"),
        );
        row(screen, line, &text, now, columns, name, pen);
    }
}

/// The columns for which there is room beside a name, and the name's width.
fn fitting(width: u16) -> (&'static [(Column, u16)], u16) {
    for many in (0..=COLUMNS.len()).rev() {
        let columns = COLUMNS.get(..many).unwrap_or_default();
        let taken: u16 = columns.iter().map(|(_, width)| width).sum();
        if let Some(name) = width.checked_sub(taken).filter(|name| *name >= NAME_MIN) {
            return (columns, name);
        }
    }
    (&[], width)
}

fn heading(screen: &Screen, columns: &[(Column, u16)], name: u16, pen: &mut Pen<'_>) {
    let style = bold().add_modifier(Modifier::UNDERLINED);
    if let Some(y) = pen.y() {
        let area = ratatui::layout::Rect {
            y,
            height: 1,
            ..pen.area
        };
        pen.cells.set_style(area, style);
    }
    pen.at(1, dimension(screen.by, screen.language), style);
    let mut end = name;
    for (which, width) in columns {
        end += width;
        let (words, _) = column(*which, screen.language);
        let sorted = screen.order.column == *which;
        let text = match (sorted, screen.order.reversed) {
            (false, _) => words.to_owned(),
            (true, false) => format!("{words} ▼"),
            (true, true) => format!("{words} ▲"),
        };
        pen.ending(end, &text, style);
    }
    pen.skip();
}

fn row(
    screen: &Screen,
    line: &Line,
    text: &str,
    now: Duration,
    columns: &[(Column, u16)],
    name: u16,
    pen: &mut Pen<'_>,
) {
    let room = usize::from(name.saturating_sub(2));
    pen.at(1, &fitted(text, room), Style::new());
    let mut end = name;
    for (which, width) in columns {
        end += width;
        let value = cell(*which, line, screen.heard(now), screen.language);
        pen.ending(end, &value, Style::new());
    }
    pen.skip();
}

fn cell(which: Column, line: &Line, now: Duration, language: Language) -> String {
    match which {
        Column::Transactions => grouped(line.counts.transactions, language),
        Column::Rate => tenths(line.transactions.rate_tenths(now), language),
        Column::Errors => grouped(line.errors(), language),
        Column::Latency => {
            let durations = line
                .counts
                .durations
                .filter(|_| line.counts.transactions > 0);
            durations.map_or_else(|| "–".to_owned(), |it| milliseconds(it.p99_us, language))
        }
        Column::Bytes => bytes(line.bytes(), language),
    }
}
