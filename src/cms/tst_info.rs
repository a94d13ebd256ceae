//! TSTInfo (RFC 3161 section 2.4.2): what an authority for timestamps says when it stamps. Read only, and nothing is
//! checked here but that it can be read in one way; [`timestamp`](super::timestamp) judges it.

use super::{Error, Result};
use crate::asn1;
use crate::asn1::ber::{Element, Reader, Tag};
use crate::asn1::der;
use crate::base::limits::Limits;
use crate::base::time::Time;
use crate::cert::extension::{Extension, GeneralName};
use crate::crypto::algorithm::AlgorithmIdentifier;
use const_oid::ObjectIdentifier;
use std::fmt;

/// ```text
/// TSTInfo ::= SEQUENCE { version INTEGER { v1(1) }, policy TSAPolicyId, messageImprint MessageImprint,
///     serialNumber INTEGER, genTime GeneralizedTime, accuracy Accuracy OPTIONAL, ordering BOOLEAN DEFAULT FALSE,
///     nonce INTEGER OPTIONAL, tsa [0] GeneralName OPTIONAL, extensions [1] IMPLICIT Extensions OPTIONAL }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TstInfo {
    /// 1 is the only one there is; told, not judged.
    pub version: u64,
    /// The policy that the authority stamps by.
    pub policy: ObjectIdentifier,
    /// messageImprint.hashAlgorithm.
    pub hash_algorithm: AlgorithmIdentifier,
    /// messageImprint.hashedMessage.
    pub hashed_message: Vec<u8>,
    /// serialNumber: content octets of the INTEGER.
    pub serial: Vec<u8>,
    /// genTime.
    pub time: GenTime,
    /// accuracy, where it is told.
    pub accuracy: Option<Accuracy>,
    /// ordering: whether this authority's timestamps can be ordered by genTime alone.
    pub ordering: bool,
    /// nonce: content octets of the INTEGER, where there is one.
    pub nonce: Option<Vec<u8>>,
    /// tsa: the authority by a name of its own.
    pub authority: Option<GeneralName>,
    /// extensions.
    pub extensions: Vec<Extension>,
}

/// genTime: a moment finer than [`Time`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GenTime {
    /// To the second; the fraction is dropped.
    pub time: Time,
    /// The fraction, 0 to 999 999 999.
    pub nanoseconds: u32,
}

/// `Accuracy ::= SEQUENCE { seconds INTEGER OPTIONAL, millis [0] INTEGER (1..999) OPTIONAL, micros [1] INTEGER (1..999)
/// OPTIONAL }`: by how much the real time may differ from genTime, in either direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accuracy {
    /// Whole seconds.
    pub seconds: u64,
    /// Milliseconds beside them, 0 to 999.
    pub millis: u16,
    /// Microseconds beside both, 0 to 999.
    pub micros: u16,
}

impl TstInfo {
    /// Reads a TSTInfo, the content of a timestamp token.
    ///
    /// # Errors
    /// [`Error::Malformed`] where the structure is broken or anything follows it, and [`Error::Limit`] where it has more
    /// extensions than `limits.attributes`.
    pub fn parse(raw: &[u8], limits: &Limits) -> Result<Self> {
        let mut fields = Reader::single(raw, "TSTInfo")?.sequence("TSTInfo")?;
        let version = fields.required(Tag::INTEGER, "TSTInfo.version")?.small("TSTInfo.version")?;
        let policy = fields.required(Tag::OID, "TSTInfo.policy")?.oid("TSTInfo.policy")?;
        let what = "messageImprint";
        let mut imprint = fields.required(Tag::SEQUENCE, what)?.sequence(what)?;
        let hash_algorithm = AlgorithmIdentifier::read(&imprint.required(Tag::SEQUENCE, "hashAlgorithm")?)?;
        let hashed_message =
            imprint.required(Tag::OCTET_STRING, "hashedMessage")?.octets("hashedMessage")?.into_owned();
        imprint.finish(what)?;
        let what = "TSTInfo.serialNumber";
        let serial = fields.required(Tag::INTEGER, what)?.integer(what)?.to_vec();
        let time = GenTime::read(&fields.required(Tag::GENERALIZED_TIME, "genTime")?)?;
        let accuracy = match fields.optional(Tag::SEQUENCE, "accuracy")? {
            Some(element) => Some(Accuracy::read(&element)?),
            None => None,
        };
        let ordering = match fields.optional(Tag::BOOLEAN, "ordering")? {
            Some(element) => element.boolean("ordering")?,
            None => false,
        };
        let nonce = match fields.optional(Tag::INTEGER, "nonce")? {
            Some(element) => Some(element.integer("nonce")?.to_vec()),
            None => None,
        };
        // A CHOICE cannot be tagged implicitly (X.680 section 31.2.7), so this tag is explicit.
        let authority = match fields.optional(Tag::context(0), "tsa")? {
            Some(element) => Some(GeneralName::read(&element.explicit("tsa")?)?),
            None => None,
        };
        let extensions = match fields.optional(Tag::context(1), "TSTInfo.extensions")? {
            Some(element) => read_extensions(&element, limits)?,
            None => Vec::new(),
        };
        fields.finish("TSTInfo")?;
        Ok(Self {
            version,
            policy,
            hash_algorithm,
            hashed_message,
            serial,
            time,
            accuracy,
            ordering,
            nonce,
            authority,
            extensions,
        })
    }

    /// The last moment at which the stamp can have been made: genTime and accuracy together, rounded up to the second
    /// (RFC 3161 section 2.4.2). An accuracy that is not told counts as none.
    pub fn latest(&self) -> Time {
        let accuracy = self.accuracy.unwrap_or_default();
        let below = u64::from(self.time.nanoseconds)
            + u64::from(accuracy.millis) * 1_000_000
            + u64::from(accuracy.micros) * 1_000;
        let seconds = accuracy.seconds.saturating_add(below.div_ceil(1_000_000_000));
        self.time.time.plus(i64::try_from(seconds).unwrap_or(i64::MAX))
    }
}

impl GenTime {
    /// `YYYYMMDDhhmmss[.s...]Z`. RFC 3161 wants no trailing zeros in the fraction; some write them, and they change
    /// nothing. What changes the meaning is refused: no zone, an offset, a comma, a leap second, no digits after the dot.
    fn read(element: &Element<'_>) -> asn1::Result<Self> {
        let what = "genTime";
        let fail = |why| Err(asn1::Error::value(what, element.offset(), why));
        let Some(dot) = element.content().iter().position(|b| *b == b'.') else {
            return Ok(Self { time: element.time(what)?, nanoseconds: 0 });
        };
        let (whole, fraction) = element.content().split_at_checked(dot).unwrap_or_default();
        let digits = match fraction {
            [b'.', digits @ .., b'Z'] if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => digits,
            _ => return fail("the fraction of a second is not digits followed by Z"),
        };
        if element.constructed || digits.len() > 9 {
            return fail("the fraction of a second has more than nine digits");
        }
        let padded = digits.iter().copied().chain(std::iter::repeat(b'0')).take(9);
        let nanoseconds = padded.fold(0, |n, digit| n * 10 + u32::from(digit - b'0'));
        let whole = der::primitive(Tag::GENERALIZED_TIME, &[whole, b"Z"].concat());
        let time = Reader::single(&whole, what)
            .and_then(|e| e.time(what))
            .map_err(|e| asn1::Error { offset: element.offset(), ..e })?;
        Ok(Self { time, nanoseconds })
    }
}

impl fmt::Display for GenTime {
    /// RFC 3339, with as many digits after the dot as say something.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanoseconds == 0 {
            return self.time.fmt(f);
        }
        let whole = self.time.to_string();
        let fraction = format!("{:09}", self.nanoseconds);
        write!(f, "{}.{}Z", whole.trim_end_matches('Z'), fraction.trim_end_matches('0'))
    }
}

impl Accuracy {
    fn read(element: &Element<'_>) -> asn1::Result<Self> {
        let mut fields = element.sequence("accuracy")?;
        let seconds = match fields.optional(Tag::INTEGER, "accuracy.seconds")? {
            Some(element) => element.small("accuracy.seconds")?,
            None => 0,
        };
        let mut thousandths = |number, what| -> asn1::Result<u16> {
            let Some(element) = fields.optional(Tag::context(number), what)? else { return Ok(0) };
            // Only 1 to 999 are allowed; 0 says nothing, and is what some write.
            match (element.constructed, element.content()) {
                (false, [low]) if *low < 128 => Ok(u16::from(*low)),
                (false, [high, low]) if *high < 4 => Ok(u16::from(*high) << 8 | u16::from(*low)),
                _ => Err(asn1::Error::value(what, element.offset(), "it is not 1 to 999")),
            }
            .and_then(|value| match value {
                0..=999 => Ok(value),
                _ => Err(asn1::Error::value(what, element.offset(), "it is not 1 to 999")),
            })
        };
        let millis = thousandths(0, "accuracy.millis")?;
        let micros = thousandths(1, "accuracy.micros")?;
        fields.finish("accuracy")?;
        Ok(Self { seconds, millis, micros })
    }
}

fn read_extensions(element: &Element<'_>, limits: &Limits) -> Result<Vec<Extension>> {
    let mut list = element.children("TSTInfo.extensions")?;
    let mut extensions = Vec::new();
    while let Some(extension) = list.next_element()? {
        if extensions.len() >= limits.attributes {
            return Err(Error::Limit { what: "extensions of a timestamp", limit: limits.attributes as u64 });
        }
        let mut fields = extension.sequence("Extension")?;
        let oid = fields.required(Tag::OID, "extnID")?.oid("extnID")?;
        let critical = match fields.optional(Tag::BOOLEAN, "critical")? {
            Some(element) => element.boolean("critical")?,
            None => false,
        };
        let value = fields.required(Tag::OCTET_STRING, "extnValue")?.octets("extnValue")?.into_owned();
        fields.finish("Extension")?;
        extensions.push(Extension { oid, critical, value });
    }
    Ok(extensions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::oid;
    use crate::crypto::algorithm::DigestAlgorithm;

    const POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.3.4.1");

    /// The fields that must be there, genTime as given, and then `rest`.
    fn info(gen_time: &[u8], rest: &[Vec<u8>]) -> Vec<u8> {
        let imprint = der::sequence(&[DigestAlgorithm::Sha256.identifier().to_der(), der::octets(&[7; 32])]);
        let mut fields = vec![der::integer(1), der::oid(&POLICY), imprint, der::integer(0x80_01)];
        fields.push(der::primitive(Tag::GENERALIZED_TIME, gen_time));
        fields.extend_from_slice(rest);
        der::sequence(&fields)
    }

    fn read(raw: &[u8]) -> Result<TstInfo> {
        TstInfo::parse(raw, &Limits::default())
    }

    fn small(number: u32, content: &[u8]) -> Vec<u8> {
        der::primitive(Tag::context(number), content)
    }

    #[test]
    fn every_field_reads_back() {
        let name = crate::cert::name::Name::build(&[(oid::COMMON_NAME, "Stamps")]);
        let extension = der::sequence(&[der::oid(&POLICY), der::boolean(true), der::octets(b"x")]);
        let rest = [
            der::sequence(&[der::integer(2), small(0, &[3, 231]), small(1, &[1])]),
            der::boolean(true),
            der::integer(99),
            der::explicit(0, &der::explicit(4, name.der())),
            der::constructed(Tag::context(1), &[extension]),
        ];
        let read = read(&info(b"20261124080000.25Z", &rest)).unwrap();
        assert_eq!((read.version, read.policy, read.ordering), (1, POLICY, true));
        assert_eq!((read.hash_algorithm.oid, read.hashed_message.as_slice()), (oid::SHA256, &[7; 32][..]));
        assert_eq!((read.serial.as_slice(), read.nonce.as_deref()), (&[0, 0x80, 1][..], Some(&[99][..])));
        assert_eq!(read.accuracy, Some(Accuracy { seconds: 2, millis: 999, micros: 1 }));
        assert_eq!(read.authority, Some(GeneralName::Directory(name)));
        assert!(matches!(read.extensions.as_slice(), [Extension { oid: POLICY, critical: true, .. }]));
        assert_eq!(read.time.to_string(), "2026-11-24T08:00:00.25Z");
        // 0.25 s + 2.999001 s = 3.249001 s
        assert_eq!(read.latest().to_string(), "2026-11-24T08:00:04Z");
    }

    #[test]
    fn what_may_be_absent_may_be_absent() {
        let read = read(&info(b"20261124080000Z", &[])).unwrap();
        assert!(read.accuracy.is_none() && read.nonce.is_none() && read.authority.is_none() && !read.ordering);
        assert_eq!(read.latest(), read.time.time);
        assert!(self::read(&info(b"20261124080000Z", &[der::sequence::<&[u8]>(&[])])).unwrap().accuracy.is_some());
    }

    #[test]
    fn sec_031_a_gen_time_has_one_meaning_or_none() {
        let good: [(&[u8], &str); 5] = [
            (b"20261124080000Z", "2026-11-24T08:00:00Z"),
            (b"20261124080000.5Z", "2026-11-24T08:00:00.5Z"),
            (b"20261124080000.500Z", "2026-11-24T08:00:00.5Z"),
            (b"20261124080000.0Z", "2026-11-24T08:00:00Z"),
            (b"20261124080000.123456789Z", "2026-11-24T08:00:00.123456789Z"),
        ];
        for (text, expected) in good {
            assert_eq!(read(&info(text, &[])).unwrap().time.to_string(), expected);
        }
        let bad: [&[u8]; 16] = [
            b"",
            b"Z",
            b".5Z",
            b"20261124080000",
            b"20261124080000.5",
            b"20261124080000.Z",
            b"20261124080000,5Z",
            b"20261124080000.5.5Z",
            b"20261124080000.-5Z",
            b"20261124080000.1234567891Z",
            b"20261124080000+0100",
            b"20261124080000.5+0100",
            b"202611240800Z",
            b"20260231080000Z",
            b"20261124080060Z",
            b"20261124240000.5Z",
        ];
        for text in bad {
            assert!(read(&info(text, &[])).is_err(), "{}", String::from_utf8_lossy(text));
        }
        // A UTCTime is none.
        let utc = info(b"20261124080000Z", &[]);
        let at = utc.windows(2).position(|w| w == [24, 15]).unwrap();
        let mut short = utc.clone();
        short[at] = 23;
        assert!(read(&utc).is_ok() && read(&short).is_err());
    }

    #[test]
    fn an_accuracy_is_within_its_bounds() {
        let accuracy = |parts: &[Vec<u8>]| read(&info(b"20261124080000Z", &[der::sequence(parts)])).map(|i| i.accuracy);
        assert_eq!(accuracy(&[small(1, &[2])]).unwrap().unwrap().micros, 2);
        for bad in [
            vec![small(0, &[3, 232])],
            vec![small(0, &[0xff])],
            vec![small(0, &[])],
            vec![small(0, &[0, 0, 1])],
            vec![small(1, &[1]), small(0, &[1])],
            vec![der::primitive(Tag::INTEGER, &[0xff])],
            vec![der::primitive(Tag::INTEGER, &[1; 9])],
        ] {
            assert!(accuracy(&bad).is_err(), "{bad:?}");
        }
        // The largest there can be ends at the end of the calendar.
        let long = info(b"20261124080000Z", &[der::sequence(&[der::integer(u64::MAX)])]);
        assert_eq!(read(&long).unwrap().latest().to_string(), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn fractions_are_rounded_up() {
        let latest = |text: &[u8], rest: &[Vec<u8>]| read(&info(text, rest)).unwrap().latest().to_string();
        assert_eq!(latest(b"20261124080000.000000001Z", &[]), "2026-11-24T08:00:01Z");
        let half = der::sequence(&[small(0, &[1, 0xf4])]);
        assert_eq!(latest(b"20261124080000.5Z", std::slice::from_ref(&half)), "2026-11-24T08:00:01Z");
        assert_eq!(latest(b"20261124080000.6Z", &[half]), "2026-11-24T08:00:02Z");
    }

    #[test]
    fn every_truncation_and_every_addition_is_an_error() {
        let whole = info(b"20261124080000Z", &[der::boolean(false), der::integer(5)]);
        for cut in 0..whole.len() {
            assert!(read(&whole[..cut]).is_err(), "{cut}");
        }
        assert!(read(&[&whole[..], &[0]].concat()).is_err());
        assert!(read(&info(b"20261124080000Z", &[der::null()])).is_err());
        // In another order than the specification's.
        assert!(read(&info(b"20261124080000Z", &[der::integer(5), der::boolean(false)])).is_err());
        let extension = der::sequence(&[der::oid(&POLICY), der::octets(b"")]);
        let many = der::constructed(Tag::context(1), &vec![extension; 65]);
        assert!(matches!(read(&info(b"20261124080000Z", &[many])), Err(Error::Limit { limit: 64, .. })));
    }
}
