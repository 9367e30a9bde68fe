//! Dates in HTTP headers, in milliseconds since 1970-01-01T00:00:00Z.

/// An HTTP date in any of the three forms that RFC 9110 section 5.6.7 requires recipients to accept.
pub(super) fn http_date_ms(text: &str) -> Option<u64> {
    let words: Vec<&str> = text
        .split([' ', ',', '-'])
        .filter(|word| !word.is_empty())
        .collect();
    let (day, month, year, time) = match *words.as_slice() {
        // Sun, 06 Nov 1994 08:49:37 GMT and Sunday, 06-Nov-94 08:49:37 GMT
        [_, day, month, year, time, "GMT" | "UTC"] => (day, month, year, time),
        // Sun Nov  6 08:49:37 1994
        [_, month, day, time, year] => (day, month, year, time),
        _ => return None,
    };
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month = MONTHS
        .iter()
        .position(|name| *name == month)?
        .checked_add(1)?;
    let mut year = number(year)?;
    if year < 100 {
        year = year.checked_add(if year < 70 { 2000 } else { 1900 })?;
    }
    let days = days_since_1970(year, u64::try_from(month).ok()?, number(day)?)?;
    milliseconds(days, seconds_of_day(time)?)
}

/// An RFC 3339 date and time, such as `2026-01-27T12:00:30Z` or `2026-01-27T13:00:30.5+01:00`.
pub(super) fn rfc3339_ms(text: &str) -> Option<u64> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let mut parts = date.split('-');
    let days = days_since_1970(
        number(parts.next()?)?,
        number(parts.next()?)?,
        number(parts.next()?)?,
    )?;
    let zone_at = time.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = time.split_at_checked(zone_at)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let thousandths = number(fraction.get(..3.min(fraction.len()))?)?;
    let scale = match fraction.len() {
        1 => 100,
        2 => 10,
        _ => 1,
    };
    let local =
        milliseconds(days, seconds_of_day(clock)?)?.checked_add(thousandths.checked_mul(scale)?)?;
    if let Some(east) = zone.strip_prefix('+') {
        local.checked_sub(offset_ms(east)?)
    } else if let Some(west) = zone.strip_prefix('-') {
        local.checked_add(offset_ms(west)?)
    } else {
        Some(local)
    }
}

fn offset_ms(text: &str) -> Option<u64> {
    let (hours, minutes) = text.split_once(':')?;
    number(hours)?
        .checked_mul(60)?
        .checked_add(number(minutes)?)?
        .checked_mul(60_000)
}

fn milliseconds(days: u64, seconds: u64) -> Option<u64> {
    days.checked_mul(86_400)?
        .checked_add(seconds)?
        .checked_mul(1000)
}

fn seconds_of_day(text: &str) -> Option<u64> {
    let mut parts = text.split(':');
    let (hours, minutes, seconds) = (
        number(parts.next()?)?,
        number(parts.next()?)?,
        number(parts.next()?)?,
    );
    // 60 is a leap second.
    if hours > 23 || minutes > 59 || seconds > 60 || parts.next().is_some() {
        return None;
    }
    hours
        .checked_mul(3600)?
        .checked_add(minutes.checked_mul(60)?)?
        .checked_add(seconds)
}

/// Accepts digits only: `parse` alone would accept a sign.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        None
    } else {
        text.parse().ok()
    }
}

/// Days since 1970-01-01 in the Gregorian calendar. `None` for earlier dates and dates that do not exist.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if !(1970..=9999).contains(&year) || !(1..=length).contains(&day) {
        return None;
    }
    // Years that start in March have the leap day at their end.
    let (year, month) = if month > 2 {
        (year, month.checked_sub(3)?)
    } else {
        (year.checked_sub(1)?, month.checked_add(9)?)
    };
    let before_year = year
        .checked_mul(365)?
        .checked_add(year / 4)?
        .checked_sub(year / 100)?
        .checked_add(year / 400)?;
    let before_month = month.checked_mul(153)?.checked_add(2)? / 5;
    // 719_468 days lie between 0000-03-01 and 1970-01-01.
    before_year
        .checked_add(before_month)?
        .checked_add(day.checked_sub(1)?)?
        .checked_sub(719_468)
}

#[cfg(test)]
mod tests;
