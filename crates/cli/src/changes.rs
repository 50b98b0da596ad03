//! What a change of the registry does, or would do, to each item: as lines for people and as a
//! record for programs.

use ndxp_proto::registry::v1::{Difference, FieldDifference};
use serde_json::{Value, json};

use crate::colour::{Colours, Meaning};

/// The hub's answer to a change.
#[derive(Clone, Copy, Debug)]
pub struct Changes<'a> {
    pub differences: &'a [Difference],
    /// Journal entry that holds the change; 0 when nothing changed.
    pub sequence: u64,
    pub dry_run: bool,
}

impl Changes<'_> {
    /// What is new, what changes from what to what, and how much of each in a last line.
    pub fn text(&self, colours: Colours) -> String {
        let mut lines = difference_lines(self.differences, colours);
        lines.push(self.summary());
        lines.join("\n")
    }

    fn summary(&self) -> String {
        if self.differences.is_empty() {
            return "nothing to do: the registry holds all of this already".to_owned();
        }
        let count = |wanted| {
            let meanings = self.differences.iter().map(meaning);
            meanings.filter(|meaning| *meaning == wanted).count()
        };
        let would_be = if self.dry_run { "would be " } else { "" };
        let mut counts = format!(
            "{} {would_be}added, {} changed",
            count(Meaning::Added),
            count(Meaning::Changed)
        );
        let removed = count(Meaning::Removed);
        if removed != 0 {
            counts.push_str(&format!(", {removed} removed"));
        }
        match self.dry_run {
            true => format!("{counts}; nothing was done"),
            false => format!("{counts}, at sequence {}", self.sequence),
        }
    }

    pub fn record(&self) -> Value {
        let differences: Vec<Value> = self.differences.iter().map(difference_record).collect();
        json!({
            "dry_run": self.dry_run,
            // Absent when nothing changed.
            "sequence": (self.sequence != 0).then_some(self.sequence),
            "differences": differences,
        })
    }
}

/// What is new, what changes from what to what, and what is taken away.
pub fn difference_lines(differences: &[Difference], colours: Colours) -> Vec<String> {
    differences
        .iter()
        .flat_map(lines_of)
        .map(|(meaning, line)| colours.paint(meaning, &line))
        .collect()
}

fn meaning(difference: &Difference) -> Meaning {
    match (difference.added, difference.removed) {
        (_, true) => Meaning::Removed,
        (true, false) => Meaning::Added,
        (false, false) => Meaning::Changed,
    }
}

fn lines_of(difference: &Difference) -> Vec<(Meaning, String)> {
    let meaning = meaning(difference);
    let sign = match meaning {
        Meaning::Added => '+',
        Meaning::Changed => '~',
        Meaning::Removed => '-',
    };
    let mut lines = vec![(meaning, format!("{sign} {}", difference.item))];
    lines.extend(difference.fields.iter().map(|field| {
        let (name, before, after) = (&field.field, shown(&field.before), shown(&field.after));
        let line = match meaning {
            Meaning::Added => format!("    {name}: {after}"),
            Meaning::Removed => format!("    {name}: {before}"),
            Meaning::Changed => format!("    {name}: {before} → {after}"),
        };
        (meaning, line)
    }));
    lines
}

fn shown(value: &str) -> &str {
    if value.is_empty() { "(none)" } else { value }
}

pub fn difference_record(difference: &Difference) -> Value {
    let field = |field: &FieldDifference| {
        json!({
            "field": field.field,
            "before": field.before,
            "after": field.after,
        })
    };
    let fields: Vec<Value> = difference.fields.iter().map(field).collect();
    json!({
        "item": difference.item,
        "added": difference.added,
        "removed": difference.removed,
        "fields": fields,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differences() -> Vec<Difference> {
        let field = |field: &str, before: &str, after: &str| FieldDifference {
            field: field.to_owned(),
            before: before.to_owned(),
            after: after.to_owned(),
        };
        vec![
            Difference {
                item: "member H26".to_owned(),
                added: true,
                removed: false,
                fields: vec![field("name_vi", "", "Hà Nội")],
            },
            Difference {
                item: "system H26/lgsp".to_owned(),
                added: false,
                removed: false,
                fields: vec![field("endpoints", "", "10.0.0.1:7000")],
            },
            Difference {
                item: "system H26/old".to_owned(),
                added: false,
                removed: true,
                fields: vec![field("kind", "lgsp", "")],
            },
        ]
    }

    #[track_caller]
    fn check(differences: &[Difference], dry_run: bool, wanted: &str) {
        let changes = Changes {
            differences,
            sequence: 7,
            dry_run,
        };
        assert_eq!(changes.text(Colours::NONE), wanted);
    }

    #[test]
    fn a_change_reads_as_what_stood_and_what_stands() {
        let wanted = "\
+ member H26
    name_vi: Hà Nội
~ system H26/lgsp
    endpoints: (none) → 10.0.0.1:7000
- system H26/old
    kind: lgsp
";
        check(
            &differences(),
            false,
            &format!("{wanted}1 added, 1 changed, 1 removed, at sequence 7"),
        );
        check(
            &differences(),
            true,
            &format!("{wanted}1 would be added, 1 changed, 1 removed; nothing was done"),
        );
        check(
            &[],
            false,
            "nothing to do: the registry holds all of this already",
        );
    }

    #[test]
    fn a_terminal_is_shown_colours_that_end_with_their_line() {
        let changes = Changes {
            differences: &differences(),
            sequence: 7,
            dry_run: false,
        };
        let text = changes.text(Colours::ALWAYS);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.first(), Some(&"\x1b[32m+ member H26\x1b[0m"));
        assert_eq!(lines.get(2), Some(&"\x1b[33m~ system H26/lgsp\x1b[0m"));
        assert_eq!(lines.get(5), Some(&"\x1b[31m    kind: lgsp\x1b[0m"));
        let last = "1 added, 1 changed, 1 removed, at sequence 7";
        assert_eq!(lines.last(), Some(&last));
    }
}
