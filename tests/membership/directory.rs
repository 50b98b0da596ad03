//! The exchange port's own services over real mutual TLS: a provider gives its contract, a
//! consumer finds what it may call and what it could ask for, and reflection follows its grants.

use ndxp_proto::DESCRIPTORS;
use ndxp_proto::exchange::v1::directory_service_client::DirectoryServiceClient;
use ndxp_proto::exchange::v1::{
    GetDescriptorsRequest, ListCallableRequest, ListOfferedRequest, PutDescriptorsRequest,
    ServiceState,
};
use tonic::Code;
use tonic::transport::Channel;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::province_day::channel;
use crate::support::hub::Hub;
use crate::support::world::{CONSUMER, PROVIDER, members};

const POPULATION: &str = "ndxp.example.population.v1.PopulationService";
const HEALTH: &str = "grpc.health.v1.Health";
const DIRECTORY: &str = "ndxp.exchange.v1.DirectoryService";

/// What reflection lists to whoever holds the channel.
async fn listed(channel: &Channel) -> Vec<String> {
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut client = ServerReflectionClient::new(channel.clone());
    let answers = client.server_reflection_info(tokio_stream::iter([request]));
    let mut answers = answers.await.unwrap().into_inner();
    match answers.message().await.unwrap().unwrap().message_response {
        Some(MessageResponse::ListServicesResponse(list)) => {
            list.service.into_iter().map(|it| it.name).collect()
        }
        other => panic!("{other:?}"),
    }
}

async fn put(channel: &Channel, set: &[u8]) -> Result<u64, tonic::Status> {
    let request = PutDescriptorsRequest {
        service: POPULATION.to_owned(),
        file_descriptor_set: set.to_vec(),
        ..Default::default()
    };
    let mut directory = DirectoryServiceClient::new(channel.clone());
    let answer = directory.put_descriptors(request).await?;
    Ok(answer.into_inner().sequence)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_goes_from_the_provider_to_those_who_may_call() {
    let hub = Hub::start().await;
    let catalogue = members()
        .system(PROVIDER, &[], "")
        .service(PROVIDER, POPULATION, "");
    hub.apply(&catalogue);
    let provider = channel(&hub, &hub.issue(PROVIDER)).await;
    let consumer = channel(&hub, &hub.issue(CONSUMER)).await;
    let mut directory = DirectoryServiceClient::new(consumer.clone());

    // Not a byte of it is believed before it holds the service.
    let refused = put(&provider, b"\xff").await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    assert!(put(&provider, DESCRIPTORS).await.unwrap() > 0);

    // Found and fetched before there is a grant, and not listed to generic tools.
    let offered = directory.list_offered(ListOfferedRequest::default()).await;
    let offered = offered.unwrap().into_inner().services;
    assert_eq!(offered.len(), 1, "{offered:?}");
    assert_eq!(offered[0].state(), ServiceState::Active);
    assert!(!offered[0].methods.is_empty());
    let request = GetDescriptorsRequest {
        service: POPULATION.to_owned(),
        provider: String::new(),
    };
    let fetched = directory.get_descriptors(request).await.unwrap();
    assert_eq!(fetched.into_inner().file_descriptor_set, DESCRIPTORS);
    assert_eq!(listed(&consumer).await, [HEALTH, DIRECTORY]);

    hub.apply(&members().grant(CONSUMER, PROVIDER, POPULATION, ""));
    assert_eq!(listed(&consumer).await, [HEALTH, DIRECTORY, POPULATION]);
    assert_eq!(listed(&provider).await, [HEALTH, DIRECTORY]);
    let offered = directory.list_offered(ListOfferedRequest::default()).await;
    assert!(offered.unwrap().into_inner().services.is_empty());

    let service = format!("{PROVIDER}/{POPULATION}");
    let arguments = ["service", "disable", &service, "--notice", "bảo trì"];
    hub.run(&arguments).success();
    let callable = directory.list_callable(ListCallableRequest::default());
    let callable = callable.await.unwrap().into_inner().services;
    let told = (callable[0].state(), callable[0].notice.as_str());
    assert_eq!(told, (ServiceState::Disabled, "bảo trì"));

    let grant = format!("{CONSUMER}>{PROVIDER}/{POPULATION}");
    hub.run(&["access", "revoke", &grant, "--reason", "hết hạn"])
        .success();
    assert_eq!(listed(&consumer).await, [HEALTH, DIRECTORY]);
    hub.stop().await;
}
