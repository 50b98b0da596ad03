//! What is to be said in the end, from what the peers saw and what the hub has written down.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use ndxp_hub::memory::MemoryBound;
use ndxp_journal::{Kind, Reader};
use ndxp_model::{Sequence, TransactionId};
use ndxp_proto::journal::v1::Outcome;
use ndxp_proto::journal::v1::entry::Body;
use serde::Serialize;
use serde_json::Value;

use super::HONEST;
use super::honest::Tally;
use crate::bench::rows::{Form, count, mebibytes, print, row};

/// The hub's resident memory against what peers may make it take.
#[derive(Debug)]
pub struct Memory {
    bound: u64,
    /// Of the hub that serves now, before anybody called.
    own: u64,
    /// The most that any took beyond its own.
    taken: u64,
    /// The most that any had.
    most: u64,
}

impl Memory {
    /// Nobody asks on the control port here: its part is not used up.
    pub fn new(bound: &MemoryBound) -> Self {
        Self {
            bound: bound.bytes() - bound.control,
            own: 0,
            taken: 0,
            most: 0,
        }
    }

    pub fn begins(&mut self, resident: u64) {
        self.own = resident;
    }

    pub fn sees(&mut self, resident: u64) {
        self.most = self.most.max(resident);
        self.taken = self.taken.max(resident.saturating_sub(self.own));
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes| bytes >> 20;
        write!(
            f,
            "peers made it take {} of {} MiB; {} MiB resident at most",
            mib(self.taken),
            mib(self.bound),
            mib(self.most)
        )
    }
}

#[derive(Debug)]
pub struct Verdict {
    honest: Tally,
    recorded: Recorded,
    attacks: u64,
    restarts: u32,
    memory: Memory,
    counted: u64,
    verified: bool,
}

/// What the journal says of the honest calls.
#[derive(Debug, Default)]
struct Recorded {
    /// Answered, and not in it as completed.
    lost: u64,
    /// Transactions that are completed in it more than once.
    twice: u64,
}

impl Recorded {
    /// Looks for each transaction by its id: so many totals agree that should not.
    fn of(data: &Path, answered: &[TransactionId]) -> anyhow::Result<Self> {
        let reader = Reader::open(&data.join("journal"))?;
        let through = reader.position()?.sequence;
        let mut completed = HashSet::new();
        let mut twice = 0;
        for entry in reader.entries_of(Kind::Closed, Sequence::NONE.next(), through) {
            let Some(Body::Closed(closed)) = entry?.body else {
                continue;
            };
            let consumer = closed.connection.as_ref().map(|it| it.consumer.as_str());
            if consumer != Some(HONEST) || closed.outcome() != Outcome::Completed {
                continue;
            }
            let id = TransactionId::from_slice(&closed.transaction_id)?;
            twice += u64::from(!completed.insert(id));
        }
        let is_lost = |id: &&TransactionId| !completed.contains(id);
        let lost = answered.iter().filter(is_lost).count() as u64;
        Ok(Self { lost, twice })
    }
}

/// One promise.
#[derive(Debug, Serialize)]
struct Promise {
    what: &'static str,
    holds: bool,
}

impl Verdict {
    /// Asks what the stopped hub has left.
    pub fn reach(
        folder: &Path,
        (honest, attacks): (Tally, u64),
        memory: Memory,
        restarts: u32,
    ) -> anyhow::Result<Self> {
        let data = folder.join("data");
        let recorded = Recorded::of(&data, &honest.answered)?;
        let data = data
            .to_str()
            .context("temporary folders have plain names")?;
        let stats = ndxp(&["stats", "--data", data, "--by", "consumer", "-o", "json"])?;
        let stats: Value = serde_json::from_slice(&stats.1).context("stats says JSON")?;
        let rows = stats.get("rows").and_then(Value::as_array);
        let mut rows = rows.context("it has rows")?.iter();
        let row = rows.find(|row| row.get("key").is_some_and(|key| key == HONEST));
        let counted = row.and_then(|row| row.get("transactions")?.as_u64());
        let (verified, said) = ndxp(&["verify", "--data", data])?;
        if !verified {
            eprintln!("{}", String::from_utf8_lossy(&said));
        }
        Ok(Self {
            honest,
            recorded,
            attacks,
            restarts,
            memory,
            counted: counted.unwrap_or_default(),
            verified,
        })
    }

    fn promises(&self) -> [Promise; 6] {
        let Tally {
            uncertain, failed, ..
        } = self.honest;
        let answered = self.answered();
        let Recorded { lost, twice } = self.recorded;
        let promise = |what, holds| Promise { what, holds };
        [
            promise("the hub was killed, and told to stop", self.restarts >= 2),
            promise("no honest call fails while the hub serves", failed == 0),
            promise(
                "no answered call is lost",
                lost == 0 && answered <= self.counted,
            ),
            promise(
                "none is counted twice",
                twice == 0 && self.counted <= answered + uncertain,
            ),
            promise("the counters equal a recount", self.verified),
            promise(
                "memory stays below its bound",
                self.memory.taken <= self.memory.bound,
            ),
        ]
    }

    fn answered(&self) -> u64 {
        self.honest.answered.len() as u64
    }

    pub fn holds(&self) -> bool {
        self.answered() > 0 && self.promises().iter().all(|it| it.holds)
    }

    pub fn print(&self, form: Form) -> anyhow::Result<()> {
        let Tally {
            uncertain,
            failed,
            failures,
            ..
        } = &self.honest;
        let rows = [
            row("honest calls answered", count(self.answered()), "calls"),
            row(
                "of them not in the journal",
                count(self.recorded.lost),
                "calls",
            ),
            row("broken off by a stop", count(*uncertain), "calls"),
            row("failed while it served", count(*failed), "calls"),
            row("counted by the hub", count(self.counted), "transactions"),
            row("attacks", count(self.attacks), ""),
            row("kills and restarts", f64::from(self.restarts), ""),
            row("most that peers took", mebibytes(self.memory.taken)?, "MiB"),
            row("most that they may", mebibytes(self.memory.bound)?, "MiB"),
            row("most resident", mebibytes(self.memory.most)?, "MiB"),
        ];
        for failure in failures {
            eprintln!("failed: {failure}");
        }
        match form {
            Form::Json => {
                let whole = serde_json::json!({ "rows": rows, "promises": self.promises() });
                println!("{whole:#}");
            }
            Form::Table => {
                print(form, &rows)?;
                for promise in self.promises() {
                    let holds = if promise.holds { "holds " } else { "BROKEN" };
                    println!("{holds}  {}", promise.what);
                }
            }
        }
        Ok(())
    }
}

/// Runs this program; whether it ended well, and what it said.
fn ndxp(arguments: &[&str]) -> anyhow::Result<(bool, Vec<u8>)> {
    let ran = Command::new(std::env::current_exe()?)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(!ran.stdout.is_empty(), "{arguments:?} said nothing");
    Ok((ran.status.success(), ran.stdout))
}

#[cfg(test)]
mod tests {
    use ndxp_model::Instant;

    use super::*;

    /// Answered, uncertain, failed, counted, taken; lost and twice in the journal; and which promises
    /// are broken.
    #[track_caller]
    fn check(
        (answered, uncertain, failed, counted, taken): (usize, u64, u64, u64, u64),
        (lost, twice): (u64, u64),
        broken: &[&str],
    ) {
        let verdict = Verdict {
            recorded: Recorded { lost, twice },
            honest: Tally {
                answered: vec![TransactionId::new(Instant::from_micros(0), 0); answered],
                uncertain,
                failed,
                failures: Vec::new(),
            },
            attacks: 1,
            restarts: 2,
            memory: Memory {
                bound: 100,
                own: 0,
                taken,
                most: taken,
            },
            counted,
            verified: true,
        };
        let found: Vec<_> = verdict
            .promises()
            .into_iter()
            .filter(|it| !it.holds)
            .map(|it| it.what)
            .collect();
        assert_eq!(found, broken);
        assert_eq!(verdict.holds(), broken.is_empty() && answered > 0);
    }

    #[test]
    fn each_promise_can_be_broken() {
        check((10, 2, 0, 10, 100), (0, 0), &[]);
        check((10, 2, 0, 12, 0), (0, 0), &[]);
        check((0, 2, 0, 0, 0), (0, 0), &[]);
        check((10, 2, 0, 9, 0), (0, 0), &["no answered call is lost"]);
        check((10, 2, 0, 13, 0), (0, 0), &["none is counted twice"]);
        check((10, 2, 0, 12, 0), (2, 0), &["no answered call is lost"]);
        check((10, 2, 0, 12, 0), (0, 1), &["none is counted twice"]);
        check(
            (10, 2, 1, 10, 0),
            (0, 0),
            &["no honest call fails while the hub serves"],
        );
        check(
            (10, 2, 0, 10, 101),
            (0, 0),
            &["memory stays below its bound"],
        );
    }
}
