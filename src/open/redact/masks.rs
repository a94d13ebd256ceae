//! What takes the place of letters, digits and bytes. No mask has a vowel, so that no word can arise.

use std::collections::HashMap;

/// The digits in which equal values are marked as equal.
const DIGITS: &[u8; 7] = b"xzqjkvw";

/// Numbers for values, so that equal ones get equal masks.
#[derive(Default)]
pub(super) struct Masks {
    words: HashMap<Vec<u8>, usize>,
    values: HashMap<Vec<u8>, usize>,
    boundaries: HashMap<Vec<u8>, usize>,
}

impl Masks {
    /// Replaces each word of a name or an address, the same one by the same mask. The case of letters does not count.
    pub(super) fn words(&mut self, text: &mut [u8]) {
        for word in text.split_mut(|b| !is_letter(*b)) {
            if !word.is_empty() {
                let next = self.words.len();
                let number = *self.words.entry(word.to_ascii_lowercase()).or_insert(next);
                numbered(word, number);
            }
        }
    }

    /// The same of a string with characters of `width` octets, big-endian (BMPString, UniversalString).
    pub(super) fn wide_words(&mut self, text: &mut [u8], width: usize) {
        let mut narrow: Vec<u8> = text
            .chunks(width)
            .map(|unit| match unit {
                [zeros @ .., last] if last.is_ascii() && zeros.iter().all(|b| *b == 0) => *last,
                // Beyond ASCII: part of a word, told apart by its lowest octet.
                [.., last] => 0x80 | *last,
                [] => 0x80,
            })
            .collect();
        self.words(&mut narrow);
        for (unit, octet) in text.chunks_mut(width).zip(narrow) {
            if let [zeros @ .., last] = unit {
                zeros.fill(0);
                *last = octet;
            }
        }
    }

    /// Replaces bytes: a key, a digest, a serial number.
    pub(super) fn value(&mut self, bytes: &mut [u8]) {
        if !bytes.is_empty() && bytes.iter().all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()) {
            return self.words(bytes);
        }
        let next = self.values.len();
        let number = *self.values.entry(bytes.to_vec()).or_insert(next);
        numbered(bytes, number);
    }

    /// What a boundary becomes: of the same length, unlike every other, and unlike any masked line.
    pub(super) fn boundary(&mut self, boundary: &[u8]) -> Vec<u8> {
        let mut masked = boundary.to_vec();
        let mut places: Vec<&mut u8> = masked.iter_mut().filter(|b| b.is_ascii_alphanumeric()).collect();
        // Too short to say anything, or to be told apart.
        if places.len() < 4 {
            return boundary.to_vec();
        }
        let next = self.boundaries.len();
        let mut number = *self.boundaries.entry(boundary.to_vec()).or_insert(next);
        places.iter_mut().for_each(|place| **place = b'b');
        for place in places.iter_mut().rev().take(4) {
            **place = b'0'.saturating_add((number % 10) as u8);
            number /= 10;
        }
        masked
    }
}

/// Letters, digits and what lies beyond ASCII become x; the rest stays.
pub(super) fn text(bytes: &mut [u8]) {
    bytes.iter_mut().filter(|b| is_letter(**b)).for_each(|b| *b = b'x');
}

/// Everything becomes x but line ends and blanks.
pub(super) fn lines(bytes: &mut [u8]) {
    bytes.iter_mut().filter(|b| !matches!(**b, b'\r' | b'\n' | b' ' | b'\t' | 0)).for_each(|b| *b = b'x');
}

/// Everything becomes x.
pub(super) fn fill(bytes: &mut [u8]) {
    bytes.fill(b'x');
}

fn is_letter(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || octet >= 0x80
}

fn numbered(bytes: &mut [u8], mut number: usize) {
    for octet in bytes.iter_mut().rev() {
        *octet = DIGITS.get(number % DIGITS.len()).copied().unwrap_or(b'x');
        number /= DIGITS.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_words_stay_equal_and_others_differ() {
        let mut masks = Masks::default();
        let mut text = *b"Alice <alice@example.com>";
        masks.words(&mut text);
        assert_eq!(&text, b"xxxxx <xxxxx@xxxxxxz.xxq>");
        let mut wide = *b"\0A\0l\0i\0c\0e\0 \x04\x10\0b";
        masks.wide_words(&mut wide, 2);
        assert_eq!(&wide, b"\0x\0x\0x\0x\0x\0 \0x\0j");
    }

    #[test]
    fn boundaries_stay_apart() {
        let mut masks = Masks::default();
        let one = masks.boundary(b"----=_Part_1");
        let two = masks.boundary(b"----=_Part_2");
        assert_eq!((one.as_slice(), two.as_slice()), (&b"----=_b000_0"[..], &b"----=_b000_1"[..]));
        assert_eq!(masks.boundary(b"----=_Part_1"), one);
        assert_eq!(masks.boundary(b"ab"), b"ab");
    }
}
