//! What is packed comes back, whatever it is; what was not packed makes no more than it may.

use ndxp_model::{Instant, Sequence};
use ndxp_proto::journal::v1;
use prost::Message as _;

use super::*;
use crate::format::FrameHead;

const SEED: u32 = 23;
const FIRST: u64 = 1_000;

/// Frames one behind the other, in batches of three, a few of which are a millisecond apart.
fn frames(bodies: &[(u8, Vec<u8>)]) -> (Vec<u8>, BlockOf) {
    let mut frames = Vec::new();
    for ((number, (kind, body)), behind) in (0..).zip(bodies).zip((0..3).rev().cycle()) {
        let left = bodies.len() as u64 - number - 1;
        let head = FrameHead {
            sequence: Sequence::new(FIRST + number),
            at: Instant::from_micros(5_000_000 + number.cast_signed() / 3 * 1_234),
            durable: Sequence::new(FIRST + number / 3 * 3 - 1),
            following: behind.min(u32::try_from(left).unwrap()),
            kind: *kind,
        };
        head.encode(SEED, body, &mut frames);
    }
    let of = BlockOf {
        seed: SEED,
        first: Sequence::new(FIRST),
        first_at: Instant::from_micros(5_000_000),
        frames: bodies.len(),
        bytes: frames.len(),
    };
    (frames, of)
}

/// What is packed comes back; says how it was packed, and how long it is.
#[track_caller]
fn check(bodies: &[(u8, Vec<u8>)]) -> (u8, usize) {
    let (frames, of) = frames(bodies);
    let packed = pack(&frames, &of);
    assert_eq!(unpack(&packed, &of).as_deref(), Some(&*frames));
    assert!(packed.len() <= frames.len() + 16);
    (packed[0], packed.len())
}

fn id(number: u64) -> Vec<u8> {
    let made_at = Instant::from_micros(5_000_000 + number.cast_signed() * 400);
    let id = ndxp_model::TransactionId::new(made_at, u128::from(number) << 90 | 12_345);
    id.as_bytes().to_vec()
}

/// Opened, and closed by the entry behind; with digests that nothing can shorten.
fn transactions(count: u64, random: &mut fastrand::Rng) -> Vec<(u8, Vec<u8>)> {
    let mut bodies = Vec::new();
    for number in 0..count {
        let connection = Some(v1::Connection {
            consumer: format!("H{}/lgsp", number % 5),
            provider: "G01/population".into(),
            service: "vn.Population".into(),
        });
        let opened = v1::TransactionOpened {
            transaction_id: id(number),
            call: Some(v1::Call {
                connection: connection.clone(),
                method: "Find".repeat(1 + number as usize % 60),
                case: format!("H26-{number:08}"),
                ..v1::Call::default()
            }),
        };
        let mut digest = || (0..32).map(|_| random.u8(..)).collect();
        let closed = v1::TransactionClosed {
            transaction_id: id(number),
            opened_sequence: FIRST + 2 * number,
            connection,
            total_us: 1 << (number % 64),
            request_digest: digest(),
            response_digest: digest(),
            method: "Find".into(),
            ..v1::TransactionClosed::default()
        };
        let body = v1::entry::Body::Opened(opened);
        bodies.push((3, encoded(body)));
        bodies.push((4, encoded(v1::entry::Body::Closed(closed))));
    }
    bodies
}

fn encoded(body: v1::entry::Body) -> Vec<u8> {
    let entry = v1::Entry {
        body: Some(body),
        ..v1::Entry::default()
    };
    entry.encode_to_vec()
}

#[test]
fn transactions_cost_little_beside_what_is_random_in_them() {
    let count = 1_000;
    let bodies = transactions(count, &mut fastrand::Rng::with_seed(1));
    let (form, bytes) = check(&bodies);
    assert_eq!(form, IN_COLUMNS);
    // Two digests of 32 bytes; the ids here are numbers.
    let beside = bytes as u64 / count - 64;
    assert!(beside < 16, "{beside} bytes beside the digests");
}

#[test]
fn whatever_a_body_is_comes_back() {
    let rows: &[(&str, u8, &[u8], u8)] = &[
        ("one field", 6, b"\x32\x02\x0a\x00", IN_COLUMNS),
        ("a kind of later", 77, b"\xaa\x06\x03abc", IN_COLUMNS),
        ("an empty message", 3, b"\x1a\x00", IN_COLUMNS),
        (
            "a message within that is none",
            3,
            b"\x1a\x01\xff",
            AS_THEY_ARE,
        ),
        (
            "a longer varint than need be",
            4,
            b"\x22\x03\x10\x80\x00",
            AS_THEY_ARE,
        ),
        (
            "a length longer than need be",
            5,
            b"\x2a\x80\x00",
            AS_THEY_ARE,
        ),
        ("a fixed number", 5, b"\x2d\x01\x02\x03\x04", AS_THEY_ARE),
        ("a group", 5, b"\x2b\x2c", AS_THEY_ARE),
        ("a field of number 0", 5, b"\x02\x00", AS_THEY_ARE),
        ("no protobuf", 5, b"\xff\xff\xff\xff", AS_THEY_ARE),
        ("a length that is not there", 5, b"\x2a\x09a", AS_THEY_ARE),
        (
            "the largest number",
            4,
            b"\x22\x0b\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            IN_COLUMNS,
        ),
        (
            "a number past the largest",
            4,
            b"\x22\x0b\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
            AS_THEY_ARE,
        ),
        (
            "an opening of before the block",
            4,
            b"\x22\x02\x10\x07",
            IN_COLUMNS,
        ),
        ("its own opening", 4, b"\x22\x03\x10\xe8\x07", IN_COLUMNS),
    ];
    for (what, kind, body, form) in rows {
        let (found, _) = check(&vec![(*kind, body.to_vec()); 50]);
        assert_eq!(found, *form, "{what}");
    }
}

#[test]
fn fields_in_any_order_and_any_number_of_times_come_back() {
    let mut random = fastrand::Rng::with_seed(5);
    for _ in 0..300 {
        let mut bodies = transactions(random.u64(1..12), &mut random);
        for (kind, body) in &mut bodies {
            match random.u8(..8) {
                0 => body.truncate(random.usize(1..=body.len())),
                1 => body.extend_from_within(..),
                2 => *kind = random.u8(..),
                3 => {
                    let place = random.usize(..body.len());
                    body[place] = random.u8(..);
                }
                _ => {}
            }
        }
        check(&bodies);
    }
}

#[test]
fn heads_that_no_writer_writes_come_back() {
    let (mut frames, of) = frames(&transactions(4, &mut fastrand::Rng::with_seed(2)));
    let head = FrameHead {
        sequence: Sequence::new(FIRST + 8),
        at: Instant::from_micros(-7),
        durable: Sequence::new(u64::MAX),
        following: u32::MAX,
        kind: 6,
    };
    head.encode(SEED, b"\x32\x00", &mut frames);
    let of = BlockOf {
        frames: of.frames + 1,
        bytes: frames.len(),
        ..of
    };
    assert_eq!(unpack(&pack(&frames, &of), &of).as_deref(), Some(&*frames));
}

#[test]
fn noise_is_no_block_and_makes_no_more_than_it_may() {
    let mut random = fastrand::Rng::with_seed(9);
    let (frames, of) = frames(&transactions(40, &mut random));
    let whole = pack(&frames, &of);
    for _ in 0..4_000 {
        let mut packed = whole.clone();
        for _ in 0..random.usize(1..4) {
            let place = random.usize(..packed.len());
            packed[place] = random.u8(..);
        }
        packed.truncate(random.usize(..=packed.len()));
        if let Some(found) = unpack(&packed, &of) {
            assert_eq!(found.len(), of.bytes);
        }
    }
    // A stream that says it is longer than any may be, and one that is when unpacked.
    let mut large = vec![AS_THEY_ARE];
    stream::put_varint(1 << 40, &mut large);
    assert_eq!(unpack(&large, &of), None);
    let zeros = zstd::bulk::compress(&vec![0; 1 << 26], 3).unwrap();
    let mut bomb = vec![AS_THEY_ARE];
    stream::put_varint(of.bytes as u64, &mut bomb);
    stream::put_varint(zeros.len() as u64, &mut bomb);
    bomb.extend_from_slice(&zeros);
    assert_eq!(unpack(&bomb, &of), None);
}

/// Bytes of a transaction in packed blocks of a segment elsewhere, and what packing and unpacking
/// takes.
#[test]
#[ignore = "measures the segment file that NDXP_SEGMENT names"]
fn measure() {
    let bytes = std::fs::read(std::env::var("NDXP_SEGMENT").unwrap()).unwrap();
    let head = crate::format::SegmentHead::decode(&bytes).unwrap();
    let seed = head.journal.seed();
    for block_bytes in [128 << 10, 256 << 10, 512 << 10, 1 << 20] {
        let (mut plain, mut packed, mut closed, mut offset) = (0, 0, 0, 64);
        let mut took = std::time::Duration::ZERO;
        while let Some((first, _)) = crate::format::parse_frame(seed, &bytes[offset..]) {
            let (from, mut frames) = (offset, 0);
            while offset - from < block_bytes
                && let Some((head, body)) = crate::format::parse_frame(seed, &bytes[offset..])
            {
                closed += u64::from(head.kind == 4);
                frames += 1;
                offset += 40 + body.len();
            }
            let of = BlockOf {
                seed,
                first: first.sequence,
                first_at: first.at,
                frames,
                bytes: offset - from,
            };
            let made = pack(&bytes[from..offset], &of);
            let started = std::time::Instant::now();
            assert_eq!(unpack(&made, &of).as_deref(), Some(&bytes[from..offset]));
            took += started.elapsed();
            plain += of.bytes;
            packed += made.len();
        }
        let each = |bytes: usize| bytes as f64 / closed as f64;
        let (was, is) = (each(plain), each(packed));
        println!("blocks of {block_bytes}: {was:.1} bytes a transaction became {is:.1}, {took:?}");
    }
}
