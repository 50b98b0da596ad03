//! National systems as their own programmers would write them: ordinary gRPC services that know
//! nothing of the hub.

use std::pin::Pin;
use std::sync::Arc;

use ndxp_proto::example::documents::v1 as documents;
use ndxp_proto::example::dossier::v1 as dossier;
use ndxp_proto::example::population::v1 as population;
use tokio::sync::watch;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The national population database. Numbers that begin with `9` belong to nobody.
pub struct Population;

fn compare(person: &population::Person) -> population::Match {
    if person.personal_number.starts_with('9') {
        population::Match::Unknown
    } else {
        population::Match::Agrees
    }
}

#[tonic::async_trait]
impl population::population_service_server::PopulationService for Population {
    async fn verify_identity(
        &self,
        request: Request<population::VerifyIdentityRequest>,
    ) -> Result<Response<population::VerifyIdentityResponse>, Status> {
        let person = request.into_inner().person.unwrap_or_default();
        match compare(&person) {
            population::Match::Unknown => {
                let mut status = Status::not_found("số định danh không tồn tại");
                let number = person.personal_number.parse().expect("tests send digits");
                status.metadata_mut().insert("personal-number", number);
                Err(status)
            }
            found => Ok(Response::new(population::VerifyIdentityResponse {
                r#match: found.into(),
            })),
        }
    }

    type VerifyBatchStream = Answers<population::VerifyBatchResponse>;

    async fn verify_batch(
        &self,
        request: Request<population::VerifyBatchRequest>,
    ) -> Result<Response<Self::VerifyBatchStream>, Status> {
        let answers = request.into_inner().people.into_iter().map(|person| {
            Ok(population::VerifyBatchResponse {
                r#match: compare(&person).into(),
                personal_number: person.personal_number,
            })
        });
        Ok(Response::new(Box::pin(tokio_stream::iter(answers))))
    }

    async fn assign_personal_number(
        &self,
        _: Request<population::AssignPersonalNumberRequest>,
    ) -> Result<Response<population::AssignPersonalNumberResponse>, Status> {
        Err(Status::unimplemented("numbers are not given out here"))
    }
}

/// Dossiers at the national public-service portal.
#[derive(Default)]
pub struct Portal {
    /// Changes that have arrived, of all calls.
    pub arrived: Arc<watch::Sender<u64>>,
}

#[tonic::async_trait]
impl dossier::dossier_service_server::DossierService for Portal {
    async fn sync_status(
        &self,
        request: Request<Streaming<dossier::SyncStatusRequest>>,
    ) -> Result<Response<dossier::SyncStatusResponse>, Status> {
        let mut changes = request.into_inner();
        let mut answer = dossier::SyncStatusResponse::default();
        while let Some(_change) = changes.message().await? {
            answer.accepted += 1;
            self.arrived.send_modify(|arrived| *arrived += 1);
        }
        Ok(Response::new(answer))
    }

    async fn get_status(
        &self,
        _: Request<dossier::GetStatusRequest>,
    ) -> Result<Response<dossier::GetStatusResponse>, Status> {
        Err(Status::not_found("no such dossier"))
    }
}

/// The national document axis: one receipt for each document.
pub struct DocumentAxis;

#[tonic::async_trait]
impl documents::document_service_server::DocumentService for DocumentAxis {
    async fn send_document(
        &self,
        _: Request<documents::SendDocumentRequest>,
    ) -> Result<Response<documents::SendDocumentResponse>, Status> {
        Err(Status::resource_exhausted("use the open line"))
    }

    async fn receive_documents(
        &self,
        _: Request<documents::ReceiveDocumentsRequest>,
    ) -> Result<Response<documents::ReceiveDocumentsResponse>, Status> {
        Err(Status::not_found("nothing waits here"))
    }

    type ExchangeStream = Answers<documents::ExchangeResponse>;

    async fn exchange(
        &self,
        request: Request<Streaming<documents::ExchangeRequest>>,
    ) -> Result<Response<Self::ExchangeStream>, Status> {
        let receipts = request.into_inner().map(|item| match item?.item {
            Some(documents::exchange_request::Item::Document(document)) => {
                let document_id = format!("axis-{}", document.number);
                Ok(documents::ExchangeResponse { document_id })
            }
            _ => Err(Status::invalid_argument("only documents are taken")),
        });
        Ok(Response::new(Box::pin(receipts)))
    }
}
