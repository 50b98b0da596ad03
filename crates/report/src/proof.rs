//! A proof in words: the period and its zone, the journal range, how far the counters had come,
//! and whether the number is final.

use ndxp_model::{Instant, Zone};
use ndxp_proto::statistics::v1::Proof;

use crate::{Language, RenderError};

/// A proof read once: its zone found, its instants typed.
pub(crate) struct ReadProof<'a> {
    proof: &'a Proof,
    pub zone: Zone,
    language: Language,
}

impl<'a> ReadProof<'a> {
    pub(crate) fn of(proof: Option<&'a Proof>, language: Language) -> Result<Self, RenderError> {
        let proof = proof.ok_or(RenderError::Incomplete("the proof"))?;
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

    /// The same with the period in UTC and the report's cut-off, for whoever checks the number
    /// elsewhere.
    pub(crate) fn explanation(&self) -> Vec<(&'static str, String)> {
        let label = |vietnamese, english| self.language.pick(vietnamese, english);
        let mut lines = vec![
            (label("Kỳ số liệu", "Period"), self.period()),
            (label("Kỳ số liệu (UTC)", "Period (UTC)"), self.period_utc()),
        ];
        if let Some(cut_off) = self.cut_off() {
            lines.push((label("Chốt số liệu", "Cut-off"), cut_off));
        }
        lines.push((label("Nhật ký", "Journal"), self.journal()));
        lines.push((label("Trạng thái kỳ", "State"), self.state().to_owned()));
        lines
    }

    /// The report's cut-off, local and in UTC. `None` for a number that stands for itself.
    pub(crate) fn cut_off(&self) -> Option<String> {
        let at = Instant::from_micros(self.proof.cut_off_us);
        let local = || self.language.minute(&self.zone, at);
        (self.proof.cut_off_us != 0).then(|| format!("{} ({at})", local()))
    }

    /// `[2022-06-30T17:00:00Z, 2022-07-22T17:00:00Z)`; an open end is `…`.
    pub(crate) fn period_utc(&self) -> String {
        let end = |micros| match micros {
            0 => "…".to_owned(),
            _ => Instant::from_micros(micros).to_string(),
        };
        format!("[{}, {})", end(self.proof.from_us), end(self.proof.to_us))
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

    pub(crate) fn closed(&self) -> bool {
        self.proof.closed
    }

    /// The local date on which the period begins.
    pub(crate) fn first_date(&self) -> String {
        self.language.date(&self.zone, self.from())
    }

    /// The local month in which the period begins: `tháng 6/2022`, `June 2022`.
    pub(crate) fn month_short(&self) -> String {
        let language = self.language;
        language
            .month(&self.zone, self.from())
            .replace(" năm ", "/")
    }

    pub(crate) fn from(&self) -> Instant {
        Instant::from_micros(self.proof.from_us)
    }

    pub(crate) fn to(&self) -> Instant {
        Instant::from_micros(self.proof.to_us)
    }

    fn watermark_at(&self) -> Instant {
        Instant::from_micros(self.proof.watermark_at_us)
    }

    pub(crate) fn period(&self) -> String {
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

    pub(crate) fn journal(&self) -> String {
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

    pub(crate) fn state(&self) -> &'static str {
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
