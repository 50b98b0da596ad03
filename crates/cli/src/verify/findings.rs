//! What a check found wrong: every finding is counted, and only the first of each rule are kept,
//! so that a badly damaged journal cannot fill the memory of the one who checks it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// What must hold. The order is that of the summary.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Sequences run 1, 2, 3 … without a gap.
    Gapless,
    /// Commit times never run backwards.
    Monotonic,
    /// Every value in an entry is one that the contract knows.
    Readable,
    /// A transaction is opened once, and closed once after that.
    OpenedOnce,
    /// What was closed had been opened, or was refused and never opened.
    ClosedOnce,
    /// A closing names the connection, and the test mark, of its opening.
    SameCall,
    /// Attempts are the sum of the outcomes.
    AttemptsAreOutcomes,
    /// Every counter that the recount made is stored.
    CounterMissing,
    /// Every counter that is stored was made by the recount.
    CounterSurplus,
    /// What both hold is the same.
    CounterDiffers,
    /// Opening balances are those that the journal holds.
    ImportDiffers,
}

impl Rule {
    /// What is wrong when the rule does not hold, in words for the summary.
    pub const fn broken(self) -> &'static str {
        match self {
            Self::Gapless => "gap in the sequence",
            Self::Monotonic => "time runs backwards",
            Self::Readable => "value that the contract does not know",
            Self::OpenedOnce => "transaction opened twice",
            Self::ClosedOnce => "closing without its opening",
            Self::SameCall => "closing unlike its opening",
            Self::AttemptsAreOutcomes => "attempts are not the sum of the outcomes",
            Self::CounterMissing => "counter missing",
            Self::CounterSurplus => "counter without entries",
            Self::CounterDiffers => "counter differs",
            Self::ImportDiffers => "opening balances differ",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.broken())
    }
}

/// One thing that is not as it must be.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Finding {
    pub rule: Rule,
    /// Names the place and the two values that should be one.
    pub detail: String,
}

#[derive(Debug, Default)]
pub struct Findings {
    kept: Vec<Finding>,
    counts: BTreeMap<Rule, u64>,
}

impl Findings {
    /// Kept per rule: enough to see a pattern, few enough to read.
    pub const KEPT_PER_RULE_MAX: u64 = 10;

    /// Counts the finding; its words are made only while some of its rule are still kept.
    pub fn add(&mut self, rule: Rule, detail: impl FnOnce() -> String) {
        let count = self.counts.entry(rule).or_default();
        *count += 1;
        if *count <= Self::KEPT_PER_RULE_MAX {
            let detail = detail();
            self.kept.push(Finding { rule, detail });
        }
    }

    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    pub fn kept(&self) -> &[Finding] {
        &self.kept
    }

    pub fn counts(&self) -> &BTreeMap<Rule, u64> {
        &self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_the_first_of_each_rule_are_kept() {
        let mut findings = Findings::default();
        assert!(findings.is_empty());
        for number in 0..1_000 {
            findings.add(Rule::Gapless, || format!("gap {number}"));
        }
        findings.add(Rule::Monotonic, || "back".to_owned());
        assert_eq!(findings.counts().get(&Rule::Gapless), Some(&1_000));
        assert_eq!(findings.counts().get(&Rule::Monotonic), Some(&1));
        assert_eq!(findings.kept().len(), 11);
        assert_eq!(findings.kept().first().unwrap().detail, "gap 0");
    }
}
