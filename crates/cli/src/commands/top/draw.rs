//! The screen as text in a grid of cells. Pure over what the screen knows, so that a terminal, a
//! plain frame and a test get the same picture.

mod head;
mod rows;

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::{RenderDirection, Sparkline, SparklineBar, Widget as _};

use super::screen::{Link, Screen};
use super::track::Course;
use super::words::{begun, pick};

/// What a frame says beside what the screen knows.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// Since the screen began.
    pub now: Duration,
    /// The hub's local time, `2022-07-22 09:30:00`.
    pub local: &'a str,
}

/// Rows of the sparkline, without its heading.
const COURSE_ROWS: u16 = 3;

/// From this height on there is room for everything; below, for less.
const TALL: u16 = 24;
const LOW: u16 = 12;

pub fn draw(screen: &Screen, moment: Moment<'_>, area: Rect, cells: &mut Buffer) {
    let mut pen = Pen {
        cells,
        area,
        row: 0,
    };
    title(screen, moment, &mut pen);
    if area.height >= LOW {
        pen.skip();
        head::draw(screen, moment.now, &mut pen);
        pen.skip();
    } else {
        head::draw_short(screen, moment.now, &mut pen);
    }
    if area.height >= TALL {
        course(screen, &mut pen);
        pen.skip();
    }
    let footer = u16::from(area.height >= LOW);
    rows::draw(screen, moment.now, footer, &mut pen);
    if footer > 0 {
        keys(screen, &mut pen);
    }
}

/// So many rows show everything: for a frame that nobody can scroll.
pub fn height(screen: &Screen, rows_max: u16) -> u16 {
    let rows = u16::try_from(screen.rows.len()).unwrap_or(u16::MAX);
    let others = u16::from(screen.others.1.is_some());
    // Title, two blanks, the head, the course and its blank, the heading and the keys.
    let fixed = 1 + 2 + head::ROWS + 1 + COURSE_ROWS + 1 + 1 + 1;
    (fixed + rows.min(rows_max) + others).max(TALL)
}

/// The frame as lines of text, for where there is no terminal.
pub fn plain(cells: &Buffer) -> String {
    let width = usize::from(cells.area.width).max(1);
    let mut text = String::new();
    for row in cells.content().chunks(width) {
        let line: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn title(screen: &Screen, moment: Moment<'_>, pen: &mut Pen<'_>) {
    let language = screen.language;
    let state = match &screen.link {
        Link::Connecting => pick(language, "đang kết nối", "connecting").to_owned(),
        Link::Live => pick(language, "trực tiếp", "live").to_owned(),
        Link::Lost(since, why) => {
            let seconds = moment.now.saturating_sub(*since).as_secs();
            let words = pick(language, "đang kết nối lại", "reconnecting");
            format!("{words} ({seconds} s): {why}")
        }
    };
    let left = format!(" ndxp top · {} · {state}", screen.hub);
    let style = Style::new().add_modifier(Modifier::REVERSED);
    let (row, area) = (pen.y(), pen.area);
    if let Some(row) = row {
        pen.cells.set_style(
            Rect {
                y: row,
                height: 1,
                ..area
            },
            style,
        );
    }
    let right = format!("{} ", moment.local);
    let room = usize::from(area.width).saturating_sub(right.chars().count() + 1);
    if room >= left.chars().count().min(30) {
        pen.right(&right, style);
        pen.line(0, &begun(&left, room), style);
    } else {
        pen.line(0, &begun(&left, area.width.into()), style);
    }
}

fn course(screen: &Screen, pen: &mut Pen<'_>) {
    let columns = screen.course.columns(pen.area.width.into());
    let peak = columns.iter().copied().flatten().max().unwrap_or(0);
    let language = screen.language;
    let heading = pick(
        language,
        "Giao dịch/giây, 5 phút gần nhất; cao nhất",
        "Transactions/s, last 5 minutes; peak",
    );
    debug_assert_eq!(Course::SECONDS, 300, "the heading says five minutes");
    let peak = ndxp_report::grouped(peak, language);
    pen.line(0, &format!("{heading} {peak}"), bold());
    let (Some(y), width) = (pen.y(), pen.area.width) else {
        return;
    };
    // The newest stands at the right edge.
    let newest_first = columns.iter().rev().map(|it| SparklineBar::from(*it));
    let place = Rect {
        y,
        width,
        height: COURSE_ROWS.min(pen.left()),
        x: pen.area.x,
    };
    Sparkline::default()
        .data(newest_first)
        .direction(RenderDirection::RightToLeft)
        .absent_value_symbol("·")
        .render(place, pen.cells);
    for _ in 0..COURSE_ROWS {
        pen.skip();
    }
}

fn keys(screen: &Screen, pen: &mut Pen<'_>) {
    let long = pick(
        screen.language,
        " q thoát  t giao dịch  r tốc độ  e lỗi  l độ trễ  b dữ liệu  v đảo thứ tự  ↑↓ cuộn",
        " q quit  t transactions  r rate  e errors  l latency  b bytes  v reverse  ↑↓ scroll",
    );
    let short = pick(
        screen.language,
        " q thoát  t r e l b sắp xếp  v đảo  ↑↓ cuộn",
        " q quit  t r e l b sort  v reverse  ↑↓ scroll",
    );
    pen.row = pen.area.height.saturating_sub(1);
    let fits = long.chars().count() <= usize::from(pen.area.width);
    let text = if fits { long } else { short };
    pen.line(0, text, Style::new().add_modifier(Modifier::DIM));
}

pub fn bold() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

/// Writes rows from above, and nothing beyond the area.
pub struct Pen<'a> {
    pub cells: &'a mut Buffer,
    pub area: Rect,
    row: u16,
}

impl Pen<'_> {
    /// The row that is written next, where there is one.
    pub fn y(&self) -> Option<u16> {
        (self.row < self.area.height).then(|| self.area.y + self.row)
    }

    /// Rows that are left.
    pub fn left(&self) -> u16 {
        self.area.height.saturating_sub(self.row)
    }

    pub fn skip(&mut self) {
        self.row = self.row.saturating_add(1);
    }

    /// Writes from this column on, and goes on to the next row.
    pub fn line(&mut self, column: u16, text: &str, style: Style) {
        self.at(column, text, style);
        self.skip();
    }

    /// Writes from this column on, and stays in the row.
    pub fn at(&mut self, column: u16, text: &str, style: Style) {
        let Some(y) = self.y() else { return };
        let room = self.area.width.saturating_sub(column);
        if room > 0 {
            let x = self.area.x + column;
            self.cells.set_stringn(x, y, text, room.into(), style);
        }
    }

    /// Writes so that the text ends in front of this column, and stays in the row.
    pub fn ending(&mut self, column: u16, text: &str, style: Style) {
        let width = u16::try_from(text.chars().count()).unwrap_or(u16::MAX);
        self.at(column.saturating_sub(width), text, style);
    }

    fn right(&mut self, text: &str, style: Style) {
        self.ending(self.area.width, text, style);
    }
}

#[cfg(test)]
mod tests;
