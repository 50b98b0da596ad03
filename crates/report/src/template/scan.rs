//! What a template mentions by name, wherever it stands: also in branches that this report does
//! not take. A name that does not exist is found before anything is written.

/// A name in a template, with its line, counted from 1.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Mention {
    pub line: usize,
    pub sort: Sort,
    pub name: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sort {
    /// `figure("…")`.
    Figure,
    /// `table("…")`.
    Table,
    /// `… | name`.
    Filter,
    /// `{% name … %}`.
    Tag,
    /// A variable, function, or keyword.
    Word,
}

/// Everything that the code in a template mentions, in order. A template that does not parse may
/// be misread; the engine refuses it in any case.
pub(crate) fn mentions(source: &str) -> Vec<Mention> {
    let mut found = Vec::new();
    let mut rest = source;
    let mut raw = false;
    while let Some(start) = rest.find('{') {
        let (_, code) = rest.split_at(start);
        let Some((end_mark, is_block)) = opening(code) else {
            rest = code.get(1..).unwrap_or_default();
            continue;
        };
        let Some(inner) = code.get(2..) else { break };
        let line = line_of(source, inner);
        let (tokens, behind) = tokens(inner, end_mark, line);
        rest = behind;
        let tag = first_word(&tokens).filter(|_| is_block);
        if raw {
            raw = tag != Some("endraw");
        } else if tag == Some("raw") {
            raw = true;
        } else if end_mark != "#}" {
            mentioned(&tokens, is_block, &mut found);
        }
    }
    found
}

/// The mark that ends what begins here, and whether it is a block.
fn opening(code: &str) -> Option<(&'static str, bool)> {
    match code.get(..2)? {
        "{{" => Some(("}}", false)),
        "{%" => Some(("%}", true)),
        "{#" => Some(("#}", false)),
        _ => None,
    }
}

/// `part` is a tail of `source`: the line on which it begins.
fn line_of(source: &str, part: &str) -> usize {
    let before = source.get(..source.len() - part.len());
    1 + before.map_or(0, |text| text.matches('\n').count())
}

#[derive(Debug)]
enum Token<'a> {
    Word(&'a str),
    Text(&'a str),
    Mark(char),
}

/// The tokens up to the end mark, each with its line, and what stands behind the mark. In a
/// comment nothing is a token.
fn tokens<'a>(code: &'a str, end_mark: &str, line: usize) -> (Vec<(Token<'a>, usize)>, &'a str) {
    let mut found = Vec::new();
    if end_mark == "#}" {
        return (
            found,
            code.split_once(end_mark).map_or("", |(_, rest)| rest),
        );
    }
    let mut rest = code;
    loop {
        let at = line
            + code.len().checked_sub(rest.len()).map_or(0, |length| {
                let before = code.get(..length).unwrap_or_default();
                before.matches('\n').count()
            });
        if let Some(behind) = rest.strip_prefix(end_mark) {
            return (found, behind);
        }
        let Some(c) = rest.chars().next() else {
            return (found, "");
        };
        let length = match c {
            '"' | '\'' => match quoted_length(rest, c) {
                Some(length) => length,
                None => return (found, ""),
            },
            _ if word_char(c) => rest.find(|c| !word_char(c)).unwrap_or(rest.len()),
            _ => c.len_utf8(),
        };
        let (token, behind) = rest.split_at(length);
        match c {
            '"' | '\'' => {
                let text = token.get(1..token.len().saturating_sub(1));
                found.push((Token::Text(text.unwrap_or_default()), at));
            }
            _ if word_char(c) => found.push((Token::Word(token), at)),
            _ if c.is_whitespace() => {}
            _ => found.push((Token::Mark(c), at)),
        }
        rest = behind;
    }
}

fn word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Length of a quoted text with both its marks. `None` for one that does not end.
fn quoted_length(text: &str, mark: char) -> Option<usize> {
    let mut escaped = false;
    for (place, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == mark => return Some(place + c.len_utf8()),
            _ => {}
        }
    }
    None
}

fn first_word<'a>(tokens: &[(Token<'a>, usize)]) -> Option<&'a str> {
    tokens.iter().find_map(|(token, _)| match token {
        Token::Word(word) => Some(*word),
        _ => None,
    })
}

fn mentioned(tokens: &[(Token<'_>, usize)], is_block: bool, found: &mut Vec<Mention>) {
    let mut tag_is_next = is_block;
    for (place, (token, line)) in tokens.iter().enumerate() {
        let Token::Word(word) = token else { continue };
        let before = place.checked_sub(1).and_then(|it| tokens.get(it));
        let sort = match before {
            _ if tag_is_next => Sort::Tag,
            Some((Token::Mark('|'), _)) => Sort::Filter,
            Some((Token::Mark('.'), _)) => continue,
            _ => Sort::Word,
        };
        tag_is_next = false;
        let mention = |sort, name: &str| Mention {
            line: *line,
            sort,
            name: name.to_owned(),
        };
        found.push(mention(sort, word));
        let called = match (tokens.get(place + 1), tokens.get(place + 2)) {
            (Some((Token::Mark('('), _)), Some((Token::Text(text), _))) => *text,
            _ => continue,
        };
        match *word {
            "figure" => found.push(mention(Sort::Figure, called)),
            "table" => found.push(mention(Sort::Table, called)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(source: &str, sort: Sort) -> Vec<(usize, String)> {
        let all = mentions(source).into_iter();
        all.filter(|it| it.sort == sort)
            .map(|it| (it.line, it.name))
            .collect()
    }

    #[test]
    fn names_are_found_in_every_branch_with_their_lines() {
        let source = "a { b }\n{{ figure(\"one\").value }} {# figure(\"no\") #}\n\
                      {% if false %}{{ figure( 'two' ) | upper }}{% endif %}\n\
                      {% raw %}{{ figure(\"no\") }}{% endraw %}\n\
                      {{ \"figure('no') | no\" ~ table(\"days\").title|join(\n\"x\") }}";
        let figures = [(2, "one".to_owned()), (3, "two".to_owned())];
        assert_eq!(named(source, Sort::Figure), figures);
        let filters = [(3, "upper".to_owned()), (5, "join".to_owned())];
        assert_eq!(named(source, Sort::Filter), filters);
        assert_eq!(named(source, Sort::Table), [(5, "days".to_owned())]);
        let tags = [(3, "if".to_owned()), (3, "endif".to_owned())];
        assert_eq!(named(source, Sort::Tag), tags);
    }

    #[test]
    fn what_does_not_end_ends_with_the_template() {
        for source in ["{{", "{%", "{{ 'a", "{{ figure(\"", "{#", "{", "{{ \"\\"] {
            assert!(named(source, Sort::Figure).is_empty(), "{source}");
        }
    }
}
