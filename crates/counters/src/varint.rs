//! Numbers in as few bytes as they need: seven bits in each byte, the lowest first, the highest
//! bit set in all but the last (protobuf's varint, up to 128 bits).

use crate::value::ValueError;

pub fn put(bytes: &mut Vec<u8>, value: u64) {
    put_wide(bytes, value.into());
}

pub fn put_wide(bytes: &mut Vec<u8>, mut value: u128) {
    loop {
        let low = u8::try_from(value & 0x7f).expect("seven bits");
        value >>= 7;
        if value == 0 {
            return bytes.push(low);
        }
        bytes.push(low | 0x80);
    }
}

/// Small numbers of either sign: 0, -1, 1, -2, … become 0, 1, 2, 3, …
pub const fn unsigned(value: i128) -> u128 {
    ((value << 1) ^ (value >> 127)).cast_unsigned()
}

/// The number that became this.
pub const fn signed(value: u128) -> i128 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

/// Reads from the front of bytes that came from outside.
#[derive(Debug)]
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    pub fn byte(&mut self) -> Result<u8, ValueError> {
        let (byte, rest) = self.0.split_first().ok_or(ValueError::Short)?;
        self.0 = rest;
        Ok(*byte)
    }

    pub fn bytes(&mut self, length: u64) -> Result<&'a [u8], ValueError> {
        let length = usize::try_from(length).map_err(|_| ValueError::Short)?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or(ValueError::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    pub fn chunk<const N: usize>(&mut self) -> Result<[u8; N], ValueError> {
        let (chunk, rest) = self.0.split_first_chunk::<N>().ok_or(ValueError::Short)?;
        self.0 = rest;
        Ok(*chunk)
    }

    pub fn number(&mut self) -> Result<u64, ValueError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(ValueError::Number);
            }
            value |= bits << shift;
            if byte < 0x80 {
                return canonical(value, byte, shift);
            }
        }
        Err(ValueError::Number)
    }

    pub fn wide(&mut self) -> Result<u128, ValueError> {
        let mut value = 0_u128;
        for shift in (0..128).step_by(7) {
            let byte = self.byte()?;
            let bits = u128::from(byte & 0x7f);
            if shift == 126 && bits > 3 {
                return Err(ValueError::Number);
            }
            value |= bits << shift;
            if byte < 0x80 {
                return canonical(value, byte, shift);
            }
        }
        Err(ValueError::Number)
    }

    pub fn end(&self) -> Result<(), ValueError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(ValueError::Long)
        }
    }
}

/// Nobody writes a last byte that adds nothing.
fn canonical<T>(value: T, last: u8, shift: i32) -> Result<T, ValueError> {
    if last == 0 && shift > 0 {
        return Err(ValueError::Number);
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(narrow: u64, wide: u128, shift in 0..128_u32, negative: i128) {
            // A difference of two u64 is the widest number of either sign that is written.
            let (wide, negative) = (wide >> shift, negative >> 1 >> (shift.min(126)));
            let narrow = narrow >> (shift / 2);
            let mut bytes = Vec::new();
            put(&mut bytes, narrow);
            put_wide(&mut bytes, wide);
            put_wide(&mut bytes, unsigned(negative));
            let mut input = Input(&bytes);
            prop_assert_eq!(input.number(), Ok(narrow));
            prop_assert_eq!(input.wide(), Ok(wide));
            prop_assert_eq!(input.wide().map(signed), Ok(negative));
            prop_assert_eq!(input.end(), Ok(()));
        }
    }

    #[test]
    fn what_nobody_writes_is_refused() {
        let number = |bytes: &[u8]| Input(bytes).number();
        assert_eq!(number(&[]), Err(ValueError::Short));
        assert_eq!(number(&[0x80]), Err(ValueError::Short));
        assert_eq!(number(&[0x80, 0]), Err(ValueError::Number));
        let most = [[0xff; 9].as_slice(), &[1]].concat();
        assert_eq!(number(&most), Ok(u64::MAX));
        let beyond = [[0xff; 9].as_slice(), &[2]].concat();
        assert_eq!(number(&beyond), Err(ValueError::Number));
        let wide = [[0xff; 18].as_slice(), &[3]].concat();
        assert_eq!(Input(&wide).wide(), Ok(u128::MAX));
        let beyond = [[0xff; 18].as_slice(), &[4]].concat();
        assert_eq!(Input(&beyond).wide(), Err(ValueError::Number));
        assert_eq!(Input(&[1]).end(), Err(ValueError::Long));
    }
}
