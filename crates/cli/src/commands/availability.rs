//! What services, and systems with all of their services, go through alike: they are disabled
//! with a notice, enabled, and put in maintenance.

use clap::{ArgGroup, Args};
use ndxp_model::Zone;
use ndxp_proto::registry::v1::{MaintenanceWindow, SetAvailabilityRequest, SetMaintenanceRequest};

use crate::act::{Act, Cut, Note};
use crate::commands::key::Key;
use crate::failure::Failure;
use crate::when::{End, instant_us};

#[derive(Args, Debug)]
pub struct Disable<K: Key> {
    #[command(flatten)]
    key: K,

    /// What callers are told with each refusal
    #[arg(long, value_name = "TEXT")]
    notice: String,

    #[command(flatten)]
    cut: Cut,

    #[command(flatten)]
    note: Note,

    #[command(flatten)]
    act: Act,
}

#[derive(Args, Debug)]
pub struct Enable<K: Key> {
    #[command(flatten)]
    key: K,

    #[command(flatten)]
    note: Note,

    #[command(flatten)]
    act: Act,
}

/// One window takes the place of all that were planned.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("when").args(["from", "end"]).required(true))]
pub struct Maintenance<K: Key> {
    #[command(flatten)]
    key: K,

    /// Start: a date, a local time (2026-12-31T22:00) or an instant with its offset
    #[arg(
        long,
        value_name = "TIME",
        requires = "until",
        required_unless_present = "end"
    )]
    from: Option<String>,

    /// End: a date, whole; a local time, or an instant with its offset
    #[arg(long, value_name = "TIME", requires = "from")]
    until: Option<String>,

    /// What callers are told, beside the end
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    notice: String,

    /// End maintenance, and plan none
    #[arg(long, conflicts_with_all = ["until", "notice"])]
    end: bool,

    #[command(flatten)]
    note: Note,

    #[command(flatten)]
    act: Act,
}

impl<K: Key> Disable<K> {
    pub async fn run(self) -> Result<(), Failure> {
        let request = SetAvailabilityRequest {
            kind: K::KIND.into(),
            key: self.key.text(),
            disabled: true,
            notice: self.notice,
            reason: self.note.text,
            dry_run: self.act.dry_run,
            cut: self.cut.now,
        };
        set_availability(&self.act, request).await
    }
}

impl<K: Key> Enable<K> {
    pub async fn run(self) -> Result<(), Failure> {
        let request = SetAvailabilityRequest {
            kind: K::KIND.into(),
            key: self.key.text(),
            reason: self.note.text,
            dry_run: self.act.dry_run,
            ..SetAvailabilityRequest::default()
        };
        set_availability(&self.act, request).await
    }
}

async fn set_availability(act: &Act, request: SetAvailabilityRequest) -> Result<(), Failure> {
    act.ask(
        |_| Ok(request),
        async |mut client, request| client.set_availability(request).await,
    )
    .await
}

impl<K: Key> Maintenance<K> {
    pub async fn run(self) -> Result<(), Failure> {
        let request = |zone: &Zone| {
            Ok(SetMaintenanceRequest {
                kind: K::KIND.into(),
                key: self.key.text(),
                windows: self.window(zone)?.into_iter().collect(),
                reason: self.note.text.clone(),
                dry_run: self.act.dry_run,
            })
        };
        self.act
            .ask(request, async |mut client, request| {
                client.set_maintenance(request).await
            })
            .await
    }

    /// None when maintenance is to end.
    fn window(&self, zone: &Zone) -> Result<Option<MaintenanceWindow>, Failure> {
        let (Some(from), Some(until)) = (&self.from, &self.until) else {
            return Ok(None);
        };
        let window = MaintenanceWindow {
            from_us: instant_us("--from", from, End::From, zone)?,
            until_us: instant_us("--until", until, End::Until, zone)?,
            notice: self.notice.clone(),
        };
        if window.until_us <= window.from_us {
            let what = format!("--until {until} does not lie after --from {from}");
            return Err(Failure::usage(what).remedy("name an end that lies after the start"));
        }
        Ok(Some(window))
    }
}
