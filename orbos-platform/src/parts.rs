//! What objects of all tools have alike: names, labels, accounts, services, and the baseline of what runs.

mod access;
mod declared;
mod files;
mod service;
mod storage;
mod workload;

use orbos_k8s::objects::Manifest;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

pub use files::SecretFiles;
pub use service::Port;
pub use storage::claim;
pub use workload::{Container, Placement, Runs, Workload};

use crate::{Error, ToolContext};

/// Collects the objects of one tool and gives each its namespace and labels.
///
/// ```
/// use orbos_platform::{ToolContext, parts::Parts};
/// use serde_json::json;
///
/// let context = ToolContext::new(35);
/// let mut parts = Parts::new("page", "1.0", &context);
/// parts.config_map("page", "page", json!({"index.html": "Hello"}));
/// assert_eq!(parts.finish("page")?[0].to_string(), "ConfigMap caos-system/page");
/// # Ok::<(), orbos_platform::Error>(())
/// ```
#[derive(Debug)]
pub struct Parts<'a> {
    context: &'a ToolContext,
    application: &'static str,
    version: String,
    namespace: String,
    objects: Vec<Value>,
}

impl<'a> Parts<'a> {
    /// No objects yet. `application` and `version` stand in labels.
    pub fn new(application: &'static str, version: impl Into<String>, context: &'a ToolContext) -> Self {
        let version = version.into();
        Self { context, application, version, namespace: context.namespace.clone(), objects: Vec::new() }
    }

    /// Everything that follows is in another namespace than the tools'.
    #[must_use]
    pub fn in_namespace(mut self, namespace: &str) -> Self {
        self.namespace = namespace.to_owned();
        self
    }

    /// Where the tool will run.
    pub fn context(&self) -> &'a ToolContext {
        self.context
    }

    /// The namespace of what follows.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// What pods of a component have and a Service or workload selects; never changes between versions.
    pub fn selector(&self, component: &str) -> Map<String, Value> {
        let mut labels = Map::new();
        labels.insert("app.kubernetes.io/name".to_owned(), json!(self.application));
        labels.insert("app.kubernetes.io/component".to_owned(), json!(component));
        labels
    }

    /// The same as texts.
    pub fn selected(&self, component: &str) -> std::collections::BTreeMap<String, String> {
        let text = |it: Value| it.as_str().unwrap_or_default().to_owned();
        self.selector(component).into_iter().map(|(key, it)| (key, text(it))).collect()
    }

    /// All labels of a component's objects.
    pub fn labels(&self, component: &str) -> Map<String, Value> {
        let mut labels = self.selector(component);
        labels.insert("app.kubernetes.io/version".to_owned(), json!(self.version));
        labels
    }

    /// Adds an object of a component in the tool's namespace. `body` has its fields but for those that say what it is.
    pub fn object(&mut self, api_version: &str, kind: &str, name: &str, component: &str, body: Value) {
        let namespace = self.namespace.clone();
        self.push(api_version, kind, name, Some(&namespace), component, body);
    }

    /// Adds an object that is in no namespace.
    pub fn cluster_object(
        &mut self,
        api_version: &str,
        kind: &str,
        name: &str,
        component: &str,
        body: Value,
    ) {
        self.push(api_version, kind, name, None, component, body);
    }

    /// Adds a ConfigMap.
    pub fn config_map(&mut self, name: &str, component: &str, data: Value) {
        self.object("v1", "ConfigMap", name, component, json!({ "data": data }));
    }

    /// Adds a Secret of texts.
    pub fn secret(&mut self, name: &str, component: &str, texts: Value) {
        self.object("v1", "Secret", name, component, json!({ "type": "Opaque", "stringData": texts }));
    }

    /// All objects as manifests; `tool` is named if one is none.
    ///
    /// # Errors
    ///
    /// [`Error::NoObject`] if an object lacks what every object has.
    pub fn finish(self, tool: &str) -> Result<Vec<Manifest>, Error> {
        let manifest = |it| Manifest::new(it).map_err(|why| Error::NoObject { tool: tool.to_owned(), why });
        self.objects.into_iter().map(manifest).collect()
    }

    fn push(
        &mut self,
        api_version: &str,
        kind: &str,
        name: &str,
        namespace: Option<&str>,
        component: &str,
        body: Value,
    ) {
        let mut metadata = json!({ "name": name });
        if let Some(namespace) = namespace {
            metadata["namespace"] = json!(namespace);
        }
        metadata["labels"] = Value::Object(self.labels(component));
        let mut object = json!({ "apiVersion": api_version, "kind": kind, "metadata": metadata });
        merge(&mut object, body);
        self.objects.push(object);
    }
}

/// A short text that changes with a value; on a pod's template it restarts pods whose configuration changes.
pub fn fingerprint(value: &Value) -> String {
    let digest = Sha256::digest(value.to_string());
    digest.iter().take(8).map(|it| format!("{it:02x}")).collect()
}

/// Puts the second value into the first one: mappings are merged, all else is replaced.
pub fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}
