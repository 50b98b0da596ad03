//! The catalogue files that somebody names, read as one catalogue: files, folders of files, and
//! standard input.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use ndxp_model::Zone;
use ndxp_registry::{CatalogueFile, FILE_BYTES_MAX, Parsed, parse_catalogues};

use crate::failure::Failure;

/// Names standard input.
const STDIN: &str = "-";

const EXTENSIONS: [&str; 3] = ["toml", "yaml", "yml"];

/// Everything that is wrong with any of the files is said at once.
pub fn read(named: &[PathBuf], zone: &Zone) -> Result<Parsed, Failure> {
    let texts: Vec<(String, String)> = expanded(named)?
        .iter()
        .map(|path| text_of(path))
        .collect::<Result<_, _>>()?;
    let files: Vec<CatalogueFile<'_>> = texts
        .iter()
        .map(|(name, text)| CatalogueFile { name, text })
        .collect();
    parse_catalogues(&files, zone).map_err(Failure::usage)
}

/// Folders in place of which their files stand, in the order of their names.
fn expanded(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let unreadable =
            |error| Failure::usage(format_args!("{}: cannot be read: {error}", path.display()));
        let mut found = Vec::new();
        for entry in std::fs::read_dir(path).map_err(unreadable)? {
            let file = entry.map_err(unreadable)?.path();
            if file.is_file() && is_catalogue(&file) {
                found.push(file);
            }
        }
        if found.is_empty() {
            let what = format!("{} holds no catalogue", path.display());
            return Err(Failure::usage(what)
                .remedy("put files with the ending .toml, .yaml or .yml into it"));
        }
        found.sort();
        files.append(&mut found);
    }
    Ok(files)
}

fn is_catalogue(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
}

/// The file's name in errors, and its text: at most a little more than what the parser takes.
fn text_of(path: &Path) -> Result<(String, String), Failure> {
    let limit = u64::try_from(FILE_BYTES_MAX)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let mut text = String::new();
    let (name, read) = if path == Path::new(STDIN) {
        let read = std::io::stdin()
            .lock()
            .take(limit)
            .read_to_string(&mut text);
        ("standard input".to_owned(), read)
    } else {
        let read = File::open(path).and_then(|file| file.take(limit).read_to_string(&mut text));
        (path.display().to_string(), read)
    };
    match read {
        Ok(_) => Ok((name, text)),
        Err(error) => Err(
            Failure::usage(format_args!("{name}: cannot be read: {error}"))
                .remedy("name a catalogue with -f; `ndxp init` writes an example"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(files: &[(&str, &str)], named: &[&str], wanted: Result<&[&str], &str>) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let named: Vec<_> = named.iter().map(|name| folder.path().join(name)).collect();
        let place = format!("{}/", folder.path().display());
        let found = read(&named, &Zone::viet_nam());
        let found = found.map_err(|failure| failure.to_string().replace(&place, ""));
        let found = found.map(|parsed| {
            let codes = parsed
                .catalogue
                .members
                .into_iter()
                .map(|member| member.code);
            codes.collect::<Vec<_>>()
        });
        let wanted = wanted.map(|codes| codes.iter().map(|&code| code.to_owned()).collect());
        assert_eq!(found, wanted.map_err(str::to_owned));
    }

    fn member(code: &str) -> String {
        format!("[[member]]\ncode = \"{code}\"\nname_vi = \"x\"\nclass = \"province\"\n")
    }

    #[test]
    fn a_folder_is_its_files_in_the_order_of_their_names() {
        let (one, two) = (member("H01"), member("H02"));
        check(
            &[
                ("d/b.toml", &one),
                ("d/a.toml", &two),
                ("d/README.md", "#"),
                ("d/e/c.toml", "?"),
            ],
            &["d"],
            Ok(&["H02", "H01"]),
        );
        check(
            &[("b.toml", &one), ("a.toml", &two)],
            &["b.toml", "a.toml"],
            Ok(&["H01", "H02"]),
        );
    }

    #[test]
    fn an_item_in_two_files_is_refused_with_both() {
        let one = member("H01");
        check(
            &[("a.toml", &one), ("b.toml", &one)],
            &["a.toml", "b.toml"],
            Err(
                "error: b.toml:1: member H01: stands twice; it stands first at a.toml:1; join the \
                 two, or take one out",
            ),
        );
    }

    #[test]
    fn yaml_says_the_same_as_toml() {
        let yaml = "member:\n  - code: H03\n    name_vi: x\n    class: province\n";
        check(
            &[("d/a.yaml", yaml), ("d/b.toml", &member("H01"))],
            &["d"],
            Ok(&["H03", "H01"]),
        );
    }

    #[test]
    fn every_wrong_file_is_named() {
        check(
            &[("d/a.toml", "x = 1"), ("d/b.toml", "y = 1")],
            &["d"],
            Err(
                "error: d/a.toml:1: \"x\": no such key; known are member, system, service, grant\n\
                 d/b.toml:1: \"y\": no such key; known are member, system, service, grant",
            ),
        );
    }

    #[test]
    fn what_holds_no_catalogue_is_refused() {
        check(
            &[("d/README.md", "#")],
            &["d"],
            Err("error: d holds no catalogue\n\
                 remedy: put files with the ending .toml, .yaml or .yml into it"),
        );
        let huge = "#".repeat(FILE_BYTES_MAX + 100);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        std::fs::write(&path, huge).unwrap();
        let failure = read(&[path], &Zone::viet_nam()).unwrap_err().to_string();
        assert!(failure.contains("10000001"), "{failure}");
    }
}
