//! A proof in words: the period and its zone, the journal range, how far the counters had come,
//! and whether the number is final.

use ndxp_model::{Instant, Zone};
use ndxp_proto::statistics::v1::Proof;

use crate::{Language, ReportError};

/// A proof read once: its zone found, its instants typed.
pub(crate) struct ReadProof<'a> {
    proof: &'a Proof,
    pub zone: Zone,
    language: Language,
}

impl<'a> ReadProof<'a> {
    pub(crate) fn of(proof: Option<&'a Proof>, language: Language) -> Result<Self, ReportError> {
        let proof = proof.ok_or(ReportError::Incomplete("the proof"))?;
        Ok(Self {
            proof,
            zone: proof.time_zone.parse()?,
            language,
        })
    }

    /// The proof as labelled lines, in the order in which a reader checks them.
    pub(crate) fn lines(&self) -> [(&'static str, String); 3] {
        let label = |vietnamese, english| self.language.pick(vietnamese, english);
        [
            (label("Kỳ số liệu", "Period"), self.period()),
            (label("Nhật ký", "Journal"), self.journal()),
            (label("Trạng thái kỳ", "State"), self.state().to_owned()),
        ]
    }

    /// How a sentence begins that is true up to [`Self::reached`].
    pub(crate) fn opening(&self) -> String {
        let language = self.language;
        if self.proof.watermark == 0 {
            let vietnamese = "Khi nhật ký chưa có bản ghi nào";
            return language
                .pick(vietnamese, "Before the journal's first entry")
                .to_owned();
        }
        format!("{} {}", language.pick("Tính đến", "By"), self.reached())
    }

    /// Up to when the number is true: the period's end once that is passed, else the last entry
    /// counted.
    pub(crate) fn reached(&self) -> String {
        let language = self.language;
        if !self.proof.closed {
            return language.minute(&self.zone, self.watermark_at());
        }
        let last = Instant::from_micros(self.to().as_micros().saturating_sub(1));
        let midnight = self.zone.local(self.to()).date() != self.zone.local(last).date();
        if midnight {
            let day = language.date(&self.zone, last);
            return format!("{}{day}", language.pick("hết ngày ", "the end of "));
        }
        language.minute(&self.zone, self.to())
    }

    pub(crate) fn from(&self) -> Instant {
        Instant::from_micros(self.proof.from_us)
    }

    fn to(&self) -> Instant {
        Instant::from_micros(self.proof.to_us)
    }

    fn watermark_at(&self) -> Instant {
        Instant::from_micros(self.proof.watermark_at_us)
    }

    fn period(&self) -> String {
        let language = self.language;
        let start = match self.proof.from_us {
            0 => language
                .pick("từ khi khai trương", "since launch")
                .to_owned(),
            _ => format!(
                "{} {}",
                language.pick("từ", "from"),
                language.minute(&self.zone, self.from())
            ),
        };
        let end = match self.proof.to_us {
            0 => language.pick("đến nay", "until now").to_owned(),
            _ => format!(
                "{} {}",
                language.pick("đến trước", "until before"),
                language.minute(&self.zone, self.to())
            ),
        };
        format!(
            "{start} {end}, {} {}",
            language.pick("múi giờ", "time zone"),
            self.proof.time_zone,
        )
    }

    fn journal(&self) -> String {
        let (proof, language) = (self.proof, self.language);
        let range = match (proof.first_sequence, proof.last_sequence) {
            (0, _) | (_, 0) => language.pick("không có bản ghi", "no entries").to_owned(),
            (first, last) => format!(
                "{} {first} {} {last}",
                language.pick("bản ghi", "entries"),
                language.pick("đến", "to"),
            ),
        };
        if proof.watermark == 0 {
            return range;
        }
        format!(
            "{range}; {} {}, {} {}",
            language.pick("đã tổng hợp đến bản ghi", "counted through entry"),
            proof.watermark,
            language.pick("ghi lúc", "committed at"),
            language.second(&self.zone, self.watermark_at()),
        )
    }

    fn state(&self) -> &'static str {
        if self.proof.closed {
            let closed = "đã đóng, số liệu không thay đổi nữa";
            self.language.pick(closed, "closed, the number is final")
        } else {
            let open = "chưa đóng, số liệu còn có thể thay đổi";
            self.language
                .pick(open, "open, the number may still change")
        }
    }
}
