//! Figures of stocks: what stood connected at the cut-off.

use super::Definition;

pub const MEMBERS_CONNECTED: Definition = Definition {
    name: "members_connected",
    unit: "members",
    title_vi: "Số cơ quan, đơn vị có hệ thống kết nối",
    title_en: "Members with a connected system",
    definition_vi: "Số cơ quan, đơn vị đang hoạt động có ít nhất một hệ thống đã kết nối tại thời \
                    điểm chốt số liệu, trên số đã đăng ký và đang hoạt động. Hệ thống đã kết nối \
                    là hệ thống đã đăng ký, đang hoạt động, thuộc cơ quan đang hoạt động và đã \
                    hoàn thành ít nhất một giao dịch hoặc một lần bắt tay kiểm tra",
    definition_en: "Active members with at least one connected system at the cut-off, of those \
                    registered and active. A system is connected when it is registered, active, \
                    of an active member, and has completed at least one transaction or health \
                    handshake",
};

pub const SYSTEMS_CONNECTED: Definition = Definition {
    name: "systems_connected",
    unit: "systems",
    title_vi: "Số hệ thống kết nối",
    title_en: "Connected systems",
    definition_vi: "Số hệ thống thuộc mọi loại đã kết nối tại thời điểm chốt số liệu. Hệ thống đã \
                    kết nối là hệ thống đã đăng ký, đang hoạt động, thuộc cơ quan đang hoạt động \
                    và đã hoàn thành ít nhất một giao dịch hoặc một lần bắt tay kiểm tra",
    definition_en: "Connected systems of every kind at the cut-off. A system is connected when it \
                    is registered, active, of an active member, and has completed at least one \
                    transaction or health handshake",
};

pub const SYSTEMS_LGSP: Definition = Definition {
    name: "systems_connected_lgsp",
    unit: "systems",
    title_vi: "Số LGSP kết nối",
    title_en: "Connected LGSPs",
    definition_vi: "Số hệ thống loại nền tảng tích hợp, chia sẻ dữ liệu cấp bộ, cấp tỉnh (LGSP) đã \
                    kết nối tại thời điểm chốt số liệu",
    definition_en: "Connected systems of the kind LGSP (a ministry's or province's own data \
                    integration and sharing platform) at the cut-off",
};

pub const SYSTEMS_DATABASE: Definition = Definition {
    name: "systems_connected_database",
    unit: "systems",
    title_vi: "Số cơ sở dữ liệu kết nối",
    title_en: "Connected databases",
    definition_vi: "Số hệ thống loại cơ sở dữ liệu đã kết nối tại thời điểm chốt số liệu",
    definition_en: "Connected systems of the kind database at the cut-off",
};

pub const SYSTEMS_INFORMATION_SYSTEM: Definition = Definition {
    name: "systems_connected_information_system",
    unit: "systems",
    title_vi: "Số hệ thống thông tin kết nối",
    title_en: "Connected information systems",
    definition_vi: "Số hệ thống loại hệ thống thông tin đã kết nối tại thời điểm chốt số liệu",
    definition_en: "Connected systems of the kind information system at the cut-off",
};

pub const COVERAGE_MINISTRIES: Definition = Definition {
    name: "coverage_lgsp_ministries",
    unit: "members",
    title_vi: "Số bộ, cơ quan ngang bộ đã kết nối LGSP",
    title_en: "Ministries with a connected LGSP",
    definition_vi: "Số bộ, cơ quan ngang bộ đang hoạt động có LGSP đã kết nối tại thời điểm chốt \
                    số liệu, trên số đã đăng ký và đang hoạt động",
    definition_en: "Active ministries and ministerial-level agencies with a connected LGSP at the \
                    cut-off, of those registered and active",
};

pub const COVERAGE_PROVINCES: Definition = Definition {
    name: "coverage_lgsp_provinces",
    unit: "members",
    title_vi: "Số tỉnh, thành phố đã kết nối LGSP",
    title_en: "Provinces with a connected LGSP",
    definition_vi: "Số tỉnh, thành phố trực thuộc Trung ương đang hoạt động có LGSP đã kết nối tại \
                    thời điểm chốt số liệu, trên số đã đăng ký và đang hoạt động",
    definition_en: "Active provinces and centrally run cities with a connected LGSP at the \
                    cut-off, of those registered and active",
};
