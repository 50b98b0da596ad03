//! Who calls whom how often: the table of the connections that official reports name, spread
//! over the systems of each group.

use super::systems::{ministries, provinces};
use super::{Link, Participant};
use crate::Method;

/// A group of consumers or providers in the table.
#[derive(Clone, Copy)]
enum Group {
    Provinces,
    Ministries,
    /// Both of these.
    Agencies,
    One(&'static str),
}

use Group::{Agencies, Ministries, One, Provinces};

/// Consumers, providers, method, and how many of about a thousand calls.
#[rustfmt::skip]
const TABLE: [(Group, Group, Method, u64); 40] = [
    (Provinces, One("G01/population"), Method::VerifyIdentity, 420),
    (Provinces, One("G24/insurance"), Method::LookUpCard, 110),
    (Provinces, One("G15/civil-status"), Method::RegisterBirth, 25),
    (Provinces, One("G15/civil-status"), Method::RegisterDeath, 12),
    (Provinces, One("G15/civil-status"), Method::RegisterMarriage, 10),
    (Provinces, One("G15/civil-status"), Method::StreamRegistrations, 4),
    (Provinces, One("G13/land"), Method::LookUpParcel, 40),
    (Provinces, One("G13/land"), Method::LookUpCertificate, 20),
    (Provinces, One("G05/business"), Method::LookUpEnterprise, 35),
    (Provinces, One("G05/business"), Method::BusinessListChanges, 5),
    (Provinces, One("G07/social-protection"), Method::MatchBeneficiaries, 8),
    (Provinces, One("G15/legal-documents"), Method::GetList, 5),
    (Ministries, One("G31/budget-units"), Method::GetList, 4),
    (Agencies, One("G22/public-service-portal"), Method::SyncStatus, 70),
    (Agencies, One("G22/public-service-portal"), Method::GetStatus, 15),
    (Agencies, One("G22/reporting"), Method::SubmitReport, 12),
    (Agencies, One("G22/document-axis"), Method::SendDocument, 30),
    (Agencies, One("G22/document-axis"), Method::ReceiveDocuments, 30),
    (Agencies, One("G22/document-axis"), Method::Exchange, 10),
    (Agencies, One("G14/categories"), Method::GetList, 30),
    (Agencies, One("G14/categories"), Method::CategoriesStreamChanges, 5),
    (One("G24/insurance"), One("G01/population"), Method::VerifyBatch, 60),
    (One("G24/insurance"), One("G15/civil-status"), Method::StreamRegistrations, 6),
    (One("G24/insurance"), One("G14/categories"), Method::GetList, 1),
    (One("G15/civil-status"), One("G01/population"), Method::AssignPersonalNumber, 25),
    (One("G15/civil-status"), One("G24/insurance"), Method::DeclareBirths, 20),
    (One("G07/social-protection"), One("G01/population"), Method::VerifyBatch, 20),
    (One("G09/officials"), One("G01/population"), Method::VerifyBatch, 4),
    (One("G09/officials"), One("G14/categories"), Method::GetList, 1),
    (One("E01/subscribers"), One("G01/population"), Method::VerifyBatch, 6),
    (One("E02/subscribers"), One("G01/population"), Method::VerifyBatch, 4),
    (One("G30/tax-portal"), One("G01/population"), Method::VerifyIdentity, 6),
    (One("G30/tax-portal"), One("G05/business"), Method::LookUpEnterprise, 10),
    (One("G22/public-service-portal"), One("G22/payment"), Method::Pay, 25),
    (One("G22/public-service-portal"), One("G22/payment"), Method::GetReceipt, 8),
    (One("G22/public-service-portal"), One("G01/population"), Method::VerifyIdentity, 20),
    (One("G22/e-cabinet"), One("G22/reporting"), Method::StreamIndicator, 6),
    (One("G22/e-cabinet"), One("G14/categories"), Method::GetList, 1),
    (One("G22/e-cabinet"), Ministries, Method::DeliverSlip, 5),
    (One("G22/e-cabinet"), Ministries, Method::GetOpinion, 5),
];

/// Parts into which a row's weight is cut, so that even the smallest share of a large group
/// is above zero.
const PARTS: u64 = 10_000;

/// The table's rows, each spread over the systems of its groups by their size.
pub(super) fn links(systems: &[Participant]) -> Vec<Link> {
    TABLE.iter().flat_map(|row| spread(*row, systems)).collect()
}

fn spread(
    (consumers, providers, method, weight): (Group, Group, Method, u64),
    systems: &[Participant],
) -> Vec<Link> {
    let pairs: Vec<_> = chosen(consumers, systems)
        .into_iter()
        .flat_map(|consumer| {
            chosen(providers, systems)
                .into_iter()
                .map(move |provider| (consumer, provider))
        })
        .collect();
    let size = |(consumer, provider): &(&Participant, &Participant)| {
        u64::from(consumer.size) * u64::from(provider.size)
    };
    let whole: u64 = pairs.iter().map(size).sum();
    pairs
        .iter()
        .map(|pair| Link {
            consumer: pair.0.id.clone(),
            provider: pair.1.id.clone(),
            method,
            weight: weight * PARTS * size(pair) / whole,
        })
        .collect()
}

fn chosen(group: Group, systems: &[Participant]) -> Vec<&Participant> {
    match group {
        Group::Provinces => provinces(systems).collect(),
        Group::Ministries => ministries(systems).collect(),
        Group::Agencies => provinces(systems).chain(ministries(systems)).collect(),
        Group::One(id) => systems
            .iter()
            .filter(|system| system.id.as_str() == id)
            .collect(),
    }
}
