//! TOML 1.0 as a tree.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::tree::{Key, Node, SyntaxError, Table, Value};

/// # Errors
/// Every place at which the text is not TOML.
pub(super) fn read(text: &str) -> Result<Table, Vec<SyntaxError>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(table(document.get_ref()));
    }
    let told = |error: toml::de::Error| SyntaxError {
        span: error.span().unwrap_or(0..0),
        message: error.message().replace('\n', " "),
    };
    Err(errors.into_iter().map(told).collect())
}

/// The parser bounds how deep tables nest.
fn table(fields: &DeTable<'_>) -> Table {
    let field = |(key, value): (&Spanned<toml::de::DeString<'_>>, &Spanned<DeValue<'_>>)| {
        let key = Key {
            text: key.get_ref().to_string(),
            span: key.span(),
        };
        (key, node(value))
    };
    fields.iter().map(field).collect()
}

fn node(value: &Spanned<DeValue<'_>>) -> Node {
    let span = value.span();
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(integer) => Value::Integer {
            digits: integer.as_str().to_owned(),
            radix: integer.radix(),
        },
        DeValue::Float(_) => Value::Float,
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Datetime(datetime) => Value::Moment(datetime.to_string()),
        DeValue::Array(elements) => Value::List(elements.iter().map(node).collect()),
        DeValue::Table(fields) => Value::Table(table(fields)),
    };
    Node { value, span }
}
