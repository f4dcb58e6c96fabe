//! Amounts of memory, disk and processors, as Kubernetes writes them.

/// How much a text says; `None`: it is no amount.
pub(super) fn amount(text: &str) -> Option<f64> {
    let end = text.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    if !number.bytes().any(|it| it.is_ascii_digit()) {
        return None;
    }
    let number: f64 = number.parse().ok()?;
    Some(number * factor(unit)?)
}

fn factor(unit: &str) -> Option<f64> {
    const DECIMAL: [(&str, i32); 10] = [
        ("n", -9),
        ("u", -6),
        ("m", -3),
        ("", 0),
        ("k", 3),
        ("M", 6),
        ("G", 9),
        ("T", 12),
        ("P", 15),
        ("E", 18),
    ];
    const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    if let Some((_, power)) = DECIMAL.iter().find(|it| it.0 == unit) {
        return Some(10_f64.powi(*power));
    }
    if let Some(at) = BINARY.iter().position(|it| *it == unit) {
        return Some(1024_f64.powi(i32::try_from(at).ok()? + 1));
    }
    let power: i32 = unit.strip_prefix(['e', 'E'])?.parse().ok()?;
    Some(10_f64.powi(power))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_many_forms() {
        for (text, is) in [
            ("1", 1.0),
            ("0.5", 0.5),
            (".5", 0.5),
            ("100m", 0.1),
            ("2Ki", 2048.0),
            ("1e3", 1000.0),
            ("1E", 1e18),
        ] {
            assert_eq!(amount(text), Some(is), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_none() {
        for text in ["", "Gi", "10GB", "10 Gi", "-1", "1.2.3", "ten", "1Kb", "1e", "."] {
            assert_eq!(amount(text), None, "{text}");
        }
    }
}
