//! What a caller is shown.

use ndxp_model::Instant;
use tonic_reflection::pb::v1;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use super::super::tests::{House, NOW, caller_named, descriptors, grant};
use super::*;

const CONSUMER: &str = "H26/lgsp";

fn names(sets: &[Named]) -> Vec<&str> {
    sets.iter().map(|(name, _)| name.as_str()).collect()
}

/// Names of all files that the sets hold.
fn files(sets: &[Named]) -> Vec<String> {
    let raw = sets
        .iter()
        .flat_map(|(_, set)| RawSet::decode(set.as_slice()).unwrap().file);
    let name = |file: Vec<u8>| FileDescriptorProto::decode(file.as_slice()).unwrap().name;
    raw.map(|file| name(file).unwrap()).collect()
}

fn seen(house: &House, system: &str, at: Instant) -> Vec<Named> {
    visible(&house.keeper.current(), &system.parse().unwrap(), at)
}

#[tokio::test]
async fn a_caller_is_shown_what_it_may_call_now_and_the_hubs_own() {
    let house = House::new().await;
    let own = super::super::OWN[0];
    assert_eq!(names(&seen(&house, CONSUMER, NOW)), [own]);
    for service in ["B", "C", "D"] {
        let set = descriptors(&format!("{service}.proto"), service, &["Verify"], "name");
        let name = format!("a.{service}");
        house.put("G01/population", &name, set).await.unwrap();
    }
    assert_eq!(names(&seen(&house, CONSUMER, NOW)), [own, "a.B", "a.C"]);
    assert_eq!(names(&seen(&house, "G01/population", NOW)), [own]);
    // The grant for a.B ends after an hour.
    let later = NOW.saturating_add(std::time::Duration::from_secs(3_600));
    assert_eq!(names(&seen(&house, CONSUMER, later)), [own, "a.C"]);
    let sets = seen(&house, CONSUMER, NOW);
    assert!(made::<true>(&sets).is_ok() && made::<false>(&sets).is_ok());
    // The hub's contract comes with its own file and no other of the hub's.
    let own_files = files(&sets[..1]);
    assert_eq!(own_files, ["ndxp/exchange/v1/directory.proto"]);
}

#[tokio::test]
async fn files_of_one_name_and_different_content_stay_apart() {
    let house = House::new().await;
    let rows = [("B", "name"), ("C", "number")];
    for (service, field) in rows {
        let set = descriptors("api.proto", service, &["Verify"], field);
        let name = format!("a.{service}");
        house.put("G01/population", &name, set).await.unwrap();
    }
    let sets = seen(&house, CONSUMER, NOW);
    assert_eq!(files(&sets[1..]), ["api.proto", "a.C/api.proto"]);
    let answered = made::<false>(&sets);
    assert!(answered.is_ok());
}

#[test]
fn of_a_set_only_what_the_service_needs_is_kept_as_it_was_given() {
    let file = |name: &str, imports: &[&str], services: &[&str]| FileDescriptorProto {
        name: Some(name.to_owned()),
        package: Some("x.y".to_owned()),
        dependency: imports.iter().map(|it| (*it).to_owned()).collect(),
        service: services
            .iter()
            .map(|name| prost_types::ServiceDescriptorProto {
                name: Some((*name).to_owned()),
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    };
    // An option that is unknown here: field 50000 of the file, a varint.
    let unknown = [0x80, 0xb5, 0x18, 0x07];
    let mut first = file(
        "one.proto",
        &["common.proto", "google/protobuf/any.proto"],
        &["One"],
    );
    first.package = Some("x.y".to_owned());
    let mut first = first.encode_to_vec();
    first.extend(unknown);
    let common = file("common.proto", &["common.proto"], &[]).encode_to_vec();
    let other = file("two.proto", &["common.proto"], &["Two"]).encode_to_vec();
    let set = RawSet {
        file: vec![other, common.clone(), first.clone()],
    };
    let set = set.encode_to_vec();
    let kept = needed(&set, "x.y.One").unwrap();
    let expected = [("common.proto", common), ("one.proto", first)];
    let expected = expected.map(|(name, bytes)| (name.to_owned(), bytes));
    assert_eq!(kept, BTreeMap::from(expected));
    for absent in ["x.y.Three", "One", "x.One", "x.yOne", ""] {
        assert_eq!(needed(&set, absent), None, "{absent}");
    }
    assert_eq!(needed(b"\xff", "x.y.One"), None);
}

#[tokio::test]
async fn a_generic_tool_lists_and_reads_what_the_caller_may_call() {
    let house = House::new().await;
    let set = descriptors("b.proto", "B", &["Verify"], "name");
    house.put("G01/population", "a.B", set).await.unwrap();
    let reflection = CallerReflection::<false> {
        places: Arc::new(Semaphore::new(1)),
        registry: house.keeper.shown(),
        clock: house.clock.clone(),
    };
    let service = tower::service_fn(move |mut request: Request<Body>| {
        // As the gateway says who calls.
        request.extensions_mut().insert(caller_named(CONSUMER));
        reflection.clone().call(request)
    });
    let mut client = ServerReflectionClient::new(service);
    let ask = |message| v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(message),
    };
    let requests = [
        ask(MessageRequest::ListServices(String::new())),
        ask(MessageRequest::FileContainingSymbol(
            "a.B.Verify".to_owned(),
        )),
        ask(MessageRequest::FileContainingSymbol("a.D".to_owned())),
    ];
    let answers = client.server_reflection_info(tokio_stream::iter(requests));
    let mut answers = answers.await.unwrap().into_inner();
    let mut next = async || {
        answers
            .message()
            .await
            .map(|it| it.unwrap().message_response)
    };
    let Ok(Some(MessageResponse::ListServicesResponse(listed))) = next().await else {
        panic!("no list")
    };
    let names: Vec<_> = listed.service.into_iter().map(|it| it.name).collect();
    let health = "grpc.health.v1.Health";
    assert_eq!(names, [health, "ndxp.exchange.v1.DirectoryService", "a.B"]);
    let Ok(Some(MessageResponse::FileDescriptorResponse(found))) = next().await else {
        panic!("no file")
    };
    let file = FileDescriptorProto::decode(found.file_descriptor_proto[0].as_slice()).unwrap();
    assert_eq!(file.name(), "b.proto");
    assert_eq!(next().await.unwrap_err().code(), tonic::Code::NotFound);
}

#[tokio::test]
async fn a_call_without_a_caller_is_not_answered() {
    let house = House::new().await;
    house
        .apply(ndxp_proto::registry::v1::Catalogue {
            grants: vec![grant("H26/lgsp", "a.D")],
            ..Default::default()
        })
        .await;
    let mut service = CallerReflection::<false> {
        places: Arc::new(Semaphore::new(1)),
        registry: house.keeper.shown(),
        clock: house.clock.clone(),
    };
    let answer = service.call(Request::new(Body::empty())).await.unwrap();
    let status = Status::from_header_map(answer.headers()).unwrap();
    assert_eq!(status.code(), tonic::Code::Unauthenticated);
}
