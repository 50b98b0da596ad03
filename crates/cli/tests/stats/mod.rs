//! What `ndxp stats` and `ndxp top` say to a question that cannot be asked.

use crate::check;

#[test]
fn questions_to_the_counts_that_cannot_be_asked_say_why() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ndxp.toml"), "").unwrap();
    check(
        "stats",
        folder.path(),
        &[
            "stats --by conection",
            "stats --by consumer --top 0",
            "stats --top 5",
            "stats --by day --top 5",
            "stats --by month --compare previous",
            "stats --distinct --compare previous",
            "stats --period 2022-07 --from 2022-07-01",
            "stats --period 2022-02-30",
            "stats --period 2022-07-22..2022-07-01",
            "stats --period 2022-W53",
            "stats --period lastmonth",
            "stats --period 22/7/2022",
            "stats --period 0000",
            "stats --from 2022-07-22 --to 2022-07-21",
            "stats --from 2022-07-22T09 --to 2022-07-22T09",
            "stats --to 2022-02-29",
            "stats --period 2022-07 --as-of 2022-06-30",
            "stats --compare year-before",
            "stats --consumer h26",
            "stats --service a/b",
            "stats --kind databse",
            "stats --class provence",
            "stats --outcome timedout",
            "stats --fault hubb",
            "top",
            "top --once --by day",
            "top --once --interval 0.1",
            "top --once --by conection",
        ],
    );
}
