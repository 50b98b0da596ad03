//! The figures by name: what each counts, in both languages. The one place where a definition
//! stands; `docs/figures.md` explains them.

/// A figure's stable name, its title, and what it counts.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    pub name: &'static str,
    pub title_vi: &'static str,
    pub title_en: &'static str,
    pub definition_vi: &'static str,
    pub definition_en: &'static str,
}

pub const TRANSACTIONS_MONTH: Definition = Definition {
    name: "transactions_month",
    title_vi: "Số giao dịch trong tháng",
    title_en: "Transactions in the month",
    definition_vi: "Số cuộc gọi đi qua nền tảng, đã đến hệ thống cung cấp và được hệ thống đó \
                    trả lời, ghi nhận trong tháng đến thời điểm chốt số liệu; không tính cuộc \
                    gọi thử nghiệm, cuộc gọi bị từ chối và cuộc gọi không được trả lời",
    definition_en: "Calls through the platform that reached a provider and were answered by \
                    it, settled in the month up to the cut-off; without test calls, refused \
                    calls and calls that were not answered",
};

pub const TRANSACTIONS_SINCE_LAUNCH: Definition = Definition {
    name: "transactions_since_launch",
    title_vi: "Số giao dịch lũy kế từ khi khai trương",
    title_en: "Transactions since launch",
    definition_vi: "Số giao dịch (cuộc gọi qua nền tảng được hệ thống cung cấp trả lời, không \
                    tính cuộc gọi thử nghiệm) từ khi nhật ký của nền tảng bắt đầu đến thời \
                    điểm chốt số liệu",
    definition_en: "Transactions (calls through the platform that a provider answered, test \
                    calls excluded) from the beginning of the platform's journal to the \
                    cut-off",
};

pub const TRANSACTIONS_YEAR_TO_DATE: Definition = Definition {
    name: "transactions_year_to_date",
    title_vi: "Số giao dịch từ đầu năm",
    title_en: "Transactions in the year to date",
    definition_vi: "Số giao dịch (cuộc gọi qua nền tảng được hệ thống cung cấp trả lời, không \
                    tính cuộc gọi thử nghiệm) từ ngày 01/01 của năm đến thời điểm chốt số \
                    liệu",
    definition_en: "Transactions (calls through the platform that a provider answered, test \
                    calls excluded) from 1 January of the year to the cut-off",
};

pub const TRANSACTIONS_PER_DAY: Definition = Definition {
    name: "transactions_per_day_year_to_date",
    title_vi: "Số giao dịch trung bình hằng ngày từ đầu năm",
    title_en: "Transactions per day in the year to date",
    definition_vi: "Số giao dịch từ đầu năm chia cho số ngày từ ngày 01/01 đến thời điểm chốt \
                    số liệu, ngày cuối được tính tròn một ngày; làm tròn xuống số nguyên",
    definition_en: "Transactions in the year to date divided by the days from 1 January to \
                    the cut-off, the last day counted whole; rounded down to a whole number",
};

pub const MEMBERS_CONNECTED: Definition = Definition {
    name: "members_connected",
    title_vi: "Số cơ quan, đơn vị có hệ thống kết nối",
    title_en: "Members with a connected system",
    definition_vi: "Số cơ quan, đơn vị đang hoạt động có ít nhất một hệ thống đã kết nối tại \
                    thời điểm chốt số liệu, trên số đã đăng ký và đang hoạt động. Hệ thống đã \
                    kết nối là hệ thống đã đăng ký, đang hoạt động, thuộc cơ quan đang hoạt \
                    động và đã hoàn thành ít nhất một giao dịch hoặc một lần bắt tay kiểm tra",
    definition_en: "Active members with at least one connected system at the cut-off, of \
                    those registered and active. A system is connected when it is \
                    registered, active, of an active member, and has completed at least one \
                    transaction or health handshake",
};

pub const SYSTEMS_LGSP: Definition = Definition {
    name: "systems_connected_lgsp",
    title_vi: "Số LGSP kết nối",
    title_en: "Connected LGSPs",
    definition_vi: "Số hệ thống loại nền tảng tích hợp, chia sẻ dữ liệu cấp bộ, cấp tỉnh \
                    (LGSP) đã kết nối tại thời điểm chốt số liệu",
    definition_en: "Connected systems of the kind LGSP (a ministry's or province's own data \
                    integration and sharing platform) at the cut-off",
};

pub const SYSTEMS_DATABASE: Definition = Definition {
    name: "systems_connected_database",
    title_vi: "Số cơ sở dữ liệu kết nối",
    title_en: "Connected databases",
    definition_vi: "Số hệ thống loại cơ sở dữ liệu đã kết nối tại thời điểm chốt số liệu",
    definition_en: "Connected systems of the kind database at the cut-off",
};

pub const SYSTEMS_INFORMATION_SYSTEM: Definition = Definition {
    name: "systems_connected_information_system",
    title_vi: "Số hệ thống thông tin kết nối",
    title_en: "Connected information systems",
    definition_vi: "Số hệ thống loại hệ thống thông tin đã kết nối tại thời điểm chốt số liệu",
    definition_en: "Connected systems of the kind information system at the cut-off",
};

pub const COVERAGE_MINISTRIES: Definition = Definition {
    name: "coverage_lgsp_ministries",
    title_vi: "Số bộ, cơ quan ngang bộ đã kết nối LGSP",
    title_en: "Ministries with a connected LGSP",
    definition_vi: "Số bộ, cơ quan ngang bộ đang hoạt động có LGSP đã kết nối tại thời điểm \
                    chốt số liệu, trên số đã đăng ký và đang hoạt động",
    definition_en: "Active ministries and ministerial-level agencies with a connected LGSP \
                    at the cut-off, of those registered and active",
};

pub const COVERAGE_PROVINCES: Definition = Definition {
    name: "coverage_lgsp_provinces",
    title_vi: "Số tỉnh, thành phố đã kết nối LGSP",
    title_en: "Provinces with a connected LGSP",
    definition_vi: "Số tỉnh, thành phố trực thuộc Trung ương đang hoạt động có LGSP đã kết \
                    nối tại thời điểm chốt số liệu, trên số đã đăng ký và đang hoạt động",
    definition_en: "Active provinces and centrally run cities with a connected LGSP at the \
                    cut-off, of those registered and active",
};

/// In the order in which a report lists them.
pub const DEFINITIONS: [Definition; 10] = [
    TRANSACTIONS_MONTH,
    TRANSACTIONS_SINCE_LAUNCH,
    TRANSACTIONS_YEAR_TO_DATE,
    TRANSACTIONS_PER_DAY,
    MEMBERS_CONNECTED,
    SYSTEMS_LGSP,
    SYSTEMS_DATABASE,
    SYSTEMS_INFORMATION_SYSTEM,
    COVERAGE_MINISTRIES,
    COVERAGE_PROVINCES,
];

/// The definition under a name. `None` for a figure that this program does not know.
#[must_use]
pub fn definition(name: &str) -> Option<&'static Definition> {
    DEFINITIONS.iter().find(|it| it.name == name)
}
