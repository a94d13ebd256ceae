//! A moment in time, given by the caller; nothing in the library looks at a clock.

use std::fmt;
use std::str::FromStr;

/// A moment, to the second, in UTC. Years 0001 to 9999.
///
/// ```
/// let at: smime::Time = "2026-11-24T08:00:00Z".parse()?;
/// assert_eq!(at.to_string(), "2026-11-24T08:00:00Z");
/// # Ok::<(), smime::base::time::TimeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

/// Why a text is not a [`Time`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a time: {why}; write it like 2026-11-24T08:00:00Z (RFC 3339)")]
pub struct TimeError {
    text: String,
    why: &'static str,
}

/// A moment taken apart, as calendars show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// 1 to 9999.
    pub year: i64,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59 (a leap second is read as 59).
    pub second: u8,
}

const DAY: i64 = 86_400;
/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
const EARLIEST: i64 = -62_135_596_800;
const LATEST: i64 = 253_402_300_799;

impl Time {
    /// From seconds since 1970-01-01T00:00:00Z; clamped to the years 1 to 9999.
    pub fn from_unix(seconds: i64) -> Self {
        Self(seconds.clamp(EARLIEST, LATEST))
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn unix(self) -> i64 {
        self.0
    }

    /// From a calendar; `None` where no such moment exists (31 February, hour 24).
    pub fn from_civil(civil: Civil) -> Option<Self> {
        let Civil { year, month, day, hour, minute, second } = civil;
        if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        if day == 0 || day > days_in_month(year, month) {
            return None;
        }
        let days = days_from_civil(year, i64::from(month), i64::from(day));
        Some(Self(days * DAY + i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second)))
    }

    /// The calendar's view, in UTC.
    pub fn civil(self) -> Civil {
        let (days, rest) = (self.0.div_euclid(DAY), self.0.rem_euclid(DAY));
        let (year, month, day) = civil_from_days(days);
        Civil {
            year,
            month: month as u8,
            day: day as u8,
            hour: (rest / 3600) as u8,
            minute: (rest / 60 % 60) as u8,
            second: (rest % 60) as u8,
        }
    }

    /// This moment, later by so many seconds (earlier where negative).
    pub fn plus(self, seconds: i64) -> Self {
        Self::from_unix(self.0.saturating_add(seconds))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = self.civil();
        write!(f, "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", c.year, c.month, c.day, c.hour, c.minute, c.second)
    }
}

impl FromStr for Time {
    type Err = TimeError;

    /// Reads RFC 3339, with `Z` or an offset; fractions of a second are dropped.
    fn from_str(text: &str) -> Result<Self, TimeError> {
        let fail = |why| TimeError { text: text.chars().take(40).collect(), why };
        let bytes = text.as_bytes();
        let field = |from: usize, to: usize| -> Option<i64> {
            let digits = bytes.get(from..to)?;
            digits.iter().all(u8::is_ascii_digit).then(|| digits.iter().fold(0, |n, d| n * 10 + i64::from(d - b'0')))
        };
        let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
        if (byte(4), byte(7), byte(13), byte(16)) != (b'-', b'-', b':', b':') || !matches!(byte(10), b'T' | b't' | b' ')
        {
            return Err(fail("its parts are not where they belong"));
        }
        let parts = [field(0, 4), field(5, 7), field(8, 10), field(11, 13), field(14, 16), field(17, 19)];
        let [Some(year), Some(month), Some(day), Some(hour), Some(minute), Some(second)] = parts else {
            return Err(fail("a digit is missing"));
        };
        let civil = Civil {
            year,
            month: month as u8,
            day: day as u8,
            hour: hour as u8,
            minute: minute as u8,
            second: (second as u8).min(if second == 60 { 59 } else { 255 }),
        };
        let at = Self::from_civil(civil).ok_or_else(|| fail("no such day or hour"))?;
        let mut rest = bytes.get(19..).unwrap_or_default();
        if rest.first() == Some(&b'.') {
            let digits = rest.iter().skip(1).take_while(|b| b.is_ascii_digit()).count();
            rest = rest.get(1 + digits..).unwrap_or_default();
        }
        match rest {
            b"Z" | b"z" => Ok(at),
            [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] if [h1, h2, m1, m2].iter().all(|b| b.is_ascii_digit()) => {
                let digit = |b: &u8| i64::from(b - b'0');
                let offset = (digit(h1) * 10 + digit(h2)) * 3600 + (digit(m1) * 10 + digit(m2)) * 60;
                Ok(at.plus(if *sign == b'+' { -offset } else { offset }))
            }
            _ => Err(fail("it does not end with Z or an offset such as +01:00")),
        }
    }
}

fn days_in_month(year: i64, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar (Hinnant, "chrono-compatible low-level date
/// algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_goes_both_ways() {
        for seconds in (EARLIEST..LATEST).step_by(86_400 * 37 + 12_345) {
            let at = Time::from_unix(seconds);
            assert_eq!(Time::from_civil(at.civil()), Some(at), "{at}");
        }
        assert_eq!("2026-11-24T08:00:00Z".parse::<Time>().unwrap().unix(), 1_795_507_200);
        assert_eq!("2026-11-24T09:00:00.5+01:00".parse::<Time>().unwrap().unix(), 1_795_507_200);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in
            ["", "2026", "2026-02-30T00:00:00Z", "2026-11-24T24:00:00Z", "2026-11-24T08:00:00", "x026-11-24T08:00:00Z"]
        {
            assert!(text.parse::<Time>().is_err(), "{text}");
        }
    }
}
