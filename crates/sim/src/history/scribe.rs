//! Entries of transactions as the gateway writes them, field by field, so that bytes per
//! transaction are real. The entries are written over each time: a month has twenty million.

use std::fmt::Write as _;

use fastrand::Rng;
use ndxp_journal::{from_fault, from_outcome};
use ndxp_model::{Outcome, Reason, TransactionId};
use ndxp_proto::journal::v1;
use ndxp_proto::journal::v1::entry::Body;

use super::shape::{Factors, Measured};
use super::strand::{Ending, Strand};

/// The node that carried the month.
pub(super) const HUB_NODE: &str = "hub-1";

/// A call on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    pub id: TransactionId,
    /// Number of its strand.
    pub strand: usize,
    /// Its number among the strand's calls, from 0.
    pub call: u64,
    pub opened_sequence: u64,
    pub total_us: u64,
    measured: Measured,
    grpc_status: u8,
    retries: u32,
}

#[derive(Debug)]
pub(super) struct Scribe {
    seed: u64,
    /// The date that dossier numbers hold: `220722`.
    date: String,
    factors: Factors,
    opening: Body,
    closing: Body,
}

const CANCELLED: u8 = 1;

/// Statuses with which providers answer, and how many of a hundred errors have each.
const PROVIDER_STATUSES: [(u8, u8); 5] = [(5, 71), (9, 15), (3, 7), (14, 5), (13, 2)];

/// Least time that the hub itself takes, and how much more it may be, microseconds.
const HUB_US: (u64, u64) = (180, 450);

/// Deadline of the methods at which providers hang.
const DEADLINE_US: u64 = 2_000_000;

/// Tries to reach a provider that is not there.
const RETRIES: u32 = 2;

impl Scribe {
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            date: String::new(),
            factors: Factors::new(),
            opening: Body::Opened(v1::TransactionOpened::default()),
            closing: Body::Closed(v1::TransactionClosed::default()),
        }
    }

    /// From now on it is this day.
    pub fn turn_to(&mut self, date: String) {
        self.date = date;
    }

    /// What becomes of a call of the strand.
    pub fn draw(
        &self,
        (number, strand): (usize, &Strand),
        call: u64,
        id: TransactionId,
        dice: &mut Rng,
    ) -> Flight {
        let own_us = HUB_US.0 + dice.u64(0..HUB_US.1);
        let rows = strand.measures.iter().filter(|measure| measure.rows);
        let rows = rows.map(|measure| measure.value(call, strand.calls));
        let rows = rows.reduce(|sum, value| sum + value);
        let mut measured = match strand.ending {
            Ending::Completed => strand.shape.completed(rows, &self.factors, dice),
            _ => strand.shape.failed(&self.factors, dice),
        };
        let mut retries = 0;
        let grpc_status = match strand.ending {
            Ending::Completed => 0,
            Ending::ProviderError => provider_status(dice),
            Ending::Cancelled => CANCELLED,
            Ending::Hub(reason) => {
                match reason.meaning().outcome {
                    Outcome::TimedOut => measured.provider_us = DEADLINE_US,
                    Outcome::Unreachable => {
                        retries = RETRIES;
                        measured.provider_us = 0;
                    }
                    _ => {}
                }
                reason.meaning().status
            }
        };
        let total_us = match strand.ending.is_opened() {
            true => measured.provider_us + own_us,
            false => own_us,
        };
        Flight {
            id,
            strand: number,
            call,
            opened_sequence: 0,
            total_us,
            measured,
            grpc_status,
            retries,
        }
    }

    pub fn opening(&mut self, strand: &Strand, flight: &Flight, dice: &mut Rng) -> &Body {
        if let Body::Opened(opened) = &mut self.opening {
            opened.transaction_id.clear();
            opened
                .transaction_id
                .extend_from_slice(flight.id.as_bytes());
            let call = opened.call.get_or_insert_default();
            tell(call, strand, (self.seed, &self.date), flight, dice);
        }
        &self.opening
    }

    pub fn closing(&mut self, strand: &Strand, flight: &Flight, dice: &mut Rng) -> &Body {
        let Body::Closed(closed) = &mut self.closing else {
            return &self.closing;
        };
        settle(closed, strand, flight);
        let refused = !strand.ending.is_opened();
        if strand.ending == Ending::Hub(Reason::EndingUnrecorded) {
            // The sweep knows nothing but the opening.
            measure(closed, None, dice);
            (closed.total_us, closed.provider_us) = (0, 0);
        } else {
            let carried = (!refused).then_some(&flight.measured);
            measure(closed, carried, dice);
        }
        closed.measures.clear();
        for measure in &strand.measures {
            closed.measures.push(v1::Measure {
                name: measure.name.to_owned(),
                value: measure.value(flight.call, strand.calls),
            });
        }
        // A value of nothing is not stated.
        closed.measures.retain(|measure| measure.value > 0);
        if refused {
            let call = closed.refused_call.get_or_insert_default();
            tell(call, strand, (self.seed, &self.date), flight, dice);
            if !strand.offered {
                let counted = closed.connection.get_or_insert_default();
                counted.service.clear();
            }
        } else {
            closed.refused_call = None;
        }
        &self.closing
    }
}

/// What is known of a call when it enters.
fn tell(
    call: &mut v1::Call,
    strand: &Strand,
    (seed, date): (u64, &str),
    flight: &Flight,
    dice: &mut Rng,
) {
    connect(&mut call.connection, &strand.connection);
    call.method.clone_from(&strand.method);
    call.grant.clone_from(&strand.grant);
    let number = (flight.strand as u64) << 32 | flight.call;
    write_over(&mut call.request_id, format_args!("{seed:x}-{number}"));
    write_over(&mut call.user, format_args!("officer-{}", dice.u32(1..=40)));
    let dossier = dice.u32(0..100_000_000);
    write_over(
        &mut call.case,
        format_args!("{}-{date}-{dossier:08}", strand.member),
    );
    call.trace_id.clear();
    let trace_id = dice.u128(1..).to_be_bytes();
    call.trace_id.extend_from_slice(&trace_id);
    HUB_NODE.clone_into(&mut call.hub_node);
    call.test = strand.test;
}

/// How the call ended, by its strand.
fn settle(closed: &mut v1::TransactionClosed, strand: &Strand, flight: &Flight) {
    closed.transaction_id.clear();
    closed
        .transaction_id
        .extend_from_slice(flight.id.as_bytes());
    closed.opened_sequence = flight.opened_sequence;
    connect(&mut closed.connection, &strand.connection);
    closed.method.clone_from(&strand.method);
    closed.outcome = from_outcome(strand.ending.outcome()).into();
    closed.grpc_status = flight.grpc_status.into();
    closed.fault = from_fault(strand.ending.fault()).into();
    let reason = match strand.ending {
        Ending::Hub(reason) => reason.meaning().name,
        _ => "",
    };
    reason.clone_into(&mut closed.reason);
    closed.total_us = flight.total_us;
    closed.provider_us = flight.measured.provider_us.min(flight.total_us);
    closed.retries = flight.retries;
    closed.test = strand.test;
}

/// What passed in either direction; nothing where the call was not carried.
fn measure(closed: &mut v1::TransactionClosed, carried: Option<&Measured>, dice: &mut Rng) {
    let nothing = Measured {
        request_bytes: 0,
        answer_bytes: 0,
        request_messages: 0,
        answer_messages: 0,
        provider_us: 0,
    };
    let carried = carried.unwrap_or(&nothing);
    closed.request_bytes = carried.request_bytes;
    closed.response_bytes = carried.answer_bytes;
    closed.request_messages = carried.request_messages;
    closed.response_messages = carried.answer_messages;
    if carried.request_bytes == 0 {
        closed.provider_us = 0;
    }
    digest(&mut closed.request_digest, carried.request_bytes, dice);
    digest(&mut closed.response_digest, carried.answer_bytes, dice);
}

/// As long as a SHA-256 and as little to be guessed; empty where nothing passed.
fn digest(digest: &mut Vec<u8>, bytes: u64, dice: &mut Rng) {
    digest.clear();
    if bytes > 0 {
        digest.extend_from_slice(&dice.u128(..).to_le_bytes());
        digest.extend_from_slice(&dice.u128(..).to_le_bytes());
    }
}

fn connect(to: &mut Option<v1::Connection>, from: &v1::Connection) {
    let to = to.get_or_insert_default();
    to.consumer.clone_from(&from.consumer);
    to.provider.clone_from(&from.provider);
    to.service.clone_from(&from.service);
}

fn write_over(text: &mut String, content: std::fmt::Arguments<'_>) {
    text.clear();
    text.write_fmt(content)
        .expect("a string takes whatever is written");
}

fn provider_status(dice: &mut Rng) -> u8 {
    let mut drawn = dice.u8(0..100);
    for (status, share) in PROVIDER_STATUSES {
        if drawn < share {
            return status;
        }
        drawn -= share;
    }
    PROVIDER_STATUSES.first().map_or(0, |(status, _)| *status)
}
