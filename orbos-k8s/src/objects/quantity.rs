//! Amounts of memory and processors, which the API server writes in its own way: `1024Mi` comes back as `1Gi`.

use serde_json::Value;

/// Whether two values are the same amount, at a place where amounts are.
pub(crate) fn equal(path: &str, one: &Value, other: &Value) -> bool {
    const PLACES: [&str; 9] = [
        "resources",
        "limits",
        "requests",
        "hard",
        "capacity",
        "sizeLimit",
        "divisor",
        "overhead",
        "storage",
    ];
    let here = path.split(['.', '[', ']']).any(|it| PLACES.contains(&it));
    here && matches!((milli(one), milli(other)), (Some(one), Some(other)) if one == other)
}

/// The amount in thousandths; `None`: it is none, or too large or too small to say.
fn milli(value: &Value) -> Option<i128> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let end = text.find(|it: char| !it.is_ascii_digit() && !"+-.".contains(it)).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let decimals = u32::try_from(fraction.len()).ok()?;
    let factor: i128 = match unit {
        "m" => 1,
        "" => 1_000,
        "k" => 1_000_000,
        "M" => 1_000_000_000,
        "G" => 1_000_000_000_000,
        "T" => 1_000_000_000_000_000,
        "P" => 1_000_000_000_000_000_000,
        "Ki" => 1_000 << 10,
        "Mi" => 1_000 << 20,
        "Gi" => 1_000 << 30,
        "Ti" => 1_000 << 40,
        "Pi" => 1_000 << 50,
        _ => return None,
    };
    let (scaled, parts) = (digits.checked_mul(factor)?, 10_i128.checked_pow(decimals)?);
    (scaled % parts == 0).then_some(scaled / parts)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_same_amount_has_many_forms() {
        let path = "spec.containers[name=a].resources.limits.cpu";
        for (one, other) in
            [("1000m", "1"), ("0.5", "500m"), ("1024Mi", "1Gi"), ("1.5Gi", "1536Mi"), ("1k", "1000")]
        {
            assert!(equal(path, &json!(one), &json!(other)), "{one} {other}");
        }
        assert!(equal(path, &json!(1), &json!("1")));
        for (one, other) in [("1", "2"), ("1G", "1Gi"), ("a", "a b"), ("1..2", "1.2"), ("", "0")] {
            assert!(!equal(path, &json!(one), &json!(other)), "{one} {other}");
        }
        assert!(!equal("spec.env.value", &json!("1000m"), &json!("1")), "not where amounts are");
    }
}
