//! Alerts and recording rules, as typed values.

use serde_json::Value;

/// Rules that are evaluated together.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertGroup {
    /// Its name, also of its PrometheusRule.
    pub name: &'static str,
    /// Switches below `metricsPersisting.metrics` that all have to be on for it to make sense.
    pub needs: &'static [&'static str],
    /// Its rules, as PrometheusRule has them.
    pub rules: Vec<Value>,
}
