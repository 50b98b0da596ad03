//! Calls in flight finish when an act shuts them out, unless the act cuts them.

use bytes::Bytes;
use h2::{RecvStream, SendStream};

use crate::support::call::{Call, message};
use crate::support::consumer::Consumer;
use crate::support::hub::Hub;
use crate::support::provider::{Provider, echo};
use crate::support::refusal::Refusal;
use crate::support::wait::within;
use crate::support::world::{CONSUMER, PROVIDER, SERVICE, members};

const BYSTANDER: &str = "H26/portal";
const OTHER: &str = "ndxp.test.v1.OtherService";

/// A call that has begun to be answered and goes on for as long as the test likes.
struct Open {
    upload: SendStream<Bytes>,
    answer: RecvStream,
    id: String,
}

impl Open {
    async fn start(consumer: &Consumer, service: &str) -> Self {
        let call = Call::to(format!("/{service}/Echo"));
        let (answer, upload) = consumer.open(&call, false).await.unwrap();
        let (head, answer) = within("headers", answer).await.unwrap().into_parts();
        let id = head.headers["ndxp-transaction-id"]
            .to_str()
            .unwrap()
            .to_owned();
        let mut open = Self { upload, answer, id };
        open.goes_on().await;
        open
    }

    async fn goes_on(&mut self) {
        let sent = message(b"still there");
        self.upload.send_data(sent.clone(), false).unwrap();
        let mut came = Vec::new();
        while came.len() < sent.len() {
            let chunk = within("an echo", self.answer.data())
                .await
                .unwrap()
                .unwrap();
            came.extend_from_slice(&chunk);
        }
        assert_eq!(came, sent);
    }

    /// What the hub says at its end.
    async fn is_cut(&mut self) -> Refusal {
        let over = within("the end of the data", self.answer.data()).await;
        assert!(over.is_none(), "{over:?}");
        let trailers = within("trailers", self.answer.trailers()).await.unwrap();
        Refusal::read(&trailers.expect("the hub says why"))
    }

    async fn finishes(mut self) {
        self.goes_on().await;
        self.upload.send_data(Bytes::new(), true).unwrap();
        let over = within("the end of the data", self.answer.data()).await;
        assert!(over.is_none(), "{over:?}");
        let trailers = within("trailers", self.answer.trailers())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(trailers["grpc-status"], "0");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_in_flight_finish_unless_they_are_cut() {
    let mut hub = Hub::init();
    hub.serve().await;
    let provider = Provider::serve(&hub, &hub.issue(PROVIDER), echo);
    let catalogue = members()
        .system(BYSTANDER, &[], "")
        .system(PROVIDER, &[provider.address], "")
        .service(PROVIDER, SERVICE, "")
        .service(PROVIDER, OTHER, "")
        .grant(CONSUMER, PROVIDER, SERVICE, "")
        .grant(BYSTANDER, PROVIDER, OTHER, "");
    hub.apply(&catalogue);
    let subject = Consumer::connect(&hub, &hub.issue(CONSUMER)).await;
    let bystander = Consumer::connect(&hub, &hub.issue(BYSTANDER)).await;
    let mut others = Open::start(&bystander, OTHER).await;

    let service = format!("{PROVIDER}/{SERVICE}");
    let grant = format!("{CONSUMER}>{PROVIDER}/{SERVICE}");
    // What shuts the call out, what lets it in again, and the reason in between.
    let rows: [([&[&str]; 2], &str); 3] = [
        (
            [
                &["system", "suspend", CONSUMER],
                &["system", "resume", CONSUMER],
            ],
            "SYSTEM_SUSPENDED",
        ),
        (
            [
                &["service", "disable", &service, "--notice", "moved"],
                &["service", "enable", &service],
            ],
            "SERVICE_DISABLED",
        ),
        (
            [&["access", "revoke", &grant], &["access", "list"]],
            "NO_GRANT",
        ),
    ];
    for ([out, back], reason) in rows {
        let with = |arguments: &[&'static str]| {
            let why = ["--reason", "tested"];
            out.iter()
                .copied()
                .chain(why)
                .chain(arguments.iter().copied())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let act = async |arguments: &[String]| {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            hub.act(&arguments).await.success();
        };
        if reason != "NO_GRANT" {
            // Without a cut the call finishes.
            let open = Open::start(&subject, SERVICE).await;
            act(&with(&[])).await;
            open.finishes().await;
            hub.act(back).await.success();
        }
        let mut open = Open::start(&subject, SERVICE).await;
        act(&with(&["--cut"])).await;
        let refusal = open.is_cut().await;
        assert_eq!(refusal.info.reason, reason);
        let transaction = hub.settled(&open.id).await;
        assert_eq!(
            (&transaction["outcome"], &transaction["reason"]),
            (&"refused".into(), &reason.into()),
            "{transaction:#}"
        );
        assert!(
            transaction["opened_sequence"].as_u64() > Some(0),
            "{transaction:#}"
        );
        others.goes_on().await;
        hub.act(back).await.success();
    }
    others.finishes().await;
    hub.verify();
    hub.stop().await;
}
