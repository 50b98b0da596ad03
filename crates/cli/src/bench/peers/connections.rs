//! Connections (target 7): what ten thousand idle ones weigh, what a full handshake costs, and
//! whether sessions are resumed.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use h2::client::SendRequest;
use rustls::client::Resumption;
use rustls::{ClientConfig, HandshakeKind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;

use super::Extent;
use super::samples::{Sample, Samples};
use super::unary::compared;
use super::ways::{HUB, RELAY, Way, Ways};
use crate::bench::caller::{connect, secure};
use crate::bench::rows::mebibytes;
use crate::bench::targets::{Sense, Target};

const IDLE: &str = "idle connections";
const HANDSHAKES: &str = "full handshakes";
const RESUMED: &str = "resumed sessions";
const PROXY: &str = "haproxy";
/// One holder has at most a quarter of a hub's connections: five open all of them.
pub const HOLDERS: [&str; 5] = ["H01/lgsp", "H02/lgsp", "H03/lgsp", "H04/lgsp", "H05/lgsp"];
const IDLE_MIB_MAX: f64 = 200.0;
/// Enough that ticks of 10 ms are a hundredth of what is measured.
const HANDSHAKES_A_ROUND: u32 = 2_000;
/// At once; a hub takes 256.
const AT_ONCE: usize = 32;
const RESUMPTIONS: u32 = 20;
/// Of HTTP/2: the preface, an empty SETTINGS, and the head of any frame.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const FRAME_HEAD_BYTES: usize = 9;

pub async fn measure(ways: &Ways, extent: Extent) -> anyhow::Result<Samples> {
    let mut samples = Samples::default();
    for round in 0..extent.rounds {
        for way in ways.in_turn(round).filter(|way| way.process().is_some()) {
            eprintln!(
                "{HANDSHAKES}, round {} of {}: {}",
                round + 1,
                extent.rounds,
                way.name
            );
            let handshakes = handshakes(ways, way)
                .await
                .with_context(|| format!("a handshake with {} failed", way.name))?;
            samples.push(Sample {
                cpu_us: Some(handshakes),
                ..Sample::of(HANDSHAKES, way, round)
            });
        }
    }
    let Some(hub) = ways.named(HUB) else {
        return Ok(samples);
    };
    eprintln!("{RESUMED}: {HUB}");
    samples.push(Sample {
        count: Some(f64::from(resumed(ways, hub).await?)),
        ..Sample::of(RESUMED, hub, 0)
    });
    let holders = HOLDERS.iter().map(|it| Ok(ways.grounds.system(it)?.0));
    let holders = holders.collect::<anyhow::Result<Vec<_>>>()?;
    for way in [RELAY, HUB].into_iter().filter_map(|name| ways.named(name)) {
        eprintln!("{IDLE}: {}", way.name);
        let held = idle(way, &holders, extent.connections).await?;
        samples.push(Sample {
            count: Some(f64::from(extent.connections)),
            resident_mib: Some(held),
            ..Sample::of(IDLE, way, 0)
        });
    }
    Ok(samples)
}

pub fn targets(samples: &Samples, extent: Extent) -> Vec<Target> {
    let idle = format!(
        "RSS of the hub with {} idle connections",
        extent.connections
    );
    let idle = measured(
        ("7a", idle),
        samples.median(IDLE, HUB, |it| it.resident_mib),
        (Sense::LessThan, IDLE_MIB_MAX, "MiB"),
    );
    let handshake = ("7b", "CPU of a full handshake, hub ÷ haproxy".to_owned());
    let ratio = samples.ratio(HANDSHAKES, (HUB, PROXY), |it| it.cpu_us);
    let resumed = ("7c", format!("sessions resumed of {RESUMPTIONS}"));
    let resumed = measured(
        resumed,
        samples.median(RESUMED, HUB, |it| it.count),
        (Sense::AtLeast, f64::from(RESUMPTIONS), ""),
    );
    let handshake = compared(handshake, ratio, Sense::AtMost, 1.0, PROXY);
    vec![idle, handshake, resumed]
}

fn measured(
    named: (&'static str, String),
    value: Option<f64>,
    (sense, bound, unit): (Sense, f64, &'static str),
) -> Target {
    match value {
        Some(value) => Target::new(named, value, sense, bound, unit),
        None => Target::not_measured(named, sense, Some(bound), unit, "no such run"),
    }
}

/// CPU of what is connected to, for one connection: TCP, a full handshake with certificates on
/// both sides, the first frames of HTTP/2, and the end. Microseconds.
async fn handshakes(ways: &Ways, way: &Way) -> anyhow::Result<f64> {
    let mut anew = ClientConfig::clone(&ways.tls);
    anew.resumption = Resumption::disabled();
    let anew = Arc::new(anew);
    let before = way
        .cpu_seconds()?
        .context("what is measured is a process")?;
    let mut running = JoinSet::new();
    for _ in 0..HANDSHAKES_A_ROUND {
        if running.len() == AT_ONCE {
            running.join_next().await.context("some are running")???;
        }
        running.spawn(handshake(way.address, Arc::clone(&anew)));
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    let after = way
        .cpu_seconds()?
        .context("what is measured is a process")?;
    Ok((after - before) * 1e6 / f64::from(HANDSHAKES_A_ROUND))
}

async fn handshake(address: SocketAddr, tls: Arc<ClientConfig>) -> anyhow::Result<()> {
    let mut connection = secure(address, &tls).await?;
    let kind = connection.get_ref().1.handshake_kind();
    ensure!(kind == Some(HandshakeKind::Full), "it was {kind:?}");
    // In TLS 1.3 a client is done before the server has seen its certificate; a first frame comes
    // from a server that has.
    connection.write_all(PREFACE).await?;
    let mut head = [0; FRAME_HEAD_BYTES];
    connection.read_exact(&mut head).await?;
    Ok(())
}

/// How many of the connections after a first one began with its session.
async fn resumed(ways: &Ways, way: &Way) -> anyhow::Result<u32> {
    let mut resumed = 0;
    for place in 0..=RESUMPTIONS {
        let mut connection = secure(way.address, &ways.tls).await?;
        let kind = connection.get_ref().1.handshake_kind();
        if place > 0 && kind == Some(HandshakeKind::Resumed) {
            resumed += 1;
        }
        connection.write_all(PREFACE).await?;
        // Tickets come before the first frame.
        let mut head = [0; FRAME_HEAD_BYTES];
        connection.read_exact(&mut head).await?;
    }
    Ok(resumed)
}

/// MiB of what is connected to while so many connections stand, each of which has a call behind it or none.
async fn idle(way: &Way, holders: &[Arc<ClientConfig>], connections: u32) -> anyhow::Result<f64> {
    let mut open: Vec<SendRequest<Bytes>> = Vec::new();
    let mut opening = JoinSet::new();
    for (_, tls) in (0..connections).zip(holders.iter().cycle()) {
        if opening.len() == AT_ONCE {
            open.push(opening.join_next().await.context("some are opening")???);
        }
        let (address, tls) = (way.address, Arc::clone(tls));
        opening.spawn(async move { connect(address, &tls).await });
    }
    while let Some(opened) = opening.join_next().await {
        open.push(opened??);
    }
    // Each answers, so that none was closed unseen.
    for sender in &mut open {
        std::future::poll_fn(|cx| sender.poll_ready(cx)).await?;
    }
    let bytes = way
        .resident_bytes()?
        .context("what is measured is a process")?;
    mebibytes(bytes)
}

/// Files of a bench beside the connections that it is asked for: HAProxy wants two for each of the
/// 4,000 connections that it is configured for, and some.
pub const FILES_BESIDE: u64 = 9_000;
