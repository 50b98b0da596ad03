//! `ndxp top` as its reader has it: on a terminal, with keys, signals and a hub that goes and
//! comes back, and as one picture without a terminal.

use rustix::process::Signal;

use crate::support::call::message;
use crate::support::consumer::Consumer;
use crate::support::provider::echo;
use crate::support::terminal::Terminal;
use crate::support::wait::{until, within};
use crate::support::world::{CONSUMER, PROVIDER, SERVICE, World, call};

/// A call, and how many transactions the hub's counters then have today.
async fn transact(world: &mut World) {
    let answer = within("an answer", world.consumer.call(&call(), message(b"x"))).await;
    world.hub.settled(answer.transaction_id()).await;
}

fn config(world: &World) -> String {
    let path = world.hub.home().join("ndxp.toml");
    path.to_str().unwrap().to_owned()
}

async fn top(world: &World, more: &[&str]) -> Terminal {
    let config = config(world);
    let arguments = ["top", "--interval", "0.5", "--config", &config];
    let mut terminal = Terminal::run(&[&arguments, more].concat(), 120, 30);
    terminal.shows("· live").await;
    terminal
}

#[tokio::test(flavor = "multi_thread")]
async fn a_screen_shows_what_passes_and_leaves_the_terminal_as_it_was() {
    let mut world = World::start(echo).await;
    transact(&mut world).await;
    let mut terminal = top(&world, &[]).await;
    let connection = format!("{CONSUMER}>{PROVIDER}/{SERVICE}");
    terminal.shows(&format!("{connection} 1 ")).await;

    // What happens is seen without a key.
    for _ in 0..4 {
        transact(&mut world).await;
    }
    terminal
        .shows("Transactions today 5 completed 5 100.0%")
        .await;
    terminal.shows(&format!("{connection} 5 ")).await;

    // A column's key sorts by it, once more the other way round; others do nothing.
    terminal.shows("per s ▼ errors p99 ms bytes").await;
    terminal.press("xe");
    terminal.shows("per s errors ▼ p99 ms bytes").await;
    terminal.press("e");
    terminal.shows("per s errors ▲ p99 ms bytes").await;

    // Another size is another picture.
    terminal.resize(60, 30);
    terminal.shows("connection transactions per s\n").await;

    terminal.press("q");
    let (status, _) = terminal.exited().await;
    assert!(status.success(), "{status}");
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_out_gives_the_terminal_back() {
    let world = World::start(echo).await;
    for keys in ["\x1b", "\x03"] {
        let mut terminal = top(&world, &["--lang", "en"]).await;
        terminal.press(keys);
        let (status, _) = terminal.exited().await;
        assert!(status.success(), "{keys:?}: {status}");
    }
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let terminal = top(&world, &[]).await;
        terminal.signal(signal);
        let (status, _) = terminal.exited().await;
        assert!(status.success(), "{signal:?}: {status}");
    }
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_screen_outlives_the_hub_and_goes_on_when_it_is_back() {
    let mut world = World::start(echo).await;
    let mut terminal = top(&world, &[]).await;
    transact(&mut world).await;
    terminal.shows("Transactions today 1 ").await;
    world.hub.terminate();
    assert!(world.hub.exited().await.success());
    terminal.shows("· reconnecting (").await;
    terminal.shows("Transactions today 1 ").await;
    world.hub.serve().await;
    terminal.shows("· live").await;
    let credentials = &world.credentials;
    world.consumer = Consumer::connect(&world.hub, credentials).await;
    transact(&mut world).await;
    terminal.shows("Transactions today 2 ").await;
    terminal.press("q");
    let (status, _) = terminal.exited().await;
    assert!(status.success(), "{status}");
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_there_is_one_picture_as_text() {
    let mut world = World::start(echo).await;
    transact(&mut world).await;
    let once = ["top", "--once", "--interval", "0.5", "--by", "consumer"];
    let picture = until("a counted call", async || {
        let picture = world.hub.run(&once).success();
        picture.contains(CONSUMER).then_some(picture)
    });
    let picture = picture.await;
    assert!(!picture.contains('\x1b'), "{picture}");
    assert!(picture.contains("Transactions today"), "{picture}");
    assert!(
        picture.lines().all(|line| line.chars().count() <= 120),
        "{picture}"
    );

    // A member sees what it is a party to, in its language.
    let folder = world.hub.folder_of(CONSUMER);
    let own = [&once[..], &["--as", &folder, "--lang", "vi"]].concat();
    let own = world.hub.run(&own).success();
    assert!(own.contains("Giao dịch hôm nay"), "{own}");
    assert!(own.contains(CONSUMER), "{own}");

    let refused = world.hub.run(&["top"]);
    assert_eq!(refused.exit, Some(64));
    assert!(
        refused.stderr.contains("ndxp top --once"),
        "{}",
        refused.stderr
    );
    world.hub.stop().await;
}
