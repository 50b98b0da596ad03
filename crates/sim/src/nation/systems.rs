//! The systems of the nation and what each of them serves.

use ndxp_model::{SystemId, SystemKind};
use ndxp_proto::registry::v1::MemberClass;

use super::Participant;
use crate::Method;
use crate::members::Member;

/// A system below a member, the members' own LGSPs apart. Services are named by one of their
/// methods.
struct National {
    id: &'static str,
    name: &'static str,
    services: &'static [Method],
}

const fn national(id: &'static str, name: &'static str, services: &'static [Method]) -> National {
    National { id, name, services }
}

const DATABASES: [National; 10] = [
    national(
        "G01/population",
        "Cơ sở dữ liệu quốc gia về dân cư",
        &[Method::VerifyIdentity],
    ),
    national(
        "G24/insurance",
        "Cơ sở dữ liệu quốc gia về bảo hiểm",
        &[Method::LookUpCard],
    ),
    national(
        "G15/civil-status",
        "Cơ sở dữ liệu hộ tịch điện tử",
        &[Method::RegisterBirth],
    ),
    national(
        "G13/land",
        "Cơ sở dữ liệu quốc gia về đất đai",
        &[Method::LookUpParcel],
    ),
    national(
        "G05/business",
        "Cơ sở dữ liệu quốc gia về đăng ký doanh nghiệp",
        &[Method::LookUpEnterprise],
    ),
    national(
        "G14/categories",
        "Cơ sở dữ liệu danh mục dùng chung",
        &[Method::GetList],
    ),
    national(
        "G07/social-protection",
        "Cơ sở dữ liệu về trợ giúp xã hội",
        &[Method::MatchBeneficiaries],
    ),
    national(
        "G31/budget-units",
        "Danh mục đơn vị có quan hệ với ngân sách",
        &[Method::GetList],
    ),
    national(
        "G15/legal-documents",
        "Cơ sở dữ liệu quốc gia về văn bản pháp luật",
        &[Method::GetList],
    ),
    national(
        "G09/officials",
        "Cơ sở dữ liệu quốc gia về cán bộ, công chức, viên chức",
        &[],
    ),
];

const INFORMATION_SYSTEMS: [National; 8] = [
    national(
        "G22/public-service-portal",
        "Cổng Dịch vụ công quốc gia",
        &[Method::SyncStatus],
    ),
    national(
        "G22/payment",
        "Nền tảng thanh toán trực tuyến",
        &[Method::Pay],
    ),
    national(
        "G22/reporting",
        "Hệ thống thông tin báo cáo quốc gia",
        &[Method::SubmitReport],
    ),
    national(
        "G22/document-axis",
        "Trục liên thông văn bản quốc gia",
        &[Method::SendDocument],
    ),
    national("G22/e-cabinet", "Hệ thống e-Cabinet", &[]),
    national("G30/tax-portal", "Cổng dịch vụ thuế điện tử", &[]),
    national(
        "E01/subscribers",
        "Hệ thống thông tin thuê bao của doanh nghiệp viễn thông thứ nhất",
        &[],
    ),
    national(
        "E02/subscribers",
        "Hệ thống thông tin thuê bao của doanh nghiệp viễn thông thứ hai",
        &[],
    ),
];

/// The systems that call or serve: provinces, ministries, databases, information systems.
pub(super) fn connected(members: &[Member]) -> Vec<Participant> {
    let of_class = |class| members.iter().filter(move |member| member.class == class);
    let provinces = of_class(MemberClass::Province).map(|member| lgsp(member, &[]));
    // Each ministry takes delivery of opinion slips.
    let ministries =
        of_class(MemberClass::Ministry).map(|member| lgsp(member, &[Method::DeliverSlip]));
    let databases = DATABASES
        .iter()
        .map(|row| participant(row, SystemKind::Database));
    let information_systems = INFORMATION_SYSTEMS
        .iter()
        .map(|row| participant(row, SystemKind::InformationSystem));
    provinces
        .chain(ministries)
        .chain(databases)
        .chain(information_systems)
        .collect()
}

/// Registered, and nobody listens there.
pub(super) fn absent() -> Participant {
    let row = national(
        "G03/education",
        "Cơ sở dữ liệu giáo dục và đào tạo",
        &[Method::GetList],
    );
    participant(&row, SystemKind::Database)
}

pub(super) fn provinces(systems: &[Participant]) -> impl Iterator<Item = &Participant> {
    systems
        .iter()
        .filter(|system| system.kind == SystemKind::Lgsp && system.services.is_empty())
}

pub(super) fn ministries(systems: &[Participant]) -> impl Iterator<Item = &Participant> {
    systems
        .iter()
        .filter(|system| system.kind == SystemKind::Lgsp && !system.services.is_empty())
}

fn lgsp(member: &Member, services: &[Method]) -> Participant {
    Participant {
        id: id(&format!("{}/lgsp", member.code)),
        kind: SystemKind::Lgsp,
        name: format!("LGSP {}", member.name_vi),
        services: services.iter().map(|method| method.service()).collect(),
        size: match member.code.as_str() {
            // Hà Nội and Hồ Chí Minh City, then the other cities under the Government.
            "H26" | "H29" => 6,
            "H13" | "H17" | "H24" => 2,
            _ => 1,
        },
    }
}

fn participant(row: &National, kind: SystemKind) -> Participant {
    Participant {
        id: id(row.id),
        kind,
        name: row.name.to_owned(),
        services: row.services.iter().map(|method| method.service()).collect(),
        size: 1,
    }
}

fn id(text: &str) -> SystemId {
    text.parse()
        .expect("the nation's systems have names of the registry's form")
}
