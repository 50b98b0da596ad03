//! `ndxp.journal.v1.JournalService`: what happened, for those who may know it. Streams are read
//! batch by batch as their reader takes them; a watch follows the journal's end and no queue
//! stands between the journal and its watchers.

use ndxp_journal::{Follow, ReadError, Reader};
use ndxp_model::{Period, Sequence};
use ndxp_proto::journal::v1;
use ndxp_proto::journal::v1::journal_service_server::JournalService;
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::access::{Scope, asker};
use super::filter::{self, Filter};
use super::transactions::TransactionScan;
use super::work::{Answers, Ended, Sink, Work};

/// The service.
pub struct Journal {
    pub follow: Follow,
    pub work: Work,
}

/// Bytes of raw entries read in one go; an entry may be some megabytes.
const BATCH_BYTES_MAX: usize = 1 << 20;
const BATCH_ENTRIES_MAX: usize = 1_024;

#[tonic::async_trait]
impl JournalService for Journal {
    async fn get_transaction(
        &self,
        request: Request<v1::GetTransactionRequest>,
    ) -> Result<Response<v1::Transaction>, Status> {
        let asker = asker(&request)?;
        let id = filter::transaction_id(&request.into_inner().transaction_id)?;
        let reader = self.follow.reader().clone();
        let found = self
            .work
            .scan(move || reader.transaction(id))
            .await?
            .map_err(unreadable)?;
        found
            .filter(|transaction| may_see(&asker.scope, transaction))
            .map(Response::new)
            .ok_or_else(|| {
                Status::not_found(format!(
                    "the journal holds no transaction {id} that you may see"
                ))
            })
    }

    type ListTransactionsStream = Answers<v1::Transaction>;

    async fn list_transactions(
        &self,
        request: Request<v1::ListTransactionsRequest>,
    ) -> Result<Response<Answers<v1::Transaction>>, Status> {
        let asker = asker(&request)?;
        let request = request.into_inner();
        let filter = Filter::new(request.filter, asker.scope)?;
        let period = filter::period(request.from_us, request.to_us)?;
        let limit = filter::limit(request.limit)?;
        let (work, reader) = (self.work.clone(), self.follow.reader().clone());
        let answers = self.work.stream(|sink| async move {
            let bounds = reader.clone();
            let found = work
                .step(move || range(&bounds, period))
                .await?
                .map_err(unreadable)?;
            let Some((from, through)) = found else {
                return Ok(());
            };
            let scan = TransactionScan::new(reader, filter, from);
            pull(scan, through, limit, &work, &sink).await.map(drop)
        })?;
        Ok(Response::new(answers))
    }

    type WatchTransactionsStream = Answers<v1::Transaction>;

    async fn watch_transactions(
        &self,
        request: Request<v1::WatchTransactionsRequest>,
    ) -> Result<Response<Answers<v1::Transaction>>, Status> {
        let asker = asker(&request)?;
        let request = request.into_inner();
        let filter = Filter::new(request.filter, asker.scope)?;
        let end = self.follow.position().sequence;
        let after = match Sequence::new(request.after_sequence) {
            Sequence::NONE => end,
            after if after <= end => after,
            after => return Err(behind_end("after_sequence", after, end)),
        };
        let (work, follow) = (self.work.clone(), self.follow.clone());
        let answers = self.work.stream(|sink| async move {
            let mut scan = TransactionScan::new(follow.reader().clone(), filter, after.next());
            let mut after = after;
            while let Some(position) = follow.beyond(after).await {
                after = position.sequence;
                scan = pull(scan, after, usize::MAX, &work, &sink).await?;
            }
            Err(Ended::Failed(Status::unavailable(
                "the hub is stopping; watch again later",
            )))
        })?;
        Ok(Response::new(answers))
    }

    type ReadEntriesStream = Answers<v1::Entry>;

    async fn read_entries(
        &self,
        request: Request<v1::ReadEntriesRequest>,
    ) -> Result<Response<Answers<v1::Entry>>, Status> {
        everything(&asker(&request)?.scope)?;
        let request = request.into_inner();
        let end = self.follow.position().sequence;
        let first = Sequence::new(request.first_sequence.max(1));
        let last = match Sequence::new(request.last_sequence) {
            Sequence::NONE => end,
            last if last <= end => last,
            last => return Err(behind_end("last_sequence", last, end)),
        };
        if request.last_sequence != 0 && last < first {
            return Err(Status::invalid_argument(format!(
                "first_sequence = {first}, last_sequence = {last}: the range holds nothing; write \
                 an end that is not before its start"
            )));
        }
        let (work, reader) = (self.work.clone(), self.follow.reader().clone());
        let answers = self.work.stream(|sink| async move {
            let mut next = first;
            while next <= last {
                let reader = reader.clone();
                let batch = work.step(move || entries(&reader, next, last)).await?;
                let batch = batch.map_err(unreadable)?;
                if batch.is_empty() {
                    return Err(Status::data_loss(format!("entry {next} is missing")).into());
                }
                for entry in batch {
                    next = Sequence::new(entry.sequence).next();
                    sink.send(entry).await?;
                }
            }
            Ok(())
        })?;
        Ok(Response::new(answers))
    }

    async fn get_position(
        &self,
        request: Request<v1::GetPositionRequest>,
    ) -> Result<Response<v1::Position>, Status> {
        asker(&request)?;
        let position = self.follow.position();
        Ok(Response::new(v1::Position {
            last_sequence: position.sequence.get(),
            last_committed_at_us: position.at.as_micros(),
        }))
    }
}

/// Reads batches and hands them over until the sequence or the limit is reached. The place for
/// scanning is held while a batch is read, never while its reader is slow.
async fn pull(
    mut scan: TransactionScan,
    through: Sequence,
    limit: usize,
    work: &Work,
    sink: &Sink<v1::Transaction>,
) -> Result<TransactionScan, Ended> {
    let mut left = limit;
    while left > 0 && !scan.is_beyond(through) {
        let read = move || {
            let batch = scan.batch(through);
            (scan, batch)
        };
        let (back, batch) = work.step(read).await?;
        scan = back;
        for transaction in batch.map_err(unreadable)?.into_iter().take(left) {
            left = left.saturating_sub(1);
            sink.send(transaction).await?;
        }
    }
    Ok(scan)
}

/// The sequences whose commit times lie in the period.
fn range(reader: &Reader, period: Period) -> Result<Option<(Sequence, Sequence)>, ReadError> {
    let end = reader.position()?.sequence;
    let Some(from) = reader.first_at_or_after(period.from)? else {
        return Ok(None);
    };
    let through = match reader.first_at_or_after(period.to)? {
        Some(first) => Sequence::new(first.get().saturating_sub(1)),
        None => end,
    };
    Ok((from <= through).then_some((from, through)))
}

/// At least one entry, unless the journal has none in the range.
fn entries(
    reader: &Reader,
    from: Sequence,
    through: Sequence,
) -> Result<Vec<v1::Entry>, ReadError> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for entry in reader.entries(from, through) {
        let entry = entry?;
        bytes += entry.encoded_len();
        batch.push(entry);
        if bytes >= BATCH_BYTES_MAX || batch.len() >= BATCH_ENTRIES_MAX {
            break;
        }
    }
    Ok(batch)
}

fn may_see(scope: &Scope, transaction: &v1::Transaction) -> bool {
    let closed = transaction.closed.as_ref();
    let closed = closed.and_then(|closed| closed.connection.as_ref());
    let called = transaction.call.as_ref();
    let called = called.and_then(|call| call.connection.as_ref());
    let nowhere = v1::Connection::default();
    let connection = closed.or(called).unwrap_or(&nowhere);
    scope.covers(&connection.consumer, &connection.provider)
}

/// The table denies raw entries to members; this says so where they are read.
fn everything(scope: &Scope) -> Result<(), Status> {
    match scope {
        Scope::Everything => Ok(()),
        Scope::Own(_) => Err(Status::permission_denied(
            "raw entries are for operators and auditors",
        )),
    }
}

fn behind_end(field: &str, value: Sequence, end: Sequence) -> Status {
    Status::invalid_argument(format!(
        "{field} = {value}: the journal ends at {end}; write at most that, or 0"
    ))
}

/// Damage is named in the hub's log, file and offset; the caller learns that there is some.
fn unreadable(error: ReadError) -> Status {
    tracing::error!(%error, "journal not readable");
    Status::data_loss(format!("the journal cannot be read: {error}"))
}

#[cfg(test)]
mod tests;
