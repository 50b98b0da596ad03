//! A small reader of XHTML: enough to find a tag that is not closed or a text that was not
//! escaped.

/// Every element that opens closes in order, attributes are quoted, and `<` and `&` stand only
/// where markup has them.
#[track_caller]
pub fn check_well_formed(page: &str) {
    let page = page.strip_prefix("<!DOCTYPE html>").expect("a page");
    let mut open: Vec<&str> = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        check_text(&rest[..start]);
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closed out of order");
            continue;
        }
        let name = tag.split([' ', '/']).next().expect("a name");
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric()), "<{tag}>");
        check_attributes(tag);
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    check_text(rest);
    assert!(open.is_empty(), "not closed: {open:?}");
}

#[track_caller]
fn check_text(text: &str) {
    assert!(!text.contains('>'), "a mark that was not escaped: {text}");
    for (place, _) in text.match_indices('&') {
        let entity = text[place..].split(';').next().expect("a part");
        let known = ["&amp", "&lt", "&gt", "&quot", "&#39"];
        assert!(known.contains(&entity), "not an entity: {entity}");
    }
}

#[track_caller]
fn check_attributes(tag: &str) {
    let parts: Vec<&str> = tag.split('"').collect();
    assert!(parts.len() % 2 == 1, "a quote that does not end: <{tag}>");
    for (place, part) in parts.iter().enumerate() {
        match place % 2 {
            1 => check_text(part),
            _ if place + 1 < parts.len() => assert!(part.ends_with('='), "<{tag}>"),
            _ => {}
        }
    }
}

#[test]
fn what_is_not_well_formed_is_found() {
    check_well_formed("<!DOCTYPE html><a b=\"c &amp; d\">x &lt; y<br/></a>");
    for wrong in [
        "<a><b></a></b>",
        "<a>",
        "<a b=\"c>",
        "<a>&</a>",
        "<a>x > y</a>",
        "<a b=c\"d\">",
    ] {
        let page = format!("<!DOCTYPE html>{wrong}");
        let found = std::panic::catch_unwind(|| check_well_formed(&page));
        assert!(found.is_err(), "{wrong}");
    }
}
