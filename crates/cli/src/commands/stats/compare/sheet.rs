//! The rows of two answers side by side, each with the change in percent and the ratio, as a
//! table, CSV or JSON.

use std::collections::BTreeMap;

use ndxp_model::{Zone, expression};
use ndxp_proto::statistics::v1::{CountResponse, CountRow, Counts, Dimension, Opening};
use ndxp_report::{Change, Language, dimension_name, grouped};
use serde_json::{Number, Value, json};

use super::Two;
use crate::output;

/// Transactions of both periods, opening balances included where they were asked for.
#[derive(Debug, Eq, PartialEq)]
pub struct Sheet {
    rows: Vec<(String, Change)>,
    /// With a top: the sum of the rows that do not stand there.
    others: Option<Change>,
    total: Change,
}

impl Sheet {
    /// Every row that either period has; of a top, those that the first has.
    pub fn of(value: &CountResponse, base: &CountResponse, top: bool) -> Self {
        let mut then: BTreeMap<&str, u128> = base.rows.iter().map(row).collect();
        let mut rows: Vec<_> = value
            .rows
            .iter()
            .map(|it| {
                let (key, value) = row(it);
                let base = then.remove(key).unwrap_or(0);
                (key.to_owned(), Change { value, base })
            })
            .collect();
        let total = Change {
            value: number(value.total.as_ref(), value.opening.as_ref()),
            base: number(base.total.as_ref(), base.opening.as_ref()),
        };
        let mut others = None;
        if top {
            let shown = |of: fn(&Change) -> u128| rows.iter().map(|(_, it)| of(it)).sum::<u128>();
            others = Some(Change {
                value: total.value.saturating_sub(shown(|it| it.value)),
                base: total.base.saturating_sub(shown(|it| it.base)),
            })
            .filter(|it| (it.value, it.base) != (0, 0));
        } else {
            let gone = then.into_iter();
            rows.extend(gone.map(|(key, base)| (key.to_owned(), Change { value: 0, base })));
            rows.sort_by(|(left, _), (right, _)| left.cmp(right));
        }
        Self {
            rows,
            others,
            total,
        }
    }

    pub fn table(&self, by: Dimension, two: Two, zone: &Zone, language: Language) -> String {
        let pick = |vietnamese: &'static str, english: &'static str| match language {
            Language::Vietnamese => vietnamese,
            Language::English => english,
        };
        let (value, base) = (
            expression::text(two.value, zone),
            expression::text(two.base, zone),
        );
        let headings = [
            dimension_name(by).unwrap_or_default(),
            &value,
            &base,
            pick("thay đổi", "change"),
            pick("số lần", "ratio"),
        ];
        let mut table = output::table(&headings, 1);
        let none = || "–".to_owned();
        for (key, change) in self.all(pick("còn lại", "others"), pick("tổng", "total")) {
            table.add_row([
                key.to_owned(),
                grouped(change.value, language),
                grouped(change.base, language),
                change.percent(language).unwrap_or_else(none),
                change.ratio(language).unwrap_or_else(none),
            ]);
        }
        output::trimmed(&table) + "\n"
    }

    /// A ratio to nothing is empty.
    pub fn csv(&self) -> String {
        let mut text = "key,transactions,base,change_percent,ratio\n".to_owned();
        for (key, change) in self.all("others", "total") {
            let fields = [
                quoted(key),
                change.value.to_string(),
                change.base.to_string(),
                change.percent_number().unwrap_or_default(),
                change.ratio_number().unwrap_or_default(),
            ];
            text.push_str(&fields.join(","));
            text.push('\n');
        }
        text
    }

    /// The comparison, and both answers whole.
    pub fn json(&self, value: Value, base: Value) -> String {
        let rows = self.rows.iter();
        let rows: Vec<_> = rows
            .map(|(key, change)| record(Some(key), *change))
            .collect();
        let all = json!({
            "rows": rows,
            "others": self.others.map(|change| record(None, change)),
            "total": record(None, self.total),
            "counts": value,
            "base_counts": base,
        });
        format!("{all:#}\n")
    }

    fn all<'a>(
        &'a self,
        others: &'a str,
        total: &'a str,
    ) -> impl Iterator<Item = (&'a str, Change)> {
        let rows = self
            .rows
            .iter()
            .map(|(key, change)| (key.as_str(), *change));
        rows.chain(self.others.map(|change| (others, change)))
            .chain([(total, self.total)])
    }
}

fn row(row: &CountRow) -> (&str, u128) {
    let number = number(row.counts.as_ref(), row.opening.as_ref());
    (row.key.as_str(), number)
}

fn number(counts: Option<&Counts>, opening: Option<&Opening>) -> u128 {
    let counted = counts.map_or(0, |counts| counts.transactions);
    let opening = opening.map_or(0, |opening| opening.transactions);
    u128::from(counted) + u128::from(opening)
}

fn record(key: Option<&str>, change: Change) -> Value {
    let exact = |text: Option<String>| text.and_then(|text| text.parse::<Number>().ok());
    // Beyond 2^64 JSON's readers would round; the answers beside it have the parts.
    let whole = |value: u128| u64::try_from(value).ok();
    let mut record = json!({
        "transactions": whole(change.value),
        "base": whole(change.base),
        "change_percent": exact(change.percent_number()),
        "ratio": exact(change.ratio_number()),
    });
    if let (Some(key), Some(record)) = (key, record.as_object_mut()) {
        record.insert("key".to_owned(), key.into());
    }
    record
}

/// A field by RFC 4180: in quotes where it holds what would end it.
fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\n', '\r']) {
        return format!("\"{}\"", field.replace('"', "\"\""));
    }
    field.to_owned()
}

#[cfg(test)]
mod tests {
    use ndxp_model::Period;

    use super::*;

    fn answer(rows: &[(&str, u64)], total: u64) -> CountResponse {
        let counts = |transactions| {
            Some(Counts {
                transactions,
                ..Counts::default()
            })
        };
        let row = |(key, transactions): &(&str, u64)| CountRow {
            key: (*key).to_owned(),
            counts: counts(*transactions),
            ..CountRow::default()
        };
        CountResponse {
            rows: rows.iter().map(row).collect(),
            total: counts(total),
            ..CountResponse::default()
        }
    }

    fn months() -> Two {
        let zone = Zone::viet_nam();
        let month = |text| zone.month(text).unwrap();
        Two {
            value: month("2022-07"),
            base: month("2021-07"),
        }
    }

    #[test]
    fn what_either_period_has_stands_beside_what_the_other_has() {
        let value = answer(&[("a", 120), ("b", 50), ("c,d", 7)], 177);
        let base = answer(&[("a", 100), ("b", 60), ("e", 3)], 163);
        let sheet = Sheet::of(&value, &base, false);
        assert_eq!(
            sheet.csv(),
            "key,transactions,base,change_percent,ratio\n\
             a,120,100,20.0,1.20\n\
             b,50,60,-16.7,0.83\n\
             \"c,d\",7,0,,\n\
             e,0,3,-100.0,0.00\n\
             total,177,163,8.6,1.08\n"
        );
        let table = sheet.table(
            Dimension::Service,
            months(),
            &Zone::viet_nam(),
            Language::Vietnamese,
        );
        assert_eq!(
            table,
            "service  2022-07  2021-07  thay đổi  số lần\n\
             a            120      100    +20,0%    1,20\n\
             b             50       60    −16,7%    0,83\n\
             c,d            7        0         –       –\n\
             e              0        3   −100,0%    0,00\n\
             tổng         177      163     +8,6%    1,08\n"
        );
    }

    #[test]
    fn of_a_top_the_others_are_what_is_left_of_both_totals() {
        let value = answer(&[("b", 50), ("a", 20)], 100);
        let base = answer(&[("a", 10), ("b", 60), ("c", 3)], 73);
        let sheet = Sheet::of(&value, &base, true);
        assert_eq!(sheet.others, Some(Change { value: 30, base: 3 }));
        let keys: Vec<_> = sheet.all("others", "total").map(|(key, _)| key).collect();
        assert_eq!(keys, ["b", "a", "others", "total"]);
    }

    #[test]
    fn opening_balances_are_in_both_numbers_where_they_were_asked_for() {
        let opening = |transactions| {
            Some(Opening {
                transactions,
                ..Opening::default()
            })
        };
        let mut value = answer(&[("a", 20)], 20);
        value.rows[0].opening = opening(40);
        value.opening = opening(40);
        let mut base = answer(&[("a", 0)], 0);
        base.rows[0].opening = opening(50);
        base.opening = opening(50);
        let sheet = Sheet::of(&value, &base, false);
        let json: Value = serde_json::from_str(&sheet.json(Value::Null, Value::Null)).unwrap();
        let wanted = json!({"transactions": 60, "base": 50, "change_percent": 20.0, "ratio": 1.2});
        assert_eq!(json["total"], wanted);
        assert_eq!(json["rows"][0]["key"], "a");
        let nothing = Sheet::of(&value, &answer(&[], 0), false);
        let json: Value = serde_json::from_str(&nothing.json(Value::Null, Value::Null)).unwrap();
        assert_eq!(json["total"]["ratio"], Value::Null);
    }

    #[test]
    fn periods_are_headed_as_they_would_be_asked_for() {
        let zone = Zone::viet_nam();
        let two = Two {
            value: Period {
                from: zone.moment("2022-07-01").unwrap().from,
                to: zone.moment("2022-07-22").unwrap().to,
            },
            ..months()
        };
        let sheet = Sheet::of(&answer(&[], 1), &answer(&[], 1), false);
        let table = sheet.table(Dimension::Unspecified, two, &zone, Language::English);
        assert!(table.contains("2022-07-01..2022-07-22  2021-07"), "{table}");
    }
}
