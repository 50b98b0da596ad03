//! Participants on the wire: real sockets, real TLS, certificates made by the test. First
//! consumers and providers face to face, then a whole load through a stand-in for the hub.

mod issuer;
mod load;
mod stand_in;

use std::time::Duration;

use issuer::Issuer;
use ndxp_model::{Outcome, Reason, SystemId};
use ndxp_sim::{
    Action, Call, CallKind, Consumer, Ending, Failure, Method, Nation, Providers, Script, Seen,
    Target,
};
use tonic::Code;

/// The nation's providers, and who is to be called for which method.
struct Scene {
    issuer: Issuer,
    nation: Nation,
    providers: Providers,
}

impl Scene {
    async fn new() -> Self {
        let (issuer, nation) = (Issuer::new(), Nation::new());
        let providers = Providers::start(&nation, &issuer, &issuer.authorities())
            .await
            .expect("providers start");
        Self {
            issuer,
            nation,
            providers,
        }
    }

    /// A call of the method as the nation makes it, with the key.
    fn call(&self, method: Method, key: &str) -> Call {
        let mut links = self.nation.links().iter();
        let link = links
            .find(|link| link.method == method)
            .expect("every method is called");
        let target = Target {
            consumer: link.consumer.clone(),
            provider: Some(link.provider.clone()),
            service: method.service(),
        };
        let mut call = Call::new(target, Action::Typed(method), key);
        call.records = 3;
        call
    }

    /// Who calls the call's provider directly, with a hub's certificate as a hub would.
    fn consumer(&self, call: &Call) -> Consumer {
        let provider = call.target.provider.as_ref().expect("a provider is named");
        let address = self.providers.address(provider).expect("it serves");
        let at = stand_in::at(address, &self.issuer);
        Consumer::new(call.target.consumer.clone(), &at, &self.issuer.hub()).expect("usable PEM")
    }

    /// Returns once no call hangs at a provider; the bound only keeps a failing test short.
    async fn none_hangs(&self) {
        let mut hanging = self.providers.hanging();
        tokio::time::timeout(
            Duration::from_secs(20),
            hanging.wait_for(|calls| *calls == 0),
        )
        .await
        .expect("the provider hears that the consumer has broken off")
        .expect("a count");
    }

    async fn ends(&self, call: &Call) -> Ending {
        self.consumer(call).call(call).await
    }
}

/// A method of each kind of call.
const OF_EACH_KIND: [Method; 4] = [
    Method::VerifyIdentity,
    Method::DeclareBirths,
    Method::VerifyBatch,
    Method::MatchBeneficiaries,
];

const ORDINARY: &str = "001203004567";

#[tokio::test]
async fn every_method_of_every_kind_is_answered() {
    let scene = Scene::new().await;
    for method in Method::ALL {
        let ending = scene.ends(&scene.call(method, ORDINARY)).await;
        assert_eq!(
            ending.seen,
            Seen::Ended(Outcome::Completed),
            "{method:?} {ending:?}"
        );
        assert!(
            ending.service_time.is_some_and(|time| time <= ending.took),
            "{method:?}"
        );
    }
    let executed: u64 = scene.providers.executions().values().sum();
    assert_eq!(executed, Method::ALL.len() as u64);
    scene.providers.stop().await;
}

#[tokio::test]
async fn every_failure_of_a_provider_in_every_kind_of_call_is_the_providers() {
    let scene = Scene::new().await;
    for method in OF_EACH_KIND {
        for failure in Failure::ALL {
            let key = Script::Fail(failure).key(1).expect("failures have keys");
            let ending = scene.ends(&scene.call(method, &key)).await;
            let found = (ending.seen, ending.code);
            let expected = (Seen::Ended(Outcome::ProviderError), failure.code());
            assert_eq!(found, expected, "{method:?} {failure:?} {ending:?}");
        }
    }
}

#[tokio::test]
async fn a_late_answer_is_an_answer_and_the_provider_owns_to_the_delay() {
    let scene = Scene::new().await;
    let delay = Duration::from_millis(60);
    let key = Script::AnswerAfter(delay).key(0).expect("delays have keys");
    let ending = scene.ends(&scene.call(Method::VerifyIdentity, &key)).await;
    assert_eq!(ending.seen, Seen::Ended(Outcome::Completed));
    assert!(ending.service_time >= Some(delay), "{ending:?}");
}

#[tokio::test]
async fn a_hanging_call_of_every_kind_can_be_broken_off_and_the_provider_hears_of_it() {
    let scene = Scene::new().await;
    for method in OF_EACH_KIND {
        let key = Script::Hang.key(7).expect("hanging has keys");
        let call = scene.call(method, &key);
        let mut hanging = scene.providers.hanging();
        let has_arrived = async {
            drop(hanging.wait_for(|calls| *calls == 1).await);
        };
        let consumer = scene.consumer(&call);
        let ending = consumer.call_until(&call, has_arrived).await;
        assert_eq!(ending.seen, Seen::Ended(Outcome::Cancelled), "{method:?}");
        scene.none_hangs().await;
    }
    scene.providers.stop().await;
}

#[tokio::test]
async fn an_endless_stream_is_broken_off_behind_the_answer_that_was_wanted() {
    let scene = Scene::new().await;
    let mut call = scene.call(Method::StreamRegistrations, ORDINARY);
    call.break_off_after = Some(call.records);
    let consumer = scene.consumer(&call);
    assert_eq!(
        consumer.call(&call).await.seen,
        Seen::Ended(Outcome::Cancelled)
    );
    scene.none_hangs().await;
    scene.providers.stop().await;
}

#[tokio::test]
async fn stopping_ends_the_calls_that_hang() {
    let scene = Scene::new().await;
    let call = scene.call(
        Method::LookUpParcel,
        &Script::Hang.key(7).expect("hanging has keys"),
    );
    let consumer = scene.consumer(&call);
    let mut hanging = scene.providers.hanging();
    let stopping = async {
        hanging
            .wait_for(|calls| *calls == 1)
            .await
            .expect("a count");
        scene.providers.stop().await;
    };
    let (ending, ()) = tokio::join!(consumer.call(&call), stopping);
    assert_eq!(ending.seen, Seen::Ended(Outcome::ProviderError));
    assert_eq!(ending.code, Code::Unavailable);
}

#[tokio::test]
async fn a_provider_lets_nobody_in_but_a_hub() {
    let scene = Scene::new().await;
    let call = scene.call(Method::VerifyIdentity, ORDINARY);
    let provider = call.target.provider.as_ref().expect("a provider is named");
    let address = scene.providers.address(provider).expect("it serves");
    let at = stand_in::at(address, &scene.issuer);
    let stranger = Issuer::new().hub();
    let member = ndxp_sim::Credentials::identity(&scene.issuer, &call.target.consumer)
        .expect("the issuer knows members");
    for (who, identity) in [("a member", member), ("a stranger", stranger)] {
        let consumer =
            Consumer::new(call.target.consumer.clone(), &at, &identity).expect("usable PEM");
        assert_eq!(consumer.call(&call).await.seen, Seen::Unknown, "{who}");
    }
    assert!(scene.providers.executions().is_empty());
}

#[tokio::test]
async fn nobody_listens_at_the_absent_system() {
    let scene = Scene::new().await;
    let absent: &SystemId = &scene.nation.absent().id;
    let address = scene.providers.address(absent).expect("a reserved port");
    let refused = tokio::net::TcpStream::connect(address)
        .await
        .map(drop)
        .expect_err("nobody listens");
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn every_reason_of_the_hub_is_read_from_the_wire_in_every_kind_of_call() {
    let issuer = Issuer::new();
    let hub = stand_in::serve(&issuer, |request| async move {
        let case = request
            .headers()
            .get("ndxp-case")
            .expect("the test sets it");
        let asked = case.to_str().expect("ASCII");
        let reason = Reason::ALL.into_iter().find(|r| r.meaning().name == asked);
        stand_in::refusal(reason.expect("the test asks for reasons"))
    })
    .await;
    let province: SystemId = "H26/lgsp".parse().expect("a system");
    let consumer = Consumer::new(province.clone(), &hub, &issuer.hub()).expect("usable PEM");
    for method in OF_EACH_KIND {
        for reason in Reason::ALL {
            let target = Target {
                consumer: province.clone(),
                provider: None,
                service: method.service(),
            };
            let mut call = Call::new(target, Action::Typed(method), ORDINARY);
            call.case = reason.to_string();
            let ending = consumer.call(&call).await;
            let expected = Seen::Ended(reason.meaning().outcome);
            assert_eq!(
                ending.seen,
                expected,
                "{:?} {reason} {ending:?}",
                method.kind()
            );
        }
    }
    let kinds = OF_EACH_KIND.map(Method::kind);
    assert!(kinds.contains(&CallKind::Bidirectional) && kinds.contains(&CallKind::Unary));
}

#[tokio::test]
async fn what_becomes_of_a_call_without_a_hub_cannot_be_told() {
    let scene = Scene::new().await;
    let call = scene.call(Method::VerifyIdentity, ORDINARY);
    let absent = &scene.nation.absent().id;
    let address = scene.providers.address(absent).expect("a reserved port");
    let at = stand_in::at(address, &scene.issuer);
    let consumer =
        Consumer::new(call.target.consumer.clone(), &at, &scene.issuer.hub()).expect("usable PEM");
    assert_eq!(consumer.call(&call).await.seen, Seen::Unknown);
}
