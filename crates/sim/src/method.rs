//! The methods of the example services, one row each: where they stand in the contracts and
//! what a call of them declares.

use ndxp_model::ServiceName;
use ndxp_proto::example as x;

use crate::documents::{RECEIVED, SENT};

/// The four kinds of gRPC call.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum CallKind {
    Unary,
    ClientStreaming,
    ServerStreaming,
    Bidirectional,
}

/// A method of an example service. Named as in the contract, with the service before it where
/// two services have one of that name.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Method {
    VerifyIdentity,
    VerifyBatch,
    AssignPersonalNumber,
    LookUpCard,
    DeclareBirths,
    RegisterBirth,
    RegisterDeath,
    RegisterMarriage,
    StreamRegistrations,
    LookUpParcel,
    LookUpCertificate,
    LookUpEnterprise,
    BusinessListChanges,
    SyncStatus,
    GetStatus,
    Pay,
    GetReceipt,
    SubmitReport,
    StreamIndicator,
    DeliverSlip,
    GetOpinion,
    GetList,
    CategoriesStreamChanges,
    SendDocument,
    ReceiveDocuments,
    Exchange,
    MatchBeneficiaries,
}

/// Rows carried by a call.
pub(crate) const RECORDS: &str = "records";
/// Money moved by a call, Vietnamese đồng.
pub(crate) const AMOUNT_VND: &str = "amount_vnd";

struct Row {
    service: &'static str,
    name: &'static str,
    kind: CallKind,
    measure: Option<&'static str>,
}

impl Method {
    pub const ALL: [Self; 27] = [
        Self::VerifyIdentity,
        Self::VerifyBatch,
        Self::AssignPersonalNumber,
        Self::LookUpCard,
        Self::DeclareBirths,
        Self::RegisterBirth,
        Self::RegisterDeath,
        Self::RegisterMarriage,
        Self::StreamRegistrations,
        Self::LookUpParcel,
        Self::LookUpCertificate,
        Self::LookUpEnterprise,
        Self::BusinessListChanges,
        Self::SyncStatus,
        Self::GetStatus,
        Self::Pay,
        Self::GetReceipt,
        Self::SubmitReport,
        Self::StreamIndicator,
        Self::DeliverSlip,
        Self::GetOpinion,
        Self::GetList,
        Self::CategoriesStreamChanges,
        Self::SendDocument,
        Self::ReceiveDocuments,
        Self::Exchange,
        Self::MatchBeneficiaries,
    ];

    /// Methods whose providers are asked to hang; their services cap the time of a call.
    pub(crate) const HANGING: [Self; 2] = [Self::LookUpParcel, Self::LookUpEnterprise];

    /// Full name of the service.
    ///
    /// # Panics
    /// Never: a test forms every name.
    #[must_use]
    pub fn service(self) -> ServiceName {
        self.row()
            .service
            .parse()
            .expect("the contracts' names are names")
    }

    /// Name within the service.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    #[must_use]
    pub fn kind(self) -> CallKind {
        self.row().kind
    }

    /// The measure that a consumer states with a call.
    #[must_use]
    pub fn measure(self) -> Option<&'static str> {
        self.row().measure
    }

    /// The measures that a provider states with its answer.
    #[must_use]
    pub fn answered_measures(self) -> &'static [&'static str] {
        match self {
            Self::SendDocument => &[SENT],
            Self::ReceiveDocuments => &[RECEIVED],
            Self::Exchange => &[RECEIVED, SENT],
            _ => &[],
        }
    }

    fn row(self) -> Row {
        use CallKind::{Bidirectional, ClientStreaming, ServerStreaming, Unary};
        let row = |service, name, kind, measure| Row {
            service,
            name,
            kind,
            measure,
        };
        let population = x::population::v1::population_service_server::SERVICE_NAME;
        let insurance = x::insurance::v1::insurance_service_server::SERVICE_NAME;
        let civil = x::civil_status::v1::civil_status_service_server::SERVICE_NAME;
        let land = x::land::v1::land_service_server::SERVICE_NAME;
        let business = x::business::v1::business_service_server::SERVICE_NAME;
        let dossier = x::dossier::v1::dossier_service_server::SERVICE_NAME;
        let payment = x::payment::v1::payment_service_server::SERVICE_NAME;
        let reporting = x::reporting::v1::reporting_service_server::SERVICE_NAME;
        let cabinet = x::cabinet::v1::cabinet_service_server::SERVICE_NAME;
        let categories = x::categories::v1::categories_service_server::SERVICE_NAME;
        let documents = x::documents::v1::document_service_server::SERVICE_NAME;
        let social = x::social_protection::v1::social_protection_service_server::SERVICE_NAME;
        match self {
            Self::VerifyIdentity => row(population, "VerifyIdentity", Unary, None),
            Self::VerifyBatch => row(population, "VerifyBatch", ServerStreaming, Some(RECORDS)),
            Self::AssignPersonalNumber => row(population, "AssignPersonalNumber", Unary, None),
            Self::LookUpCard => row(insurance, "LookUpCard", Unary, None),
            Self::DeclareBirths => row(insurance, "DeclareBirths", ClientStreaming, Some(RECORDS)),
            Self::RegisterBirth => row(civil, "RegisterBirth", Unary, None),
            Self::RegisterDeath => row(civil, "RegisterDeath", Unary, None),
            Self::RegisterMarriage => row(civil, "RegisterMarriage", Unary, None),
            Self::StreamRegistrations => row(civil, "StreamRegistrations", ServerStreaming, None),
            Self::LookUpParcel => row(land, "LookUpParcel", Unary, None),
            Self::LookUpCertificate => row(land, "LookUpCertificate", Unary, None),
            Self::LookUpEnterprise => row(business, "LookUpEnterprise", Unary, None),
            Self::BusinessListChanges => row(business, "ListChanges", ServerStreaming, None),
            Self::SyncStatus => row(dossier, "SyncStatus", ClientStreaming, Some(RECORDS)),
            Self::GetStatus => row(dossier, "GetStatus", Unary, None),
            Self::Pay => row(payment, "Pay", Unary, Some(AMOUNT_VND)),
            Self::GetReceipt => row(payment, "GetReceipt", Unary, None),
            Self::SubmitReport => row(reporting, "SubmitReport", Unary, None),
            Self::StreamIndicator => row(reporting, "StreamIndicator", ServerStreaming, None),
            Self::DeliverSlip => row(cabinet, "DeliverSlip", Unary, None),
            Self::GetOpinion => row(cabinet, "GetOpinion", Unary, None),
            Self::GetList => row(categories, "GetList", Unary, None),
            Self::CategoriesStreamChanges => {
                row(categories, "StreamChanges", ServerStreaming, None)
            }
            Self::SendDocument => row(documents, "SendDocument", Unary, None),
            Self::ReceiveDocuments => row(documents, "ReceiveDocuments", Unary, None),
            Self::Exchange => row(documents, "Exchange", Bidirectional, None),
            Self::MatchBeneficiaries => {
                row(social, "MatchBeneficiaries", Bidirectional, Some(RECORDS))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::*;

    /// (service, method) → (kind) as the compiled contracts say.
    fn contracts() -> BTreeMap<(String, String), CallKind> {
        let set = FileDescriptorSet::decode(ndxp_proto::DESCRIPTORS).unwrap();
        let mut methods = BTreeMap::new();
        for file in &set.file {
            for service in &file.service {
                for method in &service.method {
                    let kind = match (method.client_streaming(), method.server_streaming()) {
                        (false, false) => CallKind::Unary,
                        (true, false) => CallKind::ClientStreaming,
                        (false, true) => CallKind::ServerStreaming,
                        (true, true) => CallKind::Bidirectional,
                    };
                    let service = format!("{}.{}", file.package(), service.name());
                    methods.insert((service, method.name().to_owned()), kind);
                }
            }
        }
        methods
    }

    #[test]
    fn the_rows_are_exactly_the_methods_of_the_example_contracts() {
        let mut contracts = contracts();
        contracts.retain(|(service, _), _| service.starts_with("ndxp.example."));
        let rows: BTreeMap<_, _> = Method::ALL
            .into_iter()
            .map(|method| {
                let key = (method.service().to_string(), method.name().to_owned());
                (key, method.kind())
            })
            .collect();
        assert_eq!(rows, contracts);
    }

    #[test]
    fn all_four_kinds_of_call_occur() {
        let kinds: BTreeSet<_> = Method::ALL.into_iter().map(Method::kind).collect();
        assert_eq!(kinds.len(), 4);
    }
}
