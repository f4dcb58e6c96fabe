//! Texts, numbers and booleans.

use serde_json::{Number, Value};

use super::{At, Effective};
use crate::{
    diagnostic::code,
    yaml::{Yaml, as_bool, as_float, as_integer},
};

pub(super) struct Wrong {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// Reads a value as one of some types.
pub(super) fn read(schema: &Effective, types: &[String], at: At<'_>) -> Result<Value, Wrong> {
    let mut first = None;
    // Texts last: everything can be read as one.
    let ordered = types.iter().filter(|it| *it != "string").chain(types.iter().filter(|it| *it == "string"));
    for name in ordered {
        match read_as(schema, name, at) {
            Ok(value) => return Ok(value),
            Err(wrong) => first = first.or(Some(wrong)),
        }
    }
    Err(first.unwrap_or_else(|| mismatch("a value", at)))
}

fn read_as(schema: &Effective, name: &str, at: At<'_>) -> Result<Value, Wrong> {
    let expected = match name {
        "string" => "a text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "`true` or `false`",
        _ => "a value of another type",
    };
    let Yaml::Scalar { text, plain } = &at.node.yaml else { return Err(mismatch(expected, at)) };
    if at.node.is_null() {
        return Err(mismatch(expected, at));
    }
    match name {
        "string" => read_text(schema, text, at.veiled),
        "integer" if *plain => {
            let number = as_integer(text).ok_or_else(|| mismatch(expected, at))?;
            read_integer(schema, number)
        }
        "number" if *plain => {
            let number = as_float(text).ok_or_else(|| mismatch(expected, at))?;
            within(schema, number, text)?;
            Number::from_f64(number).map(Value::Number).ok_or_else(|| mismatch(expected, at))
        }
        "boolean" if *plain => as_bool(text).map(Value::Bool).ok_or_else(|| mismatch(expected, at)),
        _ => {
            let wrong = mismatch(expected, at);
            let bare = as_integer(text).is_some() || as_float(text).is_some() || as_bool(text).is_some();
            let hint = (bare && !at.veiled).then(|| format!("write `{text}` without quotes"));
            Err(Wrong { hint, ..wrong })
        }
    }
}

fn read_integer(schema: &Effective, number: i128) -> Result<Value, Wrong> {
    within(schema, number as f64, &number.to_string())?;
    let value = i64::try_from(number).map(Value::from).or_else(|_| u64::try_from(number).map(Value::from));
    value.map_err(|_| Wrong { code: code::VALUE, message: format!("{number} is too large"), hint: None })
}

/// Numbers are compared as `f64`; bounds that matter are far below where that loses digits.
fn within(schema: &Effective, number: f64, text: &str) -> Result<(), Wrong> {
    let (least, most) = (schema.number("minimum"), schema.number("maximum"));
    let above = schema.number("exclusiveMinimum").is_none_or(|it| number > it);
    let below = schema.number("exclusiveMaximum").is_none_or(|it| number < it);
    let hint = match (bounds(number, least, most, "be ", ""), above, below) {
        (Some(hint), ..) => hint,
        (None, false, _) => {
            format!("it has to be more than {}", schema.number("exclusiveMinimum").unwrap_or_default())
        }
        (None, _, false) => {
            format!("it has to be less than {}", schema.number("exclusiveMaximum").unwrap_or_default())
        }
        (None, true, true) => return Ok(()),
    };
    Err(Wrong { code: code::VALUE, message: format!("{text} is out of range"), hint: Some(hint) })
}

/// Says what would be within bounds; absent if the number is.
pub(super) fn bounds(
    number: f64,
    least: Option<f64>,
    most: Option<f64>,
    verb: &str,
    unit: &str,
) -> Option<String> {
    if least.is_none_or(|it| number >= it) && most.is_none_or(|it| number <= it) {
        return None;
    }
    Some(match (least, most) {
        (Some(least), Some(most)) => format!("it can {verb}from {least} to {most}{unit}"),
        (Some(least), None) => format!("it has to {verb}at least {least}{unit}"),
        (None, Some(most)) => format!("it can {verb}at most {most}{unit}"),
        (None, None) => return None,
    })
}

fn read_text(schema: &Effective, text: &str, veiled: bool) -> Result<Value, Wrong> {
    let length = text.chars().count();
    if let Some(hint) =
        bounds(length as f64, schema.number("minLength"), schema.number("maxLength"), "have ", " characters")
    {
        let message = format!("the text has {length} characters");
        return Err(Wrong { code: code::VALUE, message, hint: Some(hint) });
    }
    let pattern = schema.get("pattern").and_then(Value::as_str);
    match pattern.map(|it| (it, regex_lite::Regex::new(it))) {
        Some((pattern, Ok(regex))) if !regex.is_match(text) => {
            let hint = schema.description().unwrap_or_else(|| format!("it has to match `{pattern}`"));
            let what = if veiled { "the value".to_owned() } else { format!("`{text}`") };
            Err(Wrong { code: code::VALUE, message: format!("{what} has the wrong form"), hint: Some(hint) })
        }
        _ => Ok(Value::from(text)),
    }
}

fn mismatch(expected: &str, at: At<'_>) -> Wrong {
    Wrong { code: code::TYPE, message: format!("expected {expected}, found {}", at.form()), hint: None }
}
