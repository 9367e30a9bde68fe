//! Amounts as people read them. Programs get them exact, in JSON and CSV.

/// `450,000`; from ten million on `900M`, `12.3M`, `1.2B`.
pub(crate) fn count(number: f64) -> String {
    const MILLION: f64 = 1e6;
    const BILLION: f64 = 1e9;
    let number = number.round();
    if number >= BILLION {
        format!("{}B", one_decimal(number / BILLION))
    } else if number >= 10.0 * MILLION {
        format!("{}M", one_decimal(number / MILLION))
    } else {
        grouped(&format!("{number:.0}"))
    }
}

/// `$4,050.00`; below one dollar as many digits as tell something: `$0.009`, `$0.0000123`.
pub(crate) fn usd(amount: f64) -> String {
    if amount == 0.0 || amount >= 1.0 {
        return format!("${}", grouped(&format!("{amount:.2}")));
    }
    let digits = format!("{amount:.9}");
    let exact = digits.trim_end_matches('0').trim_end_matches('.');
    // Three digits after the zeros, and at least cents.
    let zeros = exact
        .chars()
        .skip(2)
        .take_while(|&digit| digit == '0')
        .count();
    let rounded = format!("{amount:.*}", (zeros + 3).min(9));
    let shortest = rounded.trim_end_matches('0');
    format!("${shortest:0<4}")
}

/// `812 ms`, `1.24 s`.
pub(crate) fn milliseconds(time: f64) -> String {
    if time < 1_000.0 {
        format!("{time:.0} ms")
    } else {
        format!("{:.2} s", time / 1_000.0)
    }
}

/// `0.5%`
pub(crate) fn share(ratio: f64) -> String {
    format!("{}%", one_decimal(ratio * 100.0))
}

fn one_decimal(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

/// Commas between thousands of the whole part.
fn grouped(number: &str) -> String {
    let (whole, rest) = number
        .find('.')
        .and_then(|at| number.split_at_checked(at))
        .unwrap_or((number, ""));
    let mut text = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_in_the_documents() {
        for (number, expected) in [
            (0.0, "0"),
            (999.0, "999"),
            (450_000.0, "450,000"),
            (9_999_999.0, "9,999,999"),
            (12_345_678.0, "12.3M"),
            (900e6, "900M"),
            (1.25e9, "1.2B"),
        ] {
            assert_eq!(count(number), expected);
        }
        for (amount, expected) in [
            (0.0, "$0.00"),
            (4_050.0, "$4,050.00"),
            (1_234_567.891, "$1,234,567.89"),
            (1.5, "$1.50"),
            (0.5, "$0.50"),
            (0.999_9, "$1.00"),
            (0.009, "$0.009"),
            (0.013_64, "$0.0136"),
            (0.000_012_34, "$0.0000123"),
            (0.000_000_001, "$0.000000001"),
        ] {
            assert_eq!(usd(amount), expected);
        }
        assert_eq!(milliseconds(812.4), "812 ms");
        assert_eq!(milliseconds(3_800.0), "3.80 s");
        assert_eq!(share(0.005), "0.5%");
        assert_eq!(share(1.0), "100%");
    }
}
