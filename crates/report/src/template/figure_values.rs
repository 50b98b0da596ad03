//! A figure as templates see it: the exact number and every way to say it, with its proof, its
//! opening balances and what it is compared with.

use minijinja::Value;
use ndxp_model::{Granularity, Instant, Period};
use ndxp_proto::statistics::v1::{Comparison, ComparisonKind, Figure, Proof};

use super::record::Record;
use crate::explain::{opening_of, proof_lines};
use crate::figure_records::{change_of, titles};
use crate::numbers::{about, grouped, percent, phrase, stock, wide};
use crate::proof::ReadProof;
use crate::{Language, RenderError, escape};

/// A figure of the report.
pub(super) fn figure_value(figure: &Figure, language: Language) -> Result<Value, RenderError> {
    let value = wide(figure.value_high, figure.value);
    let [title_vi, title_en] = titles(figure);
    let proof = ReadProof::of(figure.proof.as_ref(), language)?;
    let comparison = figure.comparison.as_ref();
    let comparison = comparison.map(|it| comparison_value(it, value, &proof, language));
    let lines = proof_lines(figure, language)?.into_iter();
    let lines: Vec<Value> = lines
        .map(|(label, text)| {
            let line = Record::new("line of a proof").with("label", label);
            line.with("text", text).into_value()
        })
        .collect();
    let opening = opening_of(figure, language);
    let record = Record::new(format!("figure {}", figure.name))
        .with("available", true)
        .with("name", figure.name.as_str())
        .with("title", language.pick(title_vi, title_en))
        .with(
            "definition",
            language.pick(figure.definition_vi.as_str(), &figure.definition_en),
        )
        .with("unit", figure.unit.as_str())
        .with("value", value)
        .with("grouped", grouped(value, language))
        .with("phrase", phrase(value, language))
        .with("about", about(value, language))
        .with("stock", stock(value, language))
        .with("cited", beside(phrase(value, language), value, language))
        .with("averaged", beside(about(value, language), value, language))
        .with("out_of", figure.out_of)
        .maybe("percent", percent(value, figure.out_of, language))
        .with("missing", figure.missing.clone())
        .maybe("days", (figure.days > 0).then_some(figure.days))
        .with("lines", lines)
        .with("proof", proof_value(&proof))
        .maybe(
            "opening",
            opening.map(|text| opening_value(figure, text, language)),
        )
        .maybe("comparison", comparison.transpose()?);
    Ok(record.into_value())
}

/// A figure or table that exists and that this report does not hold.
pub(super) fn absent(what: &str, name: &str) -> Value {
    Record::new(format!("{what} {name}"))
        .with("available", false)
        .with("name", name)
        .remedy("this report does not hold it: ask for .available first")
        .into_value()
}

/// The hedged number with the exact one behind it, where they differ.
fn beside(short: String, value: u128, language: Language) -> String {
    let exact = grouped(value, language);
    match short == exact {
        true => exact,
        false => format!("{short} ({exact})"),
    }
}

fn opening_value(figure: &Figure, text: String, language: Language) -> Value {
    let value = figure.opening.into();
    Record::new(format!("opening of figure {}", figure.name))
        .with("value", figure.opening)
        .with("grouped", grouped(figure.opening, language))
        .with("cited", beside(phrase(value, language), value, language))
        .with("sources", figure.opening_sources.clone())
        .with("left_out", figure.opening_left_out)
        .with("text", escape::plain(&text))
        .into_value()
}

fn proof_value(proof: &ReadProof<'_>) -> Value {
    let from = proof.zone.local(proof.from());
    let launched = proof.from() > Instant::EPOCH;
    Record::new("proof")
        .with("opening", proof.opening())
        .with("reached", proof.reached())
        .with("period", proof.period())
        .with("period_utc", proof.period_utc())
        .with("journal", proof.journal())
        .with("state", proof.state())
        .with("closed", proof.closed())
        .with("year", i64::from(from.year()))
        .with("month", i64::from(from.month()))
        .maybe("from", launched.then(|| proof.first_date()))
        .with("time_zone", proof.zone.name())
        .into_value()
}

fn comparison_value(
    comparison: &Comparison,
    value: u128,
    own: &ReadProof<'_>,
    language: Language,
) -> Result<Value, RenderError> {
    let unavailable = language.pick(&comparison.unavailable_vi, &comparison.unavailable_en);
    let change = change_of(comparison, value);
    let base = change.map(|it| it.base);
    let record = Record::new("comparison")
        .with("available", change.is_some())
        .with("unavailable", unavailable.as_str())
        .with("against", against(comparison, own, language)?)
        .maybe("base", base)
        .maybe("base_grouped", base.map(|it| grouped(it, language)))
        .maybe("percent", change.and_then(|it| it.percent(language)))
        .maybe("words", change.and_then(|it| it.words(language)))
        .maybe("ratio", change.and_then(|it| it.ratio(language)))
        .maybe("times", change.and_then(|it| it.times_words(language)));
    Ok(record.into_value())
}

/// The other period in words: `tháng 6/2022`, `22 ngày đầu tháng 6/2022`, `cùng kỳ năm 2021`.
fn against(
    comparison: &Comparison,
    own: &ReadProof<'_>,
    language: Language,
) -> Result<String, RenderError> {
    let year_before = comparison.kind() == ComparisonKind::YearBefore;
    let Some(base) = &comparison.base_proof else {
        let words = match year_before {
            true => language.pick("cùng kỳ năm trước", "the same period of the year before"),
            false => language.pick("kỳ trước", "the period before"),
        };
        return Ok(words.to_owned());
    };
    let read = ReadProof::of(Some(base), language)?;
    if year_before {
        let year = read.zone.local(read.from()).year();
        return Ok(match language {
            Language::Vietnamese => format!("cùng kỳ năm {year}"),
            Language::English => format!("the same period of {year}"),
        });
    }
    Ok(part_of_month(base, &read, own, language))
}

fn part_of_month(
    base: &Proof,
    read: &ReadProof<'_>,
    own: &ReadProof<'_>,
    language: Language,
) -> String {
    let zone = &read.zone;
    let period = Period {
        from: read.from(),
        to: Instant::from_micros(base.to_us),
    };
    let month = zone.bucket(Granularity::Month, period.from);
    let day = zone.bucket(Granularity::Day, period.to);
    let name = read.month_short();
    let is_month = zone.bucket(Granularity::Month, own.from()).from == own.from();
    if !is_month || period.from != month.from || period.to > month.to {
        return language.pick("kỳ trước", "the period before").to_owned();
    }
    if period.to == month.to {
        return name;
    }
    let days = zone.days(period);
    match (day.from == period.to, language) {
        (true, Language::Vietnamese) => format!("{days} ngày đầu {name}"),
        (true, Language::English) if days == 1 => format!("the first day of {name}"),
        (true, Language::English) => format!("the first {days} days of {name}"),
        (false, Language::Vietnamese) => format!("cùng thời gian của {name}"),
        (false, Language::English) => format!("the same part of {name}"),
    }
}
