//! What lies in `fuzz/`: inputs, and words that the parser knows.

use std::path::Path;

pub struct Corpus {
    /// File names and what is in them, by name.
    pub inputs: Vec<(String, Vec<u8>)>,
    pub words: Vec<Vec<u8>>,
}

impl Corpus {
    #[track_caller]
    pub fn read(home: &Path, target: &str) -> Self {
        let folder = home.join("corpus").join(target);
        let inputs = files(&folder).into_iter().map(|name| {
            let input = std::fs::read(folder.join(&name)).expect("a file can be read");
            (name, input)
        });
        let dictionary = home.join("dictionaries").join(format!("{target}.dict"));
        let dictionary = std::fs::read_to_string(dictionary).expect("each has a dictionary");
        Self {
            inputs: inputs.collect(),
            words: dictionary.lines().filter_map(word).collect(),
        }
    }
}

/// Names in a folder, sorted.
#[track_caller]
pub fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names
}

/// A line of libFuzzer's dictionaries: `"word"`, in which `\xHH`, `\\` and `\"` stand for bytes.
fn word(line: &str) -> Option<Vec<u8>> {
    let quoted = line.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = Vec::new();
    let mut rest = quoted.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        let taken = match (byte, behind) {
            (b'\\', [b'x', digits @ ..]) => {
                let digits = std::str::from_utf8(&digits[..2]).expect("two digits");
                bytes.push(u8::from_str_radix(digits, 16).expect("two digits"));
                3
            }
            (b'\\', [escaped, ..]) => {
                bytes.push(*escaped);
                1
            }
            _ => {
                bytes.push(*byte);
                0
            }
        };
        rest = &behind[taken..];
    }
    Some(bytes)
}
