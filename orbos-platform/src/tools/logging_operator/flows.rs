//! Whose logs go where.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::definitions::GROUP;
use crate::{LogFormat, LogOutput, LogSource, Wiring, parts::Parts, spec::LogCollection};

const COMPONENT: &str = "flow";

/// One flow: a source, or several of the same name.
#[derive(Debug)]
struct Flow {
    format: LogFormat,
    selectors: Vec<BTreeMap<String, String>>,
    local: Vec<String>,
    global: Vec<String>,
}

/// Adds outputs and flows, and returns the namespaces that they are in.
///
/// An output that is not for everybody cannot be seen from another namespace. So a source there gets an output of the same
/// name beside its flow; that is no way for others, as whoever may make flows there may make outputs there.
pub(super) fn render(parts: &mut Parts<'_>, settings: &LogCollection, wiring: &Wiring) -> BTreeSet<String> {
    let home = parts.context().namespace.clone();
    let outputs: Vec<_> = wiring.all(|it| &it.log_outputs).collect();
    let flows = flows(&home, settings, &outputs, &sources(&home, wiring));
    let version = format!("{GROUP}/v1beta1");
    let mut add = |kind: &str, name: &str, namespace: &str, spec: Value| {
        let body = json!({ "metadata": { "namespace": namespace }, "spec": spec });
        parts.object(&version, kind, name, COMPONENT, body);
    };
    let mut namespaces: BTreeSet<_> = flows.keys().map(|(namespace, _)| namespace.clone()).collect();
    for output in outputs {
        let spec = json!({ "loki": loki(&output.url) });
        if output.cluster {
            add("ClusterOutput", &output.name, &home, spec);
            continue;
        }
        let seen = |namespace: &String| {
            flows.iter().any(|(key, it)| key.0 == *namespace && it.local.contains(&output.name))
        };
        for namespace in namespaces.iter().filter(|it| **it != home && seen(it)) {
            add("Output", &output.name, namespace, spec.clone());
        }
        add("Output", &output.name, &home, spec);
    }
    for ((namespace, name), flow) in &flows {
        add("Flow", name, namespace, spec(flow));
    }
    namespaces.insert(home);
    namespaces
}

/// What is declared, and what is always there: BOOM and ORBITER.
fn sources(home: &str, wiring: &Wiring) -> Vec<LogSource> {
    let mut sources: Vec<_> = wiring.all(|it| &it.logs).cloned().collect();
    for (name, switch) in [("flow-boom", "boom"), ("flow-orbiter", "orbiter")] {
        if !sources.iter().any(|it| it.name == name) {
            sources.push(LogSource {
                name: name.to_owned(),
                switch,
                namespace: home.to_owned(),
                selector: [("app.kubernetes.io/name".to_owned(), switch.to_owned())].into(),
                format: LogFormat::Plain,
            });
        }
    }
    sources
}

/// Flows by namespace and name; none for a source that nobody wants.
fn flows(
    home: &str,
    settings: &LogCollection,
    outputs: &[&LogOutput],
    sources: &[LogSource],
) -> BTreeMap<(String, String), Flow> {
    let mut flows: BTreeMap<_, Flow> = BTreeMap::new();
    for source in sources {
        let wants = |it: &&&LogOutput| it.logs.as_ref().is_none_or(|it| it.has(source.switch));
        let names = |cluster| {
            let outputs = outputs.iter().filter(wants).filter(move |it| it.cluster == cluster);
            outputs.map(|it| it.name.clone()).collect::<Vec<_>>()
        };
        let (mut local, mut global) = (names(false), names(true));
        if source.namespace == home {
            local.extend(settings.outputs.iter().cloned());
        }
        global.extend(settings.cluster_outputs.iter().cloned());
        if local.is_empty() && global.is_empty() {
            continue;
        }
        let LogSource { name, namespace, selector, format, switch: _ } = source;
        let key = (namespace.clone(), name.clone());
        let new = Flow { format: *format, selectors: Vec::new(), local, global };
        flows.entry(key).or_insert(new).selectors.push(selector.clone());
    }
    flows
}

fn spec(flow: &Flow) -> Value {
    let Flow { format, selectors, local, global } = flow;
    let select = |labels| json!({ "select": { "labels": labels } });
    let mut spec = json!({ "match": selectors.iter().map(select).collect::<Vec<_>>() });
    let parse = match format {
        LogFormat::Logfmt => Some("logfmt"),
        LogFormat::Json => Some("json"),
        LogFormat::Plain => None,
    };
    if let Some(parse) = parse {
        // Lines that look different are sent as they are; fluentd would throw them away.
        spec["filters"] = json!([{ "parser": {
            "emit_invalid_record_to_error": false,
            "parse": { "type": parse },
            "remove_key_name_field": true,
            "reserve_data": true,
            "reserve_time": true,
        } }]);
    }
    for (key, names) in [("localOutputRefs", local), ("globalOutputRefs", global)] {
        if !names.is_empty() {
            spec[key] = json!(names);
        }
    }
    spec
}

/// Every value of a label is a stream of its own, so there are few; the pod's name stays in the line.
fn loki(url: &str) -> Value {
    json!({
        "url": url,
        "configure_kubernetes_labels": false,
        "extract_kubernetes_labels": false,
        "include_thread_label": false,
        "labels": {
            "namespace": "$.kubernetes.namespace_name",
            "app": "$['kubernetes']['labels']['app.kubernetes.io/name']",
            "container": "$.kubernetes.container_name",
            "node": "$.kubernetes.host",
        },
        "remove_keys": [
            "$.kubernetes.annotations",
            "$.kubernetes.container_hash",
            "$.kubernetes.container_image",
            "$.kubernetes.docker_id",
            "$.kubernetes.labels",
            "$.kubernetes.pod_id",
        ],
        "line_format": "json",
        "buffer": { "timekey": "1m", "timekey_wait": "30s", "timekey_use_utc": true },
    })
}
