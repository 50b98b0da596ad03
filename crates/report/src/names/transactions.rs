//! Figures of transactions: how many, how they changed, and who took part.

use super::Definition;

pub const TRANSACTIONS_MONTH: Definition = Definition {
    name: "transactions_month",
    unit: "transactions",
    title_vi: "Số giao dịch trong tháng",
    title_en: "Transactions in the month",
    definition_vi: "Số cuộc gọi đi qua nền tảng, đã đến hệ thống cung cấp và được hệ thống đó trả \
                    lời, ghi nhận trong tháng đến thời điểm chốt số liệu; không tính cuộc gọi \
                    thử nghiệm, cuộc gọi bị từ chối và cuộc gọi không được trả lời; gồm cả số \
                    liệu kế thừa của nền tảng trước trong kỳ đó, được ghi riêng",
    definition_en: "Calls through the platform that reached a provider and were answered by it, \
                    settled in the month up to the cut-off; without test calls, refused calls \
                    and calls that were not answered; with the opening balances of that period, \
                    which are shown apart",
};

pub const TRANSACTIONS_PER_DAY_MONTH: Definition = Definition {
    name: "transactions_per_day_month",
    unit: "transactions",
    title_vi: "Số giao dịch trung bình hằng ngày trong tháng",
    title_en: "Transactions per day in the month",
    definition_vi: "Số giao dịch trong tháng chia cho số ngày từ ngày đầu tháng (hoặc ngày khai \
                    trương, nếu muộn hơn) đến thời điểm chốt số liệu, ngày cuối được tính tròn \
                    một ngày; làm tròn xuống số nguyên",
    definition_en: "Transactions in the month divided by the days from its first (or from the day \
                    of launch, if later) to the cut-off, the last day counted whole; rounded \
                    down to a whole number",
};

pub const TRANSACTIONS_MONTH_CHANGE_PREVIOUS: Definition = Definition {
    name: "transactions_month_change_previous",
    unit: "transactions",
    title_vi: "Số giao dịch trong tháng so với tháng trước",
    title_en: "Transactions in the month against the month before",
    definition_vi: "Số giao dịch trong tháng đến thời điểm chốt số liệu, so với tháng trước (khi \
                    tháng chưa hết thì so với cùng số ngày đầu của tháng trước); tỷ lệ tăng, \
                    giảm là phần chênh lệch chia cho số của kỳ được so sánh",
    definition_en: "Transactions in the month up to the cut-off, against the month before (while \
                    the month is not over, with as many days from the start of the month \
                    before); the change is the difference divided by the number of the other \
                    period",
};

pub const TRANSACTIONS_MONTH_CHANGE_YEAR_BEFORE: Definition = Definition {
    name: "transactions_month_change_year_before",
    unit: "transactions",
    title_vi: "Số giao dịch trong tháng so với cùng kỳ năm trước",
    title_en: "Transactions in the month against the year before",
    definition_vi: "Số giao dịch trong tháng đến thời điểm chốt số liệu, so với cùng kỳ năm trước \
                    (cùng các ngày của năm trước); tỷ lệ tăng, giảm là phần chênh lệch chia cho \
                    số của kỳ được so sánh",
    definition_en: "Transactions in the month up to the cut-off, against the same dates one year \
                    before; the change is the difference divided by the number of the other \
                    period",
};

pub const TRANSACTIONS_SINCE_LAUNCH: Definition = Definition {
    name: "transactions_since_launch",
    unit: "transactions",
    title_vi: "Số giao dịch lũy kế từ khi khai trương",
    title_en: "Transactions since launch",
    definition_vi: "Số giao dịch (cuộc gọi qua nền tảng đã đến hệ thống cung cấp và được hệ thống \
                    đó trả lời; không tính cuộc gọi thử nghiệm) từ khi khai trương đến thời điểm \
                    chốt số liệu: số do nền tảng ghi nhận cộng với toàn bộ số liệu kế thừa của \
                    nền tảng trước, được ghi riêng",
    definition_en: "Transactions (calls through the platform that reached a provider and were \
                    answered by it, without test calls) from launch to the cut-off: those that \
                    the platform counted and all opening balances of the platform before it, \
                    which are shown apart",
};

pub const TRANSACTIONS_YEAR_TO_DATE: Definition = Definition {
    name: "transactions_year_to_date",
    unit: "transactions",
    title_vi: "Số giao dịch từ đầu năm",
    title_en: "Transactions in the year to date",
    definition_vi: "Số giao dịch (cuộc gọi qua nền tảng đã đến hệ thống cung cấp và được hệ thống \
                    đó trả lời; không tính cuộc gọi thử nghiệm) từ ngày 01/01 của năm báo cáo \
                    đến thời điểm chốt số liệu; gồm cả số liệu kế thừa của nền tảng trước trong \
                    kỳ đó, được ghi riêng",
    definition_en: "Transactions (calls through the platform that reached a provider and were \
                    answered by it, without test calls) from 1 January of the report's year to \
                    the cut-off; with the opening balances of that period, which are shown apart",
};

pub const TRANSACTIONS_PER_DAY: Definition = Definition {
    name: "transactions_per_day_year_to_date",
    unit: "transactions",
    title_vi: "Số giao dịch trung bình hằng ngày từ đầu năm",
    title_en: "Transactions per day in the year to date",
    definition_vi: "Số giao dịch từ đầu năm chia cho số ngày từ ngày 01/01 (hoặc ngày khai trương, \
                    nếu muộn hơn) đến thời điểm chốt số liệu, ngày cuối được tính tròn một ngày; \
                    làm tròn xuống số nguyên",
    definition_en: "Transactions in the year to date divided by the days from 1 January (or from \
                    the day of launch, if later) to the cut-off, the last day counted whole; \
                    rounded down to a whole number",
};

pub const TRANSACTIONS_YEAR_TO_DATE_CHANGE_YEAR_BEFORE: Definition = Definition {
    name: "transactions_year_to_date_change_year_before",
    unit: "transactions",
    title_vi: "Số giao dịch từ đầu năm so với cùng kỳ năm trước",
    title_en: "Transactions in the year to date against the year before",
    definition_vi: "Số giao dịch từ ngày 01/01 của năm báo cáo đến thời điểm chốt số liệu, so với \
                    cùng kỳ năm trước (cùng các ngày của năm trước); tỷ lệ tăng, giảm là phần \
                    chênh lệch chia cho số của kỳ được so sánh",
    definition_en: "Transactions from 1 January of the report's year to the cut-off, against the \
                    same dates one year before; the change is the difference divided by the \
                    number of the other period",
};

pub const TRANSACTIONS_FIRST_MONTHS: Definition = Definition {
    name: "transactions_first_months",
    unit: "transactions",
    title_vi: "Số giao dịch các tháng đầu năm",
    title_en: "Transactions in the first months of the year",
    definition_vi: "Số giao dịch (cuộc gọi qua nền tảng đã đến hệ thống cung cấp và được hệ thống \
                    đó trả lời; không tính cuộc gọi thử nghiệm) từ tháng 01 đến hết tháng báo \
                    cáo, không quá thời điểm chốt số liệu; gồm cả số liệu kế thừa của nền tảng \
                    trước trong kỳ đó, được ghi riêng",
    definition_en: "Transactions (calls through the platform that reached a provider and were \
                    answered by it, without test calls) from January through the report's month, \
                    up to the cut-off; with the opening balances of that period, which are shown \
                    apart",
};

pub const TRANSACTIONS_PREVIOUS_YEAR: Definition = Definition {
    name: "transactions_previous_year",
    unit: "transactions",
    title_vi: "Tổng số giao dịch năm trước",
    title_en: "Transactions in the year before",
    definition_vi: "Số giao dịch (cuộc gọi qua nền tảng đã đến hệ thống cung cấp và được hệ thống \
                    đó trả lời; không tính cuộc gọi thử nghiệm) trong cả năm dương lịch liền \
                    trước năm báo cáo; gồm cả số liệu kế thừa của nền tảng trước trong kỳ đó, \
                    được ghi riêng",
    definition_en: "Transactions (calls through the platform that reached a provider and were \
                    answered by it, without test calls) in the whole calendar year before the \
                    report's; with the opening balances of that period, which are shown apart",
};

pub const TRANSACTIONS_PER_DAY_PREVIOUS_YEAR: Definition = Definition {
    name: "transactions_per_day_previous_year",
    unit: "transactions",
    title_vi: "Số giao dịch trung bình hằng ngày năm trước",
    title_en: "Transactions per day in the year before",
    definition_vi: "Số giao dịch của năm dương lịch liền trước năm báo cáo chia cho số ngày của \
                    năm đó (tính từ ngày khai trương, nếu khai trương trong năm đó); làm tròn \
                    xuống số nguyên",
    definition_en: "Transactions in the calendar year before the report's divided by the days of \
                    that year (from the day of launch, if that lies within it); rounded down to \
                    a whole number",
};

pub const SYSTEMS_TRANSACTING_MONTH: Definition = Definition {
    name: "systems_transacting_month",
    unit: "systems",
    title_vi: "Số hệ thống có giao dịch trong tháng",
    title_en: "Systems with transactions in the month",
    definition_vi: "Số hệ thống khác nhau đã gọi hoặc được gọi trong ít nhất một giao dịch của \
                    tháng đến thời điểm chốt số liệu, mỗi hệ thống tính một lần; không gồm số \
                    liệu kế thừa",
    definition_en: "Distinct systems that called or were called in at least one transaction of the \
                    month up to the cut-off, each once; without opening balances",
};

pub const MEMBERS_TRANSACTING_MONTH: Definition = Definition {
    name: "members_transacting_month",
    unit: "members",
    title_vi: "Số cơ quan, đơn vị có giao dịch trong tháng",
    title_en: "Members with transactions in the month",
    definition_vi: "Số cơ quan, đơn vị khác nhau có hệ thống đã gọi hoặc được gọi trong ít nhất \
                    một giao dịch của tháng đến thời điểm chốt số liệu, mỗi cơ quan tính một \
                    lần; không gồm số liệu kế thừa",
    definition_en: "Distinct members whose systems called or were called in at least one \
                    transaction of the month up to the cut-off, each once; without opening \
                    balances",
};
