//! The audit log: every administrative act, with what it changed, and every attempt that was
//! refused, read out of the journal. There is no other record of it, so that it cannot differ.

use std::collections::VecDeque;

use ndxp_journal::{Kind, ReadError, Reader};
use ndxp_model::Sequence;
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{BaselineImported, Entry, RegistryChanged};
use ndxp_proto::registry::v1;

use crate::act::{REFUSED_BYTES_MAX, cut};
use crate::difference::{difference, of_state};
use crate::fold::Registry;
use crate::history::HistoryError;
use crate::record::Item;

/// Entries of an answer, when the request does not say.
pub const AUDIT_LIMIT: u32 = 1_000;

/// Most entries of one answer: some 10 MB.
pub const AUDIT_LIMIT_MAX: u32 = 10_000;

/// The last acts that match, oldest first.
///
/// # Errors
/// When the journal cannot be read or folded.
pub fn audit(
    reader: &Reader,
    request: &v1::ListAuditRequest,
) -> Result<v1::ListAuditResponse, HistoryError> {
    let limit = match request.limit {
        0 => AUDIT_LIMIT,
        limit => limit.min(AUDIT_LIMIT_MAX),
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let end = reader.position()?.sequence;
    let first = Sequence::NONE.next();
    let mut acts = reader
        .entries_of(Kind::RegistryChanged, first, end)
        .peekable();
    let mut refusals = reader
        .entries_of(Kind::RegistryRefused, first, end)
        .peekable();
    let mut imports = reader
        .entries_of(Kind::BaselineImported, first, end)
        .peekable();
    let mut registry = Registry::empty();
    let mut found = VecDeque::new();
    while let Some(entry) = earliest([&mut acts, &mut refusals, &mut imports]) {
        let entry = entry?;
        if request.until_us != 0 && entry.committed_at_us >= request.until_us {
            break;
        }
        if entry.committed_at_us >= request.from_us
            && let Some(told) = told(&entry, &registry)
            && matches(&told, request)
        {
            found.push_back(told);
            if found.len() > limit {
                found.pop_front();
            }
        }
        registry.apply(&entry)?;
    }
    Ok(v1::ListAuditResponse {
        entries: found.into(),
        watermark: end.get(),
    })
}

type Next = Option<Result<Entry, ReadError>>;

/// The next entry of several ordered runs; damage comes at once.
fn earliest<I: Iterator<Item = Result<Entry, ReadError>>>(
    runs: [&mut std::iter::Peekable<I>; 3],
) -> Next {
    let place = |run: &mut std::iter::Peekable<I>| match run.peek() {
        Some(Ok(entry)) => Some(entry.sequence),
        Some(Err(_)) => Some(0),
        None => None,
    };
    let begun = runs
        .into_iter()
        .filter_map(|run| place(run).map(|sequence| (sequence, run)));
    let (_, run) = begun.min_by_key(|(sequence, _)| *sequence)?;
    run.next()
}

/// The entry as the log tells it, beside the registry before it.
fn told(entry: &Entry, before: &Registry) -> Option<v1::AuditEntry> {
    let (sequence, at_us) = (entry.sequence, entry.committed_at_us);
    match entry.body.as_ref()? {
        Body::RegistryChanged(act) => Some(v1::AuditEntry {
            sequence,
            at_us,
            actor: act.actor.clone(),
            role: act.role.clone(),
            rpc: match act.rpc.as_str() {
                // Entries of the time when there was one RPC.
                "" => "Apply".to_owned(),
                rpc => rpc.to_owned(),
            },
            item: act.item.clone(),
            reason: act.note.clone(),
            refused: String::new(),
            differences: differences(act, before),
        }),
        Body::RegistryRefused(refused) => Some(v1::AuditEntry {
            sequence,
            at_us,
            actor: refused.actor.clone(),
            role: refused.role.clone(),
            rpc: refused.rpc.clone(),
            item: refused.item.clone(),
            reason: refused.note.clone(),
            refused: refused.refused.clone(),
            differences: Vec::new(),
        }),
        Body::BaselineImported(import) => Some(v1::AuditEntry {
            sequence,
            at_us,
            actor: import.actor.clone(),
            // Nobody else may.
            role: "operator".to_owned(),
            rpc: "ImportBaseline".to_owned(),
            item: import.file.clone(),
            reason: import.note.clone(),
            refused: String::new(),
            differences: vec![imported(import)],
        }),
        _ => None,
    }
}

/// How much was imported; the numbers themselves are listed elsewhere.
fn imported(import: &BaselineImported) -> v1::Difference {
    let field = |field: &str, after: String| v1::FieldDifference {
        field: field.to_owned(),
        before: String::new(),
        after,
    };
    let digest = import.file_sha256.iter().map(|byte| format!("{byte:02x}"));
    v1::Difference {
        item: format!("baseline {}", import.file),
        added: true,
        fields: vec![
            field("balances", import.rows.len().to_string()),
            field(
                "sources",
                cut(&import.sources.join("; "), REFUSED_BYTES_MAX),
            ),
            field("file_sha256", digest.collect()),
        ],
        ..v1::Difference::default()
    }
}

fn differences(act: &RegistryChanged, before: &Registry) -> Vec<v1::Difference> {
    use v1::change::Item as Changed;
    let changed = |change: &v1::Change| match change.item.as_ref()? {
        Changed::Member(item) => difference(before.member(&item.code), item),
        Changed::System(item) => difference(before.system_item(&item.id), item),
        Changed::Service(item) => difference(before.service(&item.provider, &item.name), item),
        Changed::Grant(item) => {
            let standing = before.grant_versions(&item.key());
            // Entries of the time before versions changed the one that stood.
            let version = item.version.max(1);
            match standing.iter().find(|grant| grant.version == version) {
                Some(grant) if item.version != 0 => Some(of_state(grant, item)),
                standing => difference(standing, item),
            }
        }
        // The service beside it tells the checksum and the methods.
        Changed::Descriptors(_) => None,
        Changed::Removed(removed) => {
            let kind = match removed.kind() {
                v1::ItemKind::Unspecified => return None,
                v1::ItemKind::Member => "member",
                v1::ItemKind::System => "system",
                v1::ItemKind::Service => "service",
                v1::ItemKind::Grant => "grant",
            };
            Some(v1::Difference {
                item: format!("{kind} {}", removed.key),
                removed: true,
                ..v1::Difference::default()
            })
        }
    };
    act.changes.iter().filter_map(changed).collect()
}

fn matches(entry: &v1::AuditEntry, request: &v1::ListAuditRequest) -> bool {
    let item = request.item.as_str();
    let names = |difference: &v1::Difference| {
        let key = difference.item.split_once(' ').map(|(_, key)| key);
        key.is_some_and(|key| key.starts_with(item))
    };
    entry.actor.ends_with(&request.actor)
        && (item.is_empty() || entry.item.starts_with(item) || entry.differences.iter().any(names))
        && (!request.refused_only || !entry.refused.is_empty())
}

#[cfg(test)]
mod tests;
