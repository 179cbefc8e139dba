//! Dates as uMap reads them: ISO 8601, and day-month-year for days. What has no time zone is taken
//! as UTC; a browser takes its own, which makes no difference between two such dates.

use time::{Date, Month, Time};

use super::js::Scalar;

/// Milliseconds since 1970 of a date with a time; `None` for what is none.
pub(crate) fn instant(value: &Scalar<'_>) -> Option<f64> {
    match value {
        Scalar::Null => Some(0.0),
        Scalar::Bool(_) | Scalar::Number(_) => Some(value.number()),
        Scalar::Text(text) => iso(text.trim()),
        Scalar::Undefined | Scalar::Compound(_) => None,
    }
}

/// Milliseconds since 1970 of a day's beginning; `None` for nothing and what is no day.
pub(crate) fn day(value: &Scalar<'_>) -> Option<f64> {
    if !value.truthy() {
        return None;
    }
    let text = value.string();
    let at = match text.as_bytes() {
        [_, _, _, _, b'-' | b'/', _, _, b'-' | b'/', _, _] => date(text.get(0..4)?, text.get(5..7)?, text.get(8..10)?),
        [_, _, b'-' | b'/', _, _, b'-' | b'/', _, _, _, _, ..] => {
            date(text.get(6..10)?, text.get(3..5)?, text.get(0..2)?)
        }
        _ => None,
    };
    let at = at.map(|date| milliseconds(date, Time::MIDNIGHT)).or_else(|| iso(text.trim()))?;
    Some((at / DAY).floor() * DAY)
}

const DAY: f64 = 86_400_000.0;

fn date(year: &str, month: &str, day: &str) -> Option<Date> {
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()
}

fn milliseconds(date: Date, time: Time) -> f64 {
    let at = date.with_time(time).assume_utc();
    at.unix_timestamp() as f64 * 1000.0 + f64::from(at.millisecond())
}

/// `2024`, `2024-02`, `2024-02-01`, `2024-02-01T10:00[:00[.000]][Z|+01:00]`, a blank for the T.
fn iso(text: &str) -> Option<f64> {
    let (day, rest) = match text.find(['T', ' ']) {
        Some(at) => (text.get(..at)?, text.get(at + 1..)?),
        None => (text, ""),
    };
    let mut parts = day.split('-');
    let date = date(parts.next()?, parts.next().unwrap_or("1"), parts.next().unwrap_or("1"))?;
    if rest.is_empty() {
        return Some(milliseconds(date, Time::MIDNIGHT));
    }
    let (clock, ahead) = match rest.find(['Z', '+', '-']) {
        Some(at) => (rest.get(..at)?, ahead(rest.get(at..)?)?),
        None => (rest, 0.0),
    };
    let mut parts = clock.split(':');
    let (hour, minute) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let seconds: f64 = parts.next().unwrap_or("0").parse().ok()?;
    let time = Time::from_hms(hour, minute, 0).ok()?;
    Some(milliseconds(date, time) + (seconds * 1000.0).floor() - ahead * 60_000.0)
}

/// Minutes ahead of UTC.
fn ahead(zone: &str) -> Option<f64> {
    let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() {
        return Some(0.0);
    }
    let minutes = digits.get(..2)?.parse::<f64>().ok()? * 60.0 + digits.get(2..4).unwrap_or("0").parse::<f64>().ok()?;
    Some(if zone.starts_with('-') { -minutes } else { minutes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_the_forms_that_maps_hold() {
        let text = |text: &'static str| Scalar::Text(text.into());
        assert_eq!(instant(&text("2024-02-01")), Some(1_706_745_600_000.0));
        assert_eq!(instant(&text("2024-02-01T10:00:00.5+01:00")), Some(1_706_778_000_500.0));
        assert_eq!(instant(&text("2024-02-01 09:00")), Some(1_706_778_000_000.0));
        assert_eq!(day(&text("2024-02-01T22:10:00Z")), Some(1_706_745_600_000.0));
        assert_eq!(day(&text("01/02/2024")), Some(1_706_745_600_000.0));
        assert_eq!(day(&text("1 February")), None);
        assert_eq!(day(&text("")), None);
    }
}
