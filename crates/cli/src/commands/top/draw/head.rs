//! What the whole platform does: totals of today, the rate, how long it takes, and how calls
//! ended.

use std::time::Duration;

use ndxp_report::{Language, grouped};
use ratatui::style::{Color, Style};

use super::{Pen, bold};
use crate::commands::top::screen::{Line, Screen};
use crate::commands::top::words::{bytes, milliseconds, outcome, pick, share, tenths};

/// As many rows as there are outcomes.
pub const ROWS: u16 = 7;

/// Columns: values end here, and so do those of the outcomes, which need this width.
const VALUE_END: u16 = 38;
const OUTCOME: u16 = 42;
const OUTCOME_COUNT_END: u16 = 70;
const OUTCOME_SHARE_END: u16 = 78;
const OUTCOME_RATE_END: u16 = 94;

pub fn draw(screen: &Screen, now: Duration, pen: &mut Pen<'_>) {
    let lines = totals(screen, now);
    let wide = pen.area.width >= OUTCOME_SHARE_END;
    let language = screen.language;
    let attempts = screen.total.as_ref().map_or(0, |it| it.counts.attempts);
    for (index, (label, value)) in lines.iter().enumerate() {
        pen.at(1, label, Style::new());
        pen.ending(VALUE_END, value, bold());
        if let Some(ending) = screen.outcomes.get(index).filter(|_| wide) {
            let style = if ending.count > 0 && index > 0 {
                Style::new().fg(Color::Red)
            } else {
                Style::new()
            };
            pen.at(OUTCOME, outcome(ending.outcome, language), style);
            pen.ending(OUTCOME_COUNT_END, &grouped(ending.count, language), style);
            let share = share(ending.count, attempts, language);
            pen.ending(OUTCOME_SHARE_END, &share, style);
            if pen.area.width >= OUTCOME_RATE_END {
                let rate = ending.track.rate_tenths(screen.heard(now));
                let per_second = pick(language, "/giây", "/s");
                let rate = format!("{}{per_second}", tenths(rate, language));
                pen.ending(OUTCOME_RATE_END, &rate, style);
            }
        }
        pen.skip();
    }
}

/// The same in one row, for a terminal with few.
pub fn draw_short(screen: &Screen, now: Duration, pen: &mut Pen<'_>) {
    let lines = totals(screen, now);
    let [(_, today), _, (_, rate), (errors_label, errors), ..] = &lines;
    let label = pick(screen.language, "hôm nay", "today");
    let text = format!(" {rate}  {label} {today}  {errors_label} {errors}");
    pen.line(0, &text, bold());
}

fn totals(screen: &Screen, now: Duration) -> [(&'static str, String); 7] {
    let language = screen.language;
    let word = |vietnamese, english| pick(language, vietnamese, english);
    let of = |value: fn(&Line, Language) -> String| {
        let total = screen.total.as_ref();
        total.map_or_else(|| "–".to_owned(), |line| value(line, language))
    };
    let rate = screen.total.as_ref();
    let rate = rate.and_then(|it| it.transactions.rate_tenths(screen.heard(now)));
    let duration = of(|line, language| {
        let durations = line
            .counts
            .durations
            .filter(|_| line.counts.transactions > 0);
        durations.map_or_else(
            || "–".to_owned(),
            |it| {
                let [p50, p99] = [it.p50_us, it.p99_us].map(|us| milliseconds(us, language));
                format!("{p50} / {p99} ms")
            },
        )
    });
    [
        (
            word("Giao dịch hôm nay", "Transactions today"),
            of(|line, language| grouped(line.counts.transactions, language)),
        ),
        (
            word("Cuộc gọi hôm nay", "Attempts today"),
            of(|line, language| grouped(line.counts.attempts, language)),
        ),
        (
            word("Hiện tại", "Now"),
            format!("{}{}", tenths(rate, language), word("/giây", "/s")),
        ),
        (
            word("Lỗi hôm nay", "Errors today"),
            of(|line, language| grouped(line.errors(), language)),
        ),
        (word("p50 / p99 hôm nay", "p50 / p99 today"), duration),
        (
            word("Gửi đi hôm nay", "Requests today"),
            of(|line, language| bytes(line.counts.request_bytes, language)),
        ),
        (
            word("Trả về hôm nay", "Responses today"),
            of(|line, language| bytes(line.counts.response_bytes, language)),
        ),
    ]
}
