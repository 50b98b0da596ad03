//! Who takes part in the province's day, and how they are reached.

use ndxp_proto::example::documents::v1 as documents;
use ndxp_proto::example::dossier::v1 as dossier;
use ndxp_proto::example::population::v1 as population;
use ndxp_proto::exchange::v1::ListCallableRequest;
use ndxp_proto::exchange::v1::directory_service_client::DirectoryServiceClient;
use ndxp_proto::google::rpc;
use prost::Message as _;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataMap;
use tonic::service::Routes;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Status, Streaming};

use crate::support::catalogue::Catalogue;
use crate::support::credentials::Credentials;
use crate::support::hub::Hub;
use crate::support::national::{DocumentAxis, Population, Portal};
use crate::support::provider::Provider;

use documents::document_service_client::DocumentServiceClient;
use documents::document_service_server::{DocumentServiceServer, SERVICE_NAME as DOCUMENT_SERVICE};
use dossier::dossier_service_client::DossierServiceClient;
use dossier::dossier_service_server::{DossierServiceServer, SERVICE_NAME as DOSSIER_SERVICE};
use population::population_service_client::PopulationServiceClient;
use population::population_service_server::{
    PopulationServiceServer, SERVICE_NAME as POPULATION_SERVICE,
};

pub const CONSUMER: &str = "H26/lgsp";
/// Provider system and service.
pub const POPULATION: (&str, &str) = ("G01/population", POPULATION_SERVICE);
pub const DOSSIER: (&str, &str) = ("G22/public-service-portal", DOSSIER_SERVICE);
pub const DOCUMENTS: (&str, &str) = ("G22/document-axis", DOCUMENT_SERVICE);

pub struct Story {
    pub hub: Hub,
    pub population: PopulationServiceClient<Channel>,
    pub portal: DossierServiceClient<Channel>,
    /// Changes of dossiers that have arrived at the portal.
    pub arrived: watch::Receiver<u64>,
    channel: Channel,
    pub axis_provider: Provider,
    _providers: [Provider; 2],
}

/// An agency's open line to the document axis.
pub struct Line {
    pub send: mpsc::Sender<documents::ExchangeRequest>,
    pub receipts: Streaming<documents::ExchangeResponse>,
    pub transaction_id: String,
}

impl Story {
    /// Everybody is registered; nobody holds a grant.
    pub async fn begin() -> Self {
        let hub = Hub::start().await;
        let serve = |(system, _): (&str, &str), routes| {
            Provider::serve_services(&hub, &hub.issue(system), routes)
        };
        let database = serve(
            POPULATION,
            Routes::new(PopulationServiceServer::new(Population)),
        );
        let desk = Portal::default();
        let arrived = desk.arrived.subscribe();
        let portal = serve(DOSSIER, Routes::new(DossierServiceServer::new(desk)));
        let axis = serve(
            DOCUMENTS,
            Routes::new(DocumentServiceServer::new(DocumentAxis)),
        );
        let catalogue = Catalogue::new()
            .member("H26", "")
            .member("G01", "")
            .member("G22", "")
            .system(CONSUMER, &[], "")
            .system(POPULATION.0, &[database.address], "")
            .system(DOSSIER.0, &[portal.address], "")
            .system(DOCUMENTS.0, &[axis.address], "")
            .service(POPULATION.0, POPULATION.1, "measures = [\"records\"]")
            .service(DOSSIER.0, DOSSIER.1, "")
            .service(DOCUMENTS.0, DOCUMENTS.1, "");
        hub.apply(&catalogue);
        let channel = channel(&hub, &hub.issue(CONSUMER)).await;
        Self {
            population: PopulationServiceClient::new(channel.clone()),
            portal: DossierServiceClient::new(channel.clone()),
            arrived,
            channel,
            axis_provider: axis,
            _providers: [database, portal],
            hub,
        }
    }

    pub fn grants(&self) -> Catalogue {
        let services = [POPULATION, DOSSIER, DOCUMENTS];
        services
            .into_iter()
            .fold(Catalogue::new(), |grants, (provider, service)| {
                grants.grant(CONSUMER, provider, service, "")
            })
    }

    /// What the hub's directory says that the province may call.
    pub async fn callable(&self) -> Vec<String> {
        let mut directory = DirectoryServiceClient::new(self.channel.clone());
        let answer = directory
            .list_callable(ListCallableRequest::default())
            .await;
        let services = answer.expect("the directory answers").into_inner().services;
        services
            .into_iter()
            .map(|callable| callable.service)
            .collect()
    }

    pub async fn open_line(&self) -> Line {
        let (send, sent) = mpsc::channel(1);
        let mut axis = DocumentServiceClient::new(self.channel.clone());
        let answer = axis
            .exchange(ReceiverStream::new(sent))
            .await
            .expect("the line opens");
        Line {
            send,
            transaction_id: transaction_id(answer.metadata()),
            receipts: answer.into_inner(),
        }
    }

    pub fn transactions(&self, filter: &[&str]) -> Vec<Value> {
        let arguments = [&["transactions", "-o", "json"], filter].concat();
        let answer = self.hub.run(&arguments).success();
        answer
            .lines()
            .map(|line| serde_json::from_str(line).expect("it is JSON"))
            .collect()
    }

    pub fn counts(&self, by: &str) -> Value {
        let answer = self.hub.run(&["stats", "--by", by, "-o", "json"]).success();
        serde_json::from_str(&answer).expect("it is JSON")
    }
}

pub async fn channel(hub: &Hub, credentials: &Credentials) -> Channel {
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(&credentials.authority_pem))
        .identity(Identity::from_pem(
            &credentials.certificate_pem,
            &credentials.key_pem,
        ))
        .domain_name("localhost");
    let endpoint = Endpoint::from_shared(format!("https://{}", hub.exchange())).unwrap();
    endpoint
        .tls_config(tls)
        .unwrap()
        .connect()
        .await
        .expect("the hub takes the connection")
}

pub fn transaction_id(metadata: &MetadataMap) -> String {
    let id = metadata
        .get("ndxp-transaction-id")
        .expect("every answer names its transaction");
    id.to_str().expect("it is printable").to_owned()
}

/// The reason in an error that the hub made.
pub fn reason(status: &Status) -> String {
    let details = rpc::Status::decode(status.details()).expect("the hub sends details");
    let info = details
        .details
        .iter()
        .find(|it| it.type_url.ends_with("/google.rpc.ErrorInfo"));
    let info = rpc::ErrorInfo::decode(info.expect("with a reason").value.as_slice()).unwrap();
    assert_eq!(info.domain, "ndxp");
    info.reason
}

pub fn person(number: &str) -> population::Person {
    population::Person {
        personal_number: number.to_owned(),
        full_name: "Nguyễn Văn An".to_owned(),
        date_of_birth: "2003-02-01".to_owned(),
    }
}

pub fn document(number: &str) -> documents::ExchangeRequest {
    let document = documents::Document {
        number: number.to_owned(),
        ..Default::default()
    };
    documents::ExchangeRequest {
        item: Some(documents::exchange_request::Item::Document(document)),
    }
}
