//! Answers of the document axis. It states the documents that each call came to, as the contract
//! wants it: with an answer to one request in the headers, on an open line in the trailers.

use ndxp_proto::example::documents::v1 as documents;
use tonic::{Request, Response, Status, Streaming, async_trait};

use super::number;
use crate::documents::Passed;
use crate::provider::desk::{Answers, Desk};

#[async_trait]
impl documents::document_service_server::DocumentService for Desk {
    type ExchangeStream = Answers<documents::ExchangeResponse>;

    async fn send_document(
        &self,
        request: Request<documents::SendDocumentRequest>,
    ) -> Result<Response<documents::SendDocumentResponse>, Status> {
        let document = request.into_inner().document.unwrap_or_default();
        let answer = documents::SendDocumentResponse {
            document_id: document_id(&document.number),
            recipients: u32::try_from(document.recipients.len()).unwrap_or(u32::MAX),
        };
        let mut answer = self.answer(&document.number, answer).await?;
        Passed::ONE_SENT.state(answer.metadata_mut());
        Ok(answer)
    }

    async fn receive_documents(
        &self,
        request: Request<documents::ReceiveDocumentsRequest>,
    ) -> Result<Response<documents::ReceiveDocumentsResponse>, Status> {
        let key = request.into_inner().after_document_id;
        let waiting = Passed::waiting(&key);
        let documents = (0..waiting.received).map(|place| {
            let number = format!("{key}-{place}");
            documents::ReceivedDocument {
                document_id: document_id(&number),
                sender: "G22".to_owned(),
                document: Some(documents::Document {
                    number,
                    ..documents::Document::default()
                }),
            }
        });
        let documents = documents.collect();
        let answer = documents::ReceiveDocumentsResponse { documents };
        let mut answer = self.answer(&key, answer).await?;
        waiting.state(answer.metadata_mut());
        Ok(answer)
    }

    async fn exchange(
        &self,
        request: Request<Streaming<documents::ExchangeRequest>>,
    ) -> Result<Response<Self::ExchangeStream>, Status> {
        use documents::exchange_request::Item;
        let receipt = |request: &documents::ExchangeRequest, passed: &mut Passed| {
            let (key, document_id) = match &request.item {
                Some(Item::Document(document)) => {
                    passed.sent += 1;
                    (document.number.clone(), document_id(&document.number))
                }
                Some(Item::ReceivedDocumentId(id)) => {
                    passed.received += 1;
                    (id.clone(), id.clone())
                }
                None => Default::default(),
            };
            (key, documents::ExchangeResponse { document_id })
        };
        Ok(self.converse(request.into_inner(), receipt))
    }
}

fn document_id(key: &str) -> String {
    format!("VB-{:012}", number(key, 1_000_000_000_000))
}
