//! The demonstration's last screen, in the language of the report.

use ndxp_proto::statistics::v1::{CountResponse, CountRow};
use ndxp_report::{Language, grouped};
use ndxp_sim::Tally;

use crate::commands::demo::comparison::{Comparison, Threefold};
use crate::output::{table, trimmed};

pub struct Screen {
    pub language: Language,
}

/// Connections shown.
const BUSIEST: usize = 10;

/// Differences and surprises shown.
const SHOWN_MAX: usize = 10;

impl Screen {
    /// The connections with the most transactions, by how long they took.
    pub fn busiest(&self, connections: &CountResponse) -> String {
        let mut rows: Vec<&CountRow> = connections.rows.iter().collect();
        rows.sort_by_key(|row| std::cmp::Reverse(transactions(row)));
        let title = self.pick(
            "Mười kết nối nhiều giao dịch nhất",
            "The ten busiest connections",
        );
        let mut table = table(
            &[
                self.pick("kết nối", "connection"),
                self.pick("giao dịch", "transactions"),
                self.pick("cuộc gọi", "attempts"),
                "p50 ms",
                "p99 ms",
            ],
            1,
        );
        for row in rows.into_iter().take(BUSIEST) {
            let counts = row.counts.clone().unwrap_or_default();
            let durations = counts.durations.unwrap_or_default();
            table.add_row([
                row.key.clone(),
                self.number(counts.transactions),
                self.number(counts.attempts),
                self.milliseconds(durations.p50_us),
                self.milliseconds(durations.p99_us),
            ]);
        }
        format!("{title}\n\n{}", trimmed(&table))
    }

    /// The three counts beside each other, and what they come to.
    pub fn comparison(&self, comparison: &Comparison) -> String {
        let headings = [
            self.pick("kết quả", "outcome"),
            self.pick("các bên tự đếm", "participants"),
            self.pick("bộ đếm của hub", "hub's counters"),
            self.pick("đếm lại nhật ký", "recount of the journal"),
            "",
        ];
        let mut table = table(&headings, 1);
        let mut row = |name: &str, counts: Threefold| {
            let Threefold {
                participants,
                counters,
                recount,
            } = counts;
            let mark = if counts.is_equal() { "=" } else { "≠" };
            let numbers = [participants, counters, recount].map(|count| self.number(count));
            let [participants, counters, recount] = numbers;
            table.add_row([
                name.to_owned(),
                participants,
                counters,
                recount,
                mark.to_owned(),
            ]);
        };
        let mut sum = Threefold::default();
        for (outcome, counts) in &comparison.outcomes {
            row(outcome.as_str(), *counts);
            sum.participants += counts.participants;
            sum.counters += counts.counters;
            sum.recount += counts.recount;
        }
        row(self.pick("tổng", "total"), sum);
        let mut lines = vec![trimmed(&table), String::new(), self.tests(comparison)];
        let unequal = comparison.unequal_pairs.iter().take(SHOWN_MAX);
        lines.extend(unequal.map(|(pair, counts)| {
            let Threefold {
                participants,
                counters,
                recount,
            } = counts;
            format!("≠ {pair}: {participants} / {counters} / {recount}")
        }));
        let measures = comparison.unequal_measures.iter();
        lines.extend(measures.map(|(name, stated, held)| format!("≠ {name}: {stated} / {held}")));
        lines.push(self.conclusion(comparison));
        lines.join("\n")
    }

    fn tests(&self, comparison: &Comparison) -> String {
        let made = self.number(comparison.tests.participants);
        let journaled = self.number(comparison.tests.recount);
        match self.language {
            Language::Vietnamese => format!(
                "Cuộc gọi thử nghiệm: {made} đã gọi, {journaled} trong nhật ký, không tính vào số liệu."
            ),
            Language::English => {
                format!("Test calls: {made} made, {journaled} in the journal, counted nowhere.")
            }
        }
    }

    fn conclusion(&self, comparison: &Comparison) -> String {
        let pairs = comparison.pairs;
        if comparison.is_equal() {
            return match self.language {
                Language::Vietnamese => format!(
                    "BẰNG NHAU: các bên tham gia, bộ đếm và nhật ký cùng một số, theo từng kết quả \
                     và từng kết nối ({pairs} cặp)."
                ),
                Language::English => format!(
                    "EQUAL: participants, counters and journal say the same, outcome by outcome and \
                     connection by connection ({pairs} pairs)."
                ),
            };
        }
        let unequal = comparison.unequal_pairs.len();
        let clean = if comparison.clean {
            "clean"
        } else {
            "NOT clean"
        };
        let unknown = comparison.unknown;
        format!(
            "NOT EQUAL: {unequal} of {pairs} pairs of connection and outcome differ; {unknown} \
             calls of unknown ending; verify is {clean}"
        )
    }

    fn number(&self, value: u64) -> String {
        grouped(value, self.language)
    }

    /// Microseconds as milliseconds with one place.
    fn milliseconds(&self, us: u64) -> String {
        let tenths = us.saturating_add(50) / 100;
        let mark = self.pick(",", ".");
        format!("{}{mark}{}", self.number(tenths / 10), tenths % 10)
    }

    fn pick<'a>(&self, vietnamese: &'a str, english: &'a str) -> &'a str {
        match self.language {
            Language::Vietnamese => vietnamese,
            Language::English => english,
        }
    }
}

fn transactions(row: &CountRow) -> u64 {
    row.counts.as_ref().map_or(0, |counts| counts.transactions)
}

/// Calls that ended otherwise than the plan expected; empty when there were none.
pub fn surprises(tally: &Tally) -> String {
    if tally.surprised == 0 {
        return String::new();
    }
    let mut text = format!("{} calls ended otherwise than planned:\n", tally.surprised);
    for surprise in tally.surprises.iter().take(SHOWN_MAX) {
        let (call, ending) = (&surprise.call, &surprise.ending);
        text.push_str(&format!(
            "  {} {:?}: expected {}, {:?} {:?} after {:?}: {}\n",
            call.target,
            call.action,
            call.expected,
            ending.seen,
            ending.code,
            ending.took,
            ending.message
        ));
    }
    text
}
