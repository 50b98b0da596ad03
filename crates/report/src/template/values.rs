//! The report as templates see it: every name that they can say, and what an unknown one is
//! answered with.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::{Error, ErrorKind, Value};
use ndxp_model::{Instant, Zone};
use ndxp_proto::statistics::v1::{Figure, GetReportResponse};

use super::figure_values::{absent, figure_value};
use super::record::Record;
use crate::grid::{Cell, Grid};
use crate::nearest::nearest;
use crate::words::measure_noun;
use crate::{DEFINITIONS, Language, RenderError, SERVICE_DEFINITIONS, chart, tables};

/// Every name that a template can say.
const NAMES: [&str; 10] = [
    "figure",
    "figures",
    "lang",
    "loop",
    "paragraphs",
    "report",
    "say",
    "services",
    "table",
    "tables",
];

/// What one rendering knows.
pub(super) struct Values {
    report: Value,
    language: Language,
    /// By name, and in the report's order.
    figures: Arc<Named>,
    tables: Arc<Named>,
    services: Value,
}

/// Things by name.
#[derive(Debug)]
struct Named {
    what: &'static str,
    found: BTreeMap<String, Value>,
    order: Vec<Value>,
    /// Names of those that exist, though this report does not hold them.
    absent: Vec<String>,
}

impl Values {
    pub(super) fn of(report: &GetReportResponse, language: Language) -> Result<Self, RenderError> {
        let mut figures = Named::new("figure");
        for figure in &report.figures {
            figures.add(&figure.name, figure_value(figure, language)?);
        }
        let fixed = DEFINITIONS.iter().map(|it| it.name);
        let absent = fixed.filter(|name| !figures.found.contains_key(*name));
        figures.absent = absent.map(str::to_owned).collect();
        let mut named = Named::new("table");
        for grid in tables::grids(report, language, tables::Detail::Brief)? {
            let drawing = chart::of(report, &grid, language);
            named.add(&grid.name, table_value(&grid, drawing, language));
        }
        let absent = tables::names().filter(|name| !named.found.contains_key(*name));
        named.absent = absent.map(str::to_owned).collect();
        let services = services(report, &figures, language);
        Ok(Self {
            report: report_value(report, language)?,
            language,
            figures: Arc::new(figures),
            tables: Arc::new(named),
            services,
        })
    }

    /// The names of one rendering, with the platform's paragraph for the frames.
    pub(super) fn root(&self, paragraphs: Option<Vec<String>>) -> Value {
        let language = self.language;
        let (figures, tables) = (Arc::clone(&self.figures), Arc::clone(&self.tables));
        let figure = move |name: &str| figures.get(name);
        let table = move |name: &str| tables.get(name);
        let say = move |vietnamese: &str, english: &str| -> String {
            language.pick(vietnamese, english).to_owned()
        };
        let mut root = Record::new("the report");
        if let Some(paragraphs) = paragraphs {
            root = root.with("paragraphs", paragraphs);
        }
        root.with("report", self.report.clone())
            .with("lang", language.pick("vi", "en"))
            .with("figures", self.figures.order.clone())
            .with("tables", self.tables.order.clone())
            .with("services", self.services.clone())
            .with("figure", Value::from_function(figure))
            .with("table", Value::from_function(table))
            .with("say", Value::from_function(say))
            .into_value()
    }

    pub(super) fn knows(&self, name: &str) -> bool {
        NAMES.contains(&name)
    }

    pub(super) fn unknown_word(&self, name: &str) -> String {
        let near = nearest(name, NAMES).unwrap_or_default();
        format!(
            "no value is named {name:?}; the nearest is {near}; there are: {}",
            NAMES.join(", ")
        )
    }

    pub(super) fn unknown_figure(&self, name: &str) -> Option<String> {
        self.figures.unknown(name)
    }

    pub(super) fn unknown_table(&self, name: &str) -> Option<String> {
        self.tables.unknown(name)
    }
}

impl Named {
    fn new(what: &'static str) -> Self {
        Self {
            what,
            found: BTreeMap::new(),
            order: Vec::new(),
            absent: Vec::new(),
        }
    }

    fn add(&mut self, name: &str, value: Value) {
        self.found.insert(name.to_owned(), value.clone());
        self.order.push(value);
    }

    fn get(&self, name: &str) -> Result<Value, Error> {
        match (self.found.get(name), self.unknown(name)) {
            (Some(value), _) => Ok(value.clone()),
            (None, None) => Ok(absent(self.what, name)),
            (None, Some(what)) => Err(Error::new(ErrorKind::InvalidOperation, what)),
        }
    }

    /// What a name that does not exist is answered with: the nearest, and all that do. A
    /// service's figure exists where its name has the form, whether or not the report has it.
    fn unknown(&self, name: &str) -> Option<String> {
        let of_service = self.what == "figure" && crate::definition(name).is_some();
        let known = self.found.keys().chain(&self.absent).map(String::as_str);
        if of_service || known.clone().any(|it| it == name) {
            return None;
        }
        let near = nearest(name, known.clone()).unwrap_or_default();
        let mut all: Vec<&str> = known.collect();
        if self.what == "figure" {
            all.extend(SERVICE_DEFINITIONS.iter().map(|it| it.name));
        }
        let all = all.join(", ");
        let what = self.what;
        Some(format!(
            "no {what} is named {name:?}; the nearest is {near}; there are: {all}"
        ))
    }
}

pub(super) fn title(language: Language) -> &'static str {
    language.pick(
        "KẾT QUẢ KẾT NỐI, CHIA SẺ DỮ LIỆU QUA NỀN TẢNG",
        "DATA EXCHANGE THROUGH THE PLATFORM",
    )
}

fn report_value(report: &GetReportResponse, language: Language) -> Result<Value, RenderError> {
    let zone: Zone = report.time_zone.parse()?;
    let month = zone.month(&report.month)?;
    let local = zone.local(month.from);
    let cut_off = Instant::from_micros(report.cut_off_us);
    let launched = Instant::from_micros(report.launched_at_us);
    let proof = report.figures.first().and_then(|it| it.proof.as_ref());
    let record = Record::new("report")
        .with("title", title(language))
        .with("month", report.month.as_str())
        .with("month_words", language.month(&zone, month.from))
        .with("month_number", i64::from(local.month()))
        .with("year", i64::from(local.year()))
        .with("time_zone", zone.name())
        .with("cut_off", language.minute(&zone, cut_off))
        .with("cut_off_utc", cut_off.to_string())
        .with("by_successor", report.by_successor)
        .with("empty", proof.is_some_and(|it| it.watermark == 0))
        .maybe(
            "launched",
            (report.launched_at_us != 0).then(|| language.date(&zone, launched)),
        );
    Ok(record.into_value())
}

fn table_value(grid: &Grid, drawing: Option<String>, language: Language) -> Value {
    let columns = grid.columns.iter().map(|it| {
        let column = Record::new("column").with("text", it.text.as_str());
        column.with("number", it.number).into_value()
    });
    let first_sum = grid.rows.len().saturating_sub(grid.sums);
    let rows = grid.rows.iter().enumerate().map(|(place, row)| {
        let cells = row.iter().zip(&grid.columns).map(|(cell, column)| {
            let value = Record::new("cell").with("text", cell.text(language));
            let value = value.with("number", column.number);
            value
                .with("words", matches!(cell, Cell::Words(_)))
                .into_value()
        });
        Record::new("row")
            .with("cells", cells.collect::<Vec<_>>())
            .with("sum", place >= first_sum)
            .into_value()
    });
    Record::new(format!("table {}", grid.name))
        .with("available", true)
        .with("name", grid.name.as_str())
        .with("title", grid.title.as_str())
        .with("columns", columns.collect::<Vec<_>>())
        .with("rows", rows.collect::<Vec<_>>())
        .with("notes", grid.notes.clone())
        // Its cells are plain text by now; only its lines are broken on purpose.
        .with("text", Value::from_safe_string(grid.aligned(language)))
        .maybe("chart", drawing.map(Value::from_safe_string))
        .into_value()
}

/// The figures of services, by service, in the order in which the report has them.
fn services(report: &GetReportResponse, figures: &Named, language: Language) -> Value {
    let mut names: Vec<&str> = Vec::new();
    for figure in &report.figures {
        if let Some((_, service)) = figure.name.split_once(':')
            && !names.contains(&service)
        {
            names.push(service);
        }
    }
    let values = names.into_iter().map(|service| {
        let of = |kind: &str| figures.found.get(&format!("{kind}:{service}")).cloned();
        Record::new(format!("service {service}"))
            .with("name", service)
            .with("title", service_title(report, service))
            .maybe("transactions_month", of("transactions_month"))
            .maybe("transactions_since_launch", of("transactions_since_launch"))
            .with(
                "measures",
                measures(&report.figures, service, figures, language),
            )
            .into_value()
    });
    Value::from(values.collect::<Vec<_>>())
}

/// The service's display name where the table of services has one.
fn service_title<'a>(report: &'a GetReportResponse, service: &'a str) -> &'a str {
    let table = report.tables.iter().find(|it| it.name == "services");
    let rows = table.and_then(|it| it.counts.as_ref()).map(|it| &it.rows);
    let row = rows.and_then(|rows| rows.iter().find(|row| row.key == service));
    row.map(|row| row.title.as_str())
        .filter(|title| !title.is_empty())
        .unwrap_or(service)
}

/// The measures of a service: name, what it counts, and the figures for the month and since
/// launch.
fn measures(all: &[Figure], service: &str, figures: &Named, language: Language) -> Vec<Value> {
    let mut names: Vec<&str> = Vec::new();
    for figure in all {
        let measure = figure
            .name
            .split_once(':')
            .filter(|(_, of)| *of == service)
            .and_then(|(kind, _)| kind.strip_prefix("measure_"))
            .and_then(|kind| {
                let month = kind.strip_suffix("_month");
                month.or_else(|| kind.strip_suffix("_since_launch"))
            });
        if let Some(measure) = measure.filter(|it| !names.contains(it)) {
            names.push(measure);
        }
    }
    let values = names.into_iter().map(|name| {
        let of = |period: &str| {
            let figure = format!("measure_{name}_{period}:{service}");
            figures.found.get(&figure).cloned()
        };
        Record::new(format!("measure {name}"))
            .with("name", name)
            .with("noun", measure_noun(name, language).unwrap_or(name))
            .maybe("month", of("month"))
            .maybe("since_launch", of("since_launch"))
            .into_value()
    });
    values.collect()
}
