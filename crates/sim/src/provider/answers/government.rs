//! Answers of the Government's own systems: dossiers, payment, reporting, opinion slips, code
//! lists.

use ndxp_proto::example as x;
use tonic::{Request, Response, Status, Streaming, async_trait};

use super::{TODAY_US, number};
use crate::provider::desk::{Answers, Desk};

use x::cabinet::v1 as cabinet;
use x::categories::v1 as categories;
use x::dossier::v1 as dossier;
use x::payment::v1 as payment;
use x::reporting::v1 as reporting;

#[async_trait]
impl dossier::dossier_service_server::DossierService for Desk {
    async fn sync_status(
        &self,
        request: Request<Streaming<dossier::SyncStatusRequest>>,
    ) -> Result<Response<dossier::SyncStatusResponse>, Status> {
        let mut changes = request.into_inner();
        let mut first = None;
        let mut accepted = 0;
        while let Some(change) = changes.message().await? {
            first.get_or_insert(change.dossier);
            accepted += 1;
        }
        let answer = dossier::SyncStatusResponse {
            accepted,
            outdated: 0,
        };
        self.answer(&first.unwrap_or_default(), answer).await
    }

    async fn get_status(
        &self,
        request: Request<dossier::GetStatusRequest>,
    ) -> Result<Response<dossier::GetStatusResponse>, Status> {
        let key = request.into_inner().dossier;
        let answer = dossier::GetStatusResponse {
            stage: dossier::Stage::InWork.into(),
            changed_at_us: TODAY_US,
        };
        self.answer(&key, answer).await
    }
}

#[async_trait]
impl payment::payment_service_server::PaymentService for Desk {
    async fn pay(
        &self,
        request: Request<payment::PayRequest>,
    ) -> Result<Response<payment::PayResponse>, Status> {
        let key = request.into_inner().order;
        let answer = payment::PayResponse {
            receipt: format!("BL-{:010}", number(&key, 10_000_000_000)),
            paid_at_us: TODAY_US,
        };
        self.answer(&key, answer).await
    }

    async fn get_receipt(
        &self,
        request: Request<payment::GetReceiptRequest>,
    ) -> Result<Response<payment::GetReceiptResponse>, Status> {
        let key = request.into_inner().order;
        let answer = payment::GetReceiptResponse {
            receipt: format!("BL-{:010}", number(&key, 10_000_000_000)),
            amount_vnd: 10_000 * (1 + number(&key, 500)),
        };
        self.answer(&key, answer).await
    }
}

#[async_trait]
impl reporting::reporting_service_server::ReportingService for Desk {
    type StreamIndicatorStream = Answers<reporting::ReportedValue>;

    async fn submit_report(
        &self,
        request: Request<reporting::SubmitReportRequest>,
    ) -> Result<Response<reporting::SubmitReportResponse>, Status> {
        let key = request.into_inner().form;
        let answer = reporting::SubmitReportResponse {
            submission: format!("BC-{:08}", number(&key, 100_000_000)),
        };
        self.answer(&key, answer).await
    }

    async fn stream_indicator(
        &self,
        request: Request<reporting::StreamIndicatorRequest>,
    ) -> Result<Response<Self::StreamIndicatorStream>, Status> {
        let key = request.into_inner().form;
        let answers = (1..=63)
            .map(|province| reporting::ReportedValue {
                member: format!("H{province:02}"),
                value_milli: 1_000 * province,
            })
            .collect();
        self.stream(&key, answers, false).await
    }
}

#[async_trait]
impl cabinet::cabinet_service_server::CabinetService for Desk {
    async fn deliver_slip(
        &self,
        request: Request<cabinet::DeliverSlipRequest>,
    ) -> Result<Response<cabinet::DeliverSlipResponse>, Status> {
        let key = request.into_inner().slip;
        let answer = cabinet::DeliverSlipResponse {
            delivered_at_us: TODAY_US,
        };
        self.answer(&key, answer).await
    }

    async fn get_opinion(
        &self,
        request: Request<cabinet::GetOpinionRequest>,
    ) -> Result<Response<cabinet::GetOpinionResponse>, Status> {
        let key = request.into_inner().slip;
        let answer = cabinet::GetOpinionResponse {
            opinion: cabinet::Opinion::Agrees.into(),
            remark: String::new(),
        };
        self.answer(&key, answer).await
    }
}

#[async_trait]
impl categories::categories_service_server::CategoriesService for Desk {
    type StreamChangesStream = Answers<categories::Item>;

    async fn get_list(
        &self,
        request: Request<categories::GetListRequest>,
    ) -> Result<Response<categories::GetListResponse>, Status> {
        let key = request.into_inner().list;
        let answer = categories::GetListResponse {
            version: 1,
            items: items(&key),
        };
        self.answer(&key, answer).await
    }

    async fn stream_changes(
        &self,
        request: Request<categories::StreamChangesRequest>,
    ) -> Result<Response<Self::StreamChangesStream>, Status> {
        let key = request.into_inner().list;
        self.stream(&key, items(&key), false).await
    }
}

fn items(list: &str) -> Vec<categories::Item> {
    (0..2 + number(list, 20))
        .map(|place| categories::Item {
            code: format!("{place:03}"),
            name: format!("Mục {place}"),
            withdrawn: false,
        })
        .collect()
}
