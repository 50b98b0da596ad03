//! Acts on a real journal: durable, shown, found again.

use ndxp_journal::{FileDisk, Journal, Kind, Options};
use ndxp_model::{Instant, ManualClock};
use ndxp_proto::registry::v1;
use tempfile::TempDir;

use super::*;

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
        let journal = Journal::open(options, Arc::new(FileDisk), clock, Arc::new(())).unwrap();
        let (lane, driver) = journal.lane();
        tokio::spawn(driver);
        let checkpoint = folder.path().join("registry.checkpoint");
        let registry = recover(&checkpoint, &journal.reader()).unwrap();
        let keeper = Keeper::new(registry, lane, checkpoint);
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

    async fn apply(&self, catalogue: v1::Catalogue) -> Result<Applied, KeeperError> {
        let keeper = &self.keeper;
        keeper
            .apply(
                catalogue,
                "spiffe://x/operator/a".to_owned(),
                "why".to_owned(),
                false,
            )
            .await
    }
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
        (act.actor.as_str(), act.note.as_str()),
        ("spiffe://x/operator/a", "why")
    );

    let house = house.restart();
    assert_eq!(codes(&house.keeper.current()), ["H26", "H27"]);
}

#[tokio::test]
async fn what_stands_already_is_not_journaled_again() {
    let house = House::new();
    house.apply(catalogue(&["H26"])).await.unwrap();
    let again = house.apply(catalogue(&["H26"])).await.unwrap();
    assert_eq!(again, Applied::default());
    assert_eq!(house.journal.position().sequence, Sequence::new(1));
}

#[tokio::test]
async fn a_dry_run_tells_the_differences_and_changes_nothing() {
    let house = House::new();
    let keeper = &house.keeper;
    let planned = keeper
        .apply(catalogue(&["H26"]), String::new(), String::new(), true)
        .await
        .unwrap();
    assert_eq!((planned.differences.len(), planned.sequence), (2, None));
    assert_eq!(house.journal.position().sequence, Sequence::NONE);
    assert!(codes(&keeper.current()).is_empty());
}

#[tokio::test]
async fn a_wrong_catalogue_or_note_changes_nothing() {
    let house = House::new();
    let wrong = v1::Catalogue {
        systems: vec![v1::System {
            id: "H99/lgsp".to_owned(),
            kind: 1,
            ..Default::default()
        }],
        ..Default::default()
    };
    assert!(matches!(
        house.apply(wrong).await,
        Err(KeeperError::Catalogue(_))
    ));
    let keeper = &house.keeper;
    let long = "ơ".repeat(NOTE_CHARS_MAX + 1);
    let result = keeper
        .apply(catalogue(&["H26"]), String::new(), long, false)
        .await;
    assert!(matches!(
        result,
        Err(KeeperError::NoteTooLong { found: 1_001, .. })
    ));
    assert_eq!(house.journal.position().sequence, Sequence::NONE);
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
            let applied = keeper
                .apply(catalogue(&[&code]), String::new(), String::new(), false)
                .await;
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
    let mut act = Box::pin(keeper.apply(catalogue(&["H26"]), String::new(), String::new(), false));
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
