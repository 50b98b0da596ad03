//! Which known names are like one that is not known.

use std::collections::BTreeSet;

/// How many are told.
const NEAREST_MAX: usize = 3;
/// Out of 1,000: two of three characters in place.
const LIKENESS_MIN: usize = 600;

/// The names that are most like the given one, the most like first.
pub fn nearest(wanted: &str, names: impl IntoIterator<Item = String>) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    let mut found: BTreeSet<(usize, String)> = BTreeSet::new();
    for name in names {
        let likeness = likeness(&wanted, &name.to_lowercase());
        if likeness >= LIKENESS_MIN {
            found.insert((1_000 - likeness, name));
        }
        if found.len() > NEAREST_MAX {
            found.pop_last();
        }
    }
    found.into_iter().map(|(_, name)| name).collect()
}

/// Of the whole names, or of what stands behind the last full stop of each: services are often
/// asked for without their package.
fn likeness(wanted: &str, name: &str) -> usize {
    let last = |text: &str| text.rsplit('.').next().unwrap_or_default().to_owned();
    let short = match name.contains('.') && !name.contains('/') {
        true => thousandths(&last(wanted), &last(name)) * 9 / 10,
        false => 0,
    };
    short.max(thousandths(wanted, name))
}

/// What share of the longer name need not be changed to get from one to the other.
fn thousandths(one: &str, other: &str) -> usize {
    let length = one.chars().count().max(other.chars().count()).max(1);
    let changes = strsim::damerau_levenshtein(one, other).min(length);
    1_000 * (length - changes) / length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wanted: &str, names: &[&str], expected: &[&str]) {
        let names = names.iter().map(|name| (*name).to_owned());
        assert_eq!(nearest(wanted, names), expected, "{wanted}");
    }

    #[test]
    fn the_most_like_names_are_told_first_and_the_others_not_at_all() {
        check(
            "H26/lgps",
            &["G01/population", "H26/lgsp", "H27/lgsp"],
            &["H26/lgsp", "H27/lgsp"],
        );
        check("h26", &["H26", "H27", "G01"], &["H26", "H27"]);
        let services = ["vn.gov.population.v1.Population", "vn.gov.land.v1.Land"];
        check("Populaton", &services, &[services[0]]);
        check("vn.gov.land.v2.Land", &services, &[services[1]]);
        check("H99", &["H91", "H93", "H92", "H90"], &["H90", "H91", "H92"]);
        check("x", &["H26/lgsp"], &[]);
    }
}
