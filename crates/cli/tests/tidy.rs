//! What a reader may rely on in every file, checked: it says why it exists, it is short, its
//! functions are short, and the top of the tree holds what `docs/architecture.md` lists.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 500;
/// For code. Tests are data: one table may be as long as the feature has cases.
const FUNCTION_LINES_MAX: usize = 70;
const ARCHITECTURE_LINES_MAX: usize = 300;

/// What is over a limit and may stay so, with the size that it may not exceed and the reason.
/// The list only shrinks: an exception that is no longer needed fails, and so does one that grew.
const EXCEPTIONS: &[Exception] = &[Exception {
    place: "crates/model/src/reason.rs:meaning",
    lines: 137,
    reason: "the table of all reasons, which is read from top to bottom as one",
}];

/// Everything that may lie at the top, folders with a stroke.
const TOP: [&str; 18] = [
    ".ci/",
    ".gitignore",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "clippy.toml",
    "crates/",
    "deny.toml",
    "deploy/",
    "docs/",
    "fuzz/",
    "proto/",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "tests/",
];

/// Lies at the top where it was used, and is no part of the source.
const TOP_UNTRACKED: [&str; 3] = [".git", "target", "ndxp.toml"];

struct Exception {
    /// `path`, or `path:function`.
    place: &'static str,
    lines: usize,
    reason: &'static str,
}

/// A file or function over its limit.
#[derive(Debug)]
struct Long {
    place: String,
    lines: usize,
}

/// Pages whose word is only as good as the tests that they name.
const PROMISING: [&str; 2] = ["docs/reliability.md", "docs/threat-model.md"];

#[test]
fn documents_name_tests_that_exist() {
    let sources: Vec<(String, String)> = sources().collect();
    let is_there = |name: &str| match name.trim_end_matches("::").rsplit("::").next() {
        Some(last) => sources.iter().any(|(path, text)| {
            let file = Path::new(path).file_stem().is_some_and(|stem| stem == last);
            file || [format!("fn {last}("), format!("mod {last} ")]
                .iter()
                .any(|declared| text.contains(declared))
        }),
        None => false,
    };
    let mut missing = Vec::new();
    let mut found = 0;
    for page in PROMISING {
        let text = fs::read_to_string(root().join(page)).expect("the page can be read");
        for quoted in text.split('`').skip(1).step_by(2) {
            let is_name =
                |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || "_:".contains(it);
            if quoted.contains("::") && quoted.chars().all(is_name) {
                found += 1;
                if !is_there(quoted) {
                    missing.push(format!("{page}: {quoted}"));
                }
            }
        }
    }
    assert!(missing.is_empty(), "no such tests: {missing:#?}");
    assert!(found > 40, "{found} names: the pages are read wrongly");
}

#[test]
fn every_file_opens_by_saying_why_it_exists() {
    let silent: Vec<String> = sources()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(path, _)| path)
        .collect();
    assert!(silent.is_empty(), "without `//!` at the top: {silent:?}");
}

#[test]
fn files_and_functions_are_short_or_excepted_with_a_reason() {
    let long: Vec<Long> = sources()
        .flat_map(|(path, text)| long_in(&path, &text))
        .collect();
    let mut wrong: Vec<String> = long
        .iter()
        .filter(|it| !excepted(it))
        .map(|it| format!("{} has {} lines", it.place, it.lines))
        .collect();
    for exception in EXCEPTIONS {
        assert!(!exception.reason.is_empty(), "{}", exception.place);
        if !long.iter().any(|it| it.place == exception.place) {
            wrong.push(format!("{} needs no exception any more", exception.place));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_top_of_the_tree_is_as_designed() {
    let found: BTreeSet<String> = fs::read_dir(root())
        .expect("the root is readable")
        .map(|entry| entry.expect("the root is readable"))
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            match entry.path().is_dir() {
                true => name + "/",
                false => name,
            }
        })
        .filter(|name| !TOP_UNTRACKED.contains(&name.trim_end_matches('/')))
        .collect();
    let wanted: BTreeSet<String> = TOP.into_iter().map(str::to_owned).collect();
    let strange: Vec<_> = found.difference(&wanted).collect();
    let missing: Vec<_> = wanted.difference(&found).collect();
    assert!(
        strange.is_empty() && missing.is_empty(),
        "unexpected: {strange:?}; missing: {missing:?}"
    );
}

#[test]
fn the_architecture_page_can_be_read_in_one_sitting() {
    let page = fs::read_to_string(root().join("docs/architecture.md")).expect("the page stands");
    let lines = page.lines().count();
    assert!(lines <= ARCHITECTURE_LINES_MAX, "{lines} lines");
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page is readable UTF-8");
        let folder = page.parent().expect("a page lies in a folder");
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let file = link.split('#').next().unwrap_or_default();
            let elsewhere = link.contains("://") || file.is_empty();
            if !elsewhere && !folder.join(file).exists() {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn the_measure_of_a_function_is_from_its_first_line_to_its_last() {
    let body = "    step();\n".repeat(FUNCTION_LINES_MAX);
    let text = format!(
        "fn short() {{}}\n\npub async fn long(\n    of: u8,\n) {{\n{body}}}\n\n\
         #[test]\nfn table() {{\n{body}}}\n"
    );
    let long = long_in("a.rs", &text);
    let found: Vec<_> = long
        .iter()
        .map(|it| (it.place.as_str(), it.lines))
        .collect();
    assert_eq!(found, [("a.rs:long", FUNCTION_LINES_MAX + 4)]);
}

fn excepted(long: &Long) -> bool {
    EXCEPTIONS
        .iter()
        .any(|it| it.place == long.place && long.lines <= it.lines)
}

fn long_in(path: &str, text: &str) -> Vec<Long> {
    let lines: Vec<&str> = text.lines().collect();
    let file = (lines.len() > FILE_LINES_MAX).then(|| Long {
        place: path.to_owned(),
        lines: lines.len(),
    });
    let functions = lines.iter().enumerate().filter_map(|(first, line)| {
        let name = function_name(line)?;
        if first
            .checked_sub(1)
            .and_then(|above| lines.get(above))
            .is_some_and(|it| is_test(it))
        {
            return None;
        }
        let indent = line.len() - line.trim_start().len();
        let closing = format!("{}}}", " ".repeat(indent));
        let length = 1 + lines.get(first..)?.iter().position(|it| **it == closing)?;
        (length > FUNCTION_LINES_MAX).then(|| Long {
            place: format!("{path}:{name}"),
            lines: length,
        })
    });
    file.into_iter().chain(functions).collect()
}

fn is_test(attribute: &str) -> bool {
    ["#[test]", "#[tokio::test", "#[should_panic"]
        .iter()
        .any(|start| attribute.trim_start().starts_with(start))
}

/// The name of the function that begins on this line; none for one that also ends on it.
fn function_name(line: &str) -> Option<&str> {
    let mut words = line.trim_start();
    if line.ends_with('}') || line.ends_with(';') {
        return None;
    }
    for prefix in ["pub(crate) ", "pub(super) ", "pub ", "const ", "async "] {
        words = words.strip_prefix(prefix).unwrap_or(words);
    }
    let name = words.strip_prefix("fn ")?;
    name.split(['(', '<']).next()
}

/// Path within the repository, and text, of every Rust file.
fn sources() -> impl Iterator<Item = (String, String)> {
    let mut folders = vec![root().join("crates"), root().join("tests")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.expect("the tree is readable").path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files.into_iter().map(|path| {
        let text = fs::read_to_string(&path).expect("a source file is readable UTF-8");
        let path = path.strip_prefix(root()).expect("it lies below the root");
        (path.to_string_lossy().into_owned(), text)
    })
}

/// Every document: the pages at the top and all below `docs/`.
fn pages() -> Vec<PathBuf> {
    ["", "docs", "docs/decisions"]
        .into_iter()
        .flat_map(|folder| fs::read_dir(root().join(folder)).expect("the folder stands"))
        .map(|entry| entry.expect("the folder is readable").path())
        .filter(|path| path.extension().is_some_and(|it| it == "md"))
        .collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the workspace stands")
}
