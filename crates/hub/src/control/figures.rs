//! What the hub gives reports to be made of: its counters, and the registry as it stood at the
//! cut-off.

use std::sync::Arc;

use ndxp_registry::{HistoryError, registry_at};
use ndxp_report::{RegistryNames, ReportError, Sources};
use tonic::Status;

use super::filter;
use super::statistics::{Statistics, refused};

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
enum SourceError {
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error(transparent)]
    History(#[from] HistoryError),
}

impl Statistics {
    /// Makes a report, off the runtime's threads, as of an instant; 0 is now.
    pub(super) async fn report_of<T: Send + 'static>(
        &self,
        as_of_us: i64,
        make: impl FnOnce(&Sources<'_>) -> Result<T, ReportError> + Send + 'static,
    ) -> Result<T, Status> {
        let cut_off = filter::as_of(as_of_us)?;
        let hub = self.clone();
        let made = move || {
            let now = hub.clock.now();
            let current = hub.keeper.current();
            let registry = match cut_off {
                None => Arc::clone(&current),
                Some(at) => Arc::new(registry_at(hub.follow.reader(), Some(at))?),
            };
            let sources = Sources {
                counters: &hub.counters,
                names: &RegistryNames(&current),
                registry: &registry,
                zone: &hub.zone,
                now,
            };
            make(&sources).map_err(SourceError::from)
        };
        let made = self.work.scan(made).await?;
        made.map_err(|error| match error {
            SourceError::Report(error) => refused(&error),
            SourceError::History(error) => {
                tracing::error!(%error, "registry's history not readable");
                Status::data_loss(format!("the registry's history cannot be read: {error}"))
            }
        })
    }
}

#[cfg(test)]
mod tests;
