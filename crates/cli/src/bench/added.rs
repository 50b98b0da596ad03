//! How long calls took in the hub itself, as it exports that: read before and behind a load.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const BUCKETS: &str = "ndxp_added_latency_seconds_bucket";
/// Far above what the hub exports.
const BYTES_MAX: u64 = 16 << 20;

/// Calls by the time that the hub added to them: a bound in seconds, and how many stayed below it.
#[derive(Debug)]
pub struct Added(Vec<(f64, u64)>);

impl Added {
    /// From the hub's `observe` port, since its start.
    pub async fn read(observe: SocketAddr) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(observe).await?;
        let request =
            format!("GET /metrics HTTP/1.1\r\nhost: {observe}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut text = String::new();
        stream.take(BYTES_MAX).read_to_string(&mut text).await?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let mut buckets = Vec::new();
        for line in text.lines().filter(|line| line.starts_with(BUCKETS)) {
            let (series, calls) = line.rsplit_once(' ').context("a series without a value")?;
            let (_, bound) = series.split_once("le=\"").context("a bucket without le")?;
            let (bound, _) = bound.split_once('"').context("le without its end")?;
            buckets.push((bound.parse()?, calls.parse()?));
        }
        ensure!(!buckets.is_empty(), "the hub exports no {BUCKETS}");
        Ok(Self(buckets))
    }

    /// The least bound, in milliseconds, below which this part of the calls since then stayed.
    pub fn bound_ms(&self, since: &Self, part: f64) -> f64 {
        let later = || {
            self.0
                .iter()
                .zip(&since.0)
                .map(|(now, then)| (now.0, now.1 - then.1))
        };
        let calls = later().next_back().map_or(0, |(_, calls)| calls);
        let bound = later().find(|(_, below)| *below as f64 >= part * calls as f64);
        bound.map_or(f64::NAN, |(bound, _)| bound * 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_that_of_the_calls_between_two_readings() {
        let text = |[a, b, all]: [u64; 3]| {
            format!(
                "# TYPE ndxp_added_latency_seconds histogram\n\
                 {BUCKETS}{{le=\"0.001\"}} {a}\n{BUCKETS}{{le=\"0.002\"}} {b}\n\
                 {BUCKETS}{{le=\"+Inf\"}} {all}\nndxp_added_latency_seconds_sum 4.5\n"
            )
        };
        // Buckets before and behind, the part, and the bound.
        let rows = [
            ([0, 0, 0], [99, 100, 100], 0.99, 1.0),
            ([0, 0, 0], [98, 100, 100], 0.99, 2.0),
            ([98, 98, 98], [98, 99, 100], 0.5, 2.0),
            ([0, 0, 0], [98, 98, 100], 0.99, f64::INFINITY),
        ];
        for (before, behind, part, expected) in rows {
            let [before, behind] = [before, behind].map(|it| Added::parse(&text(it)).unwrap());
            let found = behind.bound_ms(&before, part);
            assert_eq!(found, expected, "{before:?} {behind:?}");
        }
        assert!(Added::parse("ndxp_added_latency_seconds_sum 4.5").is_err());
    }
}
