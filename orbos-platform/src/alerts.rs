//! Alerts and recording rules, as typed values.

mod alertmanager;
mod argocd;
mod certificates;
mod control_plane;
mod gateway;
mod general;
pub mod limits;
mod logs;
mod node;
mod objects;
mod operators;
mod prometheus;
mod rule;
mod volumes;

use std::sync::LazyLock;

use serde_json::Value;

pub(crate) use gateway::LISTENERS;
pub use limits::Limit;

/// Rules that are evaluated together.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertGroup {
    /// Its name, also of its PrometheusRule.
    pub name: &'static str,
    /// The tool that declares it, by its key in `boom.yml`.
    pub tool: &'static str,
    /// Switches below `metricsPersisting.metrics` that all have to be on for it to make sense.
    pub needs: &'static [&'static str],
    /// Its rules, as PrometheusRule has them.
    pub rules: Vec<Value>,
}

/// All rules of all tools, in the order of their groups' subjects.
///
/// A group uses metrics of the switches that it needs and of no others.
pub fn alerts() -> Vec<AlertGroup> {
    let mut groups = general::groups();
    groups.extend(node::groups());
    groups.extend(objects::groups());
    groups.extend(control_plane::groups());
    groups.extend(volumes::groups());
    groups.extend(prometheus::groups());
    groups.extend(alertmanager::groups());
    groups.extend(logs::groups());
    groups.extend(gateway::groups());
    groups.extend(certificates::groups());
    groups.extend(argocd::groups());
    groups.extend(operators::groups());
    groups
}

/// The rules that come with a tool, by its key in `boom.yml`.
///
/// ```
/// use orbos_platform::alerts;
///
/// assert!(alerts::of("certificates").iter().all(|it| it.needs == ["cert-manager"]));
/// assert!(alerts::of("no tool of ours").is_empty());
/// ```
pub fn of(tool: &str) -> Vec<AlertGroup> {
    // They are the same in every round.
    static ALL: LazyLock<Vec<AlertGroup>> = LazyLock::new(alerts);
    ALL.iter().filter(|it| it.tool == tool).cloned().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_groups_and_no_two_alerts_have_the_same_name() {
        let groups = alerts();
        let names: BTreeSet<_> = groups.iter().map(|it| it.name).collect();
        assert_eq!(names.len(), groups.len());
        let rules = groups.iter().flat_map(|it| &it.rules);
        let alerts: Vec<_> = rules.filter_map(|it| it["alert"].as_str()).collect();
        assert_eq!(alerts.iter().collect::<BTreeSet<_>>().len(), alerts.len(), "{alerts:?}");
    }

    #[test]
    fn every_alert_says_how_bad_it_is_and_what_to_do() {
        for rule in alerts().iter().flat_map(|it| &it.rules).filter(|it| it["alert"].is_string()) {
            let severity = rule["labels"]["severity"].as_str().expect("it is set");
            assert!(["critical", "warning", "info", "none"].contains(&severity), "{rule}");
            for key in ["summary", "description", "runbook_url"] {
                assert!(rule["annotations"][key].as_str().is_some_and(|it| it.len() > 10), "{key}: {rule}");
            }
            assert!(
                rule["annotations"]["description"].as_str().is_some_and(|it| it.ends_with('.')),
                "{rule}"
            );
        }
    }
}
