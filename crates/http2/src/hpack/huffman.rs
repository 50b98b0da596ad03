//! Strings in the static Huffman code of RFC 7541, appendix B. They are read and never written: what a
//! shorter string saves the line, coding it costs both ends.
//!
//! The code is canonical: codes of one length follow each other in the order of their symbols, and the
//! lengths alone define it.

/// The length in bits of each byte's code; that of the end of string is the last.
const BITS: [u8; SYMBOLS] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5,
    5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6,
    6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22,
    23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22,
    21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20,
    22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19,
    21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22,
    22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];
const SYMBOLS: usize = 257;
const END_OF_STRING: u16 = 256;
const BITS_MAX: usize = 30;

/// Codes up to this length, which are those of nearly all that headers are written in, are looked up.
const SHORT_BITS: usize = 8;

static CODES: Codes = Codes::new();

/// The code, by length and by first bits.
struct Codes {
    /// Symbols in the order of their codes.
    symbols: [u16; SYMBOLS],
    /// For each length: its first code, how many there are, and where in `symbols` they begin.
    lengths: [(u32, u32, usize); BITS_MAX + 1],
    /// For each eight bits: the symbol that they begin with and the length of its code, or 0.
    short: [(u8, u8); 1 << SHORT_BITS],
}

/// The string's bits are no text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NoText;

impl Codes {
    #[expect(
        clippy::indexing_slicing,
        reason = "computed when this is compiled, from nothing outside"
    )]
    const fn new() -> Self {
        let mut codes = Self {
            symbols: [0; SYMBOLS],
            lengths: [(0, 0, 0); BITS_MAX + 1],
            short: [(0, 0); 1 << SHORT_BITS],
        };
        let (mut code, mut place, mut length) = (0_u32, 0, 1);
        while length <= BITS_MAX {
            code <<= 1;
            codes.lengths[length] = (code, 0, place);
            let mut symbol = 0;
            while symbol < SYMBOLS {
                if BITS[symbol] as usize == length {
                    codes.symbols[place] = symbol as u16;
                    if length <= SHORT_BITS {
                        let spare = SHORT_BITS - length;
                        let mut at = (code as usize) << spare;
                        while at < ((code as usize) + 1) << spare {
                            codes.short[at] = (symbol as u8, length as u8);
                            at += 1;
                        }
                    }
                    code += 1;
                    place += 1;
                    codes.lengths[length].1 += 1;
                }
                symbol += 1;
            }
            length += 1;
        }
        codes
    }

    /// The first symbol of these thirty bits, and the length of its code.
    fn first(&self, bits: u32) -> Option<(u16, usize)> {
        for (length, (first, count, place)) in self.lengths.iter().enumerate().skip(1) {
            let code = bits >> (BITS_MAX - length);
            if code.wrapping_sub(*first) < *count {
                let place = place + usize::try_from(code - first).ok()?;
                return Some((*self.symbols.get(place)?, length));
            }
        }
        None
    }
}

/// Appends the text that the string stands for.
pub fn decode(string: &[u8], text: &mut Vec<u8>) -> Result<(), NoText> {
    // Bits that are not used up yet stand at the low end.
    let (mut bits, mut count) = (0_u64, 0_usize);
    let mut rest = string.iter();
    loop {
        while count <= 56 {
            let Some(byte) = rest.next() else { break };
            bits = (bits << 8) | u64::from(*byte);
            count += 8;
        }
        // Ones stand behind the end, which is how a string is padded.
        let next = match count.checked_sub(BITS_MAX) {
            Some(spare) => bits >> spare,
            None => (bits << (BITS_MAX - count)) | ((1 << (BITS_MAX - count)) - 1),
        };
        let next = u32::try_from(next & ((1 << BITS_MAX) - 1)).map_err(|_| NoText)?;
        let start = usize::try_from(next >> (BITS_MAX - SHORT_BITS)).map_err(|_| NoText)?;
        let (symbol, length) = match CODES.short.get(start) {
            Some((symbol, length)) if *length > 0 => (u16::from(*symbol), usize::from(*length)),
            _ => CODES.first(next).ok_or(NoText)?,
        };
        if length > count {
            // Less than a byte of padding, all of it ones.
            let padding = (1_u64 << count.min(8)) - 1;
            return match count < 8 && bits & padding == padding {
                true => Ok(()),
                false => Err(NoText),
            };
        }
        if symbol == END_OF_STRING {
            return Err(NoText);
        }
        text.push(u8::try_from(symbol).map_err(|_| NoText)?);
        count -= length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(string: &[u8], expected: Result<&[u8], NoText>) {
        let mut text = Vec::new();
        let found = decode(string, &mut text).map(|()| &*text);
        assert_eq!(found, expected, "{string:02x?}");
    }

    #[test]
    fn texts_of_the_rfcs_examples_are_read() {
        check(b"", Ok(b""));
        check(
            &[
                0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff,
            ],
            Ok(b"www.example.com"),
        );
        check(&[0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf], Ok(b"no-cache"));
        check(
            &[0x25, 0xa8, 0x49, 0xe9, 0x5b, 0xb8, 0xe8, 0xb4, 0xbf],
            Ok(b"custom-value"),
        );
    }

    #[test]
    fn every_byte_is_read_and_what_is_no_code_is_refused() {
        for (length, (first, count, place)) in CODES.lengths.iter().enumerate() {
            for nth in 0..*count {
                let symbol = CODES.symbols[place + nth as usize];
                let code = u64::from(first + nth) << (64 - length);
                // Ones behind the code, up to the end of its byte.
                let padded = code | (u64::MAX >> length);
                let bytes = &padded.to_be_bytes()[..length.div_ceil(8)];
                match u8::try_from(symbol) {
                    Ok(byte) => check(bytes, Ok(&[byte])),
                    Err(_) => check(bytes, Err(NoText)),
                }
            }
        }
        // Padding of a whole byte, and padding that is not ones.
        check(&[0x1f, 0xff], Err(NoText));
        check(&[0x18], Err(NoText));
    }
}
