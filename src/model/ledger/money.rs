//! Money: exact cents from decimal text, and back. Floating point never sees an amount.

/// Why a text is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a decimal number.
    #[error("is not a decimal number")]
    NotANumber,
    /// A digit other than 0 stands behind the cents.
    #[error("has more than two decimal places")]
    TooPrecise,
    /// Does not fit into 64 bits of cents.
    #[error("is too large for 64 bits of cents")]
    Overflow,
}

/// The exact cents of a decimal number as JSON writes it: `-12.34` is -1234, `1.1e1` is 1100.
///
/// Zeros behind the cents do not change the value and are taken; any other digit there is
/// [`MoneyError::TooPrecise`]. No rounding.
pub fn parse_cents(text: &str) -> Result<i64, MoneyError> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (number, exponent) = match rest.find(['e', 'E']) {
        None => (rest, 0),
        Some(at) => (&rest[..at], parse_exponent(&rest[at + 1..])?),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if !is_digits(whole) || !is_digits(fraction) {
        return Err(MoneyError::NotANumber);
    }
    // Digits that stand before the point once the value is counted in cents.
    let kept = exponent.saturating_add(whole.len() as i64).saturating_add(2);
    let mut cents: i128 = 0;
    let mut seen: i64 = 0;
    for digit in whole.bytes().chain(fraction.bytes()) {
        let digit = i128::from(digit - b'0');
        if seen < kept {
            cents = cents
                .checked_mul(10)
                .and_then(|cents| cents.checked_add(digit))
                .ok_or(MoneyError::Overflow)?;
        } else if digit != 0 {
            return Err(MoneyError::TooPrecise);
        }
        seen += 1;
    }
    while seen < kept && cents != 0 {
        cents = cents.checked_mul(10).ok_or(MoneyError::Overflow)?;
        seen += 1;
    }
    i64::try_from(if negative { -cents } else { cents }).map_err(|_| MoneyError::Overflow)
}

/// The cents of an integer text (`amount_cents`).
pub fn parse_whole_cents(text: &str) -> Result<i64, MoneyError> {
    if !is_digits(text.strip_prefix('-').unwrap_or(text)) {
        return Err(MoneyError::NotANumber);
    }
    text.parse().map_err(|_| MoneyError::Overflow)
}

/// `-1234` as `-12.34`.
pub fn format_cents(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn parse_exponent(text: &str) -> Result<i64, MoneyError> {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if !is_digits(digits) {
        return Err(MoneyError::NotANumber);
    }
    // An exponent beyond this decides alone, whatever the digits are.
    let size = digits.parse::<i64>().unwrap_or(i64::MAX).min(1 << 40);
    Ok(if negative { -size } else { size })
}

#[cfg(test)]
mod tests {
    use super::MoneyError::*;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_are_exact() {
        let table: &[(&str, Result<i64, MoneyError>)] = &[
            ("19.99", Ok(1999)),
            ("1.15", Ok(115)),
            ("-12.34", Ok(-1234)),
            ("0", Ok(0)),
            ("-0", Ok(0)),
            ("-0.01", Ok(-1)),
            ("7", Ok(700)),
            ("7.5", Ok(750)),
            ("1.500", Ok(150)),
            ("1.1e1", Ok(1100)),
            ("1E2", Ok(10000)),
            ("115e-2", Ok(115)),
            ("1e-2", Ok(1)),
            ("1e+0", Ok(100)),
            ("0.00001e3", Ok(1)),
            ("0e999999999999999999999", Ok(0)),
            ("0e-999999999999999999999", Ok(0)),
            ("92233720368547758.07", Ok(i64::MAX)),
            ("-92233720368547758.08", Ok(i64::MIN)),
            ("92233720368547758.08", Err(Overflow)),
            ("1e999999999999999999999", Err(Overflow)),
            ("99999999999999999999999999999999999999999999", Err(Overflow)),
            ("1.005", Err(TooPrecise)),
            ("1e-3", Err(TooPrecise)),
            ("1e-999999999999", Err(TooPrecise)),
            ("0.001", Err(TooPrecise)),
            ("NaN", Err(NotANumber)),
            ("", Err(NotANumber)),
            ("-", Err(NotANumber)),
            ("+1", Err(NotANumber)),
            ("1.", Err(NotANumber)),
            (".5", Err(NotANumber)),
            ("1e", Err(NotANumber)),
            ("1,000.00", Err(NotANumber)),
            ("\"1\"", Err(NotANumber)),
            (" 1", Err(NotANumber)),
        ];
        for (text, expected) in table {
            assert_eq!(parse_cents(text), *expected, "{text}");
        }
    }

    #[test]
    fn whole_cents_are_integers() {
        for (text, expected) in [
            ("1999", Ok(1999)),
            ("-1", Ok(-1)),
            ("1.0", Err(NotANumber)),
            ("9223372036854775808", Err(Overflow)),
        ] {
            assert_eq!(parse_whole_cents(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn cents_survive_the_round_trip(cents: i64) {
            prop_assert_eq!(parse_cents(&format_cents(cents)), Ok(cents));
            prop_assert_eq!(parse_cents(&format!("{cents}e-2")), Ok(cents));
        }

        #[test]
        fn any_text_is_answered(text in ".*") {
            let _ = parse_cents(&text);
        }
    }
}
