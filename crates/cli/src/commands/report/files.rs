//! The files of a report: what is written, and templates read and written. Nothing is half
//! written, and nothing that stands is written over unless it was named as the output.

use std::fs::{self, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use ndxp_report::{TEMPLATE_BYTES_MAX, Templates};

use crate::failure::Failure;

/// Ends of the names of files that are templates; others in the folder are none of ours.
const TEMPLATE_ENDS: [&str; 3] = ["html", "md", "txt"];

/// The program's templates with those of the folder in their places.
pub fn read_templates(folder: &Path) -> Result<Templates, Failure> {
    let failed = |error| no_file("templates cannot be read from", folder, &error);
    let mut templates = Templates::built_in();
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let end = path.extension().and_then(|end| end.to_str());
        if end.is_some_and(|end| TEMPLATE_ENDS.contains(&end)) && path.is_file() {
            names.push(path);
        }
    }
    names.sort();
    for path in names {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let source = read_bounded(&path)?;
        templates
            .replace(&name, source)
            .map_err(|error| Failure::usage(format_args!("{}: {error}", folder.display())))?;
    }
    Ok(templates)
}

/// One byte more than may be there is enough to see that there is too much.
fn read_bounded(path: &Path) -> Result<String, Failure> {
    let failed = |error| no_file("cannot read", path, &error);
    let bound = u64::try_from(TEMPLATE_BYTES_MAX).unwrap_or(u64::MAX) + 1;
    let mut source = String::new();
    let file = fs::File::open(path).map_err(failed)?;
    file.take(bound)
        .read_to_string(&mut source)
        .map_err(failed)?;
    Ok(source)
}

/// Writes the program's own templates, to be changed and named with `--templates`.
pub fn export_templates(folder: &Path) -> Result<(), Failure> {
    let failed = |error| no_file("cannot make", folder, &error);
    fs::create_dir_all(folder).map_err(failed)?;
    let templates = Templates::built_in();
    for (name, _) in templates.each() {
        if folder.join(name).exists() {
            let what = format!("{} stands already", folder.join(name).display());
            let remedy = "name another folder; what somebody has written is not written over";
            return Err(Failure::usage(what).remedy(remedy));
        }
    }
    for (name, source) in templates.each() {
        let path = folder.join(name);
        let written = fs::File::create_new(&path).and_then(|mut file| {
            file.write_all(source.as_bytes())?;
            file.sync_all()
        });
        written.map_err(|error| no_file("cannot write", &path, &error))?;
    }
    Ok(())
}

/// Puts a file in the place of what stood there, at once. What is no file, such as a pipe, is
/// written to.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = match fs::metadata(path) {
        Ok(found) if !found.is_file() => fs::OpenOptions::new()
            .write(true)
            .open(path)
            .and_then(|mut pipe| pipe.write_all(bytes)),
        _ => replace(path, bytes),
    };
    written.map_err(|error| no_file("cannot write", path, &error))
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // As any file that the user makes; the umask takes its share.
    let mut file = tempfile::Builder::new()
        .prefix(".ndxp-report-")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
        // Without the name of the file that could not be made.
        .map_err(|error| io::Error::from(error.kind()))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn no_file(what: &str, path: &Path, error: &io::Error) -> Failure {
    let what = format!("{what} {}: {error}", path.display());
    Failure::usage(what).remedy("name a place that exists and that you may use")
}
