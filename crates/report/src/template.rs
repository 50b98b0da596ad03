//! The templates of a report: those in the program, and an operator's own in their place. They
//! may only say what the report holds: no files, no clock, a bounded number of steps and a
//! bounded size, and every name that they mention has to exist.

mod figure_values;
mod record;
mod scan;
mod values;

use std::fmt::Write as _;
use std::io;

use minijinja::syntax::SyntaxConfig;
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value,
};
use ndxp_proto::statistics::v1::GetReportResponse;

use self::scan::{Mention, Sort, mentions};
use self::values::Values;
use crate::nearest::nearest;
use crate::numbers::{about, grouped, phrase, stock};
use crate::{Language, RenderError, escape};

/// Steps of the engine that one rendering may take. A report with twenty rows a table takes under
/// 60,000, the longest (a thousand rows in each of six tables) about a million.
const STEPS_MAX: u64 = 5_000_000;
/// Size of what one rendering may write.
const OUTPUT_BYTES_MAX: usize = 16 << 20;
/// Size of one template.
pub const TEMPLATE_BYTES_MAX: usize = 256 << 10;
/// Depth of macros and includes.
const DEPTH_MAX: usize = 50;

/// The templates that are in the program, by the names of their files.
const BUILT_IN: [(&str, &str); 5] = [
    (
        "paragraph.vi.txt",
        include_str!("../templates/paragraph.vi.txt"),
    ),
    (
        "paragraph.en.txt",
        include_str!("../templates/paragraph.en.txt"),
    ),
    ("report.txt", include_str!("../templates/report.txt")),
    ("report.md", include_str!("../templates/report.md")),
    ("report.html", include_str!("../templates/report.html")),
];

/// What a template may filter with.
const FILTERS: [&str; 15] = [
    "about", "code", "default", "first", "grouped", "join", "last", "length", "lower", "phrase",
    "replace", "round", "stock", "trim", "upper",
];

/// Every template of a report, ready to render.
#[derive(Clone, Debug)]
pub struct Templates {
    sources: Vec<(&'static str, String)>,
}

impl Default for Templates {
    fn default() -> Self {
        Self::built_in()
    }
}

impl Templates {
    /// Those in the program.
    #[must_use]
    pub fn built_in() -> Self {
        let sources = BUILT_IN.map(|(name, source)| (name, source.to_owned()));
        Self {
            sources: sources.to_vec(),
        }
    }

    /// File name and text of each.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.sources
            .iter()
            .map(|(name, source)| (*name, source.as_str()))
    }

    /// Puts an operator's template in the place of the one of the same name.
    ///
    /// # Errors
    /// When there is none of that name, or the template is too large.
    pub fn replace(&mut self, name: &str, source: String) -> Result<(), RenderError> {
        if source.len() > TEMPLATE_BYTES_MAX {
            return Err(RenderError::Template {
                template: name.to_owned(),
                line: 1,
                what: format!(
                    "it has {} bytes, and {TEMPLATE_BYTES_MAX} are the most",
                    source.len()
                ),
            });
        }
        match self.sources.iter_mut().find(|(known, _)| *known == name) {
            Some((_, place)) => {
                *place = source;
                Ok(())
            }
            None => {
                let known: Vec<_> = self.each().map(|(name, _)| name).collect();
                Err(RenderError::UnknownTemplate {
                    name: name.to_owned(),
                    nearest: nearest(name, known.iter().copied()).unwrap_or_default(),
                    known: known.join(", "),
                })
            }
        }
    }

    /// Renders a frame (`report.txt`, `report.md`, `report.html`) with the platform's paragraph in
    /// the language.
    pub(crate) fn render(
        &self,
        frame: &str,
        report: &GetReportResponse,
        language: Language,
    ) -> Result<String, RenderError> {
        let values = Values::of(report, language)?;
        let environment = self.environment(&values, language)?;
        let paragraphs = said(&environment, &values, language)?;
        render(&environment, frame, values.root(Some(paragraphs)))
    }

    /// The platform's paragraph under its title.
    pub(crate) fn paragraph(
        &self,
        report: &GetReportResponse,
        language: Language,
    ) -> Result<String, RenderError> {
        let values = Values::of(report, language)?;
        let environment = self.environment(&values, language)?;
        let paragraphs = said(&environment, &values, language)?;
        Ok(format!(
            "{}\n\n{}\n",
            values::title(language),
            paragraphs.join("\n\n")
        ))
    }

    /// The engine with every template checked.
    fn environment(
        &self,
        values: &Values,
        language: Language,
    ) -> Result<Environment<'_>, RenderError> {
        let mut environment = sandbox(language);
        for (name, source) in self.each() {
            let added = environment.add_template(name, source);
            added.map_err(|error| template_error(&error))?;
            let template = environment.get_template(name);
            let template = template.map_err(|error| template_error(&error))?;
            let mentions = mentions(source);
            let undeclared = template.undeclared_variables(false);
            let unknown_word = |it: &Mention| {
                it.sort == Sort::Word && undeclared.contains(&it.name) && !values.knows(&it.name)
            };
            let wrong = mentions.iter().find_map(|it| {
                let what = match it.sort {
                    Sort::Word if unknown_word(it) => values.unknown_word(&it.name),
                    Sort::Word => return None,
                    Sort::Figure => values.unknown_figure(&it.name)?,
                    Sort::Table => values.unknown_table(&it.name)?,
                    Sort::Filter => unknown_filter(&it.name)?,
                    Sort::Tag => forbidden_tag(&it.name)?,
                };
                Some((it.line, what))
            });
            if let Some((line, what)) = wrong {
                let template = name.to_owned();
                return Err(RenderError::Template {
                    template,
                    line,
                    what,
                });
            }
        }
        Ok(environment)
    }
}

fn said(
    environment: &Environment<'_>,
    values: &Values,
    language: Language,
) -> Result<Vec<String>, RenderError> {
    let name = language.pick("paragraph.vi.txt", "paragraph.en.txt");
    Ok(paragraphs(&render(environment, name, values.root(None))?))
}

/// The paragraphs of a text that is broken into lines anywhere: blank lines part them.
fn paragraphs(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let parts = lines.split(|line| line.is_empty());
    let joined = parts.map(|part| {
        let words = part.iter().flat_map(|line| line.split_whitespace());
        words.collect::<Vec<_>>().join(" ")
    });
    joined.filter(|text| !text.is_empty()).collect()
}

fn unknown_filter(name: &str) -> Option<String> {
    if FILTERS.contains(&name) {
        return None;
    }
    let near = nearest(name, FILTERS).unwrap_or_default();
    Some(format!(
        "no filter is named {name:?}; the nearest is {near}; there are: {}",
        FILTERS.join(", ")
    ))
}

/// What would switch off the escaping of names from outside.
fn forbidden_tag(name: &str) -> Option<String> {
    (name == "autoescape")
        .then(|| "autoescape cannot be switched in a report's template".to_owned())
}

/// An engine that knows nothing but what it is given here.
fn sandbox(language: Language) -> Environment<'static> {
    use minijinja::filters;
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_debug(true);
    environment.set_fuel(Some(STEPS_MAX));
    environment.set_recursion_limit(DEPTH_MAX);
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build();
    environment.set_syntax(syntax.expect("the marks are the engine's own"));
    environment.set_auto_escape_callback(|name| match name.rsplit_once('.') {
        Some((_, "html")) => AutoEscape::Html,
        Some((_, "md")) => AutoEscape::Custom(MARKDOWN.into()),
        _ => AutoEscape::None,
    });
    environment.set_formatter(write_value);
    environment.add_filter("default", filters::default);
    environment.add_filter("first", filters::first);
    environment.add_filter("join", filters::join);
    environment.add_filter("last", filters::last);
    environment.add_filter("length", filters::length);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("replace", filters::replace);
    environment.add_filter("round", filters::round);
    environment.add_filter("trim", filters::trim);
    environment.add_filter("upper", filters::upper);
    environment.add_filter("about", move |value: u128| about(value, language));
    environment.add_filter("grouped", move |value: u128| grouped(value, language));
    environment.add_filter("phrase", move |value: u128| phrase(value, language));
    environment.add_filter("stock", move |value: u128| stock(value, language));
    environment.add_filter("code", code);
    environment.add_test("none", minijinja::tests::is_none);
    environment
}

const MARKDOWN: &str = "markdown";

/// A name set as code where the form has a way to: backticks in Markdown, an element in HTML.
fn code(state: &State<'_, '_>, text: &str) -> Value {
    match state.auto_escape() {
        AutoEscape::Html => Value::from_safe_string(format!("<code>{}</code>", escape::html(text))),
        AutoEscape::Custom(_) => Value::from_safe_string(format!(
            "`{}`",
            escape::plain(text).replace(['`', '|'], " ")
        )),
        _ => Value::from(text),
    }
}

/// Writes a value as its form demands. What is not there is not written: a report does not say
/// `none`.
fn write_value(
    output: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    if value.is_none() || value.is_undefined() {
        let detail = "there is no value here: ask with {% if … %} first";
        return Err(Error::new(ErrorKind::InvalidOperation, detail));
    }
    let text = value.to_string();
    let escaped = match state.auto_escape() {
        _ if value.is_safe() => text,
        AutoEscape::Html => escape::html(&text),
        AutoEscape::Custom(_) => escape::markdown(&text),
        _ => escape::plain(&text),
    };
    output.write_str(&escaped).map_err(Error::from)
}

fn render(environment: &Environment<'_>, name: &str, root: Value) -> Result<String, RenderError> {
    let template = environment.get_template(name);
    let template = template.map_err(|error| template_error(&error))?;
    let mut output = Bounded::default();
    let rendered = template.render_captured_to(root, &mut output);
    if output.full {
        return Err(RenderError::Template {
            template: name.to_owned(),
            line: 1,
            what: format!("it writes more than {OUTPUT_BYTES_MAX} bytes"),
        });
    }
    rendered.map_err(|error| template_error(&error))?;
    Ok(String::from_utf8(output.bytes).expect("templates write text"))
}

/// Where a rendering goes, up to its bound.
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
    full: bool,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > OUTPUT_BYTES_MAX {
            self.full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The innermost cause that knows its place, in our words.
fn template_error(error: &Error) -> RenderError {
    let mut innermost = error;
    let mut cause = std::error::Error::source(error);
    while let Some(found) = cause {
        if let Some(found) = found.downcast_ref::<Error>()
            && found.line().is_some()
        {
            innermost = found;
        }
        cause = found.source();
    }
    let mut what = match (innermost.kind(), innermost.detail()) {
        (ErrorKind::OutOfFuel, _) => format!("it takes more than {STEPS_MAX} steps"),
        (kind, None) => kind.to_string(),
        (kind, Some(detail)) => match kind {
            ErrorKind::InvalidOperation => detail.to_owned(),
            _ => format!("{kind}: {detail}"),
        },
    };
    let expression = innermost.range().and_then(|range| {
        let source = innermost.template_source()?;
        source.get(range)
    });
    if let Some(expression) = expression.filter(|text| !text.contains('\n')) {
        let _ = write!(what, " (at `{expression}`)");
    }
    RenderError::Template {
        template: innermost.name().unwrap_or("?").to_owned(),
        line: innermost.line().unwrap_or(1),
        what,
    }
}
