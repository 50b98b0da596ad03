//! Acts on a real journal: durable, shown, found again.

use ndxp_journal::{FileDisk, Journal, Kind, Options};
use ndxp_model::{Instant, ManualClock, Reason, Refusal};
use ndxp_proto::registry::v1;
use tempfile::TempDir;

use super::*;
use crate::role::Role;

struct House {
    folder: TempDir,
    journal: Journal,
    keeper: Arc<Keeper>,
}

impl House {
    fn new() -> Self {
        Self::on(tempfile::tempdir().unwrap())
    }

    /// Starts on what the folder holds.
    fn on(folder: TempDir) -> Self {
        let clock = Arc::new(ManualClock::at(Instant::from_micros(1_700_000_000_000_000)));
        let options = Options::new(folder.path().join("journal"));
        let disk = Arc::new(FileDisk);
        let journal = Journal::open(options, disk, clock.clone(), Arc::new(())).unwrap();
        let (lane, driver) = journal.lane();
        tokio::spawn(driver);
        let checkpoint = folder.path().join("registry.checkpoint");
        let registry = recover(&checkpoint, &journal.reader()).unwrap();
        let keeper = Keeper::new(registry, lane, checkpoint, clock, Handle::current());
        Self {
            folder,
            journal,
            keeper,
        }
    }

    fn restart(self) -> Self {
        self.journal.close();
        let Self {
            folder,
            journal,
            keeper,
        } = self;
        drop((journal, keeper));
        Self::on(folder)
    }

    async fn apply(&self, catalogue: v1::Catalogue) -> Result<Acted, KeeperError> {
        self.keeper.act(apply(catalogue, "why"), operator()).await
    }

    /// Every entry of the kind.
    fn entries(&self, kind: Kind) -> Vec<Entry> {
        let reader = self.journal.reader();
        let end = reader.position().unwrap().sequence;
        let entries = reader.entries_of(kind, Sequence::new(1), end);
        entries.map(Result::unwrap).collect()
    }

    fn refused(&self) -> Vec<RegistryRefused> {
        let entries = self.entries(Kind::RegistryRefused).into_iter();
        let refused = entries.map(|entry| match entry.body {
            Some(Body::RegistryRefused(refused)) => refused,
            other => panic!("{other:?}"),
        });
        refused.collect()
    }
}

fn operator() -> Actor {
    Actor {
        identity: "spiffe://x/operator/a".into(),
        role: Role::Operator,
    }
}

fn member(code: &str) -> Actor {
    Actor {
        identity: format!("spiffe://x/member/{code}/system/lgsp").into(),
        role: Role::Member(code.parse().unwrap()),
    }
}

fn apply(catalogue: v1::Catalogue, note: &str) -> Act {
    Act::Apply(v1::ApplyRequest {
        catalogue: Some(catalogue),
        note: note.to_owned(),
        ..Default::default()
    })
}

fn suspend(code: &str, reason: &str, cut: bool) -> Act {
    Act::Transition(v1::TransitionRequest {
        kind: v1::ItemKind::Member.into(),
        key: code.to_owned(),
        action: v1::Action::Suspend.into(),
        reason: reason.to_owned(),
        cut,
        ..Default::default()
    })
}

fn catalogue(codes: &[&str]) -> v1::Catalogue {
    let member = |code: &&str| v1::Member {
        code: (*code).to_owned(),
        name_vi: format!("Tỉnh {code}"),
        class: v1::MemberClass::Province.into(),
        ..Default::default()
    };
    let system = |code: &&str| v1::System {
        id: format!("{code}/lgsp"),
        kind: v1::SystemKind::Lgsp.into(),
        ..Default::default()
    };
    v1::Catalogue {
        members: codes.iter().map(member).collect(),
        systems: codes.iter().map(system).collect(),
        ..Default::default()
    }
}

fn codes(registry: &Registry) -> Vec<String> {
    registry
        .members()
        .into_iter()
        .map(|member| member.code)
        .collect()
}

#[tokio::test]
async fn an_act_is_durable_then_shown_and_found_again() {
    let house = House::new();
    let applied = house.apply(catalogue(&["H26", "H27"])).await.unwrap();
    assert_eq!(applied.sequence, Some(Sequence::new(1)));
    assert_eq!(applied.differences.len(), 4);
    assert_eq!(codes(&house.keeper.current()), ["H26", "H27"]);
    assert_eq!(codes(&house.keeper.shown().load()), ["H26", "H27"]);

    let first = Sequence::new(1);
    let entry = house
        .journal
        .reader()
        .entries(first, first)
        .next()
        .unwrap()
        .unwrap();
    let Some(Body::RegistryChanged(act)) = entry.body else {
        panic!("{entry:?}")
    };
    assert_eq!(
        [&act.actor, &act.note, &act.role, &act.rpc, &act.item],
        ["spiffe://x/operator/a", "why", "operator", "Apply", ""]
    );

    let house = house.restart();
    assert_eq!(codes(&house.keeper.current()), ["H26", "H27"]);
}

#[tokio::test]
async fn what_stands_already_is_not_journaled_again() {
    let house = House::new();
    house.apply(catalogue(&["H26"])).await.unwrap();
    let again = house.apply(catalogue(&["H26"])).await.unwrap();
    assert_eq!(again, Acted::default());
    assert_eq!(house.journal.position().sequence, Sequence::new(1));
}

#[tokio::test]
async fn a_dry_run_tells_the_differences_and_changes_nothing() {
    let house = House::new();
    let keeper = &house.keeper;
    let act = Act::Apply(v1::ApplyRequest {
        catalogue: Some(catalogue(&["H26"])),
        dry_run: true,
        ..Default::default()
    });
    let planned = keeper.act(act, operator()).await.unwrap();
    assert_eq!((planned.differences.len(), planned.sequence), (2, None));
    assert_eq!(house.journal.position().sequence, Sequence::NONE);
    assert!(codes(&keeper.current()).is_empty());
}

#[tokio::test]
async fn a_refused_attempt_changes_nothing_and_is_journaled() {
    let house = House::new();
    house.apply(catalogue(&["H26"])).await.unwrap();
    let wrong = v1::Catalogue {
        systems: vec![v1::System {
            id: "H99/lgsp".to_owned(),
            kind: 1,
            ..Default::default()
        }],
        ..Default::default()
    };
    let long = "ơ".repeat(REASON_CHARS_MAX + 1);
    // Act, whose, and what the log says of it: role, rpc, item, and a part of the reason.
    let rows = [
        (apply(wrong, ""), operator(), "operator", "Apply", "", "H99"),
        (
            apply(catalogue(&["H27"]), &long),
            operator(),
            "operator",
            "Apply",
            "",
            "characters",
        ),
        (
            suspend("H26", "", false),
            operator(),
            "operator",
            "Transition",
            "H26",
            "reason",
        ),
        (
            suspend("H99", "x", false),
            operator(),
            "operator",
            "Transition",
            "H99",
            "no such",
        ),
        (
            suspend("H26", "x", false),
            member("H26"),
            "member H26",
            "Transition",
            "H26",
            "operator",
        ),
    ];
    for (number, (act, actor, role, rpc, item, part)) in rows.into_iter().enumerate() {
        let identity = actor.identity.to_string();
        let error = house.keeper.act(act, actor).await.unwrap_err();
        let found = house.refused();
        assert_eq!(found.len(), number + 1, "{error}");
        let last = found.last().unwrap();
        assert_eq!(last.actor, identity);
        assert_eq!(
            [&last.role, &last.rpc, &last.item],
            [role, rpc, item],
            "{error}"
        );
        assert!(last.refused.contains(part), "{}", last.refused);
        assert!(last.note.chars().count() <= REASON_CHARS_MAX);
    }
    assert_eq!(house.entries(Kind::RegistryChanged).len(), 1);
    assert_eq!(codes(&house.keeper.current()), ["H26"]);
    assert_eq!(house.restart().refused().len(), 5, "they are found again");
}

#[tokio::test]
async fn a_dry_run_that_is_refused_was_no_attempt() {
    let house = House::new();
    let act = Act::Transition(v1::TransitionRequest {
        kind: v1::ItemKind::Member.into(),
        key: "H26".to_owned(),
        action: v1::Action::Suspend.into(),
        dry_run: true,
        ..Default::default()
    });
    house.keeper.act(act, operator()).await.unwrap_err();
    assert_eq!(house.journal.position().sequence, Sequence::NONE);
}

#[tokio::test]
async fn an_actor_cannot_fill_the_journal_with_refused_attempts() {
    let house = House::new();
    for _ in 0..100 {
        let act = suspend("H26", "x", false);
        house.keeper.act(act, member("H26")).await.unwrap_err();
    }
    assert_eq!(house.refused().len(), 50);
    let act = suspend("H27", "x", false);
    house.keeper.act(act, member("H27")).await.unwrap_err();
    assert_eq!(
        house.refused().len(),
        51,
        "another's attempts are journaled"
    );
}

#[tokio::test]
async fn an_attempt_that_the_roles_refuse_is_journaled() {
    let house = House::new();
    let act = suspend("H27", "vì", false);
    house
        .keeper
        .refuse(&act, member("H26"), "a member may not")
        .await;
    let refused = house.refused();
    let RegistryRefused {
        role,
        rpc,
        item,
        note,
        refused,
        ..
    } = &refused[0];
    let expected = ["member H26", "Transition", "H27", "vì", "a member may not"];
    assert_eq!([role, rpc, item, note, refused], expected);
}

#[tokio::test]
async fn an_act_with_cut_reaches_calls_in_flight_once_it_is_shown() {
    let house = House::new();
    house.apply(catalogue(&["H26"])).await.unwrap();
    let connection = Connection {
        consumer: "H26/lgsp".parse().unwrap(),
        provider: "G01/population".parse().unwrap(),
        service: "a.Verify".parse().unwrap(),
    };
    let (cuts, shown) = (house.keeper.cuts(), house.keeper.shown());
    let waiting = {
        let (before, shown) = (cuts.before(), Arc::clone(&shown));
        async move {
            let permitted = || match shown.load().is_active("H26/lgsp") {
                true => Ok(()),
                false => Err(Refusal::new(Reason::SystemSuspended, "suspended")),
            };
            cuts.wait(before, &connection, permitted).await
        }
    };
    let acting = house.keeper.act(suspend("H26", "sự cố", true), operator());
    let (refusal, acted) = tokio::join!(waiting, acting);
    assert_eq!(refusal.reason, Reason::SystemSuspended);
    assert!(acted.unwrap().sequence.is_some());
}

#[tokio::test]
async fn a_journal_that_does_not_take_the_act_leaves_what_stood() {
    let house = House::new();
    house.journal.close();
    let result = house.apply(catalogue(&["H26"])).await;
    assert!(
        matches!(result, Err(KeeperError::Append(AppendError::Closed))),
        "{result:?}"
    );
    assert!(codes(&house.keeper.current()).is_empty());
}

#[tokio::test]
async fn acts_at_once_follow_each_other_and_none_is_lost() {
    let house = House::new();
    let codes_wanted: Vec<String> = (10..40).map(|number| format!("H{number}")).collect();
    let mut acts = tokio::task::JoinSet::new();
    for code in codes_wanted.clone() {
        let keeper = Arc::clone(&house.keeper);
        acts.spawn(async move {
            let applied = keeper.act(apply(catalogue(&[&code]), ""), operator()).await;
            applied.unwrap().sequence.unwrap()
        });
    }
    let mut sequences = Vec::new();
    while let Some(act) = acts.join_next().await {
        sequences.push(act.unwrap().get());
    }
    sequences.sort_unstable();
    assert_eq!(sequences, (1..=30).collect::<Vec<_>>());
    assert_eq!(codes(&house.keeper.current()), codes_wanted);
    let house = house.restart();
    assert_eq!(codes(&house.keeper.current()), codes_wanted);
}

#[tokio::test]
async fn a_caller_that_hangs_up_does_not_leave_a_durable_act_unseen() {
    let house = House::new();
    let keeper = Arc::clone(&house.keeper);
    let mut act = Box::pin(keeper.act(apply(catalogue(&["H26"]), ""), operator()));
    // Polled once, so that it has begun, and dropped.
    assert!(
        std::future::poll_fn(|cx| std::task::Poll::Ready(act.as_mut().poll(cx).is_pending())).await
    );
    drop(act);
    house.journal.beyond(Sequence::NONE).await.unwrap();
    // The next act waits its turn, so the first has been shown by then.
    house.apply(catalogue(&["H27"])).await.unwrap();
    assert_eq!(codes(&house.keeper.current()), ["H26", "H27"]);
}

#[tokio::test]
async fn a_first_handshake_is_journaled_once() {
    let house = House::new();
    house.apply(catalogue(&["H26"])).await.unwrap();
    let system: SystemId = "H26/lgsp".parse().unwrap();
    for expected in [Some(Sequence::new(2)), None] {
        let found = house.keeper.system_connected(system.clone()).await.unwrap();
        assert_eq!(found, expected);
    }
    let unknown = house
        .keeper
        .system_connected("H27/lgsp".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(unknown, None);
    let house = house.restart();
    assert!(house.keeper.current().connected_at(&system).is_some());
}

#[tokio::test]
async fn a_checkpoint_stands_for_what_came_before_it() {
    let house = House::new();
    house.apply(catalogue(&["H26"])).await.unwrap();
    house
        .keeper
        .system_connected("H26/lgsp".parse().unwrap())
        .await
        .unwrap();
    house.keeper.checkpoint(&house.journal.reader()).await;
    let saved = Registry::load(&house.folder.path().join("registry.checkpoint")).unwrap();
    assert_eq!(saved.watermark(), Sequence::new(2));
    assert_eq!(saved, *house.keeper.current());
    // Goes on behind an advanced watermark.
    house.apply(catalogue(&["H27"])).await.unwrap();
    assert_eq!(house.keeper.current().watermark(), Sequence::new(3));
}

#[tokio::test]
async fn a_checkpoint_that_cannot_be_used_costs_a_fold_and_nothing_else() {
    let house = House::new();
    house.apply(catalogue(&["H26"])).await.unwrap();
    let path = house.folder.path().join("registry.checkpoint");
    std::fs::write(&path, b"damaged").unwrap();
    let house = house.restart();
    assert_eq!(codes(&house.keeper.current()), ["H26"]);

    // Ahead of the journal: of another hub, or the journal was restored from an older copy.
    let mut ahead = Registry::empty();
    ahead.advance(Sequence::new(99));
    ahead.save(&path).unwrap();
    let house = house.restart();
    assert_eq!(codes(&house.keeper.current()), ["H26"]);
    let changes = house.journal.reader();
    let changes = changes.entries_of(Kind::RegistryChanged, Sequence::NONE, Sequence::new(9));
    assert_eq!(changes.count(), 1);
}
