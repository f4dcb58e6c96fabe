use serde_json::Value;

use super::*;
use crate::{LogSource, Toolset, Wiring, spec::Boom};

/// A tool that writes logs outside of the tools' namespace.
#[derive(Debug)]
struct Elsewhere;

impl PlatformTool for Elsewhere {
    fn name(&self) -> &'static str {
        "elsewhere"
    }

    fn declare(&self, _: &ToolContext) -> Declared {
        let source = |component: &str| LogSource {
            name: "flow-metrics-server".to_owned(),
            switch: "metrics-server",
            namespace: "kube-system".to_owned(),
            selector: [("component".to_owned(), component.to_owned())].into(),
            format: LogFormat::Logfmt,
        };
        Declared { logs: vec![source("a"), source("b")], ..Declared::default() }
    }

    fn goal(&self, _: &ToolContext, _: &Wiring) -> Result<Vec<Manifest>, Error> {
        Ok(Vec::new())
    }
}

/// The objects of logging-operator for a `spec`, each with its name.
fn objects(spec: Value) -> BTreeMap<String, Value> {
    let boom: Boom = serde_json::from_value(json!({ "spec": spec })).expect("it is a boom.yml");
    let tools =
        crate::tools::builtin(&boom.spec).into_iter().chain([Box::new(Elsewhere) as Box<dyn PlatformTool>]);
    let toolset = Toolset::new(tools).expect("names are unique");
    let context = ToolContext::new(35);
    let wiring = toolset.wiring(&context);
    let tool = toolset.iter().find(|it| it.name() == "logCollection").expect("it is switched on");
    let goal = tool.goal(&context, &wiring).expect("it is valid");
    goal.iter().map(|it| (it.to_string(), it.value().clone())).collect()
}

fn of_kind<'a>(objects: &'a BTreeMap<String, Value>, kind: &str) -> Vec<&'a str> {
    objects.iter().filter(|it| it.1["kind"] == kind).map(|it| it.0.as_str()).collect()
}

#[test]
fn without_outputs_there_are_no_flows() {
    let objects = objects(json!({ "logCollection": { "deploy": true } }));
    assert!(of_kind(&objects, "Flow").is_empty());
    assert!(of_kind(&objects, "Output").is_empty());
}

#[test]
fn an_output_of_a_human_alone_gets_all_flows_of_its_namespace() {
    let objects = objects(json!({ "logCollection": { "deploy": true, "outputs": ["mine"] } }));
    let flows = of_kind(&objects, "Flow");
    let names = ["flow-boom", "flow-logging-operator", "flow-orbiter"];
    assert_eq!(flows, names.map(|it| format!("Flow caos-system/{it}")));
    assert_eq!(objects[flows[0]]["spec"]["localOutputRefs"], json!(["mine"]));
    assert!(objects[flows[0]]["spec"].get("globalOutputRefs").is_none());
}

#[test]
fn a_cluster_output_of_a_human_is_seen_from_every_namespace() {
    let objects = objects(json!({ "logCollection": { "deploy": true, "clusterOutputs": ["all"] } }));
    let flow = &objects["Flow kube-system/flow-metrics-server"];
    assert_eq!(flow["spec"]["globalOutputRefs"], json!(["all"]));
}

#[test]
fn a_source_elsewhere_gets_an_output_beside_its_flow() {
    let objects = objects(
        json!({ "logCollection": { "deploy": true, "outputs": ["mine"] }, "logsPersisting": { "deploy": true } }),
    );
    assert_eq!(
        of_kind(&objects, "Output"),
        ["Output caos-system/output-loki", "Output kube-system/output-loki"]
    );
    let flow = &objects["Flow kube-system/flow-metrics-server"];
    assert_eq!(
        flow["spec"]["localOutputRefs"],
        json!(["output-loki"]),
        "another namespace's output is not seen"
    );
    let here = &objects["Flow caos-system/flow-loki"];
    assert_eq!(here["spec"]["localOutputRefs"], json!(["output-loki", "mine"]));
}

#[test]
fn an_output_for_everybody_is_there_once() {
    let objects = objects(
        json!({ "logCollection": { "deploy": true }, "logsPersisting": { "deploy": true, "clusterOutput": true } }),
    );
    assert_eq!(of_kind(&objects, "ClusterOutput"), ["ClusterOutput caos-system/output-loki"]);
    assert!(of_kind(&objects, "Output").is_empty());
    let flow = &objects["Flow kube-system/flow-metrics-server"];
    assert_eq!(flow["spec"]["globalOutputRefs"], json!(["output-loki"]));
}

#[test]
fn switches_say_whose_logs_loki_wants_and_not_what_others_get() {
    let objects = objects(json!({
        "logCollection": { "deploy": true, "outputs": ["mine"] },
        "logsPersisting": { "deploy": true, "logs": { "boom": true } },
    }));
    let outputs = |name: &str| &objects[&format!("Flow caos-system/{name}")]["spec"]["localOutputRefs"];
    assert_eq!(outputs("flow-boom"), &json!(["output-loki", "mine"]));
    assert_eq!(outputs("flow-loki"), &json!(["mine"]));
    assert_eq!(of_kind(&objects, "Output"), ["Output caos-system/output-loki"], "nobody needs it elsewhere");
}

#[test]
fn sources_of_one_name_are_one_flow() {
    let objects = objects(json!({ "logCollection": { "deploy": true, "clusterOutputs": ["all"] } }));
    let select = |it| json!({ "select": { "labels": { "component": it } } });
    let flow = &objects["Flow kube-system/flow-metrics-server"];
    assert_eq!(flow["spec"]["match"], json!([select("a"), select("b")]));
}

#[test]
fn named_namespaces_do_not_shut_out_our_own_flows() {
    let logging = |collection: Value| {
        let objects = objects(json!({ "logCollection": collection, "logsPersisting": { "deploy": true } }));
        objects["Logging logging"]["spec"].clone()
    };
    let named = logging(json!({ "deploy": true, "watchNamespaces": ["shop", "caos-system"] }));
    assert_eq!(named["watchNamespaces"], json!(["caos-system", "kube-system", "shop"]));
    assert!(logging(json!({ "deploy": true })).get("watchNamespaces").is_none(), "all of them");
}

#[test]
fn boom_that_is_a_tool_has_one_flow() {
    let objects = objects(json!({
        "boom": { "selfReconciling": true, "version": "v1" },
        "logCollection": { "deploy": true, "outputs": ["mine"] },
    }));
    let labels = &objects["Flow caos-system/flow-boom"]["spec"]["match"][0]["select"]["labels"];
    assert_eq!(labels["app.kubernetes.io/component"], "operator");
}
