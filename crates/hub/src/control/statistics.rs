//! `ndxp.statistics.v1.StatisticsService`: counts and figures, asked of the counters off the
//! runtime's threads.

mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ndxp_counters::{Counters, CountersError};
use ndxp_journal::Follow;
use ndxp_model::{Clock, Instant, Party, Period, Sequence, Zone};
use ndxp_proto::statistics::v1;
use ndxp_proto::statistics::v1::statistics_service_server::StatisticsService;
use ndxp_report::{RegistryNames, ReportError};
use tokio::sync::Mutex;
use tonic::{Request, Response, Status};

use super::access::{Scope, asker};
use super::baseline;
use super::filter;
use super::spool::Spool;
use super::work::{Answers, Work};
use crate::keeper::Keeper;

pub use watch::Watches;

/// The service. Clones share everything.
#[derive(Clone)]
pub struct Statistics {
    pub counters: Counters,
    pub keeper: Arc<Keeper>,
    pub follow: Follow,
    pub zone: Zone,
    pub clock: Arc<dyn Clock>,
    /// Where a dump is spooled.
    pub data_dir: PathBuf,
    /// Held from judging an import to its being durable, so that each is judged beside all others.
    pub importing: Arc<Mutex<()>>,
    pub work: Work,
    /// What those who watch ask.
    pub watches: Watches,
}

/// Longest wait for counters to reach a sequence that the journal holds; they are behind by a
/// fraction of a second, unless they are being rebuilt.
const REACH_MAX: Duration = Duration::from_secs(30);

#[tonic::async_trait]
impl StatisticsService for Statistics {
    async fn count(
        &self,
        request: Request<v1::CountRequest>,
    ) -> Result<Response<v1::CountResponse>, Status> {
        let party = party(asker(&request)?.scope);
        let request = request.into_inner();
        ndxp_report::check(&request, &self.zone, self.clock.now())
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        self.reach(request.at_least_sequence).await?;
        self.counted(request, party).await.map(Response::new)
    }

    async fn get_figures(
        &self,
        request: Request<v1::GetFiguresRequest>,
    ) -> Result<Response<v1::GetFiguresResponse>, Status> {
        asker(&request)?;
        let request = request.into_inner();
        self.reach(request.at_least_sequence).await?;
        let asked = self.report_of(request.as_of_us, move |sources| {
            ndxp_report::figures(sources, &request)
        });
        let figures = asked.await?;
        Ok(Response::new(v1::GetFiguresResponse { figures }))
    }

    async fn get_report(
        &self,
        request: Request<v1::GetReportRequest>,
    ) -> Result<Response<v1::GetReportResponse>, Status> {
        asker(&request)?;
        let request = request.into_inner();
        self.reach(request.at_least_sequence).await?;
        let asked = self.report_of(request.as_of_us, move |sources| {
            ndxp_report::report(sources, &request)
        });
        asked.await.map(Response::new)
    }

    async fn import_baseline(
        &self,
        request: Request<v1::ImportBaselineRequest>,
    ) -> Result<Response<v1::ImportBaselineResponse>, Status> {
        baseline::import(self, request).await.map(Response::new)
    }

    async fn list_baselines(
        &self,
        request: Request<v1::ListBaselinesRequest>,
    ) -> Result<Response<v1::ListBaselinesResponse>, Status> {
        asker(&request)?;
        baseline::list(self).await.map(Response::new)
    }

    type WatchCountsStream = Answers<v1::CountResponse>;

    async fn watch_counts(
        &self,
        request: Request<v1::CountRequest>,
    ) -> Result<Response<Answers<v1::CountResponse>>, Status> {
        let party = party(asker(&request)?.scope);
        let request = request.into_inner();
        filter::period(request.from_us, request.to_us)?;
        self.reach(request.at_least_sequence).await?;
        self.watched(request, party).await.map(Response::new)
    }

    type DumpCountersStream = Answers<v1::Counter>;

    async fn dump_counters(
        &self,
        request: Request<v1::DumpCountersRequest>,
    ) -> Result<Response<Answers<v1::Counter>>, Status> {
        if asker(&request)?.scope != Scope::Everything {
            return Err(Status::permission_denied(
                "a dump is for operators and auditors",
            ));
        }
        let request = request.into_inner();
        self.reach(request.at_least_sequence).await?;
        let within = (request.from_us, request.to_us) != (0, 0);
        let within = within.then(|| Period {
            from: Instant::from_micros(request.from_us),
            to: Instant::from_micros(request.to_us),
        });
        let hub = self.clone();
        let answers = self.work.stream(|sink| async move {
            let work = hub.work.clone();
            // The counters stand still while they are dumped, so they are written to a file that
            // has no name, and read from there at the reader's pace.
            let spooled =
                move || Spool::fill(&hub.data_dir, |put| hub.counters.dump_within(within, put));
            let mut spool = work
                .step(spooled)
                .await?
                .map_err(|error| error.into_status(counting))?;
            loop {
                let read = move || {
                    let batch = spool.batch();
                    (spool, batch)
                };
                let (back, batch) = work.step(read).await?;
                spool = back;
                let batch = batch.map_err(|error| error.into_status(counting))?;
                if batch.is_empty() {
                    return Ok(());
                }
                for counter in batch {
                    sink.send(counter).await?;
                }
            }
        })?;
        Ok(Response::new(answers))
    }
}

impl Statistics {
    /// Waits until the counters include what the caller wants to see included.
    pub(super) async fn reach(&self, at_least_sequence: u64) -> Result<(), Status> {
        let wanted = Sequence::new(at_least_sequence);
        let end = self.follow.position().sequence;
        if wanted > end {
            return Err(Status::invalid_argument(format!(
                "at_least_sequence = {wanted}: the journal ends at {end}; write at most that"
            )));
        }
        match tokio::time::timeout(REACH_MAX, self.counters.reached(wanted)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(counting(&error)),
            Err(_) => Err(Status::unavailable(format!(
                "the counters have reached {} and not yet {wanted}; repeat later",
                self.counters.watermark().sequence
            ))),
        }
    }

    async fn counted(
        &self,
        request: v1::CountRequest,
        party: Option<Party>,
    ) -> Result<v1::CountResponse, Status> {
        let counted = self.work.scan(self.question(request, party)).await?;
        counted.map_err(|error| refused(&error))
    }

    fn question(
        &self,
        request: v1::CountRequest,
        party: Option<Party>,
    ) -> impl FnOnce() -> Result<v1::CountResponse, ReportError> + Send + 'static {
        let hub = self.clone();
        move || {
            let registry = hub.keeper.current();
            let names = RegistryNames(&registry);
            let now = hub.clock.now();
            ndxp_report::count(&hub.counters, &request, party, &names, &hub.zone, now)
        }
    }
}

fn party(scope: Scope) -> Option<Party> {
    match scope {
        Scope::Everything => None,
        Scope::Own(member) => Some(Party::Member(member)),
    }
}

pub(super) fn refused(error: &ReportError) -> Status {
    match error {
        ReportError::Counters(error) => counting(error),
        ReportError::Month(_)
        | ReportError::CutOffNotOnHour { .. }
        | ReportError::MonthNotBegun { .. }
        | ReportError::CutOffBeforeLaunch { .. }
        | ReportError::MonthBeforeLaunch { .. }
        | ReportError::TopTooLarge(_)
        | ReportError::Request(_) => Status::invalid_argument(error.to_string()),
        ReportError::Incomplete(_) | ReportError::Opening(_) => {
            tracing::error!(%error, "figures not made");
            Status::internal(error.to_string())
        }
    }
}

pub(super) fn counting(error: &CountersError) -> Status {
    let text = error.to_string();
    match error {
        error if error.is_about_the_question() => Status::invalid_argument(text),
        CountersError::Rebuilding | CountersError::Stopped => Status::unavailable(text),
        _ => {
            tracing::error!(error = text, "counters cannot answer");
            Status::unavailable(text)
        }
    }
}

#[cfg(test)]
mod tests;
