//! What packing does to a journal at rest: what a transaction weighs behind it, what it takes, and
//! what reading costs before and behind.

use std::path::Path;
use std::sync::Arc;

use ndxp_journal::{FileDisk, Journal, Options, Reader};
use ndxp_model::{Sequence, SystemClock};
use serde::Serialize;

use super::recovery::segments_bytes;
use crate::bench::process::cpu_of;
use crate::bench::rows::{count, mebibytes};

#[derive(Clone, Copy, Debug, Serialize)]
pub struct Packed {
    /// Of the whole journal, openings and closings together.
    pub plain_bytes_per_transaction: f64,
    pub bytes_per_transaction: f64,
    /// CPU of one entry, read and decoded.
    pub plain_read_us: f64,
    pub read_us: f64,
    /// CPU of packing a mebibyte of plain segments.
    pub packing_ms_per_mib: f64,
}

/// Packs all that nobody writes any more.
pub fn measure(folder: &Path, transactions: u64) -> anyhow::Result<Packed> {
    eprintln!("reading, packing, and reading again …");
    let plain_bytes = segments_bytes(folder)?;
    let plain_read_us = read_us(folder)?;
    let ((), packing) = cpu_of(|| pack(folder))?;
    Ok(Packed {
        plain_bytes_per_transaction: count(plain_bytes) / count(transactions),
        bytes_per_transaction: count(segments_bytes(folder)?) / count(transactions),
        plain_read_us,
        read_us: read_us(folder)?,
        packing_ms_per_mib: packing * 1e3 / mebibytes(plain_bytes)?,
    })
}

fn pack(folder: &Path) -> anyhow::Result<()> {
    let (disk, clock) = (Arc::new(FileDisk), Arc::new(SystemClock));
    let journal = Journal::open(Options::new(folder), disk, clock, Arc::new(()))?;
    while journal.pack(&mut || true)?.is_some() {}
    journal.close();
    Ok(())
}

fn read_us(folder: &Path) -> anyhow::Result<f64> {
    let reader = Reader::open(folder)?;
    let through = reader.position()?.sequence;
    let (entries, seconds) = cpu_of(|| {
        let mut entries = 0;
        for entry in reader.entries(Sequence::NONE.next(), through) {
            entry?;
            entries += 1;
        }
        Ok(entries)
    })?;
    Ok(seconds * 1e6 / count(entries))
}
