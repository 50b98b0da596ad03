//! A stand-in for the hub: decides by the catalogue, passes frames on, answers in the hub's
//! words. Just enough for the participants to meet each other as they will meet them through
//! the hub; it writes nothing down.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ndxp_model::{Reason, SystemId};
use ndxp_proto::google::rpc;
use ndxp_proto::registry::v1::{Catalogue, Grant, Service};
use ndxp_sim::{HubAddress, Identity};
use prost::Message as _;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Server, ServerTlsConfig};
use tonic::{Code, Status};
use tower::{ServiceExt as _, service_fn};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::issuer::{Issuer, SERVER_NAME, TRUST_DOMAIN};

type Request = http::Request<Body>;
type Response = http::Response<Body>;

struct StandIn {
    catalogue: Catalogue,
    providers: BTreeMap<String, Channel>,
}

/// Serves until the test ends; says where.
pub async fn hub(issuer: &Issuer, catalogue: Catalogue) -> HubAddress {
    let hub = issuer.hub();
    let providers = catalogue
        .systems
        .iter()
        .filter_map(|system| {
            let endpoint = system.endpoints.first()?;
            Some((system.id.clone(), channel(endpoint, &hub, issuer)))
        })
        .collect();
    let stand_in = Arc::new(StandIn {
        catalogue,
        providers,
    });
    serve(issuer, move |request| {
        let stand_in = stand_in.clone();
        async move { stand_in.answer(request).await }
    })
    .await
}

/// Serves every path with `answer` behind mutual TLS.
pub async fn serve<F>(
    issuer: &Issuer,
    answer: impl Fn(Request) -> F + Clone + Send + 'static,
) -> HubAddress
where
    F: Future<Output = Response> + Send + 'static,
{
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let tls = ServerTlsConfig::new()
        .identity(pem(&issuer.hub()))
        .client_ca_root(Certificate::from_pem(issuer.authorities().pem));
    let service = service_fn(move |request| {
        let answer = answer(request);
        async move { Ok::<_, std::convert::Infallible>(answer.await) }
    });
    let server = Server::builder().tls_config(tls).expect("usable PEM");
    tokio::spawn(server.serve_with_incoming(service, TcpListenerStream::new(listener)));
    at(address, issuer)
}

/// What a consumer needs to call whoever listens there.
pub fn at(address: SocketAddr, issuer: &Issuer) -> HubAddress {
    HubAddress {
        address,
        server_name: SERVER_NAME.to_owned(),
        authorities_pem: issuer.authorities().pem,
    }
}

/// An answer of the hub's own making, trailers only.
pub fn refusal(reason: Reason) -> Response {
    let meaning = reason.meaning();
    let code = Code::from_i32(meaning.status.into());
    let info = rpc::ErrorInfo {
        reason: meaning.name.to_owned(),
        domain: "ndxp".to_owned(),
        ..rpc::ErrorInfo::default()
    };
    let details = rpc::Status {
        code: code.into(),
        message: meaning.remedy.to_owned(),
        details: vec![prost_types::Any {
            type_url: "type.googleapis.com/google.rpc.ErrorInfo".to_owned(),
            value: info.encode_to_vec(),
        }],
    };
    Status::with_details(code, meaning.remedy, details.encode_to_vec().into()).into_http()
}

impl StandIn {
    async fn answer(&self, mut request: Request) -> Response {
        let Some(consumer) = consumer(&request) else {
            return refusal(Reason::UnknownSystem);
        };
        let (service, channel) = match self.decide(&consumer, &request) {
            Ok((service, channel)) => (service, channel.clone()),
            Err(reason) => return refusal(reason),
        };
        let said = consumer.as_str().parse().expect("a system is ASCII");
        request.headers_mut().insert("ndxp-consumer", said);
        let forwarded = channel.oneshot(request);
        let answer = if service.deadline_ms_max == 0 {
            forwarded.await
        } else {
            let cap = Duration::from_millis(service.deadline_ms_max);
            match tokio::time::timeout(cap, forwarded).await {
                Ok(answer) => answer,
                Err(_) => return refusal(Reason::ProviderTimeout),
            }
        };
        answer.unwrap_or_else(|_| refusal(Reason::ProviderUnreachable))
    }

    fn decide(&self, consumer: &SystemId, call: &Request) -> Result<(&Service, &Channel), Reason> {
        let (service, method) = call
            .uri()
            .path()
            .trim_start_matches('/')
            .split_once('/')
            .ok_or(Reason::MalformedRequest)?;
        let named = call
            .headers()
            .get("ndxp-provider")
            .map(|name| name.to_str().expect("consumers name systems"));
        let mut offers = self
            .catalogue
            .services
            .iter()
            .filter(|offer| offer.name == service && named.is_none_or(|n| n == offer.provider));
        let offer = offers.next().ok_or(Reason::UnknownService)?;
        if offers.next().is_some() {
            return Err(Reason::AmbiguousProvider);
        }
        if offer.disabled {
            return Err(Reason::ServiceDisabled);
        }
        let names = |grant: &&Grant| {
            grant.consumer == consumer.as_str()
                && grant.provider == offer.provider
                && grant.service == service
        };
        let grant = self.catalogue.grants.iter().find(names);
        let grant = grant.ok_or(Reason::NoGrant)?;
        if grant.valid_until_us != 0 {
            return Err(Reason::GrantExpired);
        }
        if !grant.methods.is_empty() && !grant.methods.iter().any(|name| name == method) {
            return Err(Reason::NoGrant);
        }
        let channel = self.providers.get(&offer.provider);
        Ok((
            offer,
            channel.expect("who offers a service has an endpoint"),
        ))
    }
}

/// The system that the certificate names.
fn consumer(request: &Request) -> Option<SystemId> {
    let peer = request
        .extensions()
        .get::<TlsConnectInfo<TcpConnectInfo>>()?;
    let certificates = peer.peer_certs()?;
    let (_, certificate) = X509Certificate::from_der(certificates.first()?).ok()?;
    let names = certificate.subject_alternative_name().ok()??;
    let prefix = format!("spiffe://{TRUST_DOMAIN}/member/");
    names
        .value
        .general_names
        .iter()
        .find_map(|name| match name {
            GeneralName::URI(uri) => {
                let (member, system) = uri.strip_prefix(&prefix)?.split_once("/system/")?;
                format!("{member}/{system}").parse().ok()
            }
            _ => None,
        })
}

fn channel(endpoint: &str, hub: &Identity, issuer: &Issuer) -> Channel {
    let tls = ClientTlsConfig::new()
        .identity(pem(hub))
        .ca_certificate(Certificate::from_pem(issuer.authorities().pem))
        .domain_name(SERVER_NAME);
    Endpoint::from_shared(format!("https://{endpoint}"))
        .and_then(|endpoint| endpoint.tls_config(tls))
        .expect("a usable endpoint")
        .connect_lazy()
}

fn pem(identity: &Identity) -> tonic::transport::Identity {
    tonic::transport::Identity::from_pem(&identity.certificate_pem, &identity.key_pem)
}
