//! Opening balances: what the hub answers from is what the journal holds, import by import.

use std::collections::BTreeMap;

use ndxp_proto::journal::v1::BaselineImported;
use prost::Message as _;
use ring::digest::{SHA256, digest};

use super::findings::{Findings, Rule};

/// Both sides, as far as they were told: by sequence, the commit time and the digest of the import.
#[derive(Debug, Default)]
pub struct Imports {
    journal: BTreeMap<u64, Import>,
    told: BTreeMap<u64, Import>,
}

#[derive(Debug, Eq, PartialEq)]
struct Import {
    at_us: i64,
    digest: Vec<u8>,
}

impl Import {
    fn of(at_us: i64, import: &BaselineImported) -> Self {
        let digest = digest(&SHA256, &import.encode_to_vec());
        Self {
            at_us,
            digest: digest.as_ref().to_vec(),
        }
    }
}

impl Imports {
    pub fn journaled(&mut self, sequence: u64, at_us: i64, import: &BaselineImported) {
        self.journal.insert(sequence, Import::of(at_us, import));
    }

    pub fn told(
        &mut self,
        sequence: u64,
        at_us: i64,
        import: &BaselineImported,
        findings: &mut Findings,
    ) {
        let import = Import::of(at_us, import);
        if self.told.insert(sequence, import).is_some() {
            findings.add(Rule::ImportDiffers, || {
                format!("the hub tells the import at sequence {sequence} twice")
            });
        }
    }

    /// Compares those of the sequences that were read.
    pub fn compare(&self, first: u64, last: u64, findings: &mut Findings) {
        for (sequence, import) in &self.journal {
            let problem = match self.told.get(sequence) {
                None => "the hub does not tell it",
                Some(told) if told.at_us != import.at_us => "the hub tells another time",
                Some(told) if told.digest != import.digest => "the hub tells other contents",
                Some(_) => continue,
            };
            findings.add(Rule::ImportDiffers, || {
                format!("the journal holds an import at sequence {sequence}: {problem}")
            });
        }
        if first == 0 || first > last {
            return;
        }
        for (sequence, _) in self.told.range(first..=last) {
            if !self.journal.contains_key(sequence) {
                findings.add(Rule::ImportDiffers, || {
                    format!("the hub tells an import at sequence {sequence}: the journal has none")
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(note: &str) -> BaselineImported {
        BaselineImported {
            note: note.to_owned(),
            ..BaselineImported::default()
        }
    }

    /// The journal's import `a` at sequence 5, time 10, and what the hub tells.
    #[track_caller]
    fn check(told: &[(u64, i64, &str)], wanted: &[&str]) {
        let (mut imports, mut findings) = (Imports::default(), Findings::default());
        imports.journaled(5, 10, &import("a"));
        for (sequence, at_us, note) in told {
            imports.told(*sequence, *at_us, &import(note), &mut findings);
        }
        imports.compare(2, 8, &mut findings);
        let kept = findings.kept().iter();
        let details: Vec<_> = kept.map(|finding| finding.detail.as_str()).collect();
        assert_eq!(details, wanted);
    }

    #[test]
    fn what_the_hub_tells_is_what_the_journal_holds() {
        // Outside of what was read, nothing is said.
        check(&[(1, 1, "x"), (5, 10, "a"), (9, 90, "y")], &[]);
        let holds = "the journal holds an import at sequence 5: the hub";
        check(&[], &[&format!("{holds} does not tell it")]);
        check(&[(5, 11, "a")], &[&format!("{holds} tells another time")]);
        check(&[(5, 10, "b")], &[&format!("{holds} tells other contents")]);
        check(
            &[(5, 10, "a"), (6, 11, "b")],
            &["the hub tells an import at sequence 6: the journal has none"],
        );
        check(
            &[(5, 10, "a"), (5, 10, "a")],
            &["the hub tells the import at sequence 5 twice"],
        );
    }
}
