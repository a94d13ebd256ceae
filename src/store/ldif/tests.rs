use super::*;

fn read(text: &str) -> Result<Ldif, Error> {
    Ldif::read(text.as_bytes(), ChangeRecords::Refuse, &Limits::default())
}

fn fails(text: &str) -> (usize, ErrorKind) {
    let error = read(text).unwrap_err();
    (error.line, error.kind)
}

const FILE: &str = "\u{feff}version: 1
# a comment
  that goes on

dn: cn=Alice,
  dc=example
objectClass: person
cn:Alice
description::  aGVsbG8=
jpegPhoto:< file:///tmp/alice.jpg
userCertificate;binary;x-1:: AQ
 ID
empty:
none::

# between

dn:: Y249Qm9i
1.2.3.4: x: y
cn: B\u{f6}b
";

#[test]
fn lines_are_unfolded_and_values_decoded() {
    for text in [FILE.to_owned(), FILE.replace('\n', "\r\n"), FILE.trim_end().to_owned()] {
        assert!(is_ldif(text.as_bytes()));
        let file = read(&text).unwrap();
        let [alice, bob] = file.entries() else { panic!("{file:?}") };
        assert_eq!((alice.dn(), alice.line()), ("cn=Alice, dc=example", 5));
        assert_eq!((bob.dn(), bob.line()), ("cn=Bob", 18));
        let shown: Vec<_> = alice.attributes().iter().map(|a| (a.to_string(), a.value().clone(), a.line())).collect();
        let bytes = |text: &[u8]| Value::Bytes(text.to_vec());
        assert_eq!(
            shown,
            [
                ("objectClass".into(), bytes(b"person"), 7),
                ("cn".into(), bytes(b"Alice"), 8),
                ("description".into(), bytes(b"hello"), 9),
                ("jpegPhoto".into(), Value::Url("file:///tmp/alice.jpg".into()), 10),
                ("userCertificate;binary;x-1".into(), bytes(&[1, 2, 3]), 11),
                ("empty".into(), bytes(b""), 13),
                ("none".into(), bytes(b""), 14),
            ]
        );
        assert_eq!(bob.values("CN").next().unwrap().text(), Some("B\u{f6}b"));
        assert_eq!(bob.values("1.2.3.4").next().unwrap().text(), Some("x: y"));
        assert_eq!(file.urls().collect::<Vec<_>>(), [(10, "file:///tmp/alice.jpg")]);
        assert!(file.notes().is_empty());
    }
}

#[test]
fn every_fault_has_its_own_error_with_its_line() {
    assert_eq!(fails("version: 2\n"), (1, ErrorKind::Version("2".into())));
    assert_eq!(fails("\n x\n"), (2, ErrorKind::Continuation));
    assert_eq!(fails("dn: x\n\n\n y\n"), (4, ErrorKind::Continuation));
    assert_eq!(fails("dn: x\nnothing\n"), (2, ErrorKind::NoColon("nothing".into())));
    assert_eq!(fails("dn: x\na b: c\n"), (2, ErrorKind::Name("a b".into())));
    assert_eq!(fails("dn: x\na;: c\n"), (2, ErrorKind::Name("a;".into())));
    assert_eq!(fails("dn: x\n\ncn: y\n"), (3, ErrorKind::NoDn("cn".into())));
    assert_eq!(fails("dn: x\ncn: y\ndn: z\n"), (3, ErrorKind::SecondDn(1)));
    assert_eq!(fails("dn:: /w==\n"), (1, ErrorKind::Dn));
    assert_eq!(fails("dn:< file:///x\n"), (1, ErrorKind::Dn));
    assert_eq!(fails("dn: x\na:: AQI\n"), (2, ErrorKind::Base64("a".into())));
    assert_eq!(fails("dn: x\na: b\0c\n"), (2, ErrorKind::Unsafe("a".into())));
    assert_eq!(fails("dn: x\na: b\rc\n"), (2, ErrorKind::Unsafe("a".into())));
    assert_eq!(fails("dn: x\na:< here\n"), (2, ErrorKind::Url("a".into())));
    assert_eq!(fails("dn: x\na:< file:///a b\n"), (2, ErrorKind::Url("a".into())));
    assert_eq!(fails("dn: x\nversion: 1\n\nversion: 1\n"), (4, ErrorKind::NoDn("version".into())));
}

#[test]
fn change_records_are_refused_or_skipped_by_name() {
    let text = "dn: cn=a\nchangetype: modify\nadd: mail\nmail: x\n-\n\ndn: cn=b\ncn: b\n\n\
                dn: cn=c\ncontrol: 1.2.3 true\nchangetype: delete\n";
    assert_eq!(fails(text), (2, ErrorKind::ChangeRecord("changetype: modify".into())));
    let file = Ldif::read(text.as_bytes(), ChangeRecords::Skip, &Limits::default()).unwrap();
    assert_eq!(file.entries().iter().map(Entry::dn).collect::<Vec<_>>(), ["cn=b"]);
    let notes: Vec<String> = file.notes().iter().map(Reason::to_string).collect();
    assert!(notes[0].contains("line 1") && notes[0].contains("modify"), "{notes:?}");
    assert!(notes[1].contains("line 10") && notes[1].contains("control"), "{notes:?}");
}

#[test]
fn what_ldapsearch_adds_is_passed_over() {
    let text = "# extended LDIF\n#\n# LDAPv3\n\ndn: cn=a\ncn: a\n\n# search reference\nref: ldap://x/\n\n\
                # search result\nsearch: 2\nresult: 0 Success\n\n# numEntries: 1\n";
    let file = read(text).unwrap();
    assert_eq!((file.entries().len(), file.notes().len()), (1, 2));
}

#[test]
fn bytes_and_entries_are_bounded() {
    let mut limits = Limits::default();
    let text = b"dn: cn=a\ncn: a\nsn: a\n\ndn: cn=b\n";
    let read = |limits: &Limits| Ldif::read(text, ChangeRecords::Refuse, limits).map(|_| ());
    limits.store_entries = 4;
    assert!(read(&limits).is_ok());
    limits.store_entries = 3;
    assert_eq!(read(&limits).unwrap_err(), Error { line: 5, kind: ErrorKind::Entries { limit: 3 } });
    limits.structure_bytes = 10;
    assert!(matches!(read(&limits).unwrap_err().kind, ErrorKind::TooLarge { .. }));
}

#[test]
fn what_urls_stand_for_is_bounded_together() {
    let mut file = read("dn: x\na:< file:///1\nb:< file:///2\nc:< http://x/\n").unwrap();
    let limits = Limits { structure_bytes: 7, ..Limits::default() };
    let error = file.clone().resolve(&limits, |_| Some(vec![0; 4])).unwrap_err();
    assert_eq!(error, Error { line: 3, kind: ErrorKind::Resolved { limit: 7 } });
    file.resolve(&limits, |url| url.ends_with('1').then(|| b"one".to_vec())).unwrap();
    assert_eq!(file.entries()[0].values("a").next().unwrap().bytes(), Some(&b"one"[..]));
    assert_eq!(file.urls().count(), 2, "the others stay");
}

#[test]
fn no_cut_and_no_altered_byte_makes_it_panic() {
    let bytes = FILE.as_bytes();
    for at in 0..bytes.len() {
        let _ = Ldif::read(&bytes[..at], ChangeRecords::Skip, &Limits::default());
        for octet in [0, b'\n', b' ', b':', b'<', 0xff] {
            let mut altered = bytes.to_vec();
            altered[at] = octet;
            if let Ok(file) = Ldif::read(&altered, ChangeRecords::Skip, &Limits::default()) {
                assert_eq!(read(&file.to_text()).unwrap().entries().len(), file.entries().len());
            }
        }
    }
}

#[test]
fn other_text_is_no_ldif() {
    for text in
        ["", "\n\n", "# only a comment\n", "dnx: a", "version: 2\n", "version: 1.2\n", "From: a\n\ndn: x", " dn: x"]
    {
        assert!(!is_ldif(text.as_bytes()), "{text:?}");
    }
    assert!(is_ldif(b"# x\n\nDN: cn=a"));
}
