//! The messages of each call, named as its method: made of the call's key, record count and
//! amount, so that the same call always sends the same bytes.

use ndxp_proto::example as x;
use tokio_stream::Iter;

use crate::documents::is_document;
use crate::plan::Call;

use x::business::v1 as business;
use x::cabinet::v1 as cabinet;
use x::categories::v1 as categories;
use x::civil_status::v1 as civil_status;
use x::documents::v1 as documents;
use x::dossier::v1 as dossier;
use x::insurance::v1 as insurance;
use x::land::v1 as land;
use x::payment::v1 as payment;
use x::population::v1 as population;
use x::reporting::v1 as reporting;
use x::social_protection::v1 as social;

/// A request of several messages.
type Messages<T> = Iter<std::vec::IntoIter<T>>;

/// 2022-07-22T00:00:00Z: the day that the simulated requests speak of.
const TODAY_US: i64 = 1_658_448_000_000_000;
const BIRTHDAY: &str = "1990-05-19";
const TODAY: &str = "2022-07-22";
const NAMES: [&str; 5] = [
    "Nguyễn Thị Hoa",
    "Trần Văn Bình",
    "Lê Minh Châu",
    "Phạm Quốc Dũng",
    "Hoàng Thu Giang",
];
/// About as much as a signed page of text.
const DOCUMENT_BYTES: usize = 2_048;

/// One item per record: the first has the call's key, the others keys of their own that ask
/// for nothing in particular.
fn each<T>(call: &Call, item: impl Fn(String, u32) -> T) -> Vec<T> {
    let key = |place| match place {
        0 => call.key.clone(),
        place => format!("001203{place:06}"),
    };
    (0..call.records.max(1))
        .map(|place| item(key(place), place))
        .collect()
}

fn stream<T>(call: &Call, item: impl Fn(String, u32) -> T) -> Messages<T> {
    tokio_stream::iter(each(call, item))
}

fn full_name(place: u32) -> String {
    let place = usize::try_from(place).unwrap_or(0) % NAMES.len();
    NAMES.get(place).copied().unwrap_or_default().to_owned()
}

fn person(personal_number: String, place: u32) -> population::Person {
    population::Person {
        personal_number,
        full_name: full_name(place),
        date_of_birth: BIRTHDAY.to_owned(),
    }
}

pub(super) fn verify_identity(call: &Call) -> population::VerifyIdentityRequest {
    population::VerifyIdentityRequest {
        person: Some(person(call.key.clone(), call.records)),
    }
}

pub(super) fn verify_batch(call: &Call) -> population::VerifyBatchRequest {
    population::VerifyBatchRequest {
        people: each(call, person),
    }
}

pub(super) fn assign_personal_number(call: &Call) -> population::AssignPersonalNumberRequest {
    population::AssignPersonalNumberRequest {
        registration_number: call.key.clone(),
        full_name: full_name(call.records),
        date_of_birth: TODAY.to_owned(),
        parent_numbers: Vec::new(),
    }
}

pub(super) fn look_up_card(call: &Call) -> insurance::LookUpCardRequest {
    insurance::LookUpCardRequest {
        personal_number: call.key.clone(),
    }
}

pub(super) fn declare_births(call: &Call) -> Messages<insurance::DeclareBirthsRequest> {
    stream(call, |registration_number, place| {
        insurance::DeclareBirthsRequest {
            registration_number,
            personal_number: format!("001222{place:06}"),
            full_name: full_name(place),
            date_of_birth: TODAY.to_owned(),
        }
    })
}

pub(super) fn register_birth(call: &Call) -> civil_status::RegisterBirthRequest {
    civil_status::RegisterBirthRequest {
        dossier: call.key.clone(),
        full_name: full_name(call.records),
        date_of_birth: TODAY.to_owned(),
        parent_numbers: Vec::new(),
    }
}

pub(super) fn register_death(call: &Call) -> civil_status::RegisterDeathRequest {
    civil_status::RegisterDeathRequest {
        dossier: call.key.clone(),
        personal_number: "001203004567".to_owned(),
        date_of_death: TODAY.to_owned(),
    }
}

pub(super) fn register_marriage(call: &Call) -> civil_status::RegisterMarriageRequest {
    civil_status::RegisterMarriageRequest {
        dossier: call.key.clone(),
        first_number: "001203004567".to_owned(),
        second_number: "001303004568".to_owned(),
        date_of_marriage: TODAY.to_owned(),
    }
}

pub(super) fn stream_registrations(call: &Call) -> civil_status::StreamRegistrationsRequest {
    civil_status::StreamRegistrationsRequest {
        after_registration_number: call.key.clone(),
        limit: call.records,
        follow: call.break_off_after.is_some(),
    }
}

pub(super) fn look_up_parcel(call: &Call) -> land::LookUpParcelRequest {
    land::LookUpParcelRequest {
        parcel: call.key.clone(),
    }
}

pub(super) fn look_up_certificate(call: &Call) -> land::LookUpCertificateRequest {
    land::LookUpCertificateRequest {
        certificate: call.key.clone(),
    }
}

pub(super) fn look_up_enterprise(call: &Call) -> business::LookUpEnterpriseRequest {
    business::LookUpEnterpriseRequest {
        code: call.key.clone(),
    }
}

pub(super) fn list_changes(call: &Call) -> business::ListChangesRequest {
    business::ListChangesRequest {
        province: call.key.clone(),
        day: TODAY.to_owned(),
    }
}

pub(super) fn sync_status(call: &Call) -> Messages<dossier::SyncStatusRequest> {
    stream(call, |dossier, place| dossier::SyncStatusRequest {
        dossier,
        stage: dossier::Stage::Received.into(),
        changed_at_us: TODAY_US + i64::from(place),
        officer: String::new(),
    })
}

pub(super) fn get_status(call: &Call) -> dossier::GetStatusRequest {
    dossier::GetStatusRequest {
        dossier: call.key.clone(),
    }
}

pub(super) fn pay(call: &Call) -> payment::PayRequest {
    payment::PayRequest {
        order: call.key.clone(),
        amount_vnd: call.amount_vnd,
        dossier: call.case.clone(),
        beneficiary: "H26".to_owned(),
    }
}

pub(super) fn get_receipt(call: &Call) -> payment::GetReceiptRequest {
    payment::GetReceiptRequest {
        order: call.key.clone(),
    }
}

pub(super) fn submit_report(call: &Call) -> reporting::SubmitReportRequest {
    reporting::SubmitReportRequest {
        form: call.key.clone(),
        month: "2022-07".to_owned(),
        indicators: each(call, |code, place| reporting::Indicator {
            code,
            value_milli: i64::from(place) * 1_000,
        }),
    }
}

pub(super) fn stream_indicator(call: &Call) -> reporting::StreamIndicatorRequest {
    reporting::StreamIndicatorRequest {
        form: call.key.clone(),
        code: "01".to_owned(),
        month: "2022-07".to_owned(),
    }
}

pub(super) fn deliver_slip(call: &Call) -> cabinet::DeliverSlipRequest {
    cabinet::DeliverSlipRequest {
        slip: call.key.clone(),
        title: "Dự thảo Nghị định về kết nối, chia sẻ dữ liệu số".to_owned(),
        due_at_us: TODAY_US,
    }
}

pub(super) fn get_opinion(call: &Call) -> cabinet::GetOpinionRequest {
    cabinet::GetOpinionRequest {
        slip: call.key.clone(),
    }
}

pub(super) fn get_list(call: &Call) -> categories::GetListRequest {
    categories::GetListRequest {
        list: call.key.clone(),
    }
}

pub(super) fn stream_changes(call: &Call) -> categories::StreamChangesRequest {
    categories::StreamChangesRequest {
        list: call.key.clone(),
        after_version: 0,
    }
}

pub(super) fn send_document(call: &Call) -> documents::SendDocumentRequest {
    documents::SendDocumentRequest {
        document: Some(document(call.key.clone())),
    }
}

pub(super) fn receive_documents(call: &Call) -> documents::ReceiveDocumentsRequest {
    documents::ReceiveDocumentsRequest {
        after_document_id: call.key.clone(),
        limit: 100,
    }
}

pub(super) fn exchange(call: &Call) -> Messages<documents::ExchangeRequest> {
    use documents::exchange_request::Item;
    stream(call, |key, place| documents::ExchangeRequest {
        item: Some(if is_document(place) {
            Item::Document(document(key))
        } else {
            Item::ReceivedDocumentId(key)
        }),
    })
}

fn document(number: String) -> documents::Document {
    documents::Document {
        number,
        title: "V/v báo cáo tình hình kết nối, chia sẻ dữ liệu".to_owned(),
        // Published reports speak of about 3.6 recipients each.
        recipients: ["H01", "H26", "H29", "G22"].map(str::to_owned).to_vec(),
        content: vec![b'.'; DOCUMENT_BYTES],
    }
}

pub(super) fn match_beneficiaries(call: &Call) -> Messages<social::MatchBeneficiariesRequest> {
    stream(call, |personal_number, _| {
        social::MatchBeneficiariesRequest {
            personal_number,
            benefit: "BTXH-01".to_owned(),
            monthly_amount_vnd: 360_000,
        }
    })
}
