//! Finding a transaction by its id without an index: the id tells when it was made, the time
//! tells where to look, and frames are searched for the id's bytes undecoded.

use std::time::Duration;

use memchr::memmem::Finder;
use ndxp_model::{Instant, Sequence, TransactionId};
use ndxp_proto::journal::v1;
use ndxp_proto::journal::v1::entry::Body;

use crate::Kind;
use crate::error::ReadError;
use crate::reader::{Depth, Frames, Reader};

/// How far an entry's commit time may lie from the time in its id: the hub's clock may have been
/// set back or forward by so much in between, and commit times never run backwards.
pub const CLOCK_SLACK: Duration = Duration::from_hours(1);

/// A closing is looked for up to so much journal time behind the opening. No call lasts longer:
/// the longest deadline that the hub grants is far below.
pub const TRANSACTION_LASTS_MAX: Duration = Duration::from_hours(24);

/// A pause of the journal counts as no more than this: the closing that the sweep writes at the
/// next start is found however long the hub stood still.
const PAUSE_COUNTED_MAX: Duration = Duration::from_mins(1);

impl Reader {
    /// A transaction by its id; without its closing while it is in flight.
    ///
    /// # Errors
    /// When frames on the way are damaged or the disk fails.
    pub fn transaction(&self, id: TransactionId) -> Result<Option<v1::Transaction>, ReadError> {
        let made_at = id.made_at();
        let Some(from) = self.first_at_or_after(made_at.saturating_sub(CLOCK_SLACK))? else {
            return Ok(None);
        };
        let frames = self.frames(from, self.end().sequence);
        let mut search = Search::new(id, frames);
        let mut found = None;
        while let Some((entry, body)) = search.next(found.is_some())? {
            match body {
                Body::Opened(opened) => found = Some(in_flight(id, &entry, opened.call)),
                Body::Closed(mut closed) => {
                    let opened = match found {
                        Some(opened) => opened,
                        None => self.opening(id, &mut closed)?,
                    };
                    return Ok(Some(v1::Transaction {
                        closed_sequence: entry.sequence,
                        closed_at_us: entry.committed_at_us,
                        closed: Some(closed),
                        ..opened
                    }));
                }
                _ => {}
            }
        }
        Ok(found)
    }

    /// What came before a closing whose opening was not on the way: a refusal has none, and
    /// brings its call along.
    fn opening(
        &self,
        id: TransactionId,
        closed: &mut v1::TransactionClosed,
    ) -> Result<v1::Transaction, ReadError> {
        let sequence = Sequence::new(closed.opened_sequence);
        if sequence == Sequence::NONE {
            let call = closed.refused_call.take().map(|call| *call);
            return Ok(in_flight(id, &v1::Entry::default(), call));
        }
        let opening = self.entries(sequence, sequence).next().transpose()?;
        let mut opening = opening.unwrap_or_default();
        let call = match opening.body.take() {
            Some(Body::Opened(opened)) => opened.call,
            _ => None,
        };
        Ok(in_flight(id, &opening, call))
    }
}

/// Goes through the frames that name one transaction, for as long as there may be more.
struct Search {
    id: TransactionId,
    finder: Finder<'static>,
    frames: Frames,
    /// No opening, and no refusal, is later.
    opened_until: Instant,
    /// Journal time since the opening, pauses cut short.
    lasted: Duration,
    /// When the last frame was committed.
    at: Option<Instant>,
}

impl Search {
    fn new(id: TransactionId, frames: Frames) -> Self {
        Self {
            id,
            finder: Finder::new(id.as_bytes()).into_owned(),
            frames,
            opened_until: id.made_at().saturating_add(CLOCK_SLACK),
            lasted: Duration::ZERO,
            at: None,
        }
    }

    fn next(&mut self, opened: bool) -> Result<Option<(v1::Entry, Body)>, ReadError> {
        while let Some(head) = self.frames.advance()? {
            if self.is_over(head.at, opened) {
                break;
            }
            let kinds = [Kind::Opened.number(), Kind::Closed.number()];
            if kinds.contains(&head.kind) && self.finder.find(self.frames.body()).is_some() {
                let mut entry = self.frames.decode(&head, Depth::Whole)?;
                let body = entry.body.take();
                if let Some(body) = body.filter(|body| self.is_named_by(body)) {
                    return Ok(Some((entry, body)));
                }
            }
        }
        Ok(None)
    }

    fn is_over(&mut self, at: Instant, opened: bool) -> bool {
        let before = self.at.replace(at).unwrap_or(at);
        if !opened {
            return at > self.opened_until;
        }
        let micros = at.as_micros().saturating_sub(before.as_micros());
        let pause = Duration::from_micros(u64::try_from(micros).unwrap_or(0));
        self.lasted += pause.min(PAUSE_COUNTED_MAX);
        self.lasted > TRANSACTION_LASTS_MAX
    }

    /// The bytes found may stand in another field.
    fn is_named_by(&self, body: &Body) -> bool {
        let named = match body {
            Body::Opened(opened) => &opened.transaction_id,
            Body::Closed(closed) => &closed.transaction_id,
            _ => return false,
        };
        named == self.id.as_bytes()
    }
}

fn in_flight(id: TransactionId, entry: &v1::Entry, call: Option<v1::Call>) -> v1::Transaction {
    v1::Transaction {
        transaction_id: id.to_string(),
        call,
        opened_sequence: entry.sequence,
        opened_at_us: entry.committed_at_us,
        ..v1::Transaction::default()
    }
}
