//! Electronic documents: who sends and who receives, so that the sums of the two declared
//! measures are those of the report.

use super::super::volume::Volume;
use super::split::{declare, links_of, spread};
use super::{Ending, Strand};
use crate::Method;
use crate::nation::Nation;

/// Accepted documents, stated by the call that hands them over.
const SENT: &str = "documents_sent";
/// Deliveries to a recipient, stated by the call that takes them.
const RECEIVED: &str = "documents_received";

/// Of a thousand documents so many are handed over by a call of their own, the rest in exchanges.
const SENT_ALONE: u64 = 800;

/// Deliveries that one exchange takes on average, to the whole below.
const TAKEN_AT_ONCE: u64 = 4;

/// Whether a method's calls are laid out here.
pub(super) fn carries(method: Method) -> bool {
    matches!(method, Method::SendDocument | Method::Exchange)
}

pub(super) fn strands(nation: &Nation, volume: &Volume) -> Vec<Strand> {
    let alone = volume.documents_sent * SENT_ALONE / 1_000;
    let links = links_of(nation, |method| method == Method::SendDocument);
    let mut sending = spread(&links, Ending::Completed, alone);
    declare(&mut sending, SENT, alone, 1);

    let links = links_of(nation, |method| method == Method::Exchange);
    let exchanges = volume.documents_received.div_ceil(TAKEN_AT_ONCE);
    let mut exchanging = spread(&links, Ending::Completed, exchanges);
    declare(&mut exchanging, SENT, volume.documents_sent - alone, 1);
    declare(&mut exchanging, RECEIVED, volume.documents_received, 1);
    sending.extend(exchanging);
    sending
}
