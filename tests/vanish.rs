//! Peers that vanish: a machine that lost its power, a line that was cut. No packet says so, and the
//! hub notices by itself within about a minute (`gateway/src/liveness.rs`).
//!
//! All of it waits at once, for what takes a minute in truth: nothing sets the clock of a kernel.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::SendStream;
use h2::client::ResponseFuture;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::support::call::{Answer, Call, message};
use crate::support::catalogue::Catalogue;
use crate::support::consumer::Consumer;
use crate::support::credentials::Credentials;
use crate::support::hub::Hub;
use crate::support::network::{self, AT_THE_HUB, LOSSY, Network, SOUND};
use crate::support::provider::{Exchange, Provider, echo, headers};
use crate::support::refusal::Refusal;
use crate::support::wait::{until, within};

const TEST: &str =
    "vanish::peers_that_vanish_are_noticed_within_a_minute_or_so_and_their_calls_end";

/// The consumer and the provider on the sound line, and those that vanish.
const STAYING: [&str; 2] = ["H26/lgsp", "G01/population"];
const VANISHING: [&str; 2] = ["H29/lgsp", "G24/insurance"];
const SERVICE: &str = "ndxp.test.v1.EchoService";

/// A minute for the kernel, the deadline that the provider's kernel first sees pass, and some seconds
/// for a busy machine.
const NOTICED_WITHIN: Duration = Duration::from_secs(60 + 5 + 20);
const DEADLINE: &str = "5S";
const ENDED_WITHIN: Duration = Duration::from_secs(5 + 10);
/// No deadline ends a call with this one before the test does.
const NO_DEADLINE: &str = "600S";

/// A provider's way to say which of its calls was broken off.
type Ended = mpsc::Sender<String>;

#[tokio::test(flavor = "multi_thread")]
async fn peers_that_vanish_are_noticed_within_a_minute_or_so_and_their_calls_end() {
    if !network::is_own(TEST) {
        return;
    }
    let network = Network::lay();
    let (cut, is_cut) = watch::channel(false);
    let (ended, mut broken_off) = mpsc::channel(8);
    let world = World::start(ended, &is_cut).await;
    let staying = world.connect(SOUND, STAYING[0]).await;
    let asked = world.connect(LOSSY, VANISHING[0]).await;
    let told = world.connect(LOSSY, VANISHING[0]).await;
    world.has_connections(3).await;

    // To the provider that vanishes, with a deadline and without; and of the consumer that vanishes,
    // one that says nothing more and one that is being told something.
    let timed = Open::start(&staying, VANISHING[1], "Hold", DEADLINE).await;
    let waiting = Open::start(&staying, VANISHING[1], "Hold", NO_DEADLINE).await;
    let silent = Open::start(&asked, STAYING[1], "Hold", NO_DEADLINE).await;
    let spoken_to = Open::start(&told, STAYING[1], "Tell", NO_DEADLINE).await;
    network.lose();
    cut.send_replace(true);
    let since = Instant::now();

    let refusal = timed.refusal(ENDED_WITHIN).await;
    assert_eq!(refusal.info.reason, "PROVIDER_TIMEOUT");
    println!("deadline: {:?}", since.elapsed());
    let provider_lost = async {
        let refusal = waiting.refusal(NOTICED_WITHIN).await;
        assert_eq!(refusal.info.reason, "PROVIDER_UNREACHABLE");
        println!("vanished provider: {:?}", since.elapsed());
    };
    let consumers_lost = async {
        let mut lost = Vec::new();
        for _ in 0..2 {
            let next = timeout(NOTICED_WITHIN, broken_off.recv()).await;
            lost.push(next.expect("a vanished consumer is noticed").unwrap());
            println!("vanished consumer: {:?}", since.elapsed());
        }
        lost
    };
    let ((), mut lost) = tokio::join!(provider_lost, consumers_lost);
    let mut expected = [silent.id.clone(), spoken_to.id.clone()];
    lost.sort_unstable();
    expected.sort_unstable();
    assert_eq!(lost, expected);
    world.has_connections(1).await;
    for (open, outcome) in [
        (&timed, "timed_out"),
        (&waiting, "unreachable"),
        (&silent, "cancelled"),
        (&spoken_to, "cancelled"),
    ] {
        assert_eq!(world.hub.settled(&open.id).await["outcome"], outcome);
    }

    network.carry();
    until("a call to the provider that is back", async || {
        let call = to(VANISHING[1], "Echo");
        let answer = staying.call(&call, message(b"back")).await;
        (answer.grpc_status() == 0).then_some(())
    })
    .await;
    let back = world.connect(LOSSY, VANISHING[0]).await;
    let answer = back.call(&to(STAYING[1], "Echo"), message(b"back")).await;
    assert_eq!(answer.grpc_status(), 0);
    world.hub.stop().await;
}

struct World {
    hub: Hub,
    consumers: [(&'static str, Credentials); 2],
    _providers: [Provider; 2],
}

impl World {
    async fn start(ended: Ended, is_cut: &watch::Receiver<bool>) -> Self {
        let [here, there] = SOUND;
        let mut hub = Hub::init_elsewhere(&AT_THE_HUB, "0.0.0.0", there);
        hub.serve().await;
        let [consumer, provider] = STAYING;
        let [vanishing_consumer, vanishing_provider] = VANISHING;
        let providers = [(provider, here), (vanishing_provider, LOSSY[0])].map(|(name, host)| {
            let (ended, is_cut) = (ended.clone(), is_cut.clone());
            let credentials = hub.issue(name);
            let address = SocketAddr::new(host, 0);
            Provider::serve_at(address, &hub, &credentials, move |exchange| {
                answer(exchange, ended.clone(), is_cut.clone())
            })
        });
        let mut catalogue = ["H26", "H29", "G01", "G24"]
            .into_iter()
            .fold(Catalogue::new(), |it, member| it.member(member, ""))
            .system(consumer, &[], "")
            .system(vanishing_consumer, &[], "");
        for (name, served) in [provider, vanishing_provider].into_iter().zip(&providers) {
            catalogue = catalogue
                .system(name, &[served.address], "")
                .service(name, SERVICE, "")
                .grant(consumer, name, SERVICE, "")
                .grant(vanishing_consumer, name, SERVICE, "");
        }
        hub.apply(&catalogue);
        let consumers = [consumer, vanishing_consumer].map(|name| (name, hub.issue(name)));
        Self {
            hub,
            consumers,
            _providers: providers,
        }
    }

    /// Connects by one of the lines.
    async fn connect(&self, [_, there]: [std::net::IpAddr; 2], consumer: &str) -> Consumer {
        let known = self.consumers.iter().find(|(name, _)| *name == consumer);
        let (_, credentials) = known.expect("one of the two");
        let exchange = SocketAddr::new(there, self.hub.exchange().port());
        let connected = Consumer::try_connect(exchange, credentials).await;
        connected.expect("the hub takes the connection")
    }

    async fn has_connections(&self, number: usize) {
        let line = format!("ndxp_connections {number}\n");
        until(&line, async || {
            let metrics = self.hub.observed("/metrics").await;
            metrics.contains(&line).then_some(())
        })
        .await;
    }
}

fn to(provider: &str, method: &str) -> Call {
    Call::to(format!("/{SERVICE}/{method}")).provider(provider)
}

/// A call that its provider has begun to answer, and has not ended.
struct Open {
    id: String,
    answer: tokio::sync::Mutex<Option<http::Response<h2::RecvStream>>>,
    /// Dropping it would say good-bye.
    _upload: SendStream<Bytes>,
}

impl Open {
    async fn start(consumer: &Consumer, provider: &str, method: &str, deadline: &str) -> Self {
        let call = to(provider, method).with("grpc-timeout", deadline);
        let (answer, upload): (ResponseFuture, _) = consumer.open(&call, false).await.unwrap();
        let answer = within("headers", answer).await.unwrap();
        let id = answer.headers()["ndxp-transaction-id"].to_str().unwrap();
        Self {
            id: id.to_owned(),
            answer: Some(answer).into(),
            _upload: upload,
        }
    }

    /// How the hub ends it, within so much time.
    async fn refusal(&self, most: Duration) -> Refusal {
        let answer = self.answer.lock().await.take().expect("asked once");
        let answer = timeout(most, Answer::read(answer)).await;
        let answer = answer.expect("the call ends").expect("in order");
        Refusal::read(answer.ending())
    }
}

/// `Echo` echoes. The others begin an answer and go on until they are broken off; `Tell` says
/// something more once the line is cut.
async fn answer(mut exchange: Exchange, ended: Ended, mut is_cut: watch::Receiver<bool>) {
    let path = exchange.head.uri.path().to_owned();
    if path.ends_with("/Echo") {
        return echo(exchange).await;
    }
    let id = exchange.head.headers["ndxp-transaction-id"].to_str();
    let id = id.expect("the hub writes plain ids").to_owned();
    let Ok(mut answer) = exchange.respond.send_response(headers(), false) else {
        return;
    };
    if path.ends_with("/Tell") {
        is_cut
            .wait_for(|is_cut| *is_cut)
            .await
            .expect("the test lives");
        // The stream is open, and a message small.
        answer.send_data(message(b"news"), false).unwrap();
    }
    if poll_fn(|context| answer.poll_reset(context)).await.is_ok() {
        // The provider that vanishes is told nothing, and the test may be over when it is.
        let _over = ended.send(id).await;
    }
}
