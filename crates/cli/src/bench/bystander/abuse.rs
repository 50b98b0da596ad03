//! What is done beside the bystander, each kind again and again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ndxp_sim::frames::{
    ACK, CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PRIORITY,
    SETTINGS, field, frame, greeting, many, request, reset, window,
};
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;

use super::{CROWDED, ILL};
use crate::bench::attacks::{self, Attack};
use crate::bench::caller::{connect, grpc_message, secure};

/// How long an attack is held where it does not end by itself.
const HELD: Duration = Duration::from_millis(500);
/// What is sent on one connection at most, where the hub lets it.
const WAVES_MAX: u32 = 200;
const IN_A_WAVE: usize = 1_000;
/// The same of calls.
const CALLS_IN_A_WAVE: u32 = 1_000;
const HALF_OPEN: usize = 2_000;
const CALLS_IN_FLIGHT: usize = 256;
const WINDOW_BYTES: u32 = 1 << 20;

pub struct Abuse {
    pub name: &'static str,
    kind: Kind,
}

enum Kind {
    /// What is held for a while.
    Held(Attack),
    /// Waves of frames, by their number and that of the attack, until the hub ends the connection.
    Frames(fn(u32, u64) -> Vec<u8>),
    /// TLS handshakes by the thousand that are begun and left.
    HalfOpen,
    /// As many calls as are answered or refused.
    Calls,
}

#[rustfmt::skip]
pub const ABUSES: &[Abuse] = &[
    Abuse { name: "half-open handshakes", kind: Kind::HalfOpen },
    Abuse { name: "connections that come and go", kind: Kind::Held(Attack::Churn) },
    Abuse { name: "control frames", kind: Kind::Frames(control) },
    Abuse { name: "rapid resets", kind: Kind::Frames(resets) },
    Abuse { name: "calls broken off", kind: Kind::Held(Attack::Resets) },
    Abuse { name: "10,000 streams", kind: Kind::Frames(streams) },
    Abuse { name: "header lists without end", kind: Kind::Frames(endless_headers) },
    Abuse { name: "HPACK bombs", kind: Kind::Frames(bombs) },
    Abuse { name: "large headers", kind: Kind::Held(Attack::LargeHeaders) },
    Abuse { name: "messages that lie about their length", kind: Kind::Frames(lies) },
    Abuse { name: "a flood of calls", kind: Kind::Calls },
    Abuse { name: "answers that nobody reads", kind: Kind::Held(Attack::Deaf) },
    Abuse { name: "single bytes that nobody reads", kind: Kind::Held(Attack::DeafToDrips) },
    Abuse { name: "a provider that does not read", kind: Kind::Held(Attack::Upload) },
    Abuse { name: "a provider that does not answer", kind: Kind::Held(Attack::Hang) },
    Abuse { name: "a provider that resets and vanishes", kind: Kind::Held(Attack::Broken) },
];

pub struct Abuser {
    tls: Arc<ClientConfig>,
    exchange: SocketAddr,
}

impl Abuser {
    pub fn new(tls: Arc<ClientConfig>, exchange: SocketAddr) -> Self {
        Self { tls, exchange }
    }

    /// Attacks once; `number` tells this attack from those before it.
    pub async fn make(&self, abuse: &Abuse, number: u64) -> anyhow::Result<()> {
        match &abuse.kind {
            Kind::Held(attack) => {
                let attacker = attacks::Attacker::new(Arc::clone(&self.tls), ILL);
                attacker.make(*attack, self.exchange, HELD).await
            }
            Kind::Frames(wave) => self.flood(*wave, number).await,
            Kind::HalfOpen => attacks::leave_half_open(self.exchange, HALF_OPEN, HELD).await,
            Kind::Calls => self.call().await,
        }
    }

    async fn flood(&self, wave: fn(u32, u64) -> Vec<u8>, number: u64) -> anyhow::Result<()> {
        let tls = secure(self.exchange, &self.tls).await?;
        let (mut read, mut write) = tokio::io::split(tls);
        let sending = async {
            write.write_all(&greeting(WINDOW_BYTES)).await?;
            for place in 0..WAVES_MAX {
                write.write_all(&wave(place, number)).await?;
            }
            tokio::time::sleep(HELD).await;
            anyhow::Ok(())
        };
        tokio::select! {
            sent = sending => sent,
            told = told_to_go(&mut read) => told,
        }
    }

    async fn call(&self) -> anyhow::Result<()> {
        let sender = connect(self.exchange, &self.tls).await?;
        let mut calls = JoinSet::new();
        for _ in 0..CALLS_IN_FLIGHT {
            let sender = sender.clone();
            calls.spawn(async move {
                let message = grpc_message(256);
                loop {
                    let mut sender = sender.clone().ready().await?;
                    let request = attacks::request("Unary", CROWDED);
                    let (answer, mut stream) = sender.send_request(request, false)?;
                    stream.send_data(message.clone(), true)?;
                    let mut body = answer.await?.into_body();
                    while let Some(piece) = body.data().await {
                        body.flow_control().release_capacity(piece?.len())?;
                    }
                }
            });
        }
        let ended: Option<Result<Result<(), h2::Error>, _>> = calls.join_next().await;
        ended.map_or(Ok(()), |ended| Ok(ended??))
    }
}

/// Reads frames up to the one that ends the connection.
async fn told_to_go(read: &mut (impl AsyncRead + Unpin)) -> anyhow::Result<()> {
    loop {
        let mut head = [0; 9];
        read.read_exact(&mut head).await?;
        let [a, b, c, kind, ..] = head;
        if kind == GOAWAY {
            return Ok(());
        }
        let mut payload = read.take(u32::from_be_bytes([0, a, b, c]).into());
        tokio::io::copy(&mut payload, &mut tokio::io::sink()).await?;
    }
}

/// The header list of a call that nobody will answer.
fn hanging() -> Vec<u8> {
    let path = request("/ndxp.bench.v1.Echo/Hang");
    [path, field("ndxp-provider", ILL.as_bytes())].concat()
}

fn open(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &hanging())
}

/// Streams of a wave.
fn of_wave(wave: u32) -> impl Iterator<Item = u32> {
    (wave * CALLS_IN_A_WAVE..(wave + 1) * CALLS_IN_A_WAVE).map(|it| 2 * it + 1)
}

/// Frames that carry no call, of another kind in each attack.
fn control(wave: u32, attack: u64) -> Vec<u8> {
    let of_a_stream = |one: Vec<u8>| match wave {
        0 => [open(1), many(IN_A_WAVE, &one)].concat(),
        _ => many(IN_A_WAVE, &one),
    };
    match attack % 9 {
        0 => many(IN_A_WAVE, &frame(PING, 0, 0, &[7; 8])),
        1 => many(IN_A_WAVE, &frame(PING, ACK, 0, &[7; 8])),
        2 => many(IN_A_WAVE, &frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100])),
        3 => many(IN_A_WAVE, &frame(SETTINGS, 0, 0, &[])),
        4 => many(IN_A_WAVE, &frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 16])),
        5 => many(IN_A_WAVE, &window(0, 1)),
        6 => of_a_stream(window(1, 1)),
        7 => of_a_stream(frame(DATA, 0, 1, &[])),
        // A kind that nobody knows.
        _ => many(IN_A_WAVE, &frame(0xee, 0, 0, &[1, 2, 3])),
    }
}

fn resets(wave: u32, _attack: u64) -> Vec<u8> {
    let pair = |stream| [open(stream), reset(stream, CANCEL)].concat();
    of_wave(wave).flat_map(pair).collect()
}

/// Calls that are begun, beyond what a connection may carry.
fn streams(wave: u32, _attack: u64) -> Vec<u8> {
    of_wave(wave).flat_map(open).collect()
}

fn endless_headers(wave: u32, _attack: u64) -> Vec<u8> {
    let more = many(
        16,
        &frame(CONTINUATION, 0, 1, &field("x-more", &[b'x'; 1_000])),
    );
    match wave {
        0 => [frame(HEADERS, 0, 1, &hanging()), more].concat(),
        _ => more,
    }
}

/// A field that is remembered once and then named thousands of times by one byte.
fn bombs(wave: u32, _attack: u64) -> Vec<u8> {
    // With incremental indexing (RFC 7541, section 6.2.1), and then the newest entry.
    let mut remembered = field("x-bomb", &[b'x'; 3_900]);
    if let Some(first) = remembered.first_mut() {
        *first = 0x40;
    }
    let list = [hanging(), remembered, vec![0xbe; 8_000]].concat();
    frame(HEADERS, END_HEADERS | END_STREAM, 2 * wave + 1, &list)
}

/// Four gibibytes are announced, and a few bytes come.
fn lies(wave: u32, _attack: u64) -> Vec<u8> {
    let begin = |stream| {
        let data = frame(DATA, END_STREAM, stream, &[0, 255, 255, 255, 255, 1, 2, 3]);
        [open(stream), data].concat()
    };
    of_wave(wave).take(100).flat_map(begin).collect()
}
