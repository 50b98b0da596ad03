//! Figures of electronic documents: rows 8 to 10 of the list that official reports cite.

use super::Definition;

pub const DOCUMENTS_MONTH: Definition = Definition {
    name: "documents_month",
    unit: "documents",
    title_vi: "Số văn bản điện tử gửi, nhận trong tháng",
    title_en: "Documents sent and received in the month",
    definition_vi: "Tổng số văn bản điện tử gửi và văn bản điện tử nhận trong tháng đến thời điểm \
                    chốt số liệu; gồm cả số liệu kế thừa của nền tảng trước trong kỳ đó, được \
                    ghi riêng; thông điệp trạng thái không phải là văn bản",
    definition_en: "Documents sent and documents received, together, in the month up to the \
                    cut-off; with the opening balances of that period, which are shown apart; \
                    status messages are no documents",
};

pub const DOCUMENTS_SENT_MONTH: Definition = Definition {
    name: "documents_sent_month",
    unit: "documents",
    title_vi: "Số văn bản điện tử gửi trong tháng",
    title_en: "Documents sent in the month",
    definition_vi: "Số văn bản gửi (mỗi văn bản được tiếp nhận để chuyển tính một lần cho bên gửi) \
                    trong tháng đến thời điểm chốt số liệu; gồm cả số liệu kế thừa của nền tảng \
                    trước trong kỳ đó, được ghi riêng; thông điệp trạng thái không phải là văn \
                    bản",
    definition_en: "Documents sent (each document accepted for delivery counts once, for its \
                    sender) in the month up to the cut-off; with the opening balances of that \
                    period, which are shown apart; status messages are no documents",
};

pub const DOCUMENTS_RECEIVED_MONTH: Definition = Definition {
    name: "documents_received_month",
    unit: "documents",
    title_vi: "Số văn bản điện tử nhận trong tháng",
    title_en: "Documents received in the month",
    definition_vi: "Số văn bản nhận (mỗi văn bản giao cho một nơi nhận tính một lần cho nơi nhận \
                    đó) trong tháng đến thời điểm chốt số liệu; gồm cả số liệu kế thừa của nền \
                    tảng trước trong kỳ đó, được ghi riêng; thông điệp trạng thái không phải là \
                    văn bản",
    definition_en: "Documents received (each document delivered to a recipient counts once, for \
                    that recipient) in the month up to the cut-off; with the opening balances of \
                    that period, which are shown apart; status messages are no documents",
};

pub const DOCUMENTS_MONTH_CHANGE_PREVIOUS: Definition = Definition {
    name: "documents_month_change_previous",
    unit: "documents",
    title_vi: "Số văn bản điện tử gửi, nhận trong tháng so với tháng trước",
    title_en: "Documents in the month against the month before",
    definition_vi: "Tổng số văn bản điện tử gửi và nhận trong tháng đến thời điểm chốt số liệu, so \
                    với tháng trước (khi tháng chưa hết thì so với cùng số ngày đầu của tháng \
                    trước); tỷ lệ tăng, giảm là phần chênh lệch chia cho số của kỳ được so sánh",
    definition_en: "Documents sent and received in the month up to the cut-off, against the month \
                    before (while the month is not over, with as many days from the start of the \
                    month before); the change is the difference divided by the number of the \
                    other period",
};

pub const DOCUMENTS_MONTH_CHANGE_YEAR_BEFORE: Definition = Definition {
    name: "documents_month_change_year_before",
    unit: "documents",
    title_vi: "Số văn bản điện tử gửi, nhận trong tháng so với cùng kỳ năm trước",
    title_en: "Documents in the month against the year before",
    definition_vi: "Tổng số văn bản điện tử gửi và nhận trong tháng đến thời điểm chốt số liệu, so \
                    với cùng kỳ năm trước (cùng các ngày của năm trước); tỷ lệ tăng, giảm là \
                    phần chênh lệch chia cho số của kỳ được so sánh",
    definition_en: "Documents sent and received in the month up to the cut-off, against the same \
                    dates one year before; the change is the difference divided by the number of \
                    the other period",
};

pub const DOCUMENTS_FIRST_MONTHS: Definition = Definition {
    name: "documents_first_months",
    unit: "documents",
    title_vi: "Số văn bản điện tử gửi, nhận các tháng đầu năm",
    title_en: "Documents sent and received in the first months of the year",
    definition_vi: "Tổng số văn bản điện tử gửi và văn bản điện tử nhận từ tháng 01 đến hết tháng \
                    báo cáo, không quá thời điểm chốt số liệu; gồm cả số liệu kế thừa của nền \
                    tảng trước trong kỳ đó, được ghi riêng; thông điệp trạng thái không phải là \
                    văn bản",
    definition_en: "Documents sent and documents received, together, from January through the \
                    report's month, up to the cut-off; with the opening balances of that period, \
                    which are shown apart; status messages are no documents",
};

pub const DOCUMENTS_SENT_FIRST_MONTHS: Definition = Definition {
    name: "documents_sent_first_months",
    unit: "documents",
    title_vi: "Số văn bản điện tử gửi các tháng đầu năm",
    title_en: "Documents sent in the first months of the year",
    definition_vi: "Số văn bản gửi (mỗi văn bản được tiếp nhận để chuyển tính một lần cho bên gửi) \
                    từ tháng 01 đến hết tháng báo cáo, không quá thời điểm chốt số liệu; gồm cả \
                    số liệu kế thừa của nền tảng trước trong kỳ đó, được ghi riêng; thông điệp \
                    trạng thái không phải là văn bản",
    definition_en: "Documents sent (each document accepted for delivery counts once, for its \
                    sender) from January through the report's month, up to the cut-off; with the \
                    opening balances of that period, which are shown apart; status messages are \
                    no documents",
};

pub const DOCUMENTS_RECEIVED_FIRST_MONTHS: Definition = Definition {
    name: "documents_received_first_months",
    unit: "documents",
    title_vi: "Số văn bản điện tử nhận các tháng đầu năm",
    title_en: "Documents received in the first months of the year",
    definition_vi: "Số văn bản nhận (mỗi văn bản giao cho một nơi nhận tính một lần cho nơi nhận \
                    đó) từ tháng 01 đến hết tháng báo cáo, không quá thời điểm chốt số liệu; gồm \
                    cả số liệu kế thừa của nền tảng trước trong kỳ đó, được ghi riêng; thông \
                    điệp trạng thái không phải là văn bản",
    definition_en: "Documents received (each document delivered to a recipient counts once, for \
                    that recipient) from January through the report's month, up to the cut-off; \
                    with the opening balances of that period, which are shown apart; status \
                    messages are no documents",
};

pub const DOCUMENTS_FIRST_MONTHS_CHANGE_YEAR_BEFORE: Definition = Definition {
    name: "documents_first_months_change_year_before",
    unit: "documents",
    title_vi: "Số văn bản điện tử gửi, nhận các tháng đầu năm so với cùng kỳ năm trước",
    title_en: "Documents in the first months of the year against the year before",
    definition_vi: "Tổng số văn bản điện tử gửi và nhận từ tháng 01 đến hết tháng báo cáo, không \
                    quá thời điểm chốt số liệu, so với cùng kỳ năm trước (cùng các ngày của năm \
                    trước); tỷ lệ tăng, giảm là phần chênh lệch chia cho số của kỳ được so sánh",
    definition_en: "Documents sent and received from January through the report's month, up to the \
                    cut-off, against the same dates one year before; the change is the \
                    difference divided by the number of the other period",
};

pub const DOCUMENTS_SINCE_LAUNCH: Definition = Definition {
    name: "documents_since_launch",
    unit: "documents",
    title_vi: "Số văn bản điện tử gửi, nhận lũy kế từ khi khai trương",
    title_en: "Documents sent and received since launch",
    definition_vi: "Tổng số văn bản điện tử gửi và văn bản điện tử nhận từ khi hệ thống văn bản \
                    khai trương đến thời điểm chốt số liệu: số do nền tảng ghi nhận cộng với \
                    toàn bộ số liệu kế thừa, được ghi riêng; thông điệp trạng thái không phải là \
                    văn bản",
    definition_en: "Documents sent and documents received, together, from the launch of the \
                    document system to the cut-off: those that the platform counted and all \
                    opening balances, which are shown apart; status messages are no documents",
};

pub const DOCUMENTS_SENT_SINCE_LAUNCH: Definition = Definition {
    name: "documents_sent_since_launch",
    unit: "documents",
    title_vi: "Số văn bản điện tử gửi lũy kế từ khi khai trương",
    title_en: "Documents sent since launch",
    definition_vi: "Số văn bản gửi (mỗi văn bản được tiếp nhận để chuyển tính một lần cho bên gửi) \
                    từ khi hệ thống văn bản khai trương đến thời điểm chốt số liệu: số do nền \
                    tảng ghi nhận cộng với toàn bộ số liệu kế thừa, được ghi riêng; thông điệp \
                    trạng thái không phải là văn bản",
    definition_en: "Documents sent (each document accepted for delivery counts once, for its \
                    sender) from the launch of the document system to the cut-off: those that \
                    the platform counted and all opening balances, which are shown apart; status \
                    messages are no documents",
};

pub const DOCUMENTS_RECEIVED_SINCE_LAUNCH: Definition = Definition {
    name: "documents_received_since_launch",
    unit: "documents",
    title_vi: "Số văn bản điện tử nhận lũy kế từ khi khai trương",
    title_en: "Documents received since launch",
    definition_vi: "Số văn bản nhận (mỗi văn bản giao cho một nơi nhận tính một lần cho nơi nhận \
                    đó) từ khi hệ thống văn bản khai trương đến thời điểm chốt số liệu: số do \
                    nền tảng ghi nhận cộng với toàn bộ số liệu kế thừa, được ghi riêng; thông \
                    điệp trạng thái không phải là văn bản",
    definition_en: "Documents received (each document delivered to a recipient counts once, for \
                    that recipient) from the launch of the document system to the cut-off: those \
                    that the platform counted and all opening balances, which are shown apart; \
                    status messages are no documents",
};
