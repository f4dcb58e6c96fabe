//! What a text without quotes means.

use serde_json::Value;

pub(super) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// As YAML 1.2 says; and as the original did, the words of YAML 1.1 where only a boolean can stand.
pub(crate) fn as_bool(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" | "Y" => Some(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "n" | "N" => Some(false),
        _ => None,
    }
}

/// Decimal, `0x`, `0o`; with `_` between digits as YAML 1.1 had it.
pub(crate) fn as_integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match digits.get(..2) {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        _ => (10, digits),
    };
    if !digits.starts_with(|it: char| it.is_digit(radix)) || digits.len() > 40 {
        return None;
    }
    let number = i128::from_str_radix(&digits.replace('_', ""), radix).ok()?;
    Some(if negative { -number } else { number })
}

/// A finite number with or without a fraction.
pub(crate) fn as_float(text: &str) -> Option<f64> {
    let numeric = |it: char| it.is_ascii_digit() || matches!(it, '+' | '-' | '.' | 'e' | 'E');
    if !text.chars().all(numeric) || !text.contains(|it: char| it.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|it: &f64| it.is_finite())
}

pub(super) fn is_number(text: &str) -> bool {
    as_integer(text).is_some() || as_float(text).is_some()
}

/// The value of a text without quotes where nothing says which type it should have.
pub(super) fn resolve(text: &str) -> Value {
    match text {
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ if is_null(text) => return Value::Null,
        _ => {}
    }
    let integer = text.parse::<i64>().ok().map(Value::from);
    let float = || as_float(text).filter(|_| text.contains(['.', 'e', 'E'])).map(Value::from);
    // Compared as printed: a number never equals the text it was read from.
    let unchanged = |it: &Value| matches!(it, Value::Number(number) if number.to_string().as_str() == text);
    integer.or_else(float).filter(unchanged).unwrap_or_else(|| Value::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_between_text_and_value() {
        for text in ["1", "-7", "1.5", "0"] {
            assert!(resolve(text).is_number(), "{text}");
        }
        for text in
            ["1.20", "014", "0x10", "1_000", "+1", "no", "1e3", ".5", "99999999999999999999", "v1.21.0"]
        {
            assert_eq!(resolve(text), Value::from(text));
        }
        assert_eq!(resolve("~"), Value::Null);
        assert_eq!(resolve("true"), Value::Bool(true));
    }

    #[test]
    fn integers_are_read_in_every_form() {
        for (text, number) in [("10", 10), ("0x1f", 31), ("0o17", 15), ("-3", -3), ("+3", 3), ("1_000", 1000)]
        {
            assert_eq!(as_integer(text), Some(number), "{text}");
        }
        for text in ["", "-", "_1", "1.0", "0x", "x", "١"] {
            assert_eq!(as_integer(text), None, "{text}");
        }
    }
}
