//! Cases of alerts, and the unit tests for promtool that are made of them.
//!
//! A case names an alert and says which series there are (`series`), which more make it fire (`fires`) or keep it quiet
//! (`quiet`), when that is looked at (`at`), and which labels it has then. `interval` is a minute unless it is said.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use orbos_platform::alerts::AlertGroup;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::expressions::{selectors, text};

type Series = BTreeMap<String, String>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    at: String,
    #[serde(default = "minute")]
    interval: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    series: Series,
    #[serde(default)]
    fires: Series,
    /// `None`: it always fires.
    quiet: Option<Series>,
}

fn minute() -> String {
    "1m".to_owned()
}

/// All cases, by the alert that they are about.
pub(crate) fn read() -> BTreeMap<String, Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/rules");
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("there are cases") {
        let path = entry.expect("the folder can be read").path();
        let text = fs::read_to_string(&path).expect("the file can be read");
        let cases: BTreeMap<String, Case> =
            serde_yaml::from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        for (alert, case) in cases {
            assert!(all.insert(alert.clone(), case).is_none(), "{alert} has two cases");
        }
    }
    all
}

/// The unit tests of a group, with the cases of its alerts, which are taken out of the others.
pub(crate) fn tests(group: &AlertGroup, groups: &[AlertGroup], cases: &mut BTreeMap<String, Case>) -> Value {
    let rules = group.rules.iter().filter(|it| it["alert"].is_string());
    let tests: Vec<_> = rules
        .flat_map(|rule| {
            let alert = text(&rule["alert"]);
            let case = cases.remove(alert).unwrap_or_else(|| panic!("{alert} has no case"));
            described(rule, &case);
            of_case(rule, &case)
        })
        .collect();
    // Without an order promtool may judge by records before they are made.
    let order = names(group, groups);
    let files: Vec<_> = order.iter().map(|it| format!("{it}.yml")).collect();
    json!({ "rule_files": files, "group_eval_order": order, "evaluation_interval": "1m", "tests": tests })
}

/// What an alert says has no label that it does not have.
fn described(rule: &Value, case: &Case) {
    let said = text(&rule["annotations"]["description"]);
    for label in said.split("$labels.").skip(1).filter_map(|it| it.split([' ', '}']).next()) {
        let alert = text(&rule["alert"]);
        assert!(case.labels.contains_key(label), "{alert} speaks of {label}, and does not have it");
    }
}

/// A group, after the groups whose records it reads.
fn names(group: &AlertGroup, groups: &[AlertGroup]) -> Vec<&'static str> {
    let mut read = BTreeSet::new();
    for rule in &group.rules {
        let parsed = promql_parser::parser::parse(text(&rule["expr"])).expect("another test parses it");
        read.extend(selectors(&parsed).into_iter().map(|it| it.name));
    }
    let records = |it: &&AlertGroup| {
        let mut names = it.rules.iter().filter_map(|it| it["record"].as_str());
        it.name != group.name && names.any(|it| read.contains(it) && it != "orbos:subsystem:health")
    };
    let before = groups.iter().filter(records).map(|it| it.name);
    before.chain([group.name]).collect()
}

fn of_case(rule: &Value, case: &Case) -> Vec<Value> {
    let (alert, severity) = (text(&rule["alert"]), text(&rule["labels"]["severity"]));
    let expr = format!("ALERTS{{alertname={alert:?}, alertstate=\"firing\", severity={severity:?}}}");
    let labels: String = case.labels.iter().map(|(label, value)| format!(", {label}={value:?}")).collect();
    let fired = format!("{}{labels}}}", expr.trim_end_matches('}'));
    let test = |name: &str, more: &Series, looks: Vec<Value>| {
        let series: Vec<_> = case
            .series
            .iter()
            .chain(more)
            .map(|(series, values)| json!({ "series": series, "values": values }))
            .collect();
        json!({
            "name": format!("{alert} {name}"),
            "interval": case.interval,
            "input_series": series,
            "promql_expr_test": looks,
        })
    };
    let look = |at: &str, samples: Value| json!({ "expr": expr, "eval_time": at, "exp_samples": samples });
    let mut looks = vec![look(&case.at, json!([{ "labels": fired, "value": 1 }]))];
    // It waits before it fires, whatever it sees.
    if let Some(minutes) = rule["for"].as_str().and_then(minutes).filter(|it| *it > 1) {
        looks.push(look(&format!("{}m", minutes - 1), json!([])));
    }
    let fires = test("fires", &case.fires, looks);
    let quiet = case.quiet.as_ref().map(|it| test("is quiet", it, vec![look(&case.at, json!([]))]));
    [Some(fires), quiet].into_iter().flatten().collect()
}

fn minutes(time: &str) -> Option<u32> {
    let hours = time.strip_suffix('h').and_then(|it| it.parse::<u32>().ok()).map(|it| it * 60);
    hours.or_else(|| time.strip_suffix('m')?.parse().ok())
}
