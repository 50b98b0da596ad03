//! A participant that calls: one TLS channel to the hub with the system's own certificate, and
//! the metadata that the hub documents. Nothing here knows what the hub does with a call.

mod messages;
mod typed;

use std::net::SocketAddr;
use std::pin::pin;
use std::time::{Duration, Instant};

use ndxp_model::SystemId;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Response, Status, Streaming};
use tower::ServiceExt as _;

use crate::credentials::{Identity, SetupError};
use crate::ending::{Ending, Seen};
use crate::plan::Call;

/// Where the hub is and how it proves itself.
#[derive(Clone, Debug)]
pub struct HubAddress {
    pub address: SocketAddr,
    /// The name that the hub's certificate must carry.
    pub server_name: String,
    /// Certificates of the authorities that may sign it.
    pub authorities_pem: String,
}

/// Bytes in flight per stream and connection, so that a window never stalls a call.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;
/// On a loopback or in one data centre: a hub that needs longer is not there.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// One consumer system.
#[derive(Clone, Debug)]
pub struct Consumer {
    id: SystemId,
    channel: Channel,
}

/// A call that has run: how, and the headers of the answer where there were any.
struct Run {
    result: Result<Closed, Status>,
    headers: Option<MetadataMap>,
}

/// Who ended the call when it did not fail.
enum Closed {
    Answered,
    BrokenOff,
}

impl Consumer {
    /// Must be called within a runtime. The channel opens with the first call and opens again
    /// whenever it has broken.
    ///
    /// # Errors
    /// When the PEM texts make no TLS configuration.
    pub fn new(id: SystemId, hub: &HubAddress, identity: &Identity) -> Result<Self, SetupError> {
        let identity =
            tonic::transport::Identity::from_pem(&identity.certificate_pem, &identity.key_pem);
        let tls = ClientTlsConfig::new()
            .identity(identity)
            .ca_certificate(Certificate::from_pem(&hub.authorities_pem))
            .domain_name(&hub.server_name);
        let endpoint = Endpoint::from_shared(format!("https://{}", hub.address))
            .and_then(|endpoint| endpoint.tls_config(tls))
            .map_err(|source| SetupError::Tls {
                system: id.clone(),
                source: source.into(),
            })?;
        let channel = endpoint
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .connect_timeout(CONNECT_WITHIN)
            .connect_lazy();
        Ok(Self { id, channel })
    }

    #[must_use]
    pub fn id(&self) -> &SystemId {
        &self.id
    }

    /// Makes the call and waits for its ending. The consumer sets no deadline of its own, so
    /// that every deadline that passes is the hub's.
    pub async fn call(&self, call: &Call) -> Ending {
        self.call_until(call, std::future::pending()).await
    }

    /// The same, and breaks off when `break_off` is ready before the answer.
    pub async fn call_until(&self, call: &Call, break_off: impl Future<Output = ()>) -> Ending {
        let began = Instant::now();
        let mut channel = self.channel.clone();
        if let Err(error) = channel.ready().await {
            let status = Status::from_error(error.into());
            return Ending {
                seen: Seen::Unknown,
                ..Ending::failed(&status, None, began.elapsed())
            };
        }
        let run = tokio::select! {
            run = Box::pin(typed::run(channel, call)) => run,
            () = pin!(break_off) => Run {
                result: Ok(Closed::BrokenOff),
                headers: None,
            },
        };
        let took = began.elapsed();
        match (&run.result, &run.headers) {
            (Ok(Closed::Answered), Some(headers)) => Ending::answered(headers, took),
            (Ok(Closed::Answered), None) => Ending::answered(&MetadataMap::new(), took),
            (Ok(Closed::BrokenOff), headers) => Ending::broken_off(headers.as_ref(), took),
            (Err(status), headers) => Ending::failed(status, headers.as_ref(), took),
        }
    }
}

/// A message with the metadata of its call.
fn dressed<T>(call: &Call, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let metadata = request.metadata_mut();
    let mut put = |name: &'static str, value: &str| {
        if !value.is_empty() {
            let value =
                MetadataValue::try_from(value).expect("the plan's metadata are printable ASCII");
            metadata.insert(name, value);
        }
    };
    if let Some(provider) = &call.target.provider {
        put("ndxp-provider", provider.as_str());
    }
    put("ndxp-request-id", &call.request_id);
    put("ndxp-user", &call.user);
    put("ndxp-case", &call.case);
    put("traceparent", &call.traceparent);
    if call.test {
        put("ndxp-test", "1");
    }
    match call.measure() {
        Some((crate::method::RECORDS, value)) => put("ndxp-measure-records", &value.to_string()),
        Some((crate::method::AMOUNT_VND, value)) => {
            put("ndxp-measure-amount_vnd", &value.to_string());
        }
        _ => {}
    }
    request
}

/// The end of a call with one answer.
fn single<T>(answer: Result<Response<T>, Status>) -> Run {
    match answer {
        Ok(response) => Run {
            headers: Some(response.metadata().clone()),
            result: Ok(Closed::Answered),
        },
        Err(status) => Run {
            headers: None,
            result: Err(status),
        },
    }
}

/// The end of a call with many answers: behind the last, or where the consumer breaks off.
async fn all<T>(answer: Result<Response<Streaming<T>>, Status>, call: &Call) -> Run {
    let response = match answer {
        Ok(response) => response,
        Err(status) => return single::<()>(Err(status)),
    };
    let headers = Some(response.metadata().clone());
    let mut answers = response.into_inner();
    let mut taken = 0;
    let result = loop {
        if call.break_off_after == Some(taken) {
            break Ok(Closed::BrokenOff);
        }
        match answers.message().await {
            Ok(Some(_)) => taken += 1,
            Ok(None) => break Ok(Closed::Answered),
            Err(status) => break Err(status),
        }
    };
    Run { result, headers }
}
