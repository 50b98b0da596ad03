//! What a report asks of the counts, and in which order: the narrower period first, so that no
//! part exceeds its whole while calls go on.

use ndxp_model::Period;
use ndxp_proto::statistics::v1::{CountRequest, CountResponse, Dimension};

use crate::ReportError;
use crate::cut_off::Periods;

/// Answers one question.
pub(crate) type Ask<'a> = &'a dyn Fn(&CountRequest) -> Result<CountResponse, ReportError>;

/// The answers that the figures are made of, opening balances with them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    /// By service.
    pub services_month: CountResponse,
    /// With the distinct systems and members.
    pub month: CountResponse,
    pub first_months: CountResponse,
    pub year_to_date: CountResponse,
    pub previous_year: CountResponse,
    /// By service.
    pub services_since_launch: CountResponse,
    pub since_launch: CountResponse,
    /// `None` where there is no period to compare with.
    pub month_previous: Option<CountResponse>,
    pub month_year_before: Option<CountResponse>,
    pub first_months_year_before: Option<CountResponse>,
    pub year_to_date_year_before: Option<CountResponse>,
}

impl Answers {
    pub(crate) fn ask(
        periods: &Periods,
        by_successor: bool,
        ask: Ask<'_>,
    ) -> Result<Self, ReportError> {
        let total = |period| {
            ask(&CountRequest {
                with_baselines: true,
                without_durations: true,
                ..within(period, by_successor)
            })
        };
        let services = |period| {
            ask(&CountRequest {
                by: Dimension::Service.into(),
                with_baselines: true,
                without_durations: true,
                ..within(period, by_successor)
            })
        };
        let compared = |period: Option<Period>| period.map(total).transpose();
        let services_month = services(periods.month)?;
        let month = ask(&CountRequest {
            with_baselines: true,
            with_distinct: true,
            without_durations: true,
            ..within(periods.month, by_successor)
        })?;
        Ok(Self {
            services_month,
            month,
            first_months: total(periods.first_months)?,
            year_to_date: total(periods.year_to_date)?,
            previous_year: total(periods.previous_year)?,
            services_since_launch: services(periods.since_launch)?,
            since_launch: total(periods.since_launch)?,
            month_previous: compared(periods.month_previous)?,
            month_year_before: compared(periods.month_year_before)?,
            first_months_year_before: compared(periods.first_months_year_before)?,
            year_to_date_year_before: compared(periods.year_to_date_year_before)?,
        })
    }
}

/// The question for the total of a period.
pub(crate) fn within(period: Period, by_successor: bool) -> CountRequest {
    CountRequest {
        from_us: period.from.as_micros(),
        to_us: period.to.as_micros(),
        by_successor,
        ..CountRequest::default()
    }
}
