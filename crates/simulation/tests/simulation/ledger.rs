//! What the world knows of the journal: every entry that was ever acknowledged, in order, and what
//! follows from them for those outside. Kept apart from the hub, and never forgotten in a crash.

use std::collections::{BTreeMap, HashMap};

use ndxp_journal::Reader;
use ndxp_model::{Sequence, TransactionId};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{Entry, Outcome, TransactionClosed};
use ndxp_registry::Registry;

use crate::consumer::Ending;
use crate::invariant::{Invariant, Violation};
use crate::mutation::{self, Mutation};

const ENDING_UNRECORDED: &str = "ENDING_UNRECORDED";

pub struct Ledger {
    reader: Option<Reader>,
    pub log: Vec<Entry>,
    /// A fold of the log, entry by entry from the first.
    pub registry: Registry,
    transactions: HashMap<Vec<u8>, Transaction>,
    /// Transaction of the consumer's own request id.
    by_request: HashMap<String, Vec<u8>>,
    /// Opened and not closed, by the opening's sequence.
    open: BTreeMap<u64, Vec<u8>>,
    /// Open when the hub was started last.
    left_open: Vec<Vec<u8>>,
    pub completed: u64,
    violation: Option<Violation>,
    mutation: Option<Mutation>,
}

struct Transaction {
    opened: u64,
    closed: Option<TransactionClosed>,
}

impl Ledger {
    pub fn new(mutation: Option<Mutation>) -> Self {
        Self {
            reader: None,
            log: Vec::new(),
            registry: Registry::empty(),
            transactions: HashMap::new(),
            by_request: HashMap::new(),
            open: BTreeMap::new(),
            left_open: Vec::new(),
            completed: 0,
            violation: None,
            mutation,
        }
    }

    pub fn violate(&mut self, invariant: Invariant, detail: impl Into<String>) {
        let detail = detail.into();
        self.violation
            .get_or_insert(Violation { invariant, detail });
    }

    pub fn violation(&self) -> Option<Violation> {
        self.violation.clone()
    }

    pub fn end(&self) -> Sequence {
        Sequence::new(self.log.len() as u64)
    }

    /// Opened and not closed.
    pub fn calls_open(&self) -> usize {
        self.open.len()
    }

    /// The hub stands on this journal from now on: it begins with all that was acknowledged.
    pub fn restarted(&mut self, reader: Reader) {
        let entries = reader.entries(Sequence::new(1), LAST);
        let found: Result<Vec<_>, _> = mutation::read(self.mutation, entries).collect();
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                let detail = format!("after a crash: {error}");
                return self.violate(Invariant::AcknowledgedIsDurable, detail);
            }
        };
        for (number, acknowledged) in self.log.iter().enumerate() {
            if found.get(number) != Some(acknowledged) {
                let detail = match found.get(number) {
                    None => format!("entry {} is gone: {acknowledged:?}", number + 1),
                    Some(other) => format!("{acknowledged:?} has become {other:?}"),
                };
                return self.violate(Invariant::AcknowledgedIsDurable, detail);
            }
        }
        self.reader = Some(reader);
        self.catch_up();
        self.left_open = self.open.values().cloned().collect();
    }

    /// Takes in what has become durable.
    pub fn catch_up(&mut self) {
        let Some(reader) = self.reader.clone() else {
            return;
        };
        let entries = reader.entries(self.end().next(), LAST);
        for entry in mutation::read(self.mutation, entries) {
            match entry {
                Ok(entry) => self.take(entry),
                Err(error) => {
                    let detail = error.to_string();
                    return self.violate(Invariant::AcknowledgedIsDurable, detail);
                }
            }
        }
    }

    /// A provider has been shown a call.
    pub fn provider_saw(&mut self, id: &str) {
        self.catch_up();
        let known = id.parse::<TransactionId>().ok();
        let known = known.and_then(|id| self.transactions.get(id.as_bytes().as_slice()));
        if known.is_none() {
            let detail = format!("a provider saw {id:?}, and no opening is durable");
            self.violate(Invariant::NothingReachesAProviderUnrecorded, detail);
        }
    }

    /// A consumer has seen how its call ended.
    pub fn consumer_saw(&mut self, request: &str, ending: &Ending) {
        self.catch_up();
        let status = match ending {
            Ending::Untold => return,
            Ending::Status { reason, .. } if reason == ENDING_UNRECORDED => return,
            Ending::Status { status, .. } => Some(*status),
            Ending::Reset => None,
        };
        if status == Some(0) {
            self.completed += 1;
        }
        // A call that was refused is on record if the journal took it.
        let Some(id) = self.by_request.get(request) else {
            return;
        };
        let closed = self.transactions.get(id).and_then(|it| it.closed.as_ref());
        let found = closed.map(|closed| closed.grpc_status);
        let agrees = found.is_some_and(|found| status.is_none_or(|status| status == found));
        if !agrees {
            let detail = format!("{request} was told {ending:?}, and on record is {found:?}");
            self.violate(Invariant::NothingEndsUnrecorded, detail);
        }
    }

    /// An operator was told that the act stands there.
    pub fn act_acknowledged(&mut self, sequence: Sequence) {
        self.catch_up();
        let entry = usize::try_from(sequence.get() - 1).ok();
        let entry = entry.and_then(|index| self.log.get(index));
        let stands = entry.is_some_and(|it| matches!(it.body, Some(Body::RegistryChanged(_))));
        if !stands {
            let detail = format!("an act was acknowledged as entry {sequence}, which is {entry:?}");
            self.violate(Invariant::AcknowledgedIsDurable, detail);
        }
    }

    /// The hub says that whatever the last stop left open is settled.
    pub fn swept(&mut self) {
        self.catch_up();
        for id in std::mem::take(&mut self.left_open) {
            let closed = self.transactions.get(&id).and_then(|it| it.closed.as_ref());
            let interrupted = closed.is_some_and(|closed| {
                closed.outcome() == Outcome::Interrupted && closed.reason == ENDING_UNRECORDED
            });
            if !interrupted {
                let detail = format!("left open by the last stop, and now {closed:?}");
                let invariant = Invariant::OpenTransactionsAreSweptAsInterruptedAfterACrash;
                return self.violate(invariant, detail);
            }
        }
    }

    fn take(&mut self, entry: Entry) {
        let last = self.log.last();
        let in_order = entry.sequence == self.end().next().get()
            && last.is_none_or(|last| last.committed_at_us <= entry.committed_at_us);
        if !in_order {
            let detail = format!("{last:?} is followed by {entry:?}");
            let invariant = Invariant::SequenceIsContiguousAndTimeNeverRunsBackwards;
            return self.violate(invariant, detail);
        }
        if let Err(error) = self.registry.apply(&entry) {
            let detail = error.to_string();
            self.violate(Invariant::RegistryEqualsAFoldOfTheJournal, detail);
        }
        match &entry.body {
            Some(Body::Opened(opened)) => {
                let request = opened.call.clone().unwrap_or_default().request_id;
                let (id, opened) = (opened.transaction_id.clone(), entry.sequence);
                self.by_request.insert(request, id.clone());
                self.open.insert(opened, id.clone());
                let transaction = Transaction {
                    opened,
                    closed: None,
                };
                self.transactions.insert(id, transaction);
            }
            Some(Body::Closed(closed)) => self.close(entry.sequence, closed),
            _ => {}
        }
        self.log.push(entry);
    }

    fn close(&mut self, sequence: u64, closed: &TransactionClosed) {
        let known = self.transactions.get_mut(&closed.transaction_id);
        let fits = match known {
            None => closed.opened_sequence == 0,
            Some(known) => {
                self.open.remove(&known.opened);
                let first = known.closed.replace(closed.clone()).is_none();
                first && closed.opened_sequence == known.opened
            }
        };
        if !fits {
            let detail = format!("entry {sequence} closes what is not open: {closed:?}");
            self.violate(Invariant::AttemptsAreTheSumOfOutcomes, detail);
        }
    }
}

const LAST: Sequence = Sequence::new(u64::MAX);
