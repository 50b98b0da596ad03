//! What the national systems answer: enough to be a typed answer to the very request, derived
//! from the request alone.

mod axis;
mod government;
mod registers;

use ndxp_model::ServiceName;
use ndxp_proto::example as x;
use tonic::service::Routes;

use super::desk::Desk;
use crate::documents::number;

/// 2022-07-22T00:00:00Z: the day that the simulated answers speak of.
const TODAY_US: i64 = 1_658_448_000_000_000;

/// The services that a system offers, behind its desk.
///
/// # Panics
/// Never for the services of the nation; a test starts each of them.
pub(super) fn routes(desk: &Desk, services: &[ServiceName]) -> Routes {
    let mut routes = Routes::builder();
    for service in services {
        add(&mut routes, desk.clone(), service.as_str());
    }
    routes.routes()
}

fn add(routes: &mut tonic::service::RoutesBuilder, desk: Desk, service: &str) {
    use x::business::v1::business_service_server as business;
    use x::cabinet::v1::cabinet_service_server as cabinet;
    use x::categories::v1::categories_service_server as categories;
    use x::civil_status::v1::civil_status_service_server as civil_status;
    use x::documents::v1::document_service_server as documents;
    use x::dossier::v1::dossier_service_server as dossier;
    use x::insurance::v1::insurance_service_server as insurance;
    use x::land::v1::land_service_server as land;
    use x::payment::v1::payment_service_server as payment;
    use x::population::v1::population_service_server as population;
    use x::reporting::v1::reporting_service_server as reporting;
    use x::social_protection::v1::social_protection_service_server as social;
    match service {
        population::SERVICE_NAME => {
            routes.add_service(population::PopulationServiceServer::new(desk))
        }
        insurance::SERVICE_NAME => routes.add_service(insurance::InsuranceServiceServer::new(desk)),
        civil_status::SERVICE_NAME => {
            routes.add_service(civil_status::CivilStatusServiceServer::new(desk))
        }
        land::SERVICE_NAME => routes.add_service(land::LandServiceServer::new(desk)),
        business::SERVICE_NAME => routes.add_service(business::BusinessServiceServer::new(desk)),
        dossier::SERVICE_NAME => routes.add_service(dossier::DossierServiceServer::new(desk)),
        payment::SERVICE_NAME => routes.add_service(payment::PaymentServiceServer::new(desk)),
        reporting::SERVICE_NAME => routes.add_service(reporting::ReportingServiceServer::new(desk)),
        cabinet::SERVICE_NAME => routes.add_service(cabinet::CabinetServiceServer::new(desk)),
        categories::SERVICE_NAME => {
            routes.add_service(categories::CategoriesServiceServer::new(desk))
        }
        documents::SERVICE_NAME => routes.add_service(documents::DocumentServiceServer::new(desk)),
        social::SERVICE_NAME => {
            routes.add_service(social::SocialProtectionServiceServer::new(desk))
        }
        other => panic!("the nation offers {other}, which no simulated system answers"),
    };
}
