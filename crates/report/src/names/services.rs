//! Figures of one service each. Their names end in the service's; titles and definitions hold
//! `{service}` and `{measure}`, which each figure replaces by its own.

use super::Definition;

pub const SERVICE_TRANSACTIONS_MONTH: Definition = Definition {
    name: "transactions_month:<service>",
    unit: "transactions",
    title_vi: "Số giao dịch trong tháng trên dịch vụ {service}",
    title_en: "Transactions in the month on {service}",
    definition_vi: "Số giao dịch (cuộc gọi qua nền tảng đã đến hệ thống cung cấp và được hệ thống \
                    đó trả lời; không tính cuộc gọi thử nghiệm) trên dịch vụ {service} của mọi \
                    hệ thống cung cấp trong tháng đến thời điểm chốt số liệu; gồm cả số liệu kế \
                    thừa của nền tảng trước trong kỳ đó, được ghi riêng",
    definition_en: "Transactions (calls through the platform that reached a provider and were \
                    answered by it, without test calls) on the service {service} of all its \
                    providers in the month up to the cut-off; with the opening balances of that \
                    period, which are shown apart",
};

pub const SERVICE_TRANSACTIONS_SINCE_LAUNCH: Definition = Definition {
    name: "transactions_since_launch:<service>",
    unit: "transactions",
    title_vi: "Số giao dịch lũy kế trên dịch vụ {service}",
    title_en: "Transactions since launch on {service}",
    definition_vi: "Số giao dịch (cuộc gọi qua nền tảng đã đến hệ thống cung cấp và được hệ thống \
                    đó trả lời; không tính cuộc gọi thử nghiệm) trên dịch vụ {service} của mọi \
                    hệ thống cung cấp từ khi dịch vụ khai trương đến thời điểm chốt số liệu: số \
                    do nền tảng ghi nhận cộng với toàn bộ số liệu kế thừa của dịch vụ, được ghi \
                    riêng",
    definition_en: "Transactions (calls through the platform that reached a provider and were \
                    answered by it, without test calls) on the service {service} of all its \
                    providers from the service's launch to the cut-off: those that the platform \
                    counted and all opening balances of the service, which are shown apart",
};

pub const SERVICE_MEASURE_MONTH: Definition = Definition {
    name: "measure_<measure>_month:<service>",
    unit: "<measure>",
    title_vi: "Tổng đại lượng {measure} trong tháng trên dịch vụ {service}",
    title_en: "Measure {measure} in the month on {service}",
    definition_vi: "Tổng giá trị đại lượng {measure} do các bên khai báo trong các giao dịch trên \
                    dịch vụ {service} trong tháng đến thời điểm chốt số liệu; gồm cả số liệu kế \
                    thừa của nền tảng trước trong kỳ đó, được ghi riêng",
    definition_en: "Sum of the measure {measure} that the parties declared in transactions on the \
                    service {service} in the month up to the cut-off; with the opening balances \
                    of that period, which are shown apart",
};

pub const SERVICE_MEASURE_SINCE_LAUNCH: Definition = Definition {
    name: "measure_<measure>_since_launch:<service>",
    unit: "<measure>",
    title_vi: "Tổng đại lượng {measure} lũy kế trên dịch vụ {service}",
    title_en: "Measure {measure} since launch on {service}",
    definition_vi: "Tổng giá trị đại lượng {measure} do các bên khai báo trong các giao dịch trên \
                    dịch vụ {service} từ khi dịch vụ khai trương đến thời điểm chốt số liệu: số \
                    do nền tảng ghi nhận cộng với toàn bộ số liệu kế thừa của dịch vụ, được ghi \
                    riêng",
    definition_en: "Sum of the measure {measure} that the parties declared in transactions on the \
                    service {service} from the service's launch to the cut-off: those that the \
                    platform counted and all opening balances of the service, which are shown \
                    apart",
};
