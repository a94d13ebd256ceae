//! Answers as servers give them, sound and otherwise.

use super::*;
use proptest::prelude::*;

proptest! {
    #[test]
    fn sec_133_any_answer_is_read_within_its_bound(
        parts in prop::collection::vec(
            prop_oneof![
                Just(b"HTTP/1.1 200 OK\r\n".to_vec()),
                Just(b"HTTP/1.1 100 x\r\n\r\n".to_vec()),
                Just(b"Transfer-Encoding: chunked\r\n".to_vec()),
                Just(b"Content-Length: 5\r\n".to_vec()),
                Just(b"\r\n".to_vec()),
                Just(b"5\r\nabcde\r\n".to_vec()),
                Just(b"0\r\n".to_vec()),
                prop::collection::vec(any::<u8>(), 0..40),
            ],
            0..20,
        )
    ) {
        if let Ok(body) = body_of(&parts.concat()) {
            prop_assert!(body.len() <= 100);
        }
    }

    #[test]
    fn sec_131_any_text_is_an_address_of_one_meaning_or_none(text in "(http://)?[a-z:/?#@\\[\\]\\\\. 0-9\r\n]{0,40}|\\PC{0,40}") {
        if let Ok(first) = url(&text) {
            // What is asked for is what is told.
            prop_assert_eq!(url(&first.to_string()).unwrap(), first);
        }
    }
}

fn url(text: &str) -> Result<Url, UrlError> {
    text.parse()
}

fn body_of(answer: &[u8]) -> Result<Vec<u8>, Error> {
    Answer::read(answer, 100)
}

#[test]
fn sec_131_only_plain_http_addresses_are_taken() {
    for (text, host, port, target) in [
        ("http://a.example/x.crl", "a.example", 80, "/x.crl"),
        ("HTTP://a.example", "a.example", 80, "/"),
        ("http://a.example:8080?q=1#f", "a.example", 8080, "/?q=1"),
        ("http://[::1]:8080/", "[::1]", 8080, "/"),
        ("http://[::1]/", "[::1]", 80, "/"),
        ("http://a.example/a%20b;c?d:e@f", "a.example", 80, "/a%20b;c?d:e@f"),
    ] {
        let expected = Url { host: host.to_owned(), port, target: target.to_owned() };
        assert_eq!(url(text).unwrap(), expected, "{text}");
    }
    for text in ["https://a/", "ldap://a/", "file:///etc/passwd", "gopher://a/", "ftp://a/", "javascript:0"] {
        assert!(matches!(url(text), Err(UrlError::Scheme(_))), "{text}");
    }
    for text in [
        "",
        "a",
        "http:a",
        "http:/a/",
        "http:///x",
        "http://:80/",
        "http://user@a/",
        "http://a@127.0.0.1/",
        "http://a:0/",
        "http://a:25/",
        "http://a:443/",
        "http://a:65536/",
        "http://a:+80/",
        "http://a:/",
        "http://a/\r\nHost: b",
        "http://a/ b",
        "http://ä.example/",
        "http://a\\b/",
        "http://a/\0",
    ] {
        assert!(matches!(url(text), Err(UrlError::Malformed(_))), "{text:?}: {:?}", url(text));
    }
    assert!(url(&format!("http://a/{}", "x".repeat(URL_BYTES))).is_err());
    assert_eq!(url("http://a/ocsp/").unwrap().below("MA").to_string(), "http://a/ocsp/MA");
    assert_eq!(url("http://a:1024").unwrap().below("MA").to_string(), "http://a:1024/MA");
}

#[test]
fn answers_that_mean_one_thing_are_read() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcd",
        "HTTP/1.0 200\r\n\r\nabc",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length:3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\na\r\n2;x=y\r\nbc\r\n0\r\nTrailer: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\n\r\nabc",
    ] {
        assert_eq!(body_of(answer.as_bytes()).unwrap(), b"abc", "{answer}");
    }
    assert_eq!(body_of(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap(), b"");
}

#[test]
fn sec_133_lies_about_the_length_are_no_answers() {
    let malformed = |fields: &str| {
        let answer = format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\nabc");
        matches!(body_of(answer.as_bytes()), Err(Error::Malformed(_)))
    };
    for fields in [
        "Content-Length: -1",
        "Content-Length: +3",
        "Content-Length: 3, 3",
        "Content-Length: 0x3",
        "Content-Length:",
        "Content-Length: 3\r\nContent-Length: 3",
        "Content-Length: 3\r\nContent-Length: 30",
        "Content-Length: 3\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Content-Encoding: gzip",
        "Content-Encoding: br",
        "no colon",
        ": x",
        "A : x",
        " folded: x",
        "A: b\u{7f}",
        "A: b\nB: c",
    ] {
        assert!(malformed(fields), "{fields}");
    }
    let chunks =
        |text: &str| body_of(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{text}").as_bytes());
    for text in ["x\r\n", "\r\n", "-1\r\nabc", "3\r\nabcd\r\n0\r\n\r\n", "3\nabc\r\n0\r\n\r\n", "11111111111111111\r\n"]
    {
        assert!(matches!(chunks(text), Err(Error::Malformed(_))), "{text:?}: {:?}", chunks(text));
    }
    assert!(matches!(chunks(&format!("1;{}\r\n", "x".repeat(200))), Err(Error::Malformed(_))));
    for text in ["65\r\n", "ffffffffffffffff\r\n", "63\r\n"] {
        let text = format!("{text}{}\r\n2\r\n", "x".repeat(99));
        assert!(matches!(chunks(&text), Err(Error::TooLarge(100))), "{text}");
    }
    for text in ["3\r\nab", "3\r\nabc\r\n", "3\r\nabc\r\n0\r\n", "3\r\nabc", "3"] {
        assert!(matches!(chunks(text), Err(Error::Cut)), "{text:?}: {:?}", chunks(text));
    }
}

#[test]
fn sec_133_what_is_too_large_or_cut_is_no_answer() {
    let answer = |length: &str| body_of(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nabc").as_bytes());
    assert!(matches!(answer("4"), Err(Error::Cut)));
    assert!(matches!(answer("101"), Err(Error::TooLarge(100))));
    assert!(matches!(answer("99999999999999999999999999"), Err(Error::TooLarge(100))));
    let endless = [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &[b'x'; 101]].concat();
    assert!(matches!(body_of(&endless), Err(Error::TooLarge(100))));
    let fits = [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &[b'x'; 100]].concat();
    assert_eq!(body_of(&fits).unwrap().len(), 100);
    let header = format!("HTTP/1.1 200 OK\r\n{}", "A: b\r\n".repeat(HEADER));
    assert!(matches!(body_of(header.as_bytes()), Err(Error::Malformed(_))));
    let line = format!("HTTP/1.1 200 {}\r\n\r\n", "x".repeat(LINE));
    assert!(matches!(body_of(line.as_bytes()), Err(Error::Malformed(_))));
    assert!(matches!(body_of(&b"HTTP/1.1 100 x\r\n\r\n".repeat(9)), Err(Error::Malformed(_))));
    for start in ["", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK\r\nA: b\r\n"] {
        assert!(matches!(body_of(start.as_bytes()), Err(Error::Cut)), "{start:?}");
    }
}

#[test]
fn sec_132_redirections_are_told_and_not_followed() {
    let redirected = body_of(b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n");
    assert!(matches!(redirected, Err(Error::Redirected { status: 302, to }) if to == "file:///etc/passwd"));
    for (status, known) in [(404, true), (204, true), (206, true), (304, true), (503, true), (101, true), (20, false)] {
        let answer = body_of(format!("HTTP/1.1 {status} x\r\n\r\n").as_bytes());
        assert_eq!(matches!(answer, Err(Error::Status(_))), known, "{status}: {answer:?}");
    }
    for start in ["HTTP/2 200\r\n", "ICY 200 OK\r\n", "SSH-2.0-x\r\n", "HTTP/1.1 2000\r\n", "\r\n"] {
        assert!(matches!(body_of(start.as_bytes()), Err(Error::Malformed(_))), "{start}");
    }
}
