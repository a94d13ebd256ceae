//! Floods of mail: of entities, of header fields, and of what stands inside these.

use super::{Flood, mail, only};
use smime::mime::transfer::{Strictness, TransferEncoding, decode_slice};

pub const FLOODS: &[Flood] = &[
    mail("parts", 2_500, |n| multipart(&"--b\r\n\r\n".repeat(n))),
    mail("parts with headers", 1_000, |n| {
        multipart(&"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhello\r\n".repeat(n))
    }),
    mail("nested parts", 1_000, |n| nested(n, "")),
    mail("nested messages", 1_000, |n| "Content-Type: message/rfc822\r\n\r\n".repeat(n).into_bytes()),
    mail("lines like boundaries, 30 multiparts deep", 5_000, |n| nested(30, &"--bx\r\n".repeat(n))),
    mail("lines like boundaries", 10_000, |n| multipart(&format!("--b\r\n\r\n{}", "--bx\r\n".repeat(n)))),
    mail("body lines", 10_000, |n| multipart(&format!("--b\r\n\r\n{}", "a\r\n".repeat(n)))),
    mail("header fields", 10_000, |n| header(&"A: b\r\n".repeat(n))),
    mail("lines that are no fields", 10_000, |n| header(&"b\r\n".repeat(n))),
    mail("folds", 8_000, |n| header(&format!("Subject: a{}\r\n", "\r\n b".repeat(n)))),
    mail("To fields", 800, |n| header(&"To: a@example.com\r\n".repeat(n))),
    mail("RFC 2231 segments", 120, |n| content_type(&numbered(n, |i| format!("; name*{i}=a")))),
    mail("parameters", 2_500, |n| content_type(&numbered(n, |i| format!("; a{i}=b")))),
    mail("comments in a Content-Type", 10_000, |n| content_type(&"(a)".repeat(n))),
    mail("encoded words", 2_000, |n| header(&format!("Subject: {}\r\n", "=?utf-8?q?a?= ".repeat(n)))),
    mail("beginnings of encoded words", 8_000, |n| header(&format!("Subject: {}\r\n", "=?a".repeat(n)))),
    mail("encoded words in names", 1_000, |n| to(&"=?utf-8?q?a?= <a@b.example>, ".repeat(n))),
    mail("addresses", 1_000, |n| to(&"a@b.example, ".repeat(n))),
    mail("words without address", 1_000, |n| to(&"a, ".repeat(n))),
    mail("comments in an address", 10_000, |n| to(&format!("a@b.example{}", "(a)".repeat(n)))),
    mail("nested comments in an address", 1_000, |n| {
        to(&format!("a@b.example{}", format!("{}a{}", "(".repeat(15), ")".repeat(15)).repeat(n)))
    }),
    mail("opening parentheses", 15_000, |n| to(&"(".repeat(n))),
    mail("groups", 900, |n| to(&"g: a@b.example;, ".repeat(n))),
    mail("empty groups", 5_000, |n| to(&"g:;, ".repeat(n))),
    mail("quoted pairs", 10_000, |n| to(&format!("\"{}\" <a@b.example>", "\\a".repeat(n)))),
    mail("words of a name", 10_000, |n| to(&format!("{}<a@b.example>", "a ".repeat(n)))),
    mail("dots of a local part", 10_000, |n| to(&format!("{}a@b.example", "a.".repeat(n)))),
    mail("labels of a domain", 10_000, |n| to(&format!("a@{}example", "b.".repeat(n)))),
    mail("routes", 5_000, |n| to(&format!("<{}:a@b.example>", "@a,".repeat(n)))),
    mail("angle brackets", 10_000, |n| to(&"<".repeat(n))),
    mail("quotation marks", 10_000, |n| to(&"\"\" ".repeat(n))),
    mail("references", 2_000, |n| header(&format!("References:{}\r\n", " <a@b.example>".repeat(n)))),
    mail("a body of base64", 20_000, |n| encoded("base64", &"YWFh\r\n".repeat(n))),
    mail("a body of quoted-printable", 20_000, |n| encoded("quoted-printable", &"=41=\r\n".repeat(n))),
    only("base64 lines", 10_000, |n| "YWFh\r\n".repeat(n).into_bytes(), &[("base64", base64)]),
    only("foreign octets in base64", 10_000, |n| "Y!W!F!h!".repeat(n).into_bytes(), &[("base64", base64)]),
    only("quoted-printable lines", 10_000, |n| "=41=\r\n".repeat(n).into_bytes(), &[("QP", quoted_printable)]),
    only("stray equals signs", 20_000, |n| "=".repeat(n).into_bytes(), &[("QP", quoted_printable)]),
    only("blanks", 30_000, |n| " ".repeat(n).into_bytes(), &[("QP", quoted_printable)]),
];

fn multipart(parts: &str) -> Vec<u8> {
    format!("From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{parts}--b--\r\n").into_bytes()
}

/// Multiparts, each the first part of the one around it.
fn nested(depth: usize, inside: &str) -> Vec<u8> {
    let open = numbered(depth, |i| format!("Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n"));
    format!("{open}\r\n{inside}").into_bytes()
}

fn header(fields: &str) -> Vec<u8> {
    format!("From: a@b.example\r\n{fields}\r\nhello\r\n").into_bytes()
}

fn to(list: &str) -> Vec<u8> {
    header(&format!("To: {}\r\n", list.trim_end_matches([' ', ','])))
}

fn content_type(parameters: &str) -> Vec<u8> {
    header(&format!("Content-Type: text/plain{parameters}\r\n"))
}

fn encoded(encoding: &str, body: &str) -> Vec<u8> {
    format!("From: a@b.example\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}").into_bytes()
}

fn numbered(n: usize, text: impl Fn(usize) -> String) -> String {
    (0..n).map(text).collect()
}

fn base64(bytes: &[u8]) {
    std::hint::black_box(decode_slice(bytes, TransferEncoding::Base64, Strictness::Lenient)).unwrap();
}

fn quoted_printable(bytes: &[u8]) {
    std::hint::black_box(decode_slice(bytes, TransferEncoding::QuotedPrintable, Strictness::Lenient)).unwrap();
}
