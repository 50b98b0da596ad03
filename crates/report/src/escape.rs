//! Text from outside made harmless for the form it is written in. Display names, member codes and
//! sources are what others have registered: none of them may become markup, a formula, or a
//! command to a terminal.

/// For one line of text: what would break the line, move the cursor or turn the direction of
/// writing is a space.
pub(crate) fn plain(text: &str) -> String {
    let unseen =
        |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.replace(unseen, " ")
}

/// For HTML, XHTML and SVG, within elements and within quoted attributes. Also without what XML
/// forbids.
pub(crate) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push(' '),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// For Markdown, within a paragraph or a cell of a table: a backslash before everything that
/// could begin markup there. HTML's own marks are entities, since not every reader of Markdown
/// heeds a backslash before them.
pub(crate) fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' | '$' => {
                escaped.push('\\');
                escaped.push(c);
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

/// For a cell of CSV. A spreadsheet takes a cell that begins with one of these marks for a
/// formula; an apostrophe before it makes it text again. A lone `-`, which stands for a key that
/// is not known, is no formula and stays.
pub(crate) fn csv(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '@', '\t', '\r', '\n'])
        || (text.starts_with('-') && text.len() > 1);
    match formula {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_becomes_markup_or_formula() {
        let hostile = "<script>\"a\" & 'b'</script>";
        assert_eq!(
            html(hostile),
            "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;"
        );
        assert_eq!(
            markdown("a|b\n# *x* [y](z) <i> `c` \\"),
            "a\\|b \\# \\*x\\* \\[y\\](z) &lt;i&gt; \\`c\\` \\\\"
        );
        let rows = [
            ("=HYPERLINK(\"x\")", "'=HYPERLINK(\"x\")"),
            ("+1", "'+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2+3", "'-2+3"),
            ("\t=1", "'\t=1"),
            ("-", "-"),
            ("", ""),
            ("H26/lgsp", "H26/lgsp"),
        ];
        for (text, wanted) in rows {
            assert_eq!(csv(text), wanted);
        }
    }

    #[test]
    fn a_line_stays_one_line_and_reads_from_left_to_right() {
        assert_eq!(
            plain("a\nb\r\tc\u{1b}[2Jd\u{202e}e\u{85}"),
            "a b  c [2Jd e "
        );
        assert_eq!(plain("Cần Thơ – 100%"), "Cần Thơ – 100%");
    }
}
