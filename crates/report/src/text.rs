//! The report as text: the platform's paragraph in the words of official reports, then for each
//! figure the exact number and its proof. Pure over the figures, wherever they came from.

use std::fmt::Write as _;

use ndxp_proto::statistics::v1::Figure;

use crate::names::{self, Definition, definition};
use crate::numbers::{about, grouped, percent, phrase, stock};
use crate::proof::ReadProof;
use crate::{Language, ReportError};

/// The whole report: paragraph and proofs, ready to be handed in.
///
/// # Errors
/// When a figure that the paragraph cites, or a proof, is missing.
pub fn render_report(figures: &[Figure], language: Language) -> Result<String, ReportError> {
    let cited = Cited { figures, language };
    let title = language.pick(
        "KẾT QUẢ KẾT NỐI, CHIA SẺ DỮ LIỆU QUA NỀN TẢNG",
        "DATA EXCHANGE THROUGH THE PLATFORM",
    );
    let paragraph = match language {
        Language::Vietnamese => cited.vietnamese()?,
        Language::English => cited.english()?,
    };
    let heading = language.pick("Căn cứ của số liệu", "Proof of the figures");
    let mut text = format!("{title}\n\n{paragraph}\n\n{heading}\n");
    for (place, figure) in (1..).zip(figures) {
        let _ = write!(text, "\n{place}. {}", proven(figure, language)?);
    }
    Ok(text)
}

/// The figures of one report, to be cited by name in one language.
struct Cited<'a> {
    figures: &'a [Figure],
    language: Language,
}

impl<'a> Cited<'a> {
    fn vietnamese(&self) -> Result<String, ReportError> {
        let stocks = format!(
            "{}, nền tảng đã kết nối với hệ thống của {} cơ quan, đơn vị, gồm {} LGSP \
             của bộ, ngành, địa phương, {} cơ sở dữ liệu và {} hệ thống thông tin.",
            self.proof(names::MEMBERS_CONNECTED)?.opening(),
            self.stock(names::MEMBERS_CONNECTED)?,
            self.stock(names::SYSTEMS_LGSP)?,
            self.stock(names::SYSTEMS_DATABASE)?,
            self.stock(names::SYSTEMS_INFORMATION_SYSTEM)?,
        );
        let month = self.proof(names::TRANSACTIONS_MONTH)?;
        let transactions = format!(
            "Trong {}{}, số giao dịch thực hiện thông qua nền tảng là {} giao dịch; lũy kế từ \
             khi khai trương{} là {} giao dịch.",
            self.language.month(&month.zone, month.from()),
            self.other_cut_off(names::TRANSACTIONS_MONTH)?,
            self.amount(names::TRANSACTIONS_MONTH, phrase)?,
            self.other_cut_off(names::TRANSACTIONS_SINCE_LAUNCH)?,
            self.amount(names::TRANSACTIONS_SINCE_LAUNCH, phrase)?,
        );
        let per_day = format!(
            "Tính từ đầu năm {}, trung bình hằng ngày có {} giao dịch thực hiện thông qua nền \
             tảng.",
            self.year()?,
            self.amount(names::TRANSACTIONS_PER_DAY, about)?,
        );
        let coverage = self.coverage()?.map_or_else(String::new, |shares| {
            format!(" Đã có {} kết nối LGSP.", shares.join(" và "))
        });
        Ok(format!("{stocks}{coverage} {transactions} {per_day}"))
    }

    fn english(&self) -> Result<String, ReportError> {
        let stocks = format!(
            "{}, the platform had connected the systems of {}: {} of ministries, sectors and \
             provinces, {} and {}.",
            self.proof(names::MEMBERS_CONNECTED)?.opening(),
            self.items(names::MEMBERS_CONNECTED, "agency", "agencies")?,
            self.items(names::SYSTEMS_LGSP, "LGSP", "LGSPs")?,
            self.items(names::SYSTEMS_DATABASE, "database", "databases")?,
            self.items(
                names::SYSTEMS_INFORMATION_SYSTEM,
                "information system",
                "information systems"
            )?,
        );
        let month = self.proof(names::TRANSACTIONS_MONTH)?;
        let transactions = format!(
            "In {}{} the platform carried {}; since launch{} it has carried {}.",
            self.language.month(&month.zone, month.from()),
            self.other_cut_off(names::TRANSACTIONS_MONTH)?,
            self.transactions(names::TRANSACTIONS_MONTH, phrase)?,
            self.other_cut_off(names::TRANSACTIONS_SINCE_LAUNCH)?,
            self.transactions(names::TRANSACTIONS_SINCE_LAUNCH, phrase)?,
        );
        let per_day = format!(
            "Since the beginning of {} it has carried {} a day on average.",
            self.year()?,
            self.transactions(names::TRANSACTIONS_PER_DAY, about)?,
        );
        let coverage = self.coverage()?.map_or_else(String::new, |shares| {
            format!(" An LGSP was connected by {}.", shares.join(" and "))
        });
        Ok(format!("{stocks}{coverage} {transactions} {per_day}"))
    }

    /// A figure's own cut-off, said only where it is not the one that opens the paragraph.
    fn other_cut_off(&self, wanted: Definition) -> Result<String, ReportError> {
        let own = self.proof(wanted)?.reached();
        if own == self.proof(names::MEMBERS_CONNECTED)?.reached() {
            return Ok(String::new());
        }
        let until = self.language.pick("đến", "up to");
        Ok(format!(" ({until} {own})"))
    }

    /// How much of the ministries and provinces is connected; `None` where none is registered.
    fn coverage(&self) -> Result<Option<Vec<String>>, ReportError> {
        let language = self.language;
        let groups = [
            (
                names::COVERAGE_MINISTRIES,
                language.pick("bộ, cơ quan ngang bộ", "ministries"),
            ),
            (
                names::COVERAGE_PROVINCES,
                language.pick("tỉnh, thành phố", "provinces"),
            ),
        ];
        let mut shares = Vec::new();
        for (wanted, group) in groups {
            let figure = self.figure(wanted)?;
            if let Some(share) = percent(figure.value, figure.out_of, language) {
                let rate = language.pick("đạt tỷ lệ ", "");
                let of = format!("{}/{}", figure.value, figure.out_of);
                shares.push(format!("{of} {group} ({rate}{share})"));
            }
        }
        Ok((!shares.is_empty()).then_some(shares))
    }

    /// The number under its hedge, and the exact one behind it where they differ.
    fn amount(
        &self,
        wanted: Definition,
        shorten: fn(u128, Language) -> String,
    ) -> Result<String, ReportError> {
        let value = u128::from(self.figure(wanted)?.value);
        let short = shorten(value, self.language);
        let exact = grouped(value, self.language);
        if short == exact {
            return Ok(exact);
        }
        Ok(format!("{short} ({exact})"))
    }

    fn transactions(
        &self,
        wanted: Definition,
        shorten: fn(u128, Language) -> String,
    ) -> Result<String, ReportError> {
        let one = self.figure(wanted)?.value == 1;
        let noun = if one { "transaction" } else { "transactions" };
        Ok(format!("{} {noun}", self.amount(wanted, shorten)?))
    }

    fn stock(&self, wanted: Definition) -> Result<String, ReportError> {
        Ok(stock(self.figure(wanted)?.value, self.language))
    }

    fn items(&self, wanted: Definition, one: &str, many: &str) -> Result<String, ReportError> {
        let noun = if self.figure(wanted)?.value == 1 {
            one
        } else {
            many
        };
        Ok(format!("{} {noun}", self.stock(wanted)?))
    }

    /// The calendar year of the average.
    fn year(&self) -> Result<i16, ReportError> {
        let proof = self.proof(names::TRANSACTIONS_PER_DAY)?;
        Ok(proof.zone.local(proof.from()).year())
    }

    fn figure(&self, wanted: Definition) -> Result<&'a Figure, ReportError> {
        self.figures
            .iter()
            .find(|figure| figure.name == wanted.name)
            .ok_or(ReportError::MissingFigure(wanted.name))
    }

    fn proof(&self, wanted: Definition) -> Result<ReadProof<'a>, ReportError> {
        ReadProof::of(self.figure(wanted)?.proof.as_ref(), self.language)
    }
}

/// A figure with everything that a reader needs to check it.
fn proven(figure: &Figure, language: Language) -> Result<String, ReportError> {
    let proof = ReadProof::of(figure.proof.as_ref(), language)?;
    let title = definition(&figure.name).map_or(figure.name.as_str(), |known| {
        language.pick(known.title_vi, known.title_en)
    });
    let definition = language.pick(&figure.definition_vi, &figure.definition_en);
    let mut text = format!("{title}: {}\n", grouped(figure.value, language));
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(text, "   {label}: {value}");
    };
    line(language.pick("Mã số liệu", "Figure"), &figure.name);
    line(language.pick("Định nghĩa", "Definition"), definition);
    if let Some(share) = percent(figure.value, figure.out_of, language) {
        let share = format!("{}/{} ({share})", figure.value, figure.out_of);
        line(language.pick("Tỷ lệ", "Share"), &share);
    }
    if !figure.missing.is_empty() {
        let missing = figure.missing.join(", ");
        line(language.pick("Còn thiếu", "Missing"), &missing);
    }
    for (label, value) in proof.lines() {
        line(label, &value);
    }
    Ok(text)
}

/// Text on one line of a terminal or page: what would break the line, move the cursor or turn the
/// direction of writing is a space.
pub(crate) fn plain(text: &str) -> String {
    let unseen =
        |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.replace(unseen, " ")
}
