//! The day of a province: Hà Nội's LGSP is registered, asks in vain, is granted, calls and
//! streams, is cut off, and in the evening finds each of its calls in the journal, the counters
//! and the report. All of it with ordinary gRPC clients and the operator's commands.

mod story;

use ndxp_proto::example::dossier::v1 as dossier;
use ndxp_proto::example::population::v1 as population;
use tonic::{Code, Request};

pub use story::channel;
use story::{DOCUMENTS, DOSSIER, POPULATION, Story, document, person, transaction_id};

use crate::support::wait::{until, within};

#[tokio::test(flavor = "multi_thread")]
async fn a_province_is_refused_granted_served_cut_off_and_counted() {
    let mut story = Story::begin().await;

    let refused = is_refused_without_a_grant(&mut story).await;
    is_granted(&mut story).await;
    let verified = calls(&mut story).await;
    let streamed = streams(&mut story).await;
    let cut_off = is_cut_off_when_the_provider_dies(&mut story).await;
    let cancelled = breaks_off_itself(&mut story).await;

    let story_of = |id: &str, outcome: &str| {
        let transaction = story.hub.transaction(id);
        assert_eq!(transaction["outcome"], outcome, "{transaction:#}");
        assert_eq!(transaction["consumer"], story::CONSUMER);
        transaction
    };
    assert_eq!(story_of(&refused, "refused")["reason"], "NO_GRANT");
    let found = story_of(&verified, "completed");
    assert_eq!(found["service"], POPULATION.1);
    assert_eq!(found["method"], "VerifyIdentity");
    assert_eq!(found["case"], "H26-220722-0001");
    assert_eq!(found["request_messages"], 1);
    assert_eq!(story_of(&streamed, "completed")["measures"]["records"], 3);
    assert_eq!(
        story_of(&cut_off, "unreachable")["reason"],
        "PROVIDER_UNREACHABLE"
    );
    assert_eq!(story_of(&cancelled, "cancelled")["fault"], "consumer");

    sees_its_counts(&story);
    story.hub.stop().await;
}

async fn is_refused_without_a_grant(story: &mut Story) -> String {
    let request = population::VerifyIdentityRequest {
        person: Some(person("001")),
    };
    let refused = story.population.verify_identity(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied, "{refused}");
    assert_eq!(refused.metadata().get("ndxp-fault").unwrap(), "consumer");
    assert_eq!(story::reason(&refused), "NO_GRANT");
    assert!(story.callable().await.is_empty());
    transaction_id(refused.metadata())
}

async fn is_granted(story: &mut Story) {
    let grants = story.grants();
    let file = story.hub.write_catalogue(&grants);
    let file = file.to_str().unwrap();
    let planned = story.hub.run(&["apply", "-f", file, "--dry-run"]).success();
    assert!(planned.contains(POPULATION.1), "{planned}");
    assert!(
        story.callable().await.is_empty(),
        "a dry run changes nothing"
    );

    story.hub.apply(&grants);
    assert_eq!(
        story.callable().await,
        [DOCUMENTS.1, DOSSIER.1, POPULATION.1]
    );
}

/// Answers, and a provider's own error, pass.
async fn calls(story: &mut Story) -> String {
    let person_request = |number| population::VerifyIdentityRequest {
        person: Some(person(number)),
    };
    let mut request = Request::new(person_request("001203004567"));
    request
        .metadata_mut()
        .insert("ndxp-case", "H26-220722-0001".parse().unwrap());
    let answer = story.population.verify_identity(request).await.unwrap();
    let id = transaction_id(answer.metadata());
    assert_eq!(answer.into_inner().r#match(), population::Match::Agrees);

    let unknown = story
        .population
        .verify_identity(person_request("901"))
        .await
        .unwrap_err();
    assert_eq!(
        (unknown.code(), unknown.message()),
        (Code::NotFound, "số định danh không tồn tại")
    );
    assert_eq!(unknown.metadata().get("personal-number").unwrap(), "901");
    assert_eq!(unknown.metadata().get("ndxp-fault").unwrap(), "provider");
    id
}

/// All three kinds of streams.
async fn streams(story: &mut Story) -> String {
    let people = ["001", "902", "003"].map(person).to_vec();
    let mut request = Request::new(population::VerifyBatchRequest { people });
    request
        .metadata_mut()
        .insert("ndxp-measure-records", "3".parse().unwrap());
    let batch = story.population.verify_batch(request).await.unwrap();
    let id = transaction_id(batch.metadata());
    let mut batch = batch.into_inner();
    let mut found = Vec::new();
    while let Some(answer) = batch.message().await.unwrap() {
        found.push((answer.personal_number.clone(), answer.r#match()));
    }
    let expected = [
        ("001".to_owned(), population::Match::Agrees),
        ("902".to_owned(), population::Match::Unknown),
        ("003".to_owned(), population::Match::Agrees),
    ];
    assert_eq!(found, expected);

    let changes = (0..100).map(|number| dossier::SyncStatusRequest {
        dossier: format!("H26-220722-{number:04}"),
        ..Default::default()
    });
    let synced = story
        .portal
        .sync_status(tokio_stream::iter(changes))
        .await
        .unwrap();
    assert_eq!(synced.into_inner().accepted, 100);

    let mut line = story.open_line().await;
    for number in ["105/BC", "106/BC"] {
        line.send.send(document(number)).await.unwrap();
        let receipt = line.receipts.message().await.unwrap().unwrap();
        assert_eq!(receipt.document_id, format!("axis-{number}"));
    }
    drop(line.send);
    assert_eq!(line.receipts.message().await.unwrap(), None);
    id
}

async fn is_cut_off_when_the_provider_dies(story: &mut Story) -> String {
    let mut line = story.open_line().await;
    line.send.send(document("107/BC")).await.unwrap();
    assert!(line.receipts.message().await.unwrap().is_some());
    story.axis_provider.die();
    let cut_off = within("the cut", line.receipts.message())
        .await
        .unwrap_err();
    assert_eq!(cut_off.code(), Code::Unavailable, "{cut_off}");
    assert_eq!(story::reason(&cut_off), "PROVIDER_UNREACHABLE");
    assert_eq!(cut_off.metadata().get("ndxp-fault").unwrap(), "provider");
    line.transaction_id
}

async fn breaks_off_itself(story: &mut Story) -> String {
    // A hundred changes came in order before.
    let (changes, sent) = tokio::sync::mpsc::channel(1);
    changes
        .send(dossier::SyncStatusRequest::default())
        .await
        .unwrap();
    let mut request = Request::new(tokio_stream::wrappers::ReceiverStream::new(sent));
    request
        .metadata_mut()
        .insert("ndxp-request-id", "broken-off".parse().unwrap());
    let mut portal = story.portal.clone();
    let call = tokio::spawn(async move { portal.sync_status(request).await });
    let all = within(
        "the change",
        story.arrived.wait_for(|arrived| *arrived == 101),
    )
    .await;
    drop(all.unwrap());
    call.abort();
    let id = until("the call's end in the journal", async || {
        let broken_off = story.transactions(&["--outcome", "cancelled"]);
        Some(broken_off.first()?["transaction_id"].as_str()?.to_owned())
    });
    let id = id.await;
    assert_eq!(story.hub.transaction(&id)["request_id"], "broken-off");
    id
}

fn sees_its_counts(story: &Story) {
    // Transactions, attempts, messages sent.
    let expected = [
        (DOCUMENTS, [1, 2, 3]),
        (DOSSIER, [1, 2, 101]),
        (POPULATION, [3, 4, 3]),
    ];
    let counts = story.counts("connection");
    for ((provider, service), [transactions, attempts, messages]) in expected {
        let key = format!("{}>{provider}/{service}", story::CONSUMER);
        let rows = counts["rows"].as_array().unwrap();
        let row = rows.iter().find(|row| row["key"] == key.as_str());
        let row = row.unwrap_or_else(|| panic!("no {key} in {counts:#}"));
        let found = ["transactions", "attempts", "request_messages"].map(|name| &row[name]);
        assert_eq!(found, [transactions, attempts, messages], "{row:#}");
    }
    assert_eq!(counts["total"]["transactions"], 5);
    assert_eq!(counts["total"]["attempts"], 8);
    assert_eq!(counts["total"]["measures"]["records"], 3);

    let verified = story.hub.verify();
    assert_eq!(
        (&verified["clean"], &verified["attempts"]),
        (&true.into(), &8.into())
    );
    for language in ["vi", "en"] {
        let report = story.hub.run(&["report", "--lang", language]).success();
        assert!(report.contains('5'), "{report}");
    }
}
