//! Inputs like those of the corpus, and unlike them: flipped, cut, spliced, repeated, and with
//! words and numbers put in where nobody expects them.

use fastrand::Rng;

use crate::corpus::Corpus;

/// Longest input that is made; the longest of the corpus, a segment, has 4 KiB.
const BYTES_MAX: usize = 12 << 10;
const CHANGES_MAX: usize = 5;
/// At the edges of what numbers hold.
const NUMBERS: [u64; 10] = [
    0,
    1,
    0x7f,
    0xff,
    0x7fff_ffff,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    0xffff_ffff_ffff_fffe,
    0xffff_ffff_ffff_ffff,
];

pub fn of(corpus: &Corpus, random: &mut Rng) -> Vec<u8> {
    let mut input = chosen(corpus, random).to_vec();
    for _ in 0..random.usize(1..=CHANGES_MAX) {
        change(&mut input, corpus, random);
        input.truncate(BYTES_MAX);
    }
    input
}

fn chosen<'a>(corpus: &'a Corpus, random: &mut Rng) -> &'a [u8] {
    let (_, input) = &corpus.inputs[random.usize(..corpus.inputs.len())];
    input
}

fn change(input: &mut Vec<u8>, corpus: &Corpus, random: &mut Rng) {
    let from = random.usize(..=input.len());
    let to = random.usize(from..=input.len().min(from + 64));
    match random.u8(..11) {
        0 if from < input.len() => input[from] ^= 1 << random.u8(..8),
        1 if from < input.len() => input[from] = random.u8(..),
        2 => {
            input.drain(from..to);
        }
        3 => input.truncate(from),
        4 => {
            let again = input[from..to].to_vec();
            insert(input, from, &again);
        }
        5 => {
            let few: Vec<u8> = std::iter::repeat_with(|| random.u8(..))
                .take(to - from)
                .collect();
            insert(input, from, &few);
        }
        6 => {
            let other = chosen(corpus, random);
            let behind = random.usize(..=other.len());
            input.truncate(from);
            input.extend(&other[behind..]);
        }
        7 => {
            let number = NUMBERS[random.usize(..NUMBERS.len())];
            let (width, little) = (random.choice([1, 2, 4, 8]).unwrap(), random.bool());
            let bytes = if little {
                number.to_le_bytes()
            } else {
                number.to_be_bytes()
            };
            let bytes = if little {
                &bytes[..width]
            } else {
                &bytes[8 - width..]
            };
            replace(input, from, bytes);
        }
        8 | 9 if !corpus.words.is_empty() => {
            let word = corpus.words[random.usize(..corpus.words.len())].clone();
            if random.bool() {
                insert(input, from, &word);
            } else {
                input.splice(from..to, word);
            }
        }
        _ => input.push(random.u8(..)),
    }
}

fn insert(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    input.splice(at..at, bytes.iter().copied());
}

/// Over what stands there, so that what follows keeps its place.
fn replace(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = input.len().min(at + bytes.len());
    input.splice(at..end, bytes.iter().copied());
}
