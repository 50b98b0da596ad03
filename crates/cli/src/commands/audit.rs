//! `ndxp audit`: who changed what, when and why, and what was refused.

use clap::Args;
use ndxp_model::Zone;
use ndxp_proto::registry::v1::{AuditEntry, ListAuditRequest};
use serde_json::{Value, json};

use crate::act::{of_the_request, registry_client};
use crate::changes::{difference_lines, difference_record};
use crate::colour::Colours;
use crate::failure::Failure;
use crate::output::{Format, Output};
use crate::source::{Origin, Source};
use crate::when::{self, Window};

/// Shows every administrative act: who, as what, when, why, and what changed; refusals too
///
/// Nothing in the registry changes but by an act that stands here: each is one entry of the
/// journal, and is named by its sequence.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Audit {
    #[command(flatten)]
    window: Window,

    /// Only acts of those whose certificate's identity ends in this: operator/le.van.a
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    actor: String,

    /// Only acts about what begins with this: a member, a system, or a grant's consumer
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    item: String,

    /// Only attempts that were refused
    #[arg(long)]
    refused: bool,

    /// The last so many; 1 to 10,000
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,

    /// Form of the output; JSON is one object on each line
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,

    #[command(flatten)]
    source: Source,
}

const EXAMPLES: &str = "\
Examples:
  ndxp audit
  ndxp audit --item H26 --from 2022-07
  ndxp audit --refused --actor operator/le.van.a -o json
  ndxp audit --data /var/lib/ndxp";

impl Audit {
    pub async fn run(self) -> Result<(), Failure> {
        let (origin, zone) = self.source.open().await?;
        let (from_us, until_us) = self.window.bounds_us(&zone)?;
        let request = ListAuditRequest {
            from_us,
            until_us,
            actor: self.actor,
            item: self.item,
            refused_only: self.refused,
            limit: self.limit,
        };
        let entries = match origin {
            Origin::Hub(channel) => {
                let response = registry_client(channel).list_audit(request).await?;
                response.into_inner().entries
            }
            Origin::Data(data) => data.audit(&request)?,
        };
        let colours = Colours::of_stdout();
        let mut output = Output::open();
        for entry in &entries {
            match self.output {
                Format::Table => output.line(lines(entry, &zone, colours))?,
                Format::Json => output.json_line(&record(entry))?,
            }
        }
        output.flush()
    }
}

/// One line that says what was done, then why, then what came of it.
fn lines(entry: &AuditEntry, zone: &Zone, colours: Colours) -> String {
    let mut head = format!(
        "{} {} {}",
        entry.sequence,
        when::local(entry.at_us, zone),
        entry.actor
    );
    if !entry.role.is_empty() {
        head.push_str(&format!(" as {}", entry.role));
    }
    for part in [&entry.rpc, &entry.item] {
        if !part.is_empty() {
            head.push_str(&format!(" · {part}"));
        }
    }
    let mut lines = vec![head];
    if !entry.reason.is_empty() {
        lines.push(format!("  because: {}", entry.reason));
    }
    lines.extend(entry.refused.lines().enumerate().map(|(index, line)| {
        let label = if index == 0 { "refused: " } else { "         " };
        format!("  {label}{}", of_the_request(line))
    }));
    let differences = difference_lines(&entry.differences, colours);
    lines.extend(differences.into_iter().map(|line| format!("  {line}")));
    lines.join("\n")
}

fn record(entry: &AuditEntry) -> Value {
    let differences: Vec<_> = entry.differences.iter().map(difference_record).collect();
    json!({
        "sequence": entry.sequence,
        "at": when::utc(entry.at_us),
        "actor": entry.actor,
        "role": entry.role,
        "rpc": entry.rpc,
        "item": entry.item,
        "reason": entry.reason,
        "refused": (!entry.refused.is_empty()).then_some(&entry.refused),
        "differences": differences,
    })
}

#[cfg(test)]
mod tests {
    use ndxp_proto::registry::v1::{Difference, FieldDifference};

    use super::*;

    fn entry() -> AuditEntry {
        AuditEntry {
            sequence: 12,
            at_us: 1_658_448_000_000_000,
            actor: "spiffe://ndxp.local/operator/an".to_owned(),
            role: "operator".to_owned(),
            rpc: "Transition".to_owned(),
            item: "H26/lgsp".to_owned(),
            reason: "key lost".to_owned(),
            ..AuditEntry::default()
        }
    }

    #[track_caller]
    fn check(entry: &AuditEntry, wanted: &str) {
        assert_eq!(lines(entry, &Zone::viet_nam(), Colours::NONE), wanted);
    }

    #[test]
    fn an_act_reads_as_who_why_and_what_changed() {
        let field = FieldDifference {
            field: "state".to_owned(),
            before: "active".to_owned(),
            after: "suspended".to_owned(),
        };
        let entry = AuditEntry {
            differences: vec![Difference {
                item: "system H26/lgsp".to_owned(),
                fields: vec![field],
                ..Difference::default()
            }],
            ..entry()
        };
        check(
            &entry,
            "\
12 2022-07-22 07:00:00.000 spiffe://ndxp.local/operator/an as operator · Transition · H26/lgsp
  because: key lost
  ~ system H26/lgsp
      state: active → suspended",
        );
    }

    #[test]
    fn a_refused_attempt_says_why_line_by_line() {
        let entry = AuditEntry {
            reason: String::new(),
            refused: "catalogue: one\ntwo".to_owned(),
            ..entry()
        };
        check(
            &entry,
            "\
12 2022-07-22 07:00:00.000 spiffe://ndxp.local/operator/an as operator · Transition · H26/lgsp
  refused: one
           two",
        );
        assert_eq!(record(&entry)["refused"], "catalogue: one\ntwo");
        assert_eq!(record(&self::entry())["refused"], Value::Null);
    }
}
