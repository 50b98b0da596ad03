//! Rows by successor: members close and merge, and what was counted for one that has closed is
//! shown with the member that carries on. Only the rows' keys change; the counts are kept.

use std::collections::BTreeMap;

use ndxp_counters::{Counts, Dimension, Overflow};

/// Tells who carries on for a member through all successions: the member itself, while it has no
/// successor.
pub type SuccessorOf<'a> = &'a dyn Fn(&str) -> String;

/// The rows under the codes of the members' successors: what then has one key is one row. The
/// order is that of the keys, and the sum is what it was.
pub(crate) fn by_successor(
    rows: Vec<(String, Counts)>,
    by: Option<Dimension>,
    successor_of: SuccessorOf<'_>,
) -> Result<Vec<(String, Counts)>, Overflow> {
    let rekey: fn(&str, SuccessorOf<'_>) -> String = match by {
        Some(Dimension::Connection) => connection,
        Some(Dimension::Consumer | Dimension::Provider) => system,
        _ => return Ok(rows),
    };
    let mut merged: BTreeMap<String, Counts> = BTreeMap::new();
    for (key, counts) in rows {
        let row = merged.entry(rekey(&key, successor_of)).or_default();
        row.merge(&counts)?;
    }
    Ok(merged.into_iter().collect())
}

/// `consumer>provider/service`, of which both sides begin with a member's code.
fn connection(key: &str, successor_of: SuccessorOf<'_>) -> String {
    match key.split_once('>') {
        Some((consumer, provider)) => {
            let (consumer, provider) = (
                system(consumer, successor_of),
                system(provider, successor_of),
            );
            format!("{consumer}>{provider}")
        }
        None => key.to_owned(),
    }
}

/// `member/system` and what may follow; `-`, which a refusal left unknown, stays.
fn system(key: &str, successor_of: SuccessorOf<'_>) -> String {
    match key.split_once('/') {
        Some((member, rest)) => format!("{}/{rest}", successor_of(member)),
        None => key.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn successor_of(code: &str) -> String {
        let last = match code {
            "H02" | "H54" => "H05",
            "G09" => "G01",
            other => other,
        };
        last.to_owned()
    }

    #[track_caller]
    fn check(by: Dimension, key: &str, wanted: &str) {
        let rows = vec![(key.to_owned(), Counts::default())];
        let found = by_successor(rows, Some(by), &successor_of).unwrap();
        assert_eq!(found, [(wanted.to_owned(), Counts::default())], "{by}");
    }

    #[test]
    fn a_key_names_the_successors_of_its_members() {
        use Dimension::{Connection, Consumer, Kind, Provider, Service};
        let rows = [
            (Consumer, "H02/lgsp", "H05/lgsp"),
            (Consumer, "H05/lgsp", "H05/lgsp"),
            (Consumer, "-", "-"),
            (Provider, "G09/population", "G01/population"),
            (Connection, "H02/a>G09/b/x.v1.X", "H05/a>G01/b/x.v1.X"),
            (Connection, "H02/a>-/x.v1.X", "H05/a>-/x.v1.X"),
            (Connection, "->H54/b/H02.v1.X", "->H05/b/H02.v1.X"),
            (Service, "H02/x", "H02/x"),
            (Kind, "H02/x", "H02/x"),
        ];
        for (by, key, wanted) in rows {
            check(by, key, wanted);
        }
    }
}
