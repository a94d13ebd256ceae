//! Clauses about countries and registered organizations: BR 7.1.4.2.2(d) and (n), and appendix A.

use super::case::{Case, Verdict, quoted, values};
use super::subject::ORGANIZATION_IDENTIFIER;
use crate::asn1::oid;

pub(super) fn country(case: &Case<'_>) -> Verdict {
    let mut wrong = Vec::new();
    for (place, name) in case.names() {
        // XX stands for a country without a code of its own.
        let unknown = values(name, &oid::COUNTRY).into_iter().filter(|code| !is_country(code) && *code != "XX");
        wrong.extend(unknown.map(|code| {
            format!("the countryName of {place} is {}; expected a code of ISO 3166-1 in capitals, or XX", quoted(code))
        }));
    }
    Verdict::of(wrong)
}

pub(super) fn identifier(case: &Case<'_>) -> Verdict {
    let mut seen = false;
    let mut wrong = Vec::new();
    for (place, name) in case.names() {
        for text in values(name, &ORGANIZATION_IDENTIFIER) {
            seen = true;
            let fault = match Registration::read(text) {
                Some(registration) => registration.fault(),
                None => {
                    Some("expected a scheme of three letters, a country, for some +state, and -reference".to_owned())
                }
            };
            if let Some(fault) = fault {
                wrong.push(format!("the organizationIdentifier of {place} is {}: {fault}", quoted(text)));
            }
        }
    }
    if seen { Verdict::of(wrong) } else { Verdict::NotApplicable }
}

/// Appendix A: a national register is in the subject's country.
pub(super) fn identifier_country(case: &Case<'_>) -> Verdict {
    let subject = case.cert.subject();
    let Some(country) = values(subject, &oid::COUNTRY).first().copied().filter(|country| country.len() == 2) else {
        return Verdict::NotApplicable;
    };
    let texts = values(subject, &ORGANIZATION_IDENTIFIER);
    let national =
        texts.iter().filter_map(|text| Registration::read(text)).filter(|r| !matches!(r.scheme, "INT" | "LEI"));
    let countries: Vec<&str> = national.map(|registration| registration.country).collect();
    if countries.is_empty() {
        return Verdict::NotApplicable;
    }
    let others = countries.into_iter().filter(|other| *other != country);
    let wrong = others.map(|other| {
        format!(
            "the organizationIdentifier is of the country {}, the countryName is {}",
            quoted(other),
            quoted(country)
        )
    });
    Verdict::of(wrong.collect())
}

/// `NTRUS+CA-12345678`: scheme, country, for some a part of the country, and the reference within the register.
struct Registration<'a> {
    scheme: &'a str,
    country: &'a str,
    state: Option<&'a str>,
    reference: Option<&'a str>,
}

impl<'a> Registration<'a> {
    /// The leftmost hyphen separates; the reference may hold others.
    fn read(text: &'a str) -> Option<Self> {
        let (head, reference) = match text.split_once('-') {
            Some((head, reference)) => (head, Some(reference)),
            None => (text, None),
        };
        let (head, state) = match head.split_once('+') {
            Some((head, state)) => (head, Some(state)),
            None => (head, None),
        };
        let (scheme, country) = (head.get(..3)?, head.get(3..)?);
        let letters = |text: &str| text.bytes().all(|b| b.is_ascii_uppercase());
        let short = |state: &str| (1..=3).contains(&state.len()) && state.bytes().all(|b| b.is_ascii_alphanumeric());
        let sound = letters(scheme) && country.len() == 2 && letters(country) && state.is_none_or(short);
        sound.then_some(Self { scheme, country, state, reference: reference.filter(|text| !text.is_empty()) })
    }

    /// What appendix A and 7.1.4.2.2(d) say against it.
    fn fault(&self) -> Option<String> {
        let Self { scheme, country, .. } = self;
        let global = matches!(*scheme, "LEI" | "INT");
        if !matches!(*scheme, "NTR" | "VAT" | "PSD" | "LEI" | "GOV" | "INT") {
            return Some(format!("there is no scheme {scheme}; there are NTR, VAT, PSD, LEI, GOV and INT"));
        }
        if global && *country != "XG" {
            return Some(format!("the scheme {scheme} is of no country; expected XG in the place of {country}"));
        }
        // VAT numbers of Greece begin with EL (ETSI EN 319 412-1 section 5.1.4), those of Northern Ireland with XI.
        let known = is_country(country) || (*scheme == "VAT" && matches!(*country, "EL" | "XI"));
        if !global && !known {
            return Some(format!("{country} is no country of ISO 3166-1"));
        }
        match (*scheme, self.state, self.reference) {
            ("VAT" | "PSD" | "LEI" | "INT", Some(state), _) => {
                Some(format!("the scheme {scheme} has no parts of a country, such as {state}"))
            }
            ("INT", _, Some(reference)) => Some(format!("the scheme INT has no references, such as {reference}")),
            ("NTR" | "VAT" | "PSD" | "LEI", _, None) => Some(format!("the reference within {scheme} is missing")),
            _ => None,
        }
    }
}

fn is_country(code: &str) -> bool {
    code.len() == 2 && COUNTRIES.split_ascii_whitespace().any(|known| known == code)
}

/// ISO 3166-1, the codes that are officially assigned.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS \
    BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ \
    FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT \
    JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP \
    MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE \
    RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV \
    TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";
