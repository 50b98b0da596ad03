//! Seeded histories of a small hub, laid across the borders at which buckets are cut.

use fastrand::Rng;
use ndxp_model::{Instant, TransactionId};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{
    Call, Connection, Entry, HubStarted, Measure, SystemConnected, TransactionClosed,
    TransactionOpened,
};

const CONSUMERS: [&str; 4] = [
    "H26/lgsp",
    "H26/one-stop",
    "H26.12/lgsp",
    "G15/civil-status",
];
const PROVIDERS: [&str; 3] = ["G01/population", "G24/insurance", "H26/lgsp"];
const SERVICES: [&str; 3] = ["gov.Identity", "gov.Card", "gov.Births"];

const METHODS: [&str; 4] = ["Get", "List", "Put", ""];

const MINUTE_US: i64 = 60_000_000;
/// 2021-12-31T16:58:00Z: two minutes before a new year in Viet Nam.
pub const EVE: i64 = 1_640_969_880_000_000;

/// A history that can be told on: entries in order, some transactions still open.
pub struct Story {
    rng: Rng,
    at_us: i64,
    sequence: u64,
    open: Vec<(u64, TransactionId, Connection, bool)>,
}

impl Story {
    pub fn new(seed: u64) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            at_us: EVE,
            sequence: 0,
            open: Vec::new(),
        }
    }

    /// The next entries.
    pub fn tell(&mut self, count: usize) -> Vec<Entry> {
        (0..count).map(|_| self.next()).collect()
    }

    fn next(&mut self) -> Entry {
        self.sequence += 1;
        self.at_us += self.pause();
        let body = match self.rng.u8(0..10) {
            0 if self.rng.bool() => Body::HubStarted(HubStarted::default()),
            0 => Body::SystemConnected(SystemConnected {
                system: CONSUMERS[0].to_owned(),
            }),
            1 | 2 => Body::Closed(self.refusal()),
            3..=5 if !self.open.is_empty() => Body::Closed(self.close()),
            _ => Body::Opened(self.open()),
        };
        Entry {
            sequence: self.sequence,
            committed_at_us: self.at_us,
            body: Some(body),
        }
    }

    /// Mostly moments, sometimes hours or weeks, and often to the microsecond of a border.
    fn pause(&mut self) -> i64 {
        let hour = 60 * MINUTE_US;
        match self.rng.u8(0..40) {
            0 => self.rng.i64(0..20 * 24 * hour),
            1..=3 => self.rng.i64(0..30 * hour),
            4..=6 => (self.at_us / hour + 1) * hour - self.at_us,
            7..=8 => (self.at_us / hour + 1) * hour - 1 - self.at_us,
            9 => self.to_midnight(),
            10..=15 => self.rng.i64(0..30 * MINUTE_US),
            16..=20 => 0,
            _ => self.rng.i64(0..5_000_000),
        }
    }

    /// Viet Nam is seven hours ahead, all year round.
    fn to_midnight(&self) -> i64 {
        let (day, ahead) = (24 * 60 * MINUTE_US, 7 * 60 * MINUTE_US);
        day - (self.at_us + ahead) % day
    }

    fn connection(&mut self) -> Connection {
        Connection {
            consumer: self.rng.choice(CONSUMERS).unwrap().to_owned(),
            provider: self.rng.choice(PROVIDERS).unwrap().to_owned(),
            service: self.rng.choice(SERVICES).unwrap().to_owned(),
        }
    }

    fn id(&mut self) -> TransactionId {
        TransactionId::new(Instant::from_micros(self.at_us), self.rng.u128(..))
    }

    fn open(&mut self) -> TransactionOpened {
        let (id, connection, test) = (self.id(), self.connection(), self.rng.u8(0..8) == 0);
        self.open.push((self.sequence, id, connection, test));
        TransactionOpened {
            transaction_id: id.as_bytes().to_vec(),
            call: None,
        }
    }

    fn close(&mut self) -> TransactionClosed {
        let (opened_sequence, id, connection, test) =
            self.open.swap_remove(self.rng.usize(0..self.open.len()));
        let outcome = self.rng.choice([1, 1, 1, 1, 2, 2, 4, 5, 6, 7]).unwrap();
        let mut measures = Vec::new();
        for name in ["records", "amount_vnd"] {
            if self.rng.u8(0..3) == 0 {
                measures.push(Measure {
                    name: name.to_owned(),
                    value: self.rng.u64(0..1 << 40),
                });
            }
        }
        TransactionClosed {
            transaction_id: id.as_bytes().to_vec(),
            opened_sequence,
            connection: Some(connection),
            outcome,
            fault: if outcome == 1 { 0 } else { self.rng.i32(0..4) },
            method: self.rng.choice(METHODS).unwrap().to_owned(),
            grpc_status: self.rng.choice([0, 5, 12]).unwrap(),
            request_bytes: self.rng.u64(0..100_000),
            response_bytes: self.rng.u64(0..1 << 33),
            request_messages: self.rng.u64(0..3),
            response_messages: self.rng.u64(0..100),
            total_us: self.rng.u64(..) >> self.rng.u8(20..64),
            measures,
            test,
            ..TransactionClosed::default()
        }
    }

    fn refusal(&mut self) -> TransactionClosed {
        let mut connection = self.connection();
        match self.rng.u8(0..3) {
            0 => connection.consumer.clear(),
            1 => connection.provider.clear(),
            _ => {}
        }
        TransactionClosed {
            transaction_id: self.id().as_bytes().to_vec(),
            connection: Some(connection),
            outcome: 3,
            fault: self.rng.i32(1..3),
            refused_call: Some(Box::new(Call {
                method: self.rng.choice(METHODS).unwrap().to_owned(),
                ..Call::default()
            })),
            request_bytes: self.rng.u64(0..1_000),
            total_us: self.rng.u64(0..1_000),
            test: self.rng.u8(0..8) == 0,
            ..TransactionClosed::default()
        }
    }
}
