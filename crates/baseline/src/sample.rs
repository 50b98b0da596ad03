//! Imports for the tests of this crate.

use ndxp_proto::journal::v1::{BaselineImported, BaselineRow, Connection};

use crate::span::Span;

/// A row in total, of transactions.
pub fn row(period: &str) -> BaselineRow {
    let span: Span = period.parse().unwrap();
    BaselineRow {
        from_day: span.from.map(|day| day.number()),
        to_day: span.to.map(|day| day.number()),
        source: 1,
        value: 10,
        ..BaselineRow::default()
    }
}

/// An import of rows in total.
pub fn entry(periods: &[&str]) -> BaselineImported {
    BaselineImported {
        sources: vec!["Báo cáo năm".to_owned()],
        rows: periods.iter().map(|period| row(period)).collect(),
        ..BaselineImported::default()
    }
}

/// An import of rows as (period, connection, measure); three connections and two measures are known.
pub fn import(rows: &[(&str, u32, u32)]) -> BaselineImported {
    let rows = rows
        .iter()
        .map(|(period, connection, measure)| BaselineRow {
            connection: *connection,
            measure: *measure,
            ..row(period)
        });
    BaselineImported {
        connections: ["H01/lgsp", "H02/lgsp", "H03/lgsp"].map(connection).into(),
        measures: vec!["records".to_owned(), "documents_sent".to_owned()],
        rows: rows.collect(),
        ..entry(&[])
    }
}

pub fn connection(consumer: &str) -> Connection {
    Connection {
        consumer: consumer.to_owned(),
        provider: "G01/population".to_owned(),
        service: "a.v1.Verify".to_owned(),
    }
}
