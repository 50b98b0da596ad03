//! The calls themselves: for each method its typed client, one row each.

use ndxp_proto::example as x;
use tonic::client::Grpc;
use tonic::transport::Channel;
use tonic_prost::ProstCodec;

use super::{Run, all, dressed, messages, single};
use crate::Method;
use crate::plan::{Action, Call};

use x::business::v1::business_service_client::BusinessServiceClient;
use x::cabinet::v1::cabinet_service_client::CabinetServiceClient;
use x::categories::v1::categories_service_client::CategoriesServiceClient;
use x::civil_status::v1::civil_status_service_client::CivilStatusServiceClient;
use x::documents::v1::document_service_client::DocumentServiceClient;
use x::dossier::v1::dossier_service_client::DossierServiceClient;
use x::insurance::v1::insurance_service_client::InsuranceServiceClient;
use x::land::v1::land_service_client::LandServiceClient;
use x::payment::v1::payment_service_client::PaymentServiceClient;
use x::population::v1::population_service_client::PopulationServiceClient;
use x::reporting::v1::reporting_service_client::ReportingServiceClient;
use x::social_protection::v1::social_protection_service_client::SocialProtectionServiceClient;

pub(super) async fn run(channel: Channel, call: &Call) -> Run {
    match call.action {
        Action::Typed(method) => run_typed(method, channel, call).await,
        Action::Bare(method) => run_bare(method, channel, call).await,
    }
}

/// One answer: client, method, message.
macro_rules! one {
    ($client:ident, $channel:ident, $method:ident, $call:ident) => {
        single(
            $client::new($channel)
                .$method(dressed($call, messages::$method($call)))
                .await,
        )
    };
}

/// Many answers: client, method, message.
macro_rules! many {
    ($client:ident, $channel:ident, $method:ident, $call:ident) => {
        all(
            $client::new($channel)
                .$method(dressed($call, messages::$method($call)))
                .await,
            $call,
        )
        .await
    };
}

async fn run_typed(method: Method, channel: Channel, call: &Call) -> Run {
    use Method as M;
    match method {
        M::VerifyIdentity => one!(PopulationServiceClient, channel, verify_identity, call),
        M::VerifyBatch => many!(PopulationServiceClient, channel, verify_batch, call),
        M::AssignPersonalNumber => {
            one!(
                PopulationServiceClient,
                channel,
                assign_personal_number,
                call
            )
        }
        M::LookUpCard => one!(InsuranceServiceClient, channel, look_up_card, call),
        M::DeclareBirths => one!(InsuranceServiceClient, channel, declare_births, call),
        M::RegisterBirth => one!(CivilStatusServiceClient, channel, register_birth, call),
        M::RegisterDeath => one!(CivilStatusServiceClient, channel, register_death, call),
        M::RegisterMarriage => one!(CivilStatusServiceClient, channel, register_marriage, call),
        M::StreamRegistrations => {
            many!(
                CivilStatusServiceClient,
                channel,
                stream_registrations,
                call
            )
        }
        M::LookUpParcel => one!(LandServiceClient, channel, look_up_parcel, call),
        M::LookUpCertificate => one!(LandServiceClient, channel, look_up_certificate, call),
        M::LookUpEnterprise => one!(BusinessServiceClient, channel, look_up_enterprise, call),
        M::BusinessListChanges => many!(BusinessServiceClient, channel, list_changes, call),
        M::SyncStatus => one!(DossierServiceClient, channel, sync_status, call),
        M::GetStatus => one!(DossierServiceClient, channel, get_status, call),
        M::Pay => one!(PaymentServiceClient, channel, pay, call),
        M::GetReceipt => one!(PaymentServiceClient, channel, get_receipt, call),
        M::SubmitReport => one!(ReportingServiceClient, channel, submit_report, call),
        M::StreamIndicator => many!(ReportingServiceClient, channel, stream_indicator, call),
        M::DeliverSlip => one!(CabinetServiceClient, channel, deliver_slip, call),
        M::GetOpinion => one!(CabinetServiceClient, channel, get_opinion, call),
        M::GetList => one!(CategoriesServiceClient, channel, get_list, call),
        M::CategoriesStreamChanges => {
            many!(CategoriesServiceClient, channel, stream_changes, call)
        }
        M::SendDocument => one!(DocumentServiceClient, channel, send_document, call),
        M::ReceiveDocuments => one!(DocumentServiceClient, channel, receive_documents, call),
        M::Exchange => many!(DocumentServiceClient, channel, exchange, call),
        M::MatchBeneficiaries => {
            many!(
                SocialProtectionServiceClient,
                channel,
                match_beneficiaries,
                call
            )
        }
    }
}

/// A unary call with empty messages.
async fn run_bare(method: &str, channel: Channel, call: &Call) -> Run {
    let path = format!("/{}/{method}", call.target.service)
        .parse()
        .expect("service and method names make a path");
    let request = dressed(call, ());
    let mut client = Grpc::new(channel);
    // The channel was ready when it was handed in; it must be asked once more all the same.
    if let Err(error) = client.ready().await {
        return single::<()>(Err(tonic::Status::from_error(error.into())));
    }
    single(
        client
            .unary(request, path, ProstCodec::<(), ()>::default())
            .await,
    )
}
