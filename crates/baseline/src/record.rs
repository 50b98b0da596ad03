//! One row of a file in its fields, by RFC 4180: separated by commas; what begins with a quote ends
//! with one, and a quote within is doubled. A field does not reach over the end of its row.

use std::borrow::Cow;

/// A row that cannot be cut into fields. Fields are counted from 1.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum QuoteError {
    #[error(
        "the quote that begins field {field} is not closed in the row; close it, and write no line breaks"
    )]
    Open { field: usize },
    #[error(
        "field {field} goes on behind its closing quote; double a quote that belongs to the text"
    )]
    Behind { field: usize },
    #[error(
        "field {field} holds a quote but does not begin with one; put quotes around the whole field and double those within"
    )]
    Stray { field: usize },
}

/// The row's fields.
///
/// # Errors
/// When quotes do not match.
pub fn fields(row: &str) -> Result<Vec<Cow<'_, str>>, QuoteError> {
    let mut fields = Vec::new();
    let mut rest = Some(row);
    while let Some(text) = rest {
        let number = fields.len() + 1;
        let (field, behind) = match text.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted, number)?,
            None => plain_field(text, number)?,
        };
        fields.push(field);
        rest = behind;
    }
    Ok(fields)
}

/// A field, and what follows the comma behind it.
type Cut<'a> = Result<(Cow<'a, str>, Option<&'a str>), QuoteError>;

fn plain_field(text: &str, field: usize) -> Cut<'_> {
    let (plain, behind) = match text.split_once(',') {
        Some((plain, behind)) => (plain, Some(behind)),
        None => (text, None),
    };
    match plain.contains('"') {
        true => Err(QuoteError::Stray { field }),
        false => Ok((Cow::Borrowed(plain), behind)),
    }
}

/// `text` is behind the opening quote.
fn quoted_field(text: &str, field: usize) -> Cut<'_> {
    let mut whole = String::new();
    let mut rest = text;
    loop {
        let (part, behind) = rest.split_once('"').ok_or(QuoteError::Open { field })?;
        whole.push_str(part);
        if let Some(doubled) = behind.strip_prefix('"') {
            whole.push('"');
            rest = doubled;
        } else if behind.is_empty() {
            return Ok((Cow::Owned(whole), None));
        } else if let Some(next) = behind.strip_prefix(',') {
            return Ok((Cow::Owned(whole), Some(next)));
        } else {
            return Err(QuoteError::Behind { field });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_row_is_cut_at_its_commas_and_quotes_hold_it_together() {
        let rows: [(&str, &[&str]); 7] = [
            ("", &[""]),
            ("a,b", &["a", "b"]),
            (",", &["", ""]),
            ("\"a,b\",c", &["a,b", "c"]),
            ("\"\",\"\"\"x\"\"\"", &["", "\"x\""]),
            (" a , b ", &[" a ", " b "]),
            ("a;b", &["a;b"]),
        ];
        for (row, wanted) in rows {
            assert_eq!(fields(row).unwrap(), wanted, "{row:?}");
        }
    }

    #[test]
    fn quotes_that_do_not_match_are_told() {
        let rows = [
            ("a,\"b", QuoteError::Open { field: 2 }),
            ("\"", QuoteError::Open { field: 1 }),
            ("a,\"b\"c", QuoteError::Behind { field: 2 }),
            ("\"a\" ,b", QuoteError::Behind { field: 1 }),
            ("a,b,c \"d\"", QuoteError::Stray { field: 3 }),
        ];
        for (row, wanted) in rows {
            assert_eq!(fields(row), Err(wanted), "{row:?}");
        }
    }

    proptest! {
        #[test]
        fn what_a_writer_of_csv_has_quoted_comes_back(
            wanted in prop::collection::vec("[a-z,\"; é]{0,8}", 1..9),
        ) {
            let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
            writer.write_record(&wanted).unwrap();
            let row = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            prop_assert_eq!(fields(row.trim_end_matches('\n')).unwrap(), wanted);
        }
    }
}
