//! A hub that is told to stop: it says good-bye, lets calls in flight finish, takes no new ones,
//! and comes back knowing everything.

use bytes::Bytes;

use crate::support::call::{Answer, message};
use crate::support::consumer::Consumer;
use crate::support::hub::Hub;
use crate::support::provider::echo;
use crate::support::wait::{until, within};
use crate::support::world::{World, call};

#[tokio::test(flavor = "multi_thread")]
async fn calls_in_flight_finish_and_new_ones_are_not_taken() {
    let mut world = World::start(echo).await;
    let (answer, mut upload) = world.consumer.open(&call(), false).await.unwrap();
    let answer = within("headers", answer).await.unwrap();

    world.hub.terminate();
    // GOAWAY has come when the connection takes no more calls.
    let refused = within("GOAWAY", async {
        loop {
            match world.consumer.try_call(&call(), message(b"late")).await {
                Ok(answer) => assert_eq!(answer.grpc_status(), 0),
                Err(refused) => return refused,
            }
        }
    });
    let refused = refused.await;
    assert!(
        refused.is_go_away() || refused.is_library() || refused.is_reset(),
        "{refused}"
    );
    until("a refused connection", async || {
        Consumer::try_connect(world.hub.exchange(), &world.credentials)
            .await
            .err()
    })
    .await;

    upload.send_data(message(b"last words"), true).unwrap();
    let answer = within("the answer", Answer::read(answer)).await.unwrap();
    assert_eq!(
        (answer.grpc_status(), answer.body.as_slice()),
        (0, &message(b"last words")[..])
    );
    let id = answer.transaction_id().to_owned();
    assert!(world.hub.exited().await.success());

    world.hub.serve().await;
    assert_eq!(world.hub.transaction(&id)["outcome"], "completed");
    let verified = world.hub.verify();
    assert_eq!(
        (&verified["clean"], &verified["in_flight"]),
        (&true.into(), &0.into())
    );
    world.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_does_not_end_is_cut_when_the_time_is_over() {
    let mut hub = Hub::init();
    hub.set("hub", "drain_seconds_max", "1");
    hub.expect_complaint("drain time is over");
    let mut world = World::start_with(hub, "", echo).await;
    let (answer, mut upload) = world.consumer.open(&call(), false).await.unwrap();
    let answer = within("headers", answer).await.unwrap();
    let id = answer.headers()["ndxp-transaction-id"]
        .to_str()
        .unwrap()
        .to_owned();

    world.hub.terminate();
    assert!(world.hub.exited().await.success());
    within("the cut", Answer::read(answer)).await.unwrap_err();
    // Nobody is there to hear it.
    let _cut = upload.send_data(Bytes::new(), true);

    world.hub.serve().await;
    assert_eq!(world.hub.settled(&id).await["outcome"], "interrupted");
    assert_eq!(world.hub.verify()["clean"], true);
    world.hub.stop().await;
}
