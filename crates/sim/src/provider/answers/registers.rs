//! Answers of the registers: population, insurance, civil status, land, business, social
//! protection.

use ndxp_proto::example as x;
use tonic::{Request, Response, Status, Streaming, async_trait};

use super::{TODAY_US, number};
use crate::provider::desk::{Answers, Desk};

use x::business::v1 as business;
use x::civil_status::v1 as civil_status;
use x::insurance::v1 as insurance;
use x::land::v1 as land;
use x::population::v1 as population;
use x::social_protection::v1 as social;

#[async_trait]
impl population::population_service_server::PopulationService for Desk {
    type VerifyBatchStream = Answers<population::VerifyBatchResponse>;

    async fn verify_identity(
        &self,
        request: Request<population::VerifyIdentityRequest>,
    ) -> Result<Response<population::VerifyIdentityResponse>, Status> {
        let person = request.into_inner().person.unwrap_or_default();
        let answer = population::VerifyIdentityResponse {
            r#match: compare(&person).into(),
        };
        self.answer(&person.personal_number, answer).await
    }

    async fn verify_batch(
        &self,
        request: Request<population::VerifyBatchRequest>,
    ) -> Result<Response<Self::VerifyBatchStream>, Status> {
        let people = request.into_inner().people;
        let first = people.first().map(|person| person.personal_number.clone());
        let answers = people
            .into_iter()
            .map(|person| population::VerifyBatchResponse {
                r#match: compare(&person).into(),
                personal_number: person.personal_number,
            })
            .collect();
        self.stream(&first.unwrap_or_default(), answers, false)
            .await
    }

    async fn assign_personal_number(
        &self,
        request: Request<population::AssignPersonalNumberRequest>,
    ) -> Result<Response<population::AssignPersonalNumberResponse>, Status> {
        let key = request.into_inner().registration_number;
        let answer = population::AssignPersonalNumberResponse {
            personal_number: format!("0{:011}", number(&key, 100_000_000_000)),
        };
        self.answer(&key, answer).await
    }
}

/// One in twenty-five statements differs from the record.
fn compare(person: &population::Person) -> population::Match {
    match number(&person.personal_number, 25) {
        0 => population::Match::Differs,
        _ => population::Match::Agrees,
    }
}

#[async_trait]
impl insurance::insurance_service_server::InsuranceService for Desk {
    async fn look_up_card(
        &self,
        request: Request<insurance::LookUpCardRequest>,
    ) -> Result<Response<insurance::LookUpCardResponse>, Status> {
        let key = request.into_inner().personal_number;
        let answer = insurance::LookUpCardResponse {
            card_number: format!("{:010}", number(&key, 10_000_000_000)),
            valid_from: "2022-01-01".to_owned(),
            valid_through: "2022-12-31".to_owned(),
            coverage_percent: 80,
            hospital: "Bệnh viện đa khoa tỉnh".to_owned(),
        };
        self.answer(&key, answer).await
    }

    async fn declare_births(
        &self,
        request: Request<Streaming<insurance::DeclareBirthsRequest>>,
    ) -> Result<Response<insurance::DeclareBirthsResponse>, Status> {
        let mut births = request.into_inner();
        let mut first = None;
        let mut accepted = 0;
        while let Some(birth) = births.message().await? {
            first.get_or_insert(birth.registration_number);
            accepted += 1;
        }
        let answer = insurance::DeclareBirthsResponse {
            accepted,
            repeated_numbers: Vec::new(),
        };
        self.answer(&first.unwrap_or_default(), answer).await
    }
}

#[async_trait]
impl civil_status::civil_status_service_server::CivilStatusService for Desk {
    type StreamRegistrationsStream = Answers<civil_status::Registration>;

    async fn register_birth(
        &self,
        request: Request<civil_status::RegisterBirthRequest>,
    ) -> Result<Response<civil_status::RegisterBirthResponse>, Status> {
        let key = request.into_inner().dossier;
        let answer = civil_status::RegisterBirthResponse {
            registration_number: registration_number("KS", &key),
        };
        self.answer(&key, answer).await
    }

    async fn register_death(
        &self,
        request: Request<civil_status::RegisterDeathRequest>,
    ) -> Result<Response<civil_status::RegisterDeathResponse>, Status> {
        let key = request.into_inner().dossier;
        let answer = civil_status::RegisterDeathResponse {
            registration_number: registration_number("KT", &key),
        };
        self.answer(&key, answer).await
    }

    async fn register_marriage(
        &self,
        request: Request<civil_status::RegisterMarriageRequest>,
    ) -> Result<Response<civil_status::RegisterMarriageResponse>, Status> {
        let key = request.into_inner().dossier;
        let answer = civil_status::RegisterMarriageResponse {
            registration_number: registration_number("KH", &key),
        };
        self.answer(&key, answer).await
    }

    async fn stream_registrations(
        &self,
        request: Request<civil_status::StreamRegistrationsRequest>,
    ) -> Result<Response<Self::StreamRegistrationsStream>, Status> {
        let request = request.into_inner();
        let key = request.after_registration_number;
        let answers = (0..request.limit.clamp(1, 100))
            .map(|place| civil_status::Registration {
                registration_number: format!("KS-2022-{place:06}"),
                kind: civil_status::Kind::Birth.into(),
                province: "H26".to_owned(),
                registered_at_us: TODAY_US + i64::from(place),
            })
            .collect();
        self.stream(&key, answers, request.follow).await
    }
}

fn registration_number(book: &str, dossier: &str) -> String {
    format!("{book}-2022-{:08}", number(dossier, 100_000_000))
}

#[async_trait]
impl land::land_service_server::LandService for Desk {
    async fn look_up_parcel(
        &self,
        request: Request<land::LookUpParcelRequest>,
    ) -> Result<Response<land::LookUpParcelResponse>, Status> {
        let key = request.into_inner().parcel;
        let answer = land::LookUpParcelResponse {
            area_m2: 40 + number(&key, 5_000),
            purpose: "ONT".to_owned(),
            certificate: format!("BM {:06}", number(&key, 1_000_000)),
            parcel: key.clone(),
        };
        self.answer(&key, answer).await
    }

    async fn look_up_certificate(
        &self,
        request: Request<land::LookUpCertificateRequest>,
    ) -> Result<Response<land::LookUpCertificateResponse>, Status> {
        let key = request.into_inner().certificate;
        let answer = land::LookUpCertificateResponse {
            parcels: vec![format!("H26-{}-{}", number(&key, 99), number(&key, 999))],
            issued_on: "2019-04-01".to_owned(),
            mortgaged: number(&key, 4) == 0,
            certificate: key.clone(),
        };
        self.answer(&key, answer).await
    }
}

#[async_trait]
impl business::business_service_server::BusinessService for Desk {
    type ListChangesStream = Answers<business::Enterprise>;

    async fn look_up_enterprise(
        &self,
        request: Request<business::LookUpEnterpriseRequest>,
    ) -> Result<Response<business::Enterprise>, Status> {
        let key = request.into_inner().code;
        self.answer(&key, enterprise(key.clone(), "H29")).await
    }

    async fn list_changes(
        &self,
        request: Request<business::ListChangesRequest>,
    ) -> Result<Response<Self::ListChangesStream>, Status> {
        let key = request.into_inner().province;
        let answers = (0..2 + number(&key, 8))
            .map(|place| enterprise(format!("03{place:08}"), &key))
            .collect();
        self.stream(&key, answers, false).await
    }
}

fn enterprise(code: String, province: &str) -> business::Enterprise {
    business::Enterprise {
        name: format!("Công ty TNHH số {}", number(&code, 1_000)),
        capital_vnd: 1_000_000_000 * (1 + number(&code, 50)),
        province: province.to_owned(),
        active: true,
        code,
    }
}

#[async_trait]
impl social::social_protection_service_server::SocialProtectionService for Desk {
    type MatchBeneficiariesStream = Answers<social::MatchBeneficiariesResponse>;

    async fn match_beneficiaries(
        &self,
        request: Request<Streaming<social::MatchBeneficiariesRequest>>,
    ) -> Result<Response<Self::MatchBeneficiariesStream>, Status> {
        Ok(self.converse(request.into_inner(), |beneficiary, _| {
            let key = beneficiary.personal_number.clone();
            let finding = match number(&key, 50) {
                0 => social::Finding::PaidTwice,
                1 => social::Finding::NotEntitled,
                _ => social::Finding::Entitled,
            };
            let answer = social::MatchBeneficiariesResponse {
                personal_number: key.clone(),
                finding: finding.into(),
            };
            (key, answer)
        }))
    }
}
