//! Coverage: x of y with the missing, by class and by kind, against a history.

use super::*;
use crate::fixture::{SMALL, connected, registry};

/// `province 1/2 [H29]` and so on; what nobody is registered in is left out.
fn told(coverage: &v1::GetCoverageResponse) -> Vec<String> {
    let line = |name: &str, registered: u64, connected: u64, missing: &[String]| {
        format!("{name} {connected}/{registered} {missing:?}")
    };
    let classes = coverage.classes.iter().map(|it| {
        let word = words::word_of(&words::CLASSES, it.class);
        line(word, it.registered, it.connected, &it.missing)
    });
    let kinds = coverage.kinds.iter().map(|it| {
        let word = words::word_of(&words::KINDS, it.kind);
        line(word, it.registered, it.connected, &it.missing)
    });
    let total = coverage.total.iter();
    let total = total.map(|it| line("all", it.registered, it.connected, &it.missing));
    let all = classes.chain(kinds).chain(total);
    all.filter(|line| !line.contains(" 0/0 ")).collect()
}

#[test]
fn connected_is_active_with_a_handshake_or_a_transaction() {
    let mut registry = registry(&[SMALL]);
    let nobody = |_: &SystemId| false;
    assert_eq!(
        told(&registry.coverage(&nobody)),
        [
            "province 0/2 [\"H26\", \"H29\"]",
            "ministry 0/1 [\"G01\"]",
            "agency 0/1 [\"G24\"]",
            "lgsp 0/2 [\"H26/lgsp\", \"H29/lgsp\"]",
            "database 0/2 [\"G01/population\", \"G24/insurance\"]",
            "all 0/4 [\"G01\", \"G24\", \"H26\", \"H29\"]",
        ],
        "H53 and H26/closed are suspended"
    );
    registry.apply(&connected(2, "H26/lgsp")).unwrap();
    registry.apply(&connected(3, "H53/lgsp")).unwrap();
    registry.apply(&connected(4, "H26/closed")).unwrap();
    let population = |id: &SystemId| id.as_str() == "G01/population";
    let coverage = registry.coverage(&population);
    assert_eq!(
        told(&coverage),
        [
            "province 1/2 [\"H29\"]",
            "ministry 1/1 []",
            "agency 0/1 [\"G24\"]",
            "lgsp 1/2 [\"H29/lgsp\"]",
            "database 1/2 [\"G24/insurance\"]",
            "all 2/4 [\"G24\", \"H29\"]",
        ]
    );
    assert_eq!(coverage.watermark, 4);
}
