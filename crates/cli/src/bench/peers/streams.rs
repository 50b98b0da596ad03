//! Streams of large messages (target 4): bytes a second on several at once, and what the hub's
//! memory grows by while one GiB passes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use h2::client::SendRequest;
use h2::{RecvStream, SendStream};

use super::Extent;
use super::samples::{Sample, Samples};
use super::unary::against_best;
use super::ways::{HUB, Way, Ways};
use crate::bench::caller::{connect, ended_well, grpc_message, request};
use crate::bench::catalogue::PATH;
use crate::bench::rows::mebibytes;
use crate::bench::targets::{Sense, Target};
use crate::bench::{echo, process};

const LOAD: &str = "64 KiB-message streams, 8 at once";
const GIBIBYTE: &str = "one stream of 1 GiB";
pub const MESSAGE_BYTES: u32 = 64 * 1024;
const STREAMS: usize = 8;
const GIBIBYTE_MESSAGES: u64 = (1 << 30) / MESSAGE_BYTES as u64;
const GROWTH_MIB_MAX: f64 = 16.0;
const WARM_UP: Duration = Duration::from_millis(500);

/// When a stream ends.
#[derive(Clone)]
enum Until {
    Told(Arc<AtomicBool>),
    Sent(u64),
}

pub async fn measure(ways: &Ways, extent: Extent) -> anyhow::Result<Samples> {
    let mut samples = Samples::default();
    for round in 0..extent.rounds {
        for way in ways.in_turn(round) {
            eprintln!(
                "{LOAD}, round {} of {}: {}",
                round + 1,
                extent.rounds,
                way.name
            );
            let rate = bytes_per_second(ways, way, Duration::from_secs(extent.seconds));
            let rate = rate.await.with_context(|| failed(LOAD, way))?;
            samples.push(Sample {
                mib_per_second: Some(rate / 1_048_576.0),
                ..Sample::of(LOAD, way, round)
            });
        }
    }
    Ok(samples)
}

/// On a hub that has carried nothing yet, so that nothing which it kept hides what it needs.
pub async fn growth(ways: &Ways) -> anyhow::Result<Samples> {
    let mut samples = Samples::default();
    for way in &ways.all {
        eprintln!("{GIBIBYTE}: {}", way.name);
        let (growth, took) = gibibyte(ways, way)
            .await
            .with_context(|| failed(GIBIBYTE, way))?;
        samples.push(Sample {
            resident_mib: Some(growth),
            mib_per_second: Some(1024.0 / took.as_secs_f64()),
            ..Sample::of(GIBIBYTE, way, 0)
        });
    }
    Ok(samples)
}

fn failed(load: &str, way: &Way) -> String {
    format!("a call of {load} failed on the way {}", way.name)
}

pub fn targets(samples: &Samples) -> Vec<Target> {
    let best = (
        "4b",
        "64 KiB-message streams, bytes a second, hub ÷ best proxy",
    );
    let growth = ("4c", "RSS growth while a stream of 1 GiB passes");
    let best = against_best(best, samples, LOAD, |it| it.mib_per_second);
    let growth = match samples.median(GIBIBYTE, HUB, |it| it.resident_mib) {
        Some(mib) => Target::new(growth, mib, Sense::LessThan, GROWTH_MIB_MAX, "MiB"),
        None => {
            let bound = Some(GROWTH_MIB_MAX);
            Target::not_measured(growth, Sense::LessThan, bound, "MiB", "no such run")
        }
    };
    vec![best, growth]
}

/// Bytes of messages that came back in a second, on all streams together.
async fn bytes_per_second(ways: &Ways, way: &Way, measured: Duration) -> anyhow::Result<f64> {
    let (stop, bytes) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        let sender = connect(way.address, &ways.tls).await?;
        let until = Until::Told(Arc::clone(&stop));
        streams.push(tokio::spawn(stream(sender, until, Arc::clone(&bytes))));
    }
    tokio::time::sleep(WARM_UP).await;
    let (began, before) = (Instant::now(), bytes.load(Ordering::Relaxed));
    tokio::time::sleep(measured).await;
    let (elapsed, after) = (began.elapsed(), bytes.load(Ordering::Relaxed));
    stop.store(true, Ordering::Relaxed);
    for stream in streams {
        stream.await??;
    }
    Ok((after - before) as f64 / elapsed.as_secs_f64())
}

/// MiB by which the hub grows at most, and how long the stream takes.
async fn gibibyte(ways: &Ways, way: &Way) -> anyhow::Result<(f64, Duration)> {
    let pid = way.process().context("a hub is a process")?;
    let bytes = Arc::new(AtomicU64::new(0));
    let sender = connect(way.address, &ways.tls).await?;
    // The connections stand before the memory is looked at; what is looked at is the stream.
    stream(sender.clone(), Until::Sent(1), Arc::clone(&bytes)).await?;
    process::forget_peak(pid)?;
    let before = process::resident_bytes(pid)?;
    let began = Instant::now();
    stream(sender, Until::Sent(GIBIBYTE_MESSAGES), bytes).await?;
    let took = began.elapsed();
    let growth = process::peak_bytes(pid)?.saturating_sub(before);
    Ok((mebibytes(growth)?, took))
}

/// One call: messages go out for as long as it is to last, and come back the same.
async fn stream(
    sender: SendRequest<Bytes>,
    until: Until,
    bytes: Arc<AtomicU64>,
) -> anyhow::Result<()> {
    let message = grpc_message(MESSAGE_BYTES);
    let (answer, out) = sender.ready().await?.send_request(request(PATH), false)?;
    let sending = tokio::spawn(send(out, message.clone(), until));
    let body = answer.await?.into_body();
    let received = receive(body, &message, &bytes).await?;
    let sent = sending.await??;
    let expected = sent * message.len() as u64;
    ensure!(
        received == expected,
        "of {expected} bytes {received} came back"
    );
    Ok(())
}

/// How many messages were sent.
async fn send(mut out: SendStream<Bytes>, message: Bytes, until: Until) -> Result<u64, h2::Error> {
    let mut sent = 0;
    loop {
        let ended = match &until {
            Until::Told(stop) => stop.load(Ordering::Relaxed),
            Until::Sent(messages) => sent >= *messages,
        };
        if ended {
            out.send_data(Bytes::new(), true)?;
            return Ok(sent);
        }
        echo::send(&mut out, message.clone(), false).await?;
        sent += 1;
    }
}

/// How many bytes came back, each the one that was sent.
async fn receive(mut body: RecvStream, message: &[u8], bytes: &AtomicU64) -> anyhow::Result<u64> {
    let mut received = 0;
    let mut rest = message;
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        let mut piece: &[u8] = &chunk;
        while !piece.is_empty() {
            let both = piece.len().min(rest.len());
            let (ahead, behind) = piece.split_at(both);
            rest = rest
                .strip_prefix(ahead)
                .context("what came back is not what was sent")?;
            piece = behind;
            if rest.is_empty() {
                rest = message;
            }
        }
        received += chunk.len() as u64;
        bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        body.flow_control().release_capacity(chunk.len())?;
    }
    ended_well(&mut body).await?;
    Ok(received)
}
