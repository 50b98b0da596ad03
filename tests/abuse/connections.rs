//! Connections by the thousand: such as never say who they are, and such as do.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::bystander::{Abused, Bystander, WIDE};
use super::floods::flood;
use crate::support::call::message;
use crate::support::consumer::{Consumer, dial_from};
use crate::support::frames::{ENHANCE_YOUR_CALM, PING, frame, many};
use crate::support::hub::Hub;
use crate::support::provider::echo;
use crate::support::wait::{until, within};
use crate::support::world::call;

/// `limits.handshakes_max`.
const HANDSHAKES_MAX: u64 = 64;
const HALF_OPEN: u64 = 2_000;
/// A beginning of a ClientHello that announces more.
const HALF_A_HELLO: [u8; 6] = [0x16, 0x03, 0x01, 0x40, 0x00, 0x01];

#[tokio::test(flavor = "multi_thread")]
async fn half_open_handshakes_by_the_thousand_keep_nobody_out() {
    let hub = Hub::init();
    hub.set("limits", "handshakes_max", &HANDSHAKES_MAX.to_string());
    // None ends by itself while the test lasts.
    hub.set("limits", "handshake_ms_max", "60_000");
    let world = Abused::start_with(hub, echo).await;
    let mut bystander = Bystander::start(&world).await;
    let mut half_open = Vec::new();
    for at in 0..HALF_OPEN {
        let mut stream = TcpStream::connect(world.hub.exchange()).await.unwrap();
        if at % 2 == 0 {
            // Refused only if the place was needed before this is said.
            let _made_room = stream.write_all(&HALF_A_HELLO).await;
        }
        half_open.push(stream);
        if at % 100 == 0 {
            // Those who come now are let in, from the very address of the flood.
            let newcomer = Consumer::connect(&world.hub, &world.bystander).await;
            let answer = newcomer.call(&call(), message(b"let in")).await;
            assert_eq!(answer.grpc_status(), 0, "after {at} half-open handshakes");
        }
    }
    until("as many as made room", async || {
        (world.shed("handshakes").await >= HALF_OPEN - HANDSHAKES_MAX).then_some(())
    })
    .await;
    bystander.goes_on().await;
    bystander.finish("2,000 half-open handshakes").await;
    drop(half_open);
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_member_leaves_connections_for_the_others() {
    let hub = Hub::init();
    hub.set("limits", "connections_max", "16");
    let world = Abused::start_with(hub, echo).await;
    let mut bystander = Bystander::start(&world).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(Consumer::connect(&world.hub, &world.attacker).await);
    }
    for _ in 0..20 {
        let mut above = world.attack(WIDE).await;
        let told = within("the end", above.read.told_to_go()).await;
        assert_eq!(told, Some(ENHANCE_YOUR_CALM));
    }
    for consumer in &held {
        let answer = consumer.call(&call(), message(b"within")).await;
        assert_eq!(answer.grpc_status(), 0);
    }
    let newcomer = Consumer::connect(&world.hub, &world.bystander).await;
    assert_eq!(newcomer.call(&call(), message(b"")).await.grpc_status(), 0);
    world.has_shed("connections_of_one", 20).await;
    bystander.goes_on().await;
    bystander.finish("connections above a quarter").await;
    world.hub.stop().await;
}

const PACED: &str = "ndxp_handshakes_paced_total";
/// An address that nobody else here has.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A hub that makes a handshake a second for one address, and five at once.
async fn paced() -> Abused {
    let hub = Hub::init();
    hub.set("limits", "address_handshakes_per_second_max", "1");
    Abused::start_with(hub, echo).await
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_above_the_pace_of_their_address_wait_and_those_from_elsewhere_do_not() {
    let world = paced().await;
    let since = Instant::now();
    let mut held = Vec::new();
    for _ in 0..8 {
        let consumer = Consumer::connect(&world.hub, &world.attacker).await;
        let answer = consumer.call(&call(), message(b"in its turn")).await;
        assert_eq!(answer.grpc_status(), 0);
        held.push(consumer);
    }
    let took = since.elapsed();
    assert!(
        took >= Duration::from_secs(3),
        "three had to wait: {took:?}"
    );
    let paced = world.metric(PACED).await;
    let tls = world.bystander.client();
    let from_elsewhere = dial_from(ELSEWHERE, world.hub.exchange(), tls);
    assert!(within("the handshake", from_elsewhere).await.is_ok());
    assert_eq!(world.metric(PACED).await, paced);
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_ended_for_abuse_waits_before_the_next_handshake() {
    let world = paced().await;
    let since = Instant::now();
    let flood = async || {
        let waves = (0..200).map(|_| many(1_000, &frame(PING, 0, 0, &[7; 8])));
        flood(world.attack(WIDE).await, waves).await
    };
    // The handshakes alone would leave room for one more.
    let told = tokio::join!(flood(), flood(), flood(), flood());
    let told = <[_; 4]>::from(told);
    assert_eq!(told, [Some(ENHANCE_YOUR_CALM); 4]);
    let (exchange, credentials) = (world.hub.exchange(), &world.attacker);
    until("a turn", async || {
        Consumer::try_connect(exchange, credentials).await.ok()
    })
    .await;
    let took = since.elapsed();
    assert!(
        took >= Duration::from_secs(4),
        "eight seconds' worth: {took:?}"
    );
    world.hub.stop().await;
}
