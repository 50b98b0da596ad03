//! Electronic documents on the simulated axis: how many a call hands over and how many it takes,
//! known to consumer and provider alike from the call alone, so that both count the same.
//!
//! Published reports speak of about 3.6 recipients of each document; so many are taken for each one
//! that is handed over.

use tonic::metadata::{MetadataMap, MetadataValue};

/// Documents that were accepted, credited to the caller.
pub(crate) const SENT: &str = "documents_sent";
/// Documents that were delivered, credited to the caller.
pub(crate) const RECEIVED: &str = "documents_received";

/// Of so many messages on an open line, one is a document and the others take delivery of one.
const LINE_CYCLE: u32 = 6;

/// What a call of one of the axis' methods came to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Passed {
    pub sent: u64,
    pub received: u64,
}

impl Passed {
    pub(crate) const ONE_SENT: Self = Self {
        sent: 1,
        received: 0,
    };

    /// How many wait behind the document of this id: 2 to 5, on average 3.6.
    pub(crate) fn waiting(after_document_id: &str) -> Self {
        let received = match number(after_document_id, 5) {
            0 => 2,
            1 => 3,
            2 | 3 => 4,
            _ => 5,
        };
        Self { sent: 0, received }
    }

    /// On an open line of so many messages.
    pub(crate) fn on_line(messages: u32) -> Self {
        let sent = messages.div_ceil(LINE_CYCLE);
        Self {
            sent: sent.into(),
            received: (messages - sent).into(),
        }
    }

    /// States what is not nothing, as a provider does in its answer.
    pub(crate) fn state(self, metadata: &mut MetadataMap) {
        if self.sent > 0 {
            metadata.insert(
                "ndxp-measure-documents_sent",
                MetadataValue::from(self.sent),
            );
        }
        if self.received > 0 {
            let received = MetadataValue::from(self.received);
            metadata.insert("ndxp-measure-documents_received", received);
        }
    }

    /// Measures and values, those that are nothing left out.
    pub(crate) fn measures(self) -> impl Iterator<Item = (&'static str, u64)> {
        let all = [(RECEIVED, self.received), (SENT, self.sent)];
        all.into_iter().filter(|(_, value)| *value > 0)
    }
}

/// Whether the message at this place on an open line is a document.
pub(crate) fn is_document(place: u32) -> bool {
    place.is_multiple_of(LINE_CYCLE)
}

/// A number below `end` that belongs to the key: the same for the same key (FNV-1a).
pub(crate) fn number(key: &str, end: u64) -> u64 {
    let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash % end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_counted_as_its_messages_are() {
        for messages in 0..50 {
            let documents = (0..messages).filter(|place| is_document(*place)).count();
            let passed = Passed::on_line(messages);
            assert_eq!(passed.sent, documents as u64, "{messages}");
            assert_eq!(passed.sent + passed.received, u64::from(messages));
        }
    }

    #[test]
    fn about_three_and_a_half_documents_wait() {
        let sum: u64 = (0..10_000)
            .map(|key| Passed::waiting(&format!("{key:012}")).received)
            .sum();
        assert!((35_000..=37_000).contains(&sum), "{sum}");
    }
}
