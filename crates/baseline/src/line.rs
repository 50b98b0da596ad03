//! The rows of a file as bytes: each bounded, counted as an editor counts them, the mark at the
//! beginning taken away.

use std::io::{self, BufRead, BufReader, Read};

use crate::limits::LINE_BYTES_MAX;
use crate::problem::Problem;

/// Reads a file row by row.
pub struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    /// Rows read so far.
    row: u64,
}

/// A row by its number, and what it holds or has wrong.
pub type Row<'a> = (u64, Result<&'a [u8], Problem>);

const UTF8_MARK: &[u8] = &[0xef, 0xbb, 0xbf];
const UTF16_MARKS: [&[u8]; 2] = [&[0xff, 0xfe], &[0xfe, 0xff]];

impl<R: Read> Lines<R> {
    pub fn new(reader: R) -> Self {
        Self {
            reader: BufReader::new(reader),
            line: Vec::new(),
            row: 0,
        }
    }

    /// The next row without its end; `None` behind the last.
    ///
    /// # Errors
    /// When the file cannot be read. What is wrong with the row itself is the inner error.
    pub fn next(&mut self) -> io::Result<Option<Row<'_>>> {
        self.line.clear();
        let with_its_end = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX) + 2;
        let mut bounded = self.reader.by_ref().take(with_its_end);
        if bounded.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        self.row += 1;
        let mut line = self.line.as_slice();
        if self.row == 1 {
            if is_utf16(line) {
                return Ok(Some((self.row, Err(Problem::Utf16))));
            }
            line = line.strip_prefix(UTF8_MARK).unwrap_or(line);
        }
        line = line.strip_suffix(b"\n").unwrap_or(line);
        line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = if line.contains(&b'\r') {
            Err(Problem::LoneCr)
        } else if line.len() > LINE_BYTES_MAX {
            Err(Problem::TooLongRow)
        } else {
            Ok(line)
        };
        Ok(Some((self.row, line)))
    }
}

/// By its mark, or by the zero bytes that plain letters have there.
fn is_utf16(line: &[u8]) -> bool {
    UTF16_MARKS.iter().any(|mark| line.starts_with(mark))
        || matches!(line, [0, 1..=127, ..] | [1..=127, 0, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], wanted: &[Result<&[u8], Problem>]) {
        let mut lines = Lines::new(bytes);
        for (row, wanted) in (1..).zip(wanted) {
            let found = lines.next().unwrap();
            assert_eq!(found, Some((row, wanted.clone())));
        }
        assert_eq!(lines.next().unwrap(), None);
    }

    #[test]
    fn rows_end_with_lf_or_cr_lf_and_the_last_may_end_without() {
        check(b"", &[]);
        check(b"a\nb\r\n\nc", &[Ok(b"a"), Ok(b"b"), Ok(b""), Ok(b"c")]);
        check(b"a\rb\rc", &[Err(Problem::LoneCr)]);
        check(b"a\nb\rc\nd", &[Ok(b"a"), Err(Problem::LoneCr), Ok(b"d")]);
    }

    #[test]
    fn a_mark_of_utf_8_is_passed_over_and_one_of_utf_16_is_told() {
        check(
            "\u{feff}a\n\u{feff}b".as_bytes(),
            &[Ok(b"a"), Ok("\u{feff}b".as_bytes())],
        );
        check(b"\xff\xfep\0e\0", &[Err(Problem::Utf16)]);
        check(b"\xfe\xff\0p\0e", &[Err(Problem::Utf16)]);
        check(b"p\0e\0", &[Err(Problem::Utf16)]);
        check(b"\0p\0e", &[Err(Problem::Utf16)]);
    }

    #[test]
    fn a_row_is_bounded() {
        let longest = vec![b'x'; LINE_BYTES_MAX];
        check(&[&longest[..], b"\r\n"].concat(), &[Ok(&longest)]);
        let mut lines = Lines::new(std::io::repeat(b'x'));
        assert_eq!(lines.next().unwrap(), Some((1, Err(Problem::TooLongRow))));
        assert!(lines.line.len() <= LINE_BYTES_MAX + 2);
    }
}
