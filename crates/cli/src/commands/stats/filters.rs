//! Which calls are counted. Forms are checked here; whether a member, system, service or method
//! is known is for whoever answers.

use clap::Args;
use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser, TypedValueParser as _};
use ndxp_model::{MemberClass, Outcome, Party, ServiceName, SystemKind};
use ndxp_proto::registry::v1 as registry;
use ndxp_proto::statistics::v1::CountFilter;

/// All conditions that are given must hold.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Which calls (all conditions must hold)")]
pub struct Filters {
    /// Only calls of this system (H26/lgsp), or of all systems of this member (H26)
    #[arg(long, value_name = "MEMBER[/SYSTEM]")]
    consumer: Option<Party>,

    /// Only calls to this system (G01/population), or to all systems of this member (G01)
    #[arg(long, value_name = "MEMBER[/SYSTEM]")]
    provider: Option<Party>,

    /// Only calls of this gRPC service, by its full name
    #[arg(long, value_name = "SERVICE")]
    service: Option<ServiceName>,

    /// Only calls of this method: of --service, or of any service
    #[arg(long, value_name = "METHOD", value_parser = NonEmptyStringValueParser::new())]
    method: Option<String>,

    /// Only calls to systems of this kind
    #[arg(long, value_parser = PossibleValuesParser::new(SystemKind::ALL.map(SystemKind::as_str)).try_map(|text| text.parse::<SystemKind>()))]
    kind: Option<SystemKind>,

    /// Only calls of members of this class
    #[arg(long, value_parser = PossibleValuesParser::new(MemberClass::ALL.map(MemberClass::as_str)).try_map(|text| text.parse::<MemberClass>()))]
    class: Option<MemberClass>,

    /// Only calls that ended so
    #[arg(long, value_parser = PossibleValuesParser::new(Outcome::ALL.map(Outcome::as_str)).try_map(|text| text.parse::<Outcome>()))]
    outcome: Option<Outcome>,

    /// Only calls whose error is owed to this side; `none` for those without
    #[arg(long, value_parser = ["none", "consumer", "hub", "provider"])]
    fault: Option<String>,
}

impl Filters {
    /// `None` where no condition is given.
    pub fn to_proto(&self) -> Option<CountFilter> {
        let filter = CountFilter {
            consumer: party(self.consumer.as_ref()),
            provider: party(self.provider.as_ref()),
            service: self
                .service
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            method: self.method.clone().unwrap_or_default(),
            kind: self.kind.map(kind).unwrap_or_default().into(),
            class: self.class.map(class).unwrap_or_default().into(),
            outcome: self
                .outcome
                .map_or(0, |outcome| i32::from(outcome.number())),
            fault: self.fault.clone().unwrap_or_default(),
        };
        (filter != CountFilter::default()).then_some(filter)
    }
}

fn party(party: Option<&Party>) -> String {
    match party {
        None => String::new(),
        Some(Party::Member(code)) => code.to_string(),
        Some(Party::System(id)) => id.to_string(),
    }
}

fn kind(kind: SystemKind) -> registry::SystemKind {
    match kind {
        SystemKind::Lgsp => registry::SystemKind::Lgsp,
        SystemKind::Database => registry::SystemKind::Database,
        SystemKind::InformationSystem => registry::SystemKind::InformationSystem,
    }
}

fn class(class: MemberClass) -> registry::MemberClass {
    match class {
        MemberClass::Province => registry::MemberClass::Province,
        MemberClass::Ministry => registry::MemberClass::Ministry,
        MemberClass::Agency => registry::MemberClass::Agency,
        MemberClass::Enterprise => registry::MemberClass::Enterprise,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        filters: Filters,
    }

    fn parse(line: &str) -> Result<Option<CountFilter>, clap::Error> {
        let line = Line::try_parse_from(line.split_whitespace())?;
        Ok(line.filters.to_proto())
    }

    #[test]
    fn every_condition_reaches_the_request() {
        assert_eq!(parse("stats").unwrap(), None);
        let all = "stats --consumer H26 --provider G01/population --service a.v1.B --method C \
                   --kind database --class province --outcome timed_out --fault provider";
        let wanted = CountFilter {
            consumer: "H26".to_owned(),
            provider: "G01/population".to_owned(),
            service: "a.v1.B".to_owned(),
            method: "C".to_owned(),
            kind: registry::SystemKind::Database.into(),
            class: registry::MemberClass::Province.into(),
            outcome: 5,
            fault: "provider".to_owned(),
        };
        assert_eq!(parse(all).unwrap(), Some(wanted));
    }

    #[test]
    fn every_word_is_the_contracts() {
        for word in SystemKind::ALL {
            let name = format!("SYSTEM_KIND_{}", word.as_str().to_ascii_uppercase());
            assert_eq!(kind(word).as_str_name(), name);
        }
        for word in MemberClass::ALL {
            let name = format!("MEMBER_CLASS_{}", word.as_str().to_ascii_uppercase());
            assert_eq!(class(word).as_str_name(), name);
        }
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for line in [
            "stats --consumer h26",
            "stats --service a/b",
            "stats --kind databse",
            "stats --class provinces",
            "stats --outcome ok",
            "stats --fault nobody",
            "stats --method=",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
