//! `ndxp bench counters`: how fast the projection counts: as fast as it can, and how far behind it
//! is where transactions are offered at a rate.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use ndxp_counters::{Counters, Health, Source, SourceError, Watermark};
use ndxp_model::{Instant as WallInstant, Outcome, Sequence, TransactionId, Zone};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{Call, Connection, Entry, TransactionClosed, TransactionOpened};

use super::machine::Machine;
use super::process;
use super::rows::{Form, Row, count, row, table};
use super::targets::{Record, Sense, Target};
use crate::commands::serve::without_huge_pages;
use crate::failure::Failure;

/// 2022-07-22T09:59:30 in Viet Nam: an hour ends on the way.
const START_US: i64 = 1_658_458_770_000_000;
/// How often the lag is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// What target 6 asks: CPU of a transaction, and how late answers may be where so many are offered a second.
const CPU_US_MAX: f64 = 1.0;
const LAG_MAX: Duration = Duration::from_secs(1);
const LAG_AT_A_SECOND: u64 = 20_000;
/// How long a backlog may take at most.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// Measures the projection: entries counted a second, CPU of one transaction, and how far it is
/// behind a journal that grows at a rate
#[derive(Args, Debug)]
pub struct Projection {
    /// Transactions of the backlog that is counted as fast as possible
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    transactions: u64,

    /// Connections that they are spread over, some used a hundred times as often as others
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    connections: u64,

    /// Transactions offered a second
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    rate: u64,

    /// Seconds for which they are offered
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,

    /// `table` for people, `json` for programs
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    output: Form,
}

/// A journal of openings and closings in turn, made up when it is read.
#[derive(Clone, Copy, Debug)]
struct Stream {
    connections: u64,
    /// Entries a second, after which the clock of the entries runs.
    entries_a_second: u64,
    /// Entries at the end.
    entries: u64,
    /// Grows at the rate from here on; `None` is all there from the start.
    since: Option<Instant>,
}

impl Projection {
    pub fn run(self) -> Result<(), Failure> {
        // As the hub counts.
        without_huge_pages();
        let machine = Machine::this()?;
        eprintln!("{}", machine.text());
        let (targets, rounds) = self.measure()?;
        let text = table(&rounds);
        let record = Record {
            machine,
            targets,
            rounds,
        };
        Ok(record.print(self.output, text)?)
    }

    fn measure(&self) -> anyhow::Result<(Vec<Target>, Vec<Row>)> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let mut rows = vec![
            row("connections", count(self.connections), ""),
            row("transactions", count(self.transactions), ""),
        ];
        let cpu_us = self.backlog(&runtime, &mut rows)?;
        let lag = self.offered(&mut rows)?;
        let cpu = ("6a", "CPU of a transaction, counted from a backlog");
        let cpu = Target::new(cpu, cpu_us, Sense::AtMost, CPU_US_MAX, "µs");
        Ok((vec![cpu, self.lag(lag)], rows))
    }

    fn lag(&self, largest: Duration) -> Target {
        let name = ("6b", format!("largest lag at {} a second", self.rate));
        let (lag, bound) = (largest.as_secs_f64(), LAG_MAX.as_secs_f64());
        if self.rate < LAG_AT_A_SECOND {
            let why = format!("the target is for {LAG_AT_A_SECOND} a second");
            return Target::not_measured(name, Sense::LessThan, Some(bound), "s", why);
        }
        Target::new(name, lag, Sense::LessThan, bound, "s")
    }

    fn stream(&self, transactions: u64, since: Option<Instant>) -> Stream {
        Stream {
            connections: self.connections,
            entries_a_second: self.rate * 2,
            entries: transactions * 2,
            since,
        }
    }

    /// Counts what is all there; answers the CPU of a transaction.
    fn backlog(
        &self,
        runtime: &tokio::runtime::Runtime,
        rows: &mut Vec<Row>,
    ) -> anyhow::Result<f64> {
        let stream = self.stream(self.transactions, None);
        eprintln!("making {} entries …", stream.entries);
        let (making, making_cpu) = timed(|| {
            for entry in stream.entries(Sequence::new(1), Sequence::new(stream.entries)) {
                std::hint::black_box(entry?);
            }
            anyhow::Ok(())
        })?;
        eprintln!("counting them …");
        let folder = tempfile::tempdir()?;
        let (counting, cpu) = timed(|| {
            let path = folder.path().join("counters");
            let counters = Counters::start(path, Zone::viet_nam(), stream, |_, _| {})?;
            let reached = async {
                let end = counters.reached(Sequence::new(stream.entries));
                tokio::time::timeout(PATIENCE, end).await
            };
            runtime
                .block_on(reached)
                .context("the counters do not come to the end")??;
            counters.stop();
            anyhow::Ok(())
        })?;
        let entries = count(stream.entries);
        let net = (cpu - making_cpu) * 1e6 / count(self.transactions);
        rows.push(row("backlog: counted in", counting, "s"));
        rows.push(row("backlog: of that, making entries", making, "s"));
        rows.push(row(
            "backlog: entries a second",
            (entries / counting).round(),
            "",
        ));
        rows.push(row("backlog: CPU of one transaction", net, "µs"));
        Ok(net)
    }

    /// Follows a journal that grows, and looks how far behind the counters are; answers the furthest.
    fn offered(&self, rows: &mut Vec<Row>) -> anyhow::Result<Duration> {
        eprintln!("offering {} a second …", self.rate);
        let since = Instant::now();
        let stream = self.stream(self.rate * self.seconds, Some(since));
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("counters");
        let pid = std::process::id();
        let cpu = process::cpu_seconds(pid)?;
        let counters = Counters::start(path, Zone::viet_nam(), stream, |_, _| {})?;
        let mut lags = Vec::new();
        while since.elapsed() < Duration::from_secs(self.seconds) {
            std::thread::park_timeout(LOOK_EVERY);
            let lag_us = stream.at_us(stream.position_now())
                - counters.watermark().at.as_micros().max(START_US);
            lags.push(Duration::from_micros(u64::try_from(lag_us.max(0))?));
        }
        let used = process::cpu_seconds(pid)? - cpu;
        if let Health::Failed { reason } = counters.health() {
            anyhow::bail!(reason);
        }
        counters.stop();
        lags.sort_unstable();
        for (what, percent) in [("p50", 50), ("p99", 99), ("max", 100)] {
            let lag = lags.get(lags.len() * percent / 100).or(lags.last());
            let lag_ms = lag.map_or(0.0, |lag| lag.as_secs_f64() * 1e3);
            let what = format!("at {} a second: lag, {what}", self.rate);
            rows.push(row(what, lag_ms, "ms"));
        }
        let share = used / count(self.seconds) * 100.0;
        let what = format!("at {} a second: CPU, entries made too", self.rate);
        rows.push(row(what, share, "% of one core"));
        Ok(lags.last().copied().unwrap_or_default())
    }
}

impl Stream {
    /// The last sequence that stands by now.
    fn position_now(&self) -> u64 {
        let Some(since) = self.since else {
            return self.entries;
        };
        let grown = u128::from(self.entries_a_second) * since.elapsed().as_micros() / 1_000_000;
        u64::try_from(grown).unwrap_or(u64::MAX).min(self.entries)
    }

    /// When the entry is committed, by the stream's own clock.
    fn at_us(&self, sequence: u64) -> i64 {
        let offset = u128::from(sequence) * 1_000_000 / u128::from(self.entries_a_second);
        START_US + i64::try_from(offset).unwrap_or(i64::MAX - START_US)
    }

    fn entry(&self, sequence: u64) -> Entry {
        let at = WallInstant::from_micros(self.at_us(sequence));
        let number = sequence.div_ceil(2);
        let id = TransactionId::new(at, u128::from(number))
            .as_bytes()
            .to_vec();
        let place = self.place(number);
        let connection = Some(Connection {
            consumer: format!("H{:02}/lgsp", place % 63 + 1),
            provider: format!("G{:02}/database", place % 18 + 1),
            service: format!("gov.vn.example.v1.Service{}", place / 126),
        });
        let body = if sequence % 2 == 1 {
            let call = Some(Call {
                connection,
                method: "Get".to_owned(),
                ..Call::default()
            });
            Body::Opened(TransactionOpened {
                transaction_id: id,
                call,
            })
        } else {
            let failed = number.is_multiple_of(100);
            let outcome = if failed {
                Outcome::ProviderError
            } else {
                Outcome::Completed
            };
            Body::Closed(TransactionClosed {
                transaction_id: id,
                opened_sequence: sequence - 1,
                connection,
                method: "Get".to_owned(),
                outcome: outcome.number().into(),
                fault: if failed { 3 } else { 0 },
                request_bytes: 300 + mixed(number) % 700,
                response_bytes: 1_000 + mixed(number) % 9_000,
                request_messages: 1,
                response_messages: 1,
                total_us: 8_000 + mixed(number) % (20_000 + place),
                ..TransactionClosed::default()
            })
        };
        Entry {
            sequence,
            committed_at_us: at.as_micros(),
            body: Some(body),
        }
    }

    /// Which connection a transaction is on: low places a hundred times as often as high ones.
    fn place(&self, number: u64) -> u64 {
        let (one, other) = (mixed(number), mixed(!number));
        let upper = one % self.connections + 1;
        other % upper
    }
}

impl Source for Stream {
    fn position(&self) -> Result<Watermark, SourceError> {
        let sequence = self.position_now();
        Ok(match sequence {
            0 => Watermark::default(),
            _ => Watermark {
                sequence: Sequence::new(sequence),
                at: WallInstant::from_micros(self.at_us(sequence)),
            },
        })
    }

    fn wait_beyond(&self, after: Sequence, timeout: Duration) -> bool {
        let until = Instant::now() + timeout;
        while self.position_now() <= after.get() && Instant::now() < until {
            std::thread::park_timeout(Duration::from_micros(500));
        }
        self.position_now() < self.entries || self.position_now() > after.get()
    }

    fn entries(
        &self,
        from: Sequence,
        through: Sequence,
    ) -> Box<dyn Iterator<Item = Result<Entry, SourceError>> + '_> {
        let sequences = from.get()..=through.get().min(self.entries);
        Box::new(sequences.map(|sequence| Ok(self.entry(sequence))))
    }
}

/// Seconds, and CPU seconds of the whole process, that something took.
fn timed(what: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<(f64, f64)> {
    let pid = std::process::id();
    let (began, cpu) = (Instant::now(), process::cpu_seconds(pid)?);
    what()?;
    Ok((
        began.elapsed().as_secs_f64(),
        process::cpu_seconds(pid)? - cpu,
    ))
}

const fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value ^ (value >> 31)
}
