//! Dashboards and rules as values: what they look like, and that they ask for what somebody exports.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use orbos_platform::{
    alerts::{self, alerts},
    dashboards::{self, dashboards},
    metrics::{self, COLLECTED, RECORDED},
    spec::{BoomSpec, Metrics},
};
use serde_json::{Value, json};

use expressions::{Expression, list, of_dashboard, parsed, selectors, text};
use groupings::{Grouping, groupings};

#[path = "promtool/expressions.rs"]
mod expressions;
#[path = "dashboards/groupings.rs"]
mod groupings;

fn none(wrong: Vec<String>, rule: &str) {
    assert!(wrong.is_empty(), "{rule}\n{}", wrong.join("\n"));
}

/// Sources of all metrics that an expression asks for.
fn sources(expression: &Expression) -> BTreeSet<&'static str> {
    let parsed = expression.parse().unwrap_or_else(|why| panic!("{why}"));
    let sources = selectors(&parsed)
        .into_iter()
        .flat_map(|it| metrics::of_series(&it.name).map(|it| it.source).collect::<Vec<_>>());
    sources.collect()
}

#[test]
fn every_expression_asks_for_what_somebody_exports() {
    let mut wrong = Vec::new();
    for expression in expressions::all() {
        let parsed = match expression.parse() {
            Ok(it) => it,
            Err(why) => {
                wrong.push(why);
                continue;
            }
        };
        for selector in selectors(&parsed) {
            let known: Vec<_> = metrics::of_series(&selector.name).collect();
            if known.is_empty() {
                wrong.push(format!("{}: nobody exports {}", expression.place, selector.name));
            }
            let labels = selector.matchers.iter().map(|it| &it.name);
            let unknown = labels.filter(|label| !known.iter().any(|it| it.has_label(label)));
            wrong.extend(unknown.map(|it| format!("{}: {} has no {it}", expression.place, selector.name)));
        }
    }
    none(wrong, "metrics are in the registry");
}

#[test]
fn what_is_grouped_and_shown_by_is_a_label_of_something_asked_for() {
    let mut wrong = Vec::new();
    for expression in expressions::all() {
        let parsed = expression.parse().unwrap_or_else(|why| panic!("{why}"));
        let legend = expression.legend.split("{{").skip(1).filter_map(|it| it.split_once("}}"));
        let legend = legend.map(|it| it.0.to_owned()).collect();
        let shown = Grouping { labels: legend, of: selectors(&parsed) };
        for grouping in groupings(&parsed).into_iter().chain([shown]) {
            let has = |label: &str| {
                let mut series = grouping.of.iter().flat_map(|it| metrics::of_series(&it.name));
                series.any(|it| it.has_label(label))
            };
            let unknown = grouping.labels.iter().filter(|it| !has(it));
            wrong.extend(unknown.map(|it| format!("{}: nothing has {it}", expression.place)));
        }
    }
    none(wrong, "labels are in the registry");
}

#[test]
fn every_metric_of_the_registry_is_asked_for() {
    let all = expressions::all();
    let asked: BTreeSet<_> = all
        .iter()
        .flat_map(|it| selectors(&it.parse().unwrap_or_else(|why| panic!("{why}"))))
        .map(|it| it.name)
        .collect();
    // What the original recorded is for whoever reads it from elsewhere.
    let unused = metrics::all()
        .filter(|it| !it.name.starts_with("caos_") && !asked.iter().any(|name| it.has_series(name)));
    none(unused.map(|it| it.name.to_owned()).collect(), "nobody asks for these metrics");
}

#[test]
fn what_is_recorded_is_in_the_registry() {
    let groups = alerts();
    let rules = groups.iter().flat_map(|it| &it.rules);
    let recorded: BTreeSet<_> = rules.filter_map(|it| it["record"].as_str()).collect();
    let known: BTreeSet<_> = metrics::all().filter(|it| it.source == RECORDED).map(|it| it.name).collect();
    assert_eq!(recorded, known);
}

#[test]
fn a_group_of_rules_uses_what_it_needs() {
    for group in alerts() {
        let used: BTreeSet<_> = group
            .rules
            .iter()
            .map(|rule| Expression {
                place: group.name.to_owned(),
                text: text(&rule["expr"]).to_owned(),
                legend: String::new(),
            })
            .flat_map(|it| sources(&it))
            .filter(|it| ![COLLECTED, RECORDED].contains(it))
            .collect();
        assert_eq!(used, group.needs.iter().copied().collect(), "{}", group.name);
    }
}

#[test]
fn a_dashboard_uses_what_it_needs() {
    for dashboard in dashboards() {
        let used: BTreeSet<_> = of_dashboard(&dashboard).iter().flat_map(sources).collect();
        let unused: Vec<_> = dashboard.needs.iter().filter(|it| !used.contains(*it)).collect();
        assert!(unused.is_empty(), "{} needs {unused:?}, and does not use it", dashboard.uid);
    }
}

#[test]
fn tools_and_switches_are_keys_of_the_file() {
    let keys = |schema: schemars::Schema| -> BTreeSet<String> {
        let properties = schema.as_value()["properties"].as_object().expect("it is an object").clone();
        properties.keys().cloned().collect()
    };
    let (tools, switches) = (keys(schemars::schema_for!(BoomSpec)), keys(schemars::schema_for!(Metrics)));
    let unknown = metrics::all().map(|it| it.source).filter(|it| ![COLLECTED, RECORDED].contains(it));
    let unknown: Vec<_> = unknown.filter(|it| !switches.contains(*it)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let (boards, groups) = (dashboards(), alerts());
    let declared =
        boards.iter().map(|it| (it.tool, it.needs)).chain(groups.iter().map(|it| (it.tool, it.needs)));
    for (tool, needs) in declared {
        assert!(tools.contains(tool), "{tool}");
        assert!(needs.iter().all(|it| switches.contains(*it)), "{needs:?}");
    }
    let of: usize = tools.iter().map(|it| dashboards::of(it).len() + alerts::of(it).len()).sum();
    assert_eq!(of, boards.len() + groups.len(), "every one comes with some tool");
}

#[test]
fn panels_fit_on_one_screen_and_lie_beside_each_other() {
    let mut uids = BTreeSet::new();
    for dashboard in dashboards() {
        let board = parsed(&dashboard);
        assert!(board.is_object(), "{}", dashboard.uid);
        assert!(uids.insert(dashboard.uid), "{} is there twice", dashboard.uid);
        assert_eq!(board["uid"], dashboard.uid);
        assert_eq!(board["schemaVersion"], 42);
        let panels: Vec<_> = list(&board["panels"]).collect();
        let shown = panels.iter().filter(|it| it["type"] != "row").count();
        assert!((4..=12).contains(&shown), "{} has {shown} panels", dashboard.uid);
        let mut taken: BTreeMap<(u64, u64), &str> = BTreeMap::new();
        for panel in panels {
            let [x, y, w, h] =
                ["x", "y", "w", "h"].map(|it| panel["gridPos"][it].as_u64().expect("it is set"));
            assert!(x + w <= 24 && w > 0 && h > 0, "{}: {panel}", dashboard.uid);
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                let title = text(&panel["title"]);
                let before = taken.insert(cell, title);
                assert!(before.is_none(), "{}: {title} lies on {before:?}", dashboard.uid);
            }
        }
    }
}

#[test]
fn every_question_goes_to_a_source_that_is_there() {
    fn datasources<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("datasource").filter(|it| it.is_object()));
                fields.values().for_each(|it| datasources(it, found));
            }
            Value::Array(items) => items.iter().for_each(|it| datasources(it, found)),
            _ => {}
        }
    }
    for dashboard in dashboards() {
        let board = parsed(&dashboard);
        let mut found = Vec::new();
        datasources(&board, &mut found);
        assert!(!found.is_empty());
        for it in found {
            let known = [
                json!({ "type": "prometheus", "uid": "${datasource}" }),
                json!({ "type": "loki", "uid": "loki" }),
            ];
            assert!(known.contains(it), "{}: {it}", dashboard.uid);
        }
        assert_eq!(board["templating"]["list"][0]["current"]["value"], "prometheus");
    }
}

#[test]
fn links_lead_to_other_dashboards() {
    let all = dashboards();
    for dashboard in &all {
        let board = parsed(dashboard);
        for url in list(&board["links"]).filter_map(|it| it["url"].as_str()?.strip_prefix("/d/")) {
            assert!(url != dashboard.uid && all.iter().any(|it| it.uid == url), "{}: {url}", dashboard.uid);
        }
    }
}

#[test]
fn every_dashboard_as_grafana_gets_it() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("data/dashboards");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for dashboard in dashboards() {
            let board = parsed(&dashboard);
            let text = serde_json::to_string_pretty(&board).expect("it is JSON");
            insta::assert_snapshot!(dashboard.uid, text);
        }
    });
}

#[test]
fn every_rule_as_prometheus_gets_it() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("data/dashboards");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        let line = |rule: &Value| {
            let name = rule["alert"].as_str().or(rule["record"].as_str()).expect("it has a name");
            let more = ["severity", "subsystem"].into_iter().find_map(|it| rule["labels"][it].as_str());
            let after = rule["for"].as_str().map(|it| format!(" for {it}")).unwrap_or_default();
            format!("{name} {}{after}\n    {}", more.unwrap_or_default(), text(&rule["expr"]))
        };
        let group = |it: &alerts::AlertGroup| {
            let rules: Vec<_> = it.rules.iter().map(line).collect();
            format!("# {} of {}, needs {:?}\n{}", it.name, it.tool, it.needs, rules.join("\n"))
        };
        let groups: Vec<_> = alerts().iter().map(group).collect();
        insta::assert_snapshot!("rules", groups.join("\n\n"));
    });
}

#[test]
fn every_alert_has_its_heading_in_the_runbooks() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/runbooks.md");
    let runbooks = fs::read_to_string(path).expect("there are runbooks");
    let headings: BTreeSet<_> = runbooks.lines().filter_map(|it| it.strip_prefix("### ")).collect();
    let groups = alerts();
    let rules = groups.iter().flat_map(|it| &it.rules);
    let alerts: BTreeSet<_> = rules.filter_map(|it| it["alert"].as_str()).collect();
    assert_eq!(headings, alerts);
}

/// A folder beside what Cargo builds, which keeps what npm downloads from one run to the next.
fn downloads() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("grafana");
    fs::create_dir_all(&folder).expect("Cargo's folder can be written to");
    folder
}

fn run(program: &str, arguments: &[&str], folder: &Path) {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    let output = command.output().unwrap_or_else(|error| {
        panic!("{program} is needed to check dashboards against Grafana's types and is not there ({error}): run `.ci/tools test`")
    });
    assert!(
        output.status.success(),
        "{program} {arguments:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Grafana has no server here that could read the dashboards; its own types and its own grammar of LogQL have.
#[test]
fn dashboards_are_what_grafanas_types_say() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/grafana");
    let folder = downloads();
    for name in ["package.json", "package-lock.json", "check.mjs", "panels.ts"] {
        let text = fs::read(script.join(name)).expect("the script is there");
        fs::write(folder.join(name), text).expect("Cargo's folder can be written to");
    }
    let all: Vec<_> = dashboards().iter().map(parsed).collect();
    fs::write(folder.join("dashboards.json"), json!(all).to_string())
        .expect("Cargo's folder can be written to");
    let lock = fs::read(folder.join("package-lock.json")).expect("it was written");
    let installed = folder.join("installed-lock.json");
    if fs::read(&installed).is_ok_and(|it| it == lock) {
        return run("node", &["check.mjs"], &folder);
    }
    run("npm", &["ci", "--ignore-scripts", "--no-audit", "--no-fund"], &folder);
    fs::write(installed, lock).expect("Cargo's folder can be written to");
    run("node", &["check.mjs"], &folder);
}
