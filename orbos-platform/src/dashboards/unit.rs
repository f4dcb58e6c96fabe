//! What numbers on panels mean.

use serde_json::{Value, json};

use crate::alerts::Limit;

/// What a number is; Grafana shows it accordingly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// A count.
    Count,
    /// A share between 0 and 1.
    Share,
    /// Percent between 0 and 100.
    Percent,
    /// Bytes, in powers of 1024.
    Bytes,
    /// Bytes a second.
    BytesPerSecond,
    /// Times a second.
    PerSecond,
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Days.
    Days,
    /// Processors.
    Cores,
}

impl Unit {
    /// As Grafana calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Count | Self::Cores => "short",
            Self::Share => "percentunit",
            Self::Percent => "percent",
            Self::Bytes => "bytes",
            Self::BytesPerSecond => "Bps",
            Self::PerSecond => "cps",
            Self::Seconds => "s",
            Self::Milliseconds => "ms",
            Self::Days => "d",
        }
    }
}

/// Green, orange and red, with the same limits as the alerts.
pub(super) fn thresholds(limit: Option<Limit>) -> Value {
    let step = |color: &str, value: Option<f64>| json!({ "color": color, "value": value });
    let steps = match limit {
        None => vec![step("text", None)],
        Some(it) if it.is_upper() => {
            vec![step("green", None), step("orange", Some(it.warning)), step("red", Some(it.critical))]
        }
        Some(it) => {
            vec![step("red", None), step("orange", Some(it.critical)), step("green", Some(it.warning))]
        }
    };
    json!({ "mode": "absolute", "steps": steps })
}

/// Words for the numbers of `orbos:*:health`.
pub(super) fn health_words() -> Value {
    json!([{ "type": "value", "options": {
        "0": { "text": "broken", "color": "red", "index": 0 },
        "0.5": { "text": "look", "color": "orange", "index": 1 },
        "1": { "text": "well", "color": "green", "index": 2 },
    } }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn green_is_the_good_side_of_a_limit() {
        let colors = |limit| {
            let steps = thresholds(Some(limit))["steps"].clone();
            let steps = steps.as_array().expect("there are some").clone();
            steps.iter().map(|it| it["color"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(colors(Limit { warning: 0.9, critical: 0.95 }), ["green", "orange", "red"]);
        assert_eq!(colors(Limit { warning: 21.0, critical: 7.0 }), ["red", "orange", "green"]);
    }
}
