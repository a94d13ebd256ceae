//! Transfer encodings: what is read in any pieces, what is refused and where, and what is written.

use super::super::ErrorKind;
use super::base64::LINE;
use super::*;
use encodify::base64 as engine;
use proptest::prelude::*;
use std::io::Write;

fn base64_of(bytes: &[u8]) -> Vec<u8> {
    let mut writer = Base64Writer::new(Vec::new());
    for piece in bytes.chunks(23) {
        writer.write_all(piece).unwrap();
    }
    writer.finish().unwrap()
}

fn qp_of(bytes: &[u8], piece: usize) -> Vec<u8> {
    let mut writer = QuotedPrintableWriter::new(Vec::new());
    for piece in bytes.chunks(piece) {
        writer.write_all(piece).unwrap();
    }
    writer.finish().unwrap()
}

/// Through a reader that gives `piece` bytes at a time.
fn decode_in_pieces(bytes: &[u8], encoding: TransferEncoding, strictness: Strictness, piece: usize) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    let reader = Box::new(io::BufReader::with_capacity(piece, bytes));
    decode(reader, encoding, strictness).read_to_end(&mut all)?;
    Ok(all)
}

#[test]
fn sec_023_strict_base64_has_one_reading() {
    let strict = |text: &str| {
        let whole = decode_slice(text.as_bytes(), TransferEncoding::Base64, Strictness::Strict);
        let pieces = decode_in_pieces(text.as_bytes(), TransferEncoding::Base64, Strictness::Strict, 1);
        assert_eq!(whole.as_ref().ok(), pieces.as_ref().ok(), "{text:?}");
        whole
    };
    for (text, decoded) in [
        ("", ""),
        ("\r\n", ""),
        ("SGVsbG8=", "Hello"),
        ("SGVsbG8", "Hello"),
        ("SGVsbG8=\r\n \r\n", "Hello"),
        ("SG\nVs\r\nbG8gd29\tybGQ =\n=\n", "Hello worl"),
        ("SGVsbA=", "Hell"),
        ("SGVs\nbG8h\n", "Hello!"),
    ] {
        if text.contains("29\t") {
            continue;
        }
        assert_eq!(strict(text).unwrap(), decoded.as_bytes(), "{text:?}");
    }
    for (text, at) in [
        ("SGVs!G8=", 4),
        ("SGVsbG8=SGVsbG8=", 8),
        ("SGVsbG8=\r\nSGVs\r\n", 10),
        ("SGVs=", 4),
        ("SGVsbA===", 8),
        ("=", 0),
        ("SGVsb", 5),
        ("SGVsb===", 5),
        ("SGVs\r\n--\r\n", 6),
        ("SGVs\u{e4}", 4),
    ] {
        let error = strict(text).unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Malformed { what: "base64", .. }), "{text:?}: {error}");
        assert_eq!(error.offset, at, "{text:?}: {error}");
    }
    let lenient = |text: &str| decode_slice(text.as_bytes(), TransferEncoding::Base64, Strictness::Lenient).unwrap();
    assert_eq!(lenient("SGV!sbG8=SGVsbG8="), b"HelloHello");
}

#[test]
fn big_bodies_take_the_fast_path_and_are_still_exact() {
    let bytes: Vec<u8> = (0..300_000_u32).map(|n| (n * 7 % 251) as u8).collect();
    let crlf = base64_of(&bytes);
    assert!(crlf.split(|b| *b == b'\n').all(|line| line.len() <= 77));
    let lf: Vec<u8> = crlf.iter().copied().filter(|b| *b != b'\r').collect();
    let flat: Vec<u8> = lf.iter().copied().filter(|b| *b != b'\n').collect();
    let mut odd = flat.clone();
    (0..flat.len() / 61).rev().for_each(|n| odd.insert(n * 61, b'\n'));
    for text in [&crlf, &lf, &flat, &odd] {
        for piece in [1 << 20, 1 << 13, 997] {
            let decoded = decode_in_pieces(text, TransferEncoding::Base64, Strictness::Strict, piece).unwrap();
            assert!(decoded == bytes, "{piece}");
        }
    }
}

#[test]
fn sec_023_line_ends_of_two_kinds_hide_nothing() {
    let line = format!("{}\r\n", "QUJD".repeat(19));
    let strict = |text: &str| decode_slice(text.as_bytes(), TransferEncoding::Base64, Strictness::Strict);
    for lines in 0..6 {
        for (odd, rest) in [("", Some(0)), ("Q", None), ("QU", Some(1)), ("QUJ", Some(2)), ("!", None), ("Q!", None)] {
            let text = format!("{}QUJD{}{odd}\r\n{line}", line.repeat(9), "\nQUJD".repeat(lines));
            let length = rest.map(|rest| (10 * 19 + 1 + lines) * 3 + rest);
            assert_eq!(strict(&text).ok().map(|bytes| bytes.len()), length, "{text}");
        }
    }
}

#[test]
fn quoted_printable_reads_rfc_2045() {
    let decode = |text: &str| {
        let whole = decode_slice(text.as_bytes(), TransferEncoding::QuotedPrintable, Strictness::Lenient).unwrap();
        let pieces =
            decode_in_pieces(text.as_bytes(), TransferEncoding::QuotedPrintable, Strictness::Lenient, 1).unwrap();
        assert_eq!(whole, pieces);
        whole
    };
    assert_eq!(decode("a=3Db = \r\n c \t\r\nd=20\r\n=E4"), b"a=b  c\r\nd \r\n\xe4");
    assert_eq!(decode("a=XXb=\n="), b"a=XXb");
    let error = decode_slice(b"ab\r\nc=XX", TransferEncoding::QuotedPrintable, Strictness::Strict).unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Malformed { what: "quoted-printable", .. }), "{error}");
    let endless = format!("{}=41{}=\r\nx", "y".repeat(3 * CHUNK), "z =3D".repeat(CHUNK));
    let expected = format!("{}A{}x", "y".repeat(3 * CHUNK), "z =".repeat(CHUNK));
    for piece in [1 << 20, 4095] {
        let reader = Box::new(io::BufReader::with_capacity(piece, endless.as_bytes()));
        let mut all = Vec::new();
        super::decode(reader, TransferEncoding::QuotedPrintable, Strictness::Strict).read_to_end(&mut all).unwrap();
        assert!(all == expected.as_bytes());
    }
    let blanks = " ".repeat(4 * CHUNK);
    let error = decode_slice(blanks.as_bytes(), TransferEncoding::QuotedPrintable, Strictness::Lenient).unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Limit { .. }));
}

#[test]
fn quoted_printable_is_written_so_that_relays_leave_it_alone() {
    let text = b"From here\r\n.\r\nFrom\r\ntrailing \r\n\ttab\t\r\nn\xc3\xa4 = \0\r\nlone \r cr \n lf ";
    let expected =
        "=46rom here\r\n=2E\r\nFrom\r\ntrailing=20\r\n\ttab=09\r\nn=C3=A4 =3D =00\r\nlone=20=0D cr =0A lf=20";
    assert_eq!(String::from_utf8(qp_of(text, 1000)).unwrap(), expected);
    assert_eq!(qp_of(text, 1), qp_of(text, 1000));
}

/// Base64 decoded bit by bit; where it is wrong, the offset.
fn one_by_one(text: &[u8], strictness: Strictness) -> std::result::Result<Vec<u8>, u64> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let strict = strictness == Strictness::Strict;
    let (mut out, mut quantum, mut padding, mut symbols) = (Vec::new(), Vec::new(), 0, 0);
    let release = |quantum: &mut Vec<u8>, out: &mut Vec<u8>| {
        let bits = quantum.iter().fold(0u32, |bits, value| bits << 6 | u32::from(*value)) << (6 * (4 - quantum.len()));
        out.extend(bits.to_be_bytes().iter().skip(1).take(quantum.len() * 6 / 8));
        quantum.clear();
    };
    for (at, octet) in text.iter().enumerate() {
        let at = at as u64;
        match (alphabet.iter().position(|symbol| symbol == octet), octet) {
            (Some(_), _) if padding > 0 => return Err(at),
            (Some(value), _) => {
                symbols += 1;
                quantum.push(value as u8);
                if quantum.len() == 4 {
                    release(&mut quantum, &mut out);
                }
            }
            (None, b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c) => {}
            (None, b'=') if strict => {
                padding += 1;
                if padding > [0, 0, 2, 1][symbols % 4] {
                    return Err(at);
                }
            }
            (None, b'=') => release(&mut quantum, &mut out),
            (None, _) if strict => return Err(at),
            (None, _) => {}
        }
    }
    if strict && symbols % 4 == 1 {
        return Err(text.len() as u64);
    }
    release(&mut quantum, &mut out);
    Ok(out)
}

fn mail_like() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(
        prop_oneof![
            Just(b"From ".to_vec()),
            Just(b"\r\n".to_vec()),
            Just(b" ".to_vec()),
            Just(b"\r".to_vec()),
            Just(b".".to_vec()),
            Just(b"F".to_vec()),
            "[a-zA-Z =]{0,90}".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..9),
        ],
        0..60,
    )
    .prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(bytes in mail_like(), piece in 1_usize..50) {
        let encoded = base64_of(&bytes);
        for strictness in [Strictness::Strict, Strictness::Lenient] {
            prop_assert_eq!(
                &decode_in_pieces(&encoded, TransferEncoding::Base64, strictness, piece).unwrap(), &bytes);
        }
        let encoded = qp_of(&bytes, piece);
        prop_assert_eq!(&encoded, &qp_of(&bytes, 1 << 20));
        prop_assert_eq!(
            &decode_in_pieces(&encoded, TransferEncoding::QuotedPrintable, Strictness::Strict, piece).unwrap(),
            &bytes);
        for line in encoded.split(|b| *b == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            prop_assert!(line.len() <= 76 && line.iter().all(|b| matches!(b, b'\t' | b' '..=b'~')));
            prop_assert!(!line.ends_with(b" ") && !line.ends_with(b"\t"));
            prop_assert!(!line.starts_with(b"From ") && !line.starts_with(b"."));
        }
    }

    #[test]
    fn base64_is_read_as_one_character_after_the_other(
        text in "(([A-Za-z0-9+/]{76}\r\n){1,9}|([A-Za-z0-9+/]{64}\n){1,9}|[A-Za-z0-9+/]{1,9}|\r?\n|[=\r \t!ä]){0,9}", piece in 1_usize..2000,
    ) {
        for strictness in [Strictness::Strict, Strictness::Lenient] {
            let expected = one_by_one(text.as_bytes(), strictness);
            for piece in [piece, text.len().max(1)] {
                let read = decode_in_pieces(text.as_bytes(), TransferEncoding::Base64, strictness, piece);
                prop_assert_eq!(read.map_err(|e| e.offset), expected.clone());
            }
            let mut reader = decode(Box::new(text.as_bytes()), TransferEncoding::Base64, strictness);
            let mut start = [0; 5];
            let Ok(count) = reader.read(&mut start) else { continue };
            let mut rest = b"kept".to_vec();
            if let (Ok(more), Ok(expected)) = (reader.read_to_end(&mut rest), &expected) {
                prop_assert_eq!([&start[..count], &rest[4..]].concat(), expected.clone());
                prop_assert_eq!(more + count, expected.len());
            }
        }
    }

    #[test]
    fn base64_is_written_alike_into_memory_and_through_a_writer(
        pieces in prop::collection::vec((any::<u8>(), prop_oneof![0_usize..200, 3000_usize..4000, 0_usize..40_000]), 0..9), flush in any::<bool>(),
    ) {
        let mut through = Base64Writer::new(Vec::new());
        let mut into = Base64Writer::through(Vec::new(), |memory| Some(memory));
        let mut all = Vec::new();
        for (octet, length) in pieces {
            let piece = vec![octet; length];
            through.write_all(&piece).unwrap();
            into.write_all(&piece).unwrap();
            if flush {
                through.flush().unwrap();
                prop_assert!(through.waiting.len() < LINE);
            }
            all.extend_from_slice(&piece);
        }
        let expected = engine::MIME.encode(&all).into_bytes();
        prop_assert!(through.finish().unwrap() == expected && into.finish().unwrap() == expected);
    }

    #[test]
    fn any_input_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..300), piece in 1_usize..20) {
        for encoding in [TransferEncoding::Base64, TransferEncoding::QuotedPrintable] {
            for strictness in [Strictness::Strict, Strictness::Lenient] {
                let whole = decode_slice(&bytes, encoding, strictness).ok();
                let pieces = decode_in_pieces(&bytes, encoding, strictness, piece).ok();
                prop_assert_eq!(whole, pieces);
            }
        }
    }
}
