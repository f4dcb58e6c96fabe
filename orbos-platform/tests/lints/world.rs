//! All objects of a file with everything on, and how they hang together.

use std::{collections::BTreeMap, sync::LazyLock};

use orbos_platform::{
    ToolContext, Toolset, Wiring, render,
    spec::{Boom, ImageSettings},
    tools,
};
use orbos_state::{Document, Source};
use serde_json::Value;

use crate::made;

/// All objects that a file gives on one kind of cluster.
pub(crate) struct World {
    pub(crate) name: &'static str,
    pub(crate) context: ToolContext,
    pub(crate) objects: Vec<Value>,
    pub(crate) wiring: Wiring,
    /// Tools that could not be rendered, and why.
    pub(crate) failed: Vec<String>,
}

/// Pods that are alike.
pub(crate) struct Pods {
    /// What they are made of.
    pub(crate) object: String,
    pub(crate) namespace: String,
    pub(crate) labels: Value,
    /// Their ports by name; one that has none is called by its number.
    pub(crate) ports: BTreeMap<String, u64>,
}

/// A Service, or one that others make.
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) labels: Value,
    pub(crate) ports: BTreeMap<String, u64>,
}

/// The worlds that are looked at: everything, everything from a mirror, everything on an older cluster.
pub(crate) static WORLDS: LazyLock<[World; 3]> = LazyLock::new(|| {
    let mirror = ImageSettings {
        mirror: Some("registry.example.com/mirror".to_owned()),
        pull_secrets: vec!["mirror".to_owned()],
    };
    [World::new("all", None, 35), World::new("mirrored", Some(mirror), 35), World::new("older", None, 28)]
});

impl World {
    fn new(name: &'static str, images: Option<ImageSettings>, minor: u32) -> Self {
        let source = Source::new("all.yml", include_str!("../data/all.yml"));
        let boom: Boom =
            Document::parse(&source).and_then(|it| it.read()).unwrap_or_else(|error| panic!("{error}"));
        let mut context = ToolContext::new(minor);
        if let Some(images) = &images {
            context.images = images.into();
        }
        let toolset = Toolset::new(tools::builtin(&boom.spec)).expect("names are unique");
        let wiring = toolset.wiring(&context);
        let rendering = render(&toolset, &context);
        let objects = rendering.manifests.iter().map(|it| it.value().clone()).collect();
        let failed = rendering.failed.iter().map(|(tool, why)| format!("{tool}: {why:?}")).collect();
        Self { name, context, objects, wiring, failed }
    }

    /// A world that has only these objects.
    pub(crate) fn of(objects: Vec<Value>) -> Self {
        let context = ToolContext::new(35);
        Self { name: "test", context, objects, wiring: Wiring::default(), failed: Vec::new() }
    }

    /// All objects of a kind.
    pub(crate) fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.objects.iter().filter(move |it| it["kind"] == kind)
    }

    /// Whether there is such an object.
    pub(crate) fn has(&self, id_of: &str) -> bool {
        self.objects.iter().any(|it| id(it) == id_of)
    }

    /// All pods: of workloads, of what operators make workloads of, and of Kubernetes itself.
    pub(crate) fn pods(&self) -> Vec<Pods> {
        let own = self.objects.iter().filter_map(|it| template(it).map(|template| (it, template)));
        let own = own.map(|(object, template)| Pods {
            object: id(object),
            namespace: namespace(object).to_owned(),
            labels: template["metadata"]["labels"].clone(),
            ports: containers(&template["spec"]).flat_map(|it| list(&it["ports"])).map(port).collect(),
        });
        own.chain(self.objects.iter().flat_map(made::pods_of)).chain(made::pods_there()).collect()
    }

    /// All Services, also those that others make.
    pub(crate) fn services(&self) -> Vec<Service> {
        let own = self.of_kind("Service").map(|it| Service {
            name: text(&it["metadata"]["name"]).to_owned(),
            namespace: namespace(it).to_owned(),
            labels: it["metadata"]["labels"].clone(),
            ports: list(&it["spec"]["ports"]).map(port).collect(),
        });
        own.chain(self.objects.iter().flat_map(made::services_of)).chain(made::services_there()).collect()
    }
}

/// Kind, namespace and name of an object.
pub(crate) fn id(object: &Value) -> String {
    let (kind, name) = (text(&object["kind"]), text(&object["metadata"]["name"]));
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    }
}

pub(crate) fn namespace(object: &Value) -> &str {
    text(&object["metadata"]["namespace"])
}

/// A workload's pods; `None`: the object is no workload.
pub(crate) fn template(object: &Value) -> Option<&Value> {
    match text(&object["kind"]) {
        "Deployment" | "StatefulSet" | "DaemonSet" | "Job" => object.pointer("/spec/template"),
        "CronJob" => object.pointer("/spec/jobTemplate/spec/template"),
        "Pod" => Some(object),
        _ => None,
    }
}

/// All containers of a pod.
pub(crate) fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    list(&pod["initContainers"]).chain(list(&pod["containers"]))
}

/// Whether all labels of a selector are among some labels. An empty selector hits everything.
pub(crate) fn hits(selector: &Value, labels: &Value) -> bool {
    selector.as_object().is_none_or(|it| it.iter().all(|(key, value)| labels.get(key) == Some(value)))
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The items of a list; none if there is no list.
pub(crate) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn port(port: &Value) -> (String, u64) {
    let number = port["containerPort"].as_u64().or(port["port"].as_u64()).unwrap_or_default();
    (port["name"].as_str().map_or_else(|| number.to_string(), str::to_owned), number)
}
