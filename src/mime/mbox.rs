//! Files of many mails, one after the other (RFC 4155): where each begins and ends, and its lines as they were before "From "
//! was quoted in them.

use memchr::memchr;
use std::io::{self, BufRead, Write};
use std::ops::Range;

const SEPARATOR: &[u8] = b"From ";

/// Where each mail begins and ends, in bytes from the beginning of the file. A mail begins after a line that begins with
/// "From ", which is the first one or stands behind an empty one; that empty line is no mail's.
///
/// ```
/// let file = b"From a Thu Nov 26 2026\nSubject: 1\n\nHello,\nFrom here\n\nFrom b\nSubject: 2\n\n>From me\n";
/// let mails = smime::mime::mbox::mails(&mut &file[..])?;
/// let texts: Vec<_> = mails.into_iter().map(|mail| &file[mail.start as usize..mail.end as usize]).collect();
/// assert_eq!(texts, [&b"Subject: 1\n\nHello,\nFrom here\n"[..], b"Subject: 2\n\n>From me\n"]);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// What reading gives; [`io::ErrorKind::InvalidData`] where the file does not begin with "From ".
pub fn mails(input: &mut dyn BufRead) -> io::Result<Vec<Range<u64>>> {
    let (mut found, mut offset) = (Vec::<Range<u64>>::new(), 0u64);
    let mut lines = Lines::default();
    // Where the mail would end if a separator came now.
    let mut blank = None;
    // A separator's own line is no mail's.
    let mut between = true;
    while let Some(line) = lines.next(input)? {
        let separates = line.start == SEPARATOR && (offset == 0 || blank.is_some());
        if offset == 0 && !separates {
            let why = "it is no mbox file, which begins with a line \"From ..\"";
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        if separates {
            if let (Some(mail), Some(end)) = (found.last_mut(), blank) {
                mail.end = end;
            }
            between = true;
        } else if std::mem::take(&mut between) {
            found.push(offset..offset);
        }
        let empty = !separates && (line.start == b"\n" || line.start == b"\r\n");
        blank = empty.then_some(offset);
        offset += line.length;
        if let (Some(mail), false) = (found.last_mut(), between) {
            mail.end = offset;
        }
    }
    if let (Some(mail), Some(end)) = (found.last_mut(), blank) {
        mail.end = end;
    }
    Ok(found)
}

/// Lines of any length, of which the beginning is kept.
#[derive(Default)]
struct Lines {
    start: Vec<u8>,
}

struct Line<'l> {
    start: &'l [u8],
    length: u64,
}

impl Lines {
    fn next(&mut self, input: &mut dyn BufRead) -> io::Result<Option<Line<'_>>> {
        self.start.clear();
        let mut length = 0u64;
        loop {
            let piece = match input.fill_buf() {
                Ok(piece) => piece,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            let end = memchr(b'\n', piece).map(|at| at + 1);
            let used = end.unwrap_or(piece.len());
            let missing = SEPARATOR.len().saturating_sub(self.start.len()).min(used);
            self.start.extend_from_slice(piece.get(..missing).unwrap_or_default());
            length += used as u64;
            input.consume(used);
            if end.is_some() || (used == 0 && length > 0) {
                return Ok(Some(Line { start: &self.start, length }));
            }
            if used == 0 {
                return Ok(None);
            }
        }
    }
}

/// Copies a mail, and takes the `>` away that was put before "From " at the beginning of a line, however many there are
/// ("mboxrd").
///
/// ```
/// let mut mail = Vec::new();
/// smime::mime::mbox::copy_unquoted(&mut &b">From me\n>>From you\n> From\n >From\n"[..], &mut mail)?;
/// assert_eq!(mail, b"From me\n>From you\n> From\n >From\n");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// What reading and writing give.
pub fn copy_unquoted(input: &mut dyn BufRead, out: &mut dyn Write) -> io::Result<()> {
    let mut place = Place::Quotes(0);
    loop {
        let piece = match input.fill_buf() {
            Ok(piece) => piece,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        if piece.is_empty() {
            return place.give_back(out);
        }
        let length = piece.len();
        let mut rest = piece;
        while let Some((byte, after)) = rest.split_first() {
            let next = match (place, *byte) {
                (Place::Within, _) => {
                    let end = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
                    let (line, after) = rest.split_at(end);
                    out.write_all(line)?;
                    rest = after;
                    place = if line.ends_with(b"\n") { Place::Quotes(0) } else { Place::Within };
                    continue;
                }
                (Place::Quotes(count), b'>') => Place::Quotes(count + 1),
                (Place::Quotes(count), b'F') if count > 0 => Place::Word(count, 1),
                (Place::Word(count, matched), byte) if SEPARATOR.get(matched) == Some(&byte) => {
                    Place::Word(count, matched + 1)
                }
                (other, _) => {
                    // Nothing is quoted here, and this byte is copied with the rest of its line.
                    other.give_back(out)?;
                    place = Place::Within;
                    continue;
                }
            };
            rest = after;
            place = match next {
                Place::Word(count, matched) if matched == SEPARATOR.len() => {
                    Place::Word(count - 1, matched).give_back(out)?;
                    Place::Within
                }
                next => next,
            };
        }
        input.consume(length);
    }
}

/// Where in its line a copy stands.
#[derive(Clone, Copy)]
enum Place {
    /// Behind so many `>`, with which the line begins.
    Quotes(u64),
    /// Behind so many `>` and so many letters of the separator.
    Word(u64, usize),
    /// Where nothing is quoted any more.
    Within,
}

impl Place {
    /// Writes what was held back.
    fn give_back(self, out: &mut dyn Write) -> io::Result<()> {
        let (quotes, letters) = match self {
            Self::Quotes(count) => (count, 0),
            Self::Word(count, letters) => (count, letters),
            Self::Within => return Ok(()),
        };
        for _ in 0..quotes {
            out.write_all(b">")?;
        }
        out.write_all(SEPARATOR.get(..letters).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    fn texts(file: &[u8], piece: usize) -> Vec<Vec<u8>> {
        let mails = mails(&mut BufReader::with_capacity(piece, file)).unwrap();
        mails.into_iter().map(|mail| file[mail.start as usize..mail.end as usize].to_vec()).collect()
    }

    #[test]
    fn mails_are_found_whatever_pieces_the_file_is_read_in() {
        let file = b"From a\r\nX: 1\r\n\r\nbody\r\nFrom here\r\n\r\nFrom b\r\n\r\nFrom c\r\nX: 3\r\n\r\nend";
        for piece in 1..20 {
            let expected = [&b"X: 1\r\n\r\nbody\r\nFrom here\r\n"[..], b"", b"X: 3\r\n\r\nend"];
            assert_eq!(texts(file, piece), expected, "{piece}");
        }
        assert!(texts(b"", 8).is_empty());
        assert!(texts(b"From a\n", 8).is_empty());
        assert_eq!(texts(b"From a\nX: 1\n\nbody\n\n", 8), [b"X: 1\n\nbody\n"]);
        assert_eq!(mails(&mut &b"Subject: 1\n"[..]).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn quotes_are_taken_away_whatever_pieces_the_file_is_read_in() {
        let quoted = b">From a\n>>From b\nFrom c\n>Fro\n>\n>Fr>From d\n > From\n\n>>Fromage\n>From";
        let expected = b"From a\n>From b\nFrom c\n>Fro\n>\n>Fr>From d\n > From\n\n>>Fromage\n>From";
        for piece in 1..quoted.len() {
            let mut copied = Vec::new();
            copy_unquoted(&mut BufReader::with_capacity(piece, &quoted[..]), &mut copied).unwrap();
            assert_eq!(copied, expected, "{piece}");
        }
    }
}
