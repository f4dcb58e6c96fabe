//! Series of everything that nobody here exports, made from the registry and from what is asked for.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    time::{SystemTime, UNIX_EPOCH},
};

use orbos_platform::{
    alerts::alerts,
    metrics::{self, Metric, MetricKind, RECORDED},
};
use promql_parser::label::Matcher;

use crate::expressions::{self, Selector, selectors, text};

type Labels = BTreeMap<String, String>;

/// How many samples there are of each series, and how many seconds lie between them.
const SAMPLES: u64 = 60;
const STEP: u64 = 30;

/// Values of labels that are tried beside those that stand in an expression.
const VALUES: &[&str] =
    &["MemoryPressure", "500", "200", "Running", "warning", "caos-system", "kube-system", "False", "Synced"];

/// Half an hour until now of every metric for which `real` is false, as OpenMetrics.
pub(crate) fn open_metrics(real: impl Fn(&str, &str) -> bool) -> String {
    let expressions = expressions::all();
    let parsed = expressions.iter().map(|it| it.parse().unwrap_or_else(|why| panic!("{why}")));
    let mut asked: Vec<_> = parsed.flat_map(|it| selectors(&it)).collect();
    asked.extend(asked.iter().flat_map(below).collect::<Vec<_>>());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs();
    let mut exposed = String::new();
    let mut done = BTreeSet::new();
    for metric in metrics::all().filter(|it| it.source != RECORDED && !real(it.name, it.source)) {
        if done.insert(metric.name) {
            let asked = asked.iter().filter(|it| metric.has_series(&it.name));
            let series: BTreeSet<Labels> = asked.map(|it| labels(metric, it)).collect();
            write(&mut exposed, metric, &series, now);
        }
    }
    exposed + "# EOF\n"
}

/// What has to be there for a selector to find something that is recorded: the labels are those of what it is made of.
fn below(selector: &Selector) -> Vec<Selector> {
    let groups = alerts();
    let records = groups.iter().flat_map(|it| &it.rules).filter(|it| it["record"] == selector.name.as_str());
    let made_of = records.flat_map(|it| {
        selectors(&promql_parser::parser::parse(text(&it["expr"])).expect("it was parsed before"))
    });
    let with = |mut it: Selector| {
        it.matchers.extend(selector.matchers.iter().cloned());
        it
    };
    made_of.map(with).collect()
}

/// Labels of a series that a selector finds.
fn labels(metric: &Metric, selector: &Selector) -> Labels {
    let own = metric.labels.iter().chain(["job", "instance", "namespace", "pod", "service"].iter());
    own.filter_map(|label| {
        let matchers: Vec<_> = selector.matchers.iter().filter(|it| it.name == **label).collect();
        let value =
            value(label, &matchers).unwrap_or_else(|| panic!("no value of {label} is found by {selector:?}"));
        (!value.is_empty()).then(|| ((*label).to_owned(), value))
    })
    .collect()
}

/// The first value that all matchers find.
fn value(label: &str, matchers: &[&Matcher]) -> Option<String> {
    let usual = match label {
        "namespace" => "caos-system".to_owned(),
        _ => format!("{label}-1"),
    };
    let literal = matchers.iter().map(|it| it.value.clone());
    // Alternatives of an expression, with something in place of what stands for anything.
    let written = matchers.iter().flat_map(|it| it.value.split(['|', '(', ')']));
    let written = written.map(|it| it.replace(".*", "").replace(".+", "x").replace('.', "0"));
    let candidates =
        [usual].into_iter().chain(literal).chain(written).chain(VALUES.iter().map(|it| (*it).to_owned()));
    candidates.into_iter().find(|value| matchers.iter().all(|it| it.is_match(value)))
}

fn write(text: &mut String, metric: &Metric, series: &BTreeSet<Labels>, now: u64) {
    for labels in series {
        let mut line = |suffix: &str, more: Option<(&str, &str)>, factor: u64| {
            let mut labels: BTreeMap<_, _> =
                labels.iter().map(|(label, value)| (label.as_str(), value.as_str())).collect();
            labels.extend(more);
            let shown: Vec<_> = labels.iter().map(|(label, value)| format!("{label}={value:?}")).collect();
            let shown = shown.join(",");
            for at in 0..=SAMPLES {
                let value = match metric.kind {
                    MetricKind::Gauge if metric.name.ends_with("timestamp_seconds") => now + 30 * 86400,
                    MetricKind::Gauge => 1,
                    _ => (at + 1) * factor,
                };
                let time = now - (SAMPLES - at) * STEP;
                writeln!(text, "{}{suffix}{{{shown}}} {value} {time}", metric.name)
                    .expect("text can be written to text");
            }
        };
        match metric.kind {
            MetricKind::Gauge | MetricKind::Counter => line("", None, 1),
            MetricKind::Histogram => {
                for (le, factor) in [("0.1", 1), ("1.0", 2), ("+Inf", 3)] {
                    line("_bucket", Some(("le", le)), factor);
                }
                line("_sum", None, 1);
                line("_count", None, 3);
            }
            MetricKind::Summary => {
                line("", Some(("quantile", "0.99")), 1);
                line("_sum", None, 1);
                line("_count", None, 3);
            }
        }
    }
}
