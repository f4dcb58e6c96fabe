//! Rules as PrometheusRule has them.

use serde_json::{Value, json};

use super::Limit;

/// What an alert means is written here, a heading for each.
const RUNBOOKS: &str = "https://github.com/caos/orbos/blob/HEAD/orbos-platform/docs/runbooks.md";

/// How bad it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Severity {
    /// Somebody should look now.
    Critical,
    /// Somebody should look today.
    Warning,
    /// Worth knowing beside another alert.
    Info,
    /// For machines only.
    Nothing,
}

impl Severity {
    fn label(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Nothing => "none",
        }
    }
}

/// An alert without its words.
#[derive(Debug)]
pub(super) struct Alert {
    name: &'static str,
    severity: Severity,
    after: &'static str,
    expr: String,
}

/// An alert that fires as soon as something was true for a time like `15m`.
pub(super) fn alert(
    name: &'static str,
    severity: Severity,
    after: &'static str,
    expr: impl Into<String>,
) -> Alert {
    Alert { name, severity, after, expr: expr.into() }
}

impl Alert {
    /// The whole rule. The description may use the alert's labels and value as Prometheus' templates do.
    pub(super) fn says(self, summary: &str, description: &str) -> Value {
        let Self { name, severity, after, expr } = self;
        let mut rule = json!({ "alert": name, "expr": expr });
        if after != "0m" {
            rule["for"] = json!(after);
        }
        rule["labels"] = json!({ "severity": severity.label() });
        rule["annotations"] = json!({
            "summary": summary,
            "description": description,
            "runbook_url": format!("{RUNBOOKS}#{}", name.to_lowercase()),
        });
        rule
    }
}

/// A series that is recorded.
pub(super) fn record(name: &str, expr: impl Into<String>) -> Value {
    json!({ "record": name, "expr": expr.into() })
}

/// How a subsystem is doing: 1 well, 0.5 somebody should look, 0 broken.
pub(super) fn health(subsystem: &str, expr: impl Into<String>) -> Value {
    let mut rule = record("orbos:subsystem:health", expr);
    rule["labels"] = json!({ "subsystem": subsystem });
    rule
}

/// 1, 0.5 or 0, whether a value is within its limits, beyond the first or beyond both.
pub(super) fn light(expr: &str, limit: Limit) -> String {
    let beyond = if limit.is_upper() { ">" } else { "<" };
    let Limit { warning, critical } = limit;
    format!("1 - 0.5 * ({expr} {beyond} bool {warning}) - 0.5 * ({expr} {beyond} bool {critical})")
}

/// 1, 0.5 or 0, whether all, more than half or at most half of several values are 1.
pub(super) fn majority(expr: &str) -> String {
    format!("0.5 * ({expr} >= bool 1) + 0.5 * ({expr} > bool 0.5)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_light_knows_which_side_is_bad() {
        let used = light("used", Limit { warning: 0.9, critical: 0.95 });
        assert_eq!(used, "1 - 0.5 * (used > bool 0.9) - 0.5 * (used > bool 0.95)");
        let days = light("days", Limit { warning: 21.0, critical: 7.0 });
        assert_eq!(days, "1 - 0.5 * (days < bool 21) - 0.5 * (days < bool 7)");
    }
}
