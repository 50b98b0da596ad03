//! Electronic documents: who sends and who receives, so that the sums of the two declared
//! measures are those of the report.

use super::super::volume::Volume;
use super::split::{declare, links_of, spread};
use super::{Ending, Strand};
use crate::Method;
use crate::documents::{RECEIVED, SENT};
use crate::nation::Nation;

/// Of a thousand documents so many are handed over, or taken, by a call of their own; the rest pass
/// on open lines.
const ALONE: u64 = 800;

/// Documents that wait when somebody comes to take them, in tenths: about as many as a document has
/// recipients.
const WAITING_TENTHS: u64 = 36;

/// Whether a method's calls are laid out here.
pub(super) fn carries(method: Method) -> bool {
    !method.answered_measures().is_empty()
}

pub(super) fn strands(nation: &Nation, volume: &Volume) -> Vec<Strand> {
    let (sent, received) = (volume.documents_sent, volume.documents_received);
    let (sent_alone, taken_alone) = (sent * ALONE / 1_000, received * ALONE / 1_000);
    let calls = |method, calls| {
        let links = links_of(nation, |it| it == method);
        spread(&links, Ending::Completed, calls)
    };
    let mut sending = calls(Method::SendDocument, sent_alone);
    declare(&mut sending, SENT, sent_alone, 1);

    let takings = (taken_alone * 10).div_ceil(WAITING_TENTHS);
    let mut taking = calls(Method::ReceiveDocuments, takings);
    declare(&mut taking, RECEIVED, taken_alone, 1);

    // One document is sent on each open line.
    let mut lines = calls(Method::Exchange, sent - sent_alone);
    declare(&mut lines, RECEIVED, received - taken_alone, 1);
    declare(&mut lines, SENT, sent - sent_alone, 1);
    let on_lines = lines.iter_mut().flat_map(|it| &mut it.measures);
    on_lines.for_each(|measure| measure.rows = true);
    [sending, taking, lines].concat()
}
