//! An answer explained: what was counted, from when to when, from which part of the journal, how
//! far the counters had come, and what of it a previous platform had counted. It is what a
//! reader needs to check a number, and what two readers compare when their numbers differ.

use std::fmt::Write as _;

use ndxp_proto::statistics::v1::{ComparisonKind, CountResponse, Figure, Opening, Proof};

use crate::change::Change;
use crate::escape::plain;
use crate::numbers::{grouped, percent, wide};
use crate::proof::ReadProof;
use crate::{Language, RenderError};

/// What can be explained.
#[derive(Clone, Copy, Debug)]
pub enum Explained<'a> {
    Counts(&'a CountResponse),
    Figure(&'a Figure),
}

impl<'a> From<&'a CountResponse> for Explained<'a> {
    fn from(response: &'a CountResponse) -> Self {
        Self::Counts(response)
    }
}

impl<'a> From<&'a Figure> for Explained<'a> {
    fn from(figure: &'a Figure) -> Self {
        Self::Figure(figure)
    }
}

/// The definition and the proof of an answer, as lines of `label: value`.
///
/// # Errors
/// When the answer comes without its proof, or its time zone is not known.
pub fn render_explanation<'a>(
    answer: impl Into<Explained<'a>>,
    language: Language,
) -> Result<String, RenderError> {
    let lines = match answer.into() {
        Explained::Counts(response) => of_counts(response, language)?,
        Explained::Figure(figure) => of_figure(figure, language)?,
    };
    let mut text = String::new();
    for (label, value) in lines {
        let _ = writeln!(text, "{label}: {}", plain(&value));
    }
    Ok(text)
}

type Line = (&'static str, String);

fn of_counts(response: &CountResponse, language: Language) -> Result<Vec<Line>, RenderError> {
    let mut lines = Vec::new();
    if let Some(definition) = &response.definition {
        lines.extend(definition_lines(
            (
                &definition.name,
                &definition.definition_vi,
                &definition.definition_en,
            ),
            language,
        ));
    }
    let proof = response.proof.as_ref();
    lines.extend(ReadProof::of(proof, language)?.explanation());
    lines.push(mapping(response.by_successor, language));
    if let Some(opening) = &response.opening {
        lines.extend(opening_lines(opening, language));
    }
    Ok(lines)
}

/// What stands under a figure in a report: all that an explanation has, but the number, which the
/// report has said, and the other language.
pub(crate) fn proof_lines(figure: &Figure, language: Language) -> Result<Vec<Line>, RenderError> {
    let value = wide(figure.value_high, figure.value);
    let definition = language.pick(&figure.definition_vi, &figure.definition_en);
    let mut lines = vec![
        (language.pick("Mã số liệu", "Figure"), figure.name.clone()),
        (
            language.pick("Định nghĩa", "Definition"),
            definition.clone(),
        ),
    ];
    lines.extend(number_lines(figure, value, language));
    lines.extend(ReadProof::of(figure.proof.as_ref(), language)?.lines());
    lines.extend(comparison_lines(figure, language)?);
    Ok(lines)
}

fn of_figure(figure: &Figure, language: Language) -> Result<Vec<Line>, RenderError> {
    let value = wide(figure.value_high, figure.value);
    let mut lines = definition_lines(
        (&figure.name, &figure.definition_vi, &figure.definition_en),
        language,
    );
    if !figure.unit.is_empty() {
        lines.push((language.pick("Đơn vị tính", "Unit"), figure.unit.clone()));
    }
    lines.push((language.pick("Giá trị", "Value"), grouped(value, language)));
    lines.extend(number_lines(figure, value, language));
    lines.extend(ReadProof::of(figure.proof.as_ref(), language)?.explanation());
    lines.extend(comparison_lines(figure, language)?);
    Ok(lines)
}

/// What belongs to the number: its share, who is missing from it, the days of an average, and what
/// a previous platform had counted.
fn number_lines(figure: &Figure, value: u128, language: Language) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(share) = percent(value, figure.out_of, language) {
        let share = format!("{}/{} ({share})", figure.value, figure.out_of);
        lines.push((language.pick("Tỷ lệ", "Share"), share));
    }
    if !figure.missing.is_empty() {
        let missing = figure.missing.join(", ");
        lines.push((language.pick("Còn thiếu", "Missing"), missing));
    }
    if let Some(words) = opening_of(figure, language) {
        lines.push((language.pick("Số liệu kế thừa", "Opening balances"), words));
    }
    if figure.opening_left_out > 0 {
        let opening = Opening {
            left_out: figure.opening_left_out,
            ..Opening::default()
        };
        lines.extend(left_out(&opening, language));
    }
    if figure.days > 0 {
        let label = language.pick("Số ngày chia", "Days divided by");
        lines.push((label, grouped(figure.days, language)));
    }
    lines
}

fn definition_lines(
    (name, vietnamese, english): (&str, &str, &str),
    language: Language,
) -> Vec<Line> {
    let mut lines = vec![(language.pick("Mã số liệu", "Figure"), name.to_owned())];
    let own = language.pick(vietnamese, english);
    let other = language.pick(english, vietnamese);
    let labels = language.pick(
        ["Định nghĩa", "Định nghĩa (tiếng Anh)"],
        ["Definition", "Definition (Vietnamese)"],
    );
    for (label, text) in labels.into_iter().zip([own, other]) {
        if !text.is_empty() {
            lines.push((label, text.to_owned()));
        }
    }
    lines
}

fn mapping(by_successor: bool, language: Language) -> Line {
    let words = match by_successor {
        true => language.pick(
            "theo cơ quan kế thừa: số liệu của cơ quan đã giải thể, sáp nhập tính cho cơ quan \
             kế thừa",
            "by successor: what members that have closed did counts as their successors'",
        ),
        false => language.pick(
            "như tại thời điểm phát sinh",
            "as it was: under the codes of the time",
        ),
    };
    (
        language.pick("Mã cơ quan", "Member codes"),
        words.to_owned(),
    )
}

fn opening_lines(opening: &Opening, language: Language) -> Vec<Line> {
    let label = language.pick("Số liệu kế thừa", "Opening balances");
    let transactions = grouped(opening.transactions, language);
    let mut parts = vec![match language {
        Language::Vietnamese => format!("{transactions} giao dịch"),
        Language::English => format!("{transactions} transactions"),
    }];
    parts.extend(opening.measures.iter().map(|measure| {
        let sum = wide(measure.value_high, measure.value);
        format!("{} {}", grouped(sum, language), measure.name)
    }));
    let mut lines = vec![(label, parts.join(", "))];
    let sources = language.pick("Nguồn số liệu kế thừa", "Sources of opening balances");
    lines.extend(opening.sources.iter().map(|it| (sources, it.clone())));
    lines.extend(left_out(opening, language));
    lines
}

/// That balances overlap the period without lying within it, and so are not in the number.
pub(crate) fn left_out(opening: &Opening, language: Language) -> Option<Line> {
    let label = language.pick("Số liệu kế thừa không tính", "Opening balances left out");
    let why = language.pick(
        "chỉ trùng một phần với kỳ số liệu",
        "overlap the period without lying within it",
    );
    (opening.left_out > 0).then(|| (label, format!("{} {why}", opening.left_out)))
}

/// How much of a figure a previous platform had counted, and who says so. `None` of none.
pub(crate) fn opening_of(figure: &Figure, language: Language) -> Option<String> {
    if figure.opening == 0 && figure.opening_sources.is_empty() {
        return None;
    }
    let own = wide(figure.value_high, figure.value).saturating_sub(figure.opening.into());
    let (opening, own) = (grouped(figure.opening, language), grouped(own, language));
    let sources = match figure.opening_sources.join("; ") {
        none if none.is_empty() => none,
        named => format!(" ({}: {named})", language.pick("nguồn", "source")),
    };
    Some(match language {
        Language::Vietnamese => {
            format!("{opening} kế thừa từ nền tảng trước{sources}; {own} do nền tảng ghi nhận")
        }
        Language::English => format!(
            "{opening} counted by a previous platform{sources}; {own} counted from the journal"
        ),
    })
}

fn comparison_lines(figure: &Figure, language: Language) -> Result<Vec<Line>, RenderError> {
    let Some(comparison) = &figure.comparison else {
        return Ok(Vec::new());
    };
    let label = match comparison.kind() {
        ComparisonKind::YearBefore => language.pick("So với cùng kỳ", "Against the year before"),
        ComparisonKind::Previous | ComparisonKind::Unspecified => {
            language.pick("So với kỳ trước", "Against the period before")
        }
    };
    let why = language.pick(&comparison.unavailable_vi, &comparison.unavailable_en);
    if !why.is_empty() {
        let none = language.pick("không so sánh được", "not to be compared");
        return Ok(vec![(label, format!("{none}: {why}"))]);
    }
    let change = Change {
        value: wide(figure.value_high, figure.value),
        base: wide(comparison.base_value_high, comparison.base_value),
    };
    let mut words = grouped(change.base, language);
    for part in [change.percent(language), change.ratio(language)] {
        let _ = write!(words, "; {}", part.as_deref().unwrap_or("–"));
    }
    let mut lines = vec![(label, words)];
    let proof: Option<&Proof> = comparison.base_proof.as_ref();
    if proof.is_some() {
        let base = language.pick("Kỳ so sánh", "Period compared with");
        lines.push((base, ReadProof::of(proof, language)?.period()));
    }
    if comparison.base_opening > 0 {
        let label = language.pick("Số liệu kế thừa của kỳ so sánh", "Opening balances of it");
        lines.push((label, grouped(comparison.base_opening, language)));
    }
    Ok(lines)
}
