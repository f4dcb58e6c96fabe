//! One object as it should be.

use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::{GroupKind, ObjectRef, Rank, identity::group_version, rank::RANK};

/// Where an object was written down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The file, by its path.
    pub file: String,
    /// The line on which the object begins, counted from 1.
    pub line: usize,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// One Kubernetes object as it should be.
///
/// What only the API server can say (`status`, `uid`, …) and empty values are left out, `stringData` of a Secret becomes
/// `data`, and ports get the protocol that servers up to 1.20 want to see. Its debug output has no field of the object,
/// since a Secret may be among them.
#[derive(Clone, PartialEq)]
pub struct Manifest {
    object: ObjectRef,
    version: String,
    value: Arc<Value>,
    origin: Option<Origin>,
}

impl Manifest {
    /// Takes an object.
    ///
    /// # Errors
    ///
    /// What it lacks, in words: `apiVersion`, `kind` or `metadata.name`; or what should be texts and is not.
    pub fn new(value: Value) -> Result<Self, String> {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).filter(|it| !it.is_empty());
        let need = |pointer: &str| {
            let field = pointer.trim_start_matches('/').replace('/', ".");
            text(pointer).map(str::to_owned).ok_or_else(|| match value.pointer(pointer) {
                Some(_) => format!("`{field}` is no text"),
                None => format!("it has no `{field}`"),
            })
        };
        if !value.is_object() {
            return Err("it is no mapping".to_owned());
        }
        let (api_version, kind) = (need("/apiVersion")?, need("/kind")?);
        let name = need("/metadata/name").map_err(|why| format!("{kind}: {why}"))?;
        let (group, version) = group_version(&api_version);
        let namespace = text("/metadata/namespace");
        let object = ObjectRef::new(&GroupKind::new(group, &kind), namespace, name);
        texts(&object, "metadata.labels", &value["metadata"]["labels"])?;
        texts(&object, "metadata.annotations", &value["metadata"]["annotations"])?;
        Rank::read(&value).map_err(|it| {
            format!("{object}: `metadata.annotations.{RANK}` is `{it}`, but can be `ahead` or `behind`")
        })?;
        if object.is_secret() {
            texts(&object, "data", &value["data"])?;
            texts(&object, "stringData", &value["stringData"])?;
        }
        let version = version.to_owned();
        let value = Arc::new(normal(&object, value));
        Ok(Self { object, version, value, origin: None })
    }

    /// Notes where it was written down.
    #[must_use]
    pub fn from_origin(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Gives it a place ahead of the others or behind them; the annotation `boom.caos.ch/rank` of the object says it too.
    #[must_use]
    pub fn with_rank(mut self, rank: Rank) -> Self {
        let metadata = Arc::make_mut(&mut self.value)["metadata"]
            .as_object_mut()
            .expect("an object has a name in its metadata");
        let mut annotations = match metadata.shift_remove("annotations") {
            Some(Value::Object(annotations)) => annotations,
            _ => Map::new(),
        };
        annotations.shift_remove(RANK);
        annotations.extend(rank.word().map(|it| (RANK.to_owned(), it.into())));
        if !annotations.is_empty() {
            metadata.insert("annotations".to_owned(), annotations.into());
        }
        self
    }

    /// Whether it comes ahead of the others or behind them.
    pub fn rank(&self) -> Rank {
        Rank::read(&self.value).unwrap_or_default()
    }

    /// Which object it is; without a namespace, if none is stated.
    pub fn object(&self) -> &ObjectRef {
        &self.object
    }

    /// The version of its kind, like `v1`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// All of its fields.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// All of its fields in one order, with `[secret]` in place of what a Secret holds: for eyes.
    pub fn veiled(&self) -> Value {
        let mut value = ordered(&self.value);
        if self.object.is_secret() {
            for it in value["data"].as_object_mut().into_iter().flat_map(|it| it.values_mut()) {
                *it = Value::String("[secret]".to_owned());
            }
        }
        value
    }

    /// Where it was written down; `None`: a program made it.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.object.fmt(f)
    }
}

impl fmt::Debug for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Manifest({}", self.object)?;
        if let Some(origin) = &self.origin {
            write!(f, " at {origin}")?;
        }
        f.write_str(")")
    }
}

/// What maps names to texts may only hold texts; YAML takes `80` for a number and `on` for a boolean.
fn texts(object: &ObjectRef, field: &str, value: &Value) -> Result<(), String> {
    match value {
        Value::Null => Ok(()),
        Value::Object(entries) => match entries.iter().find(|(_, it)| !it.is_string() && !it.is_null()) {
            Some((key, _)) => Err(format!("{object}: `{field}.{key}` is no text; put it into quotes")),
            None => Ok(()),
        },
        _ => Err(format!("{object}: `{field}` is no mapping")),
    }
}

/// The object without what is not ours to say, in the form in which the API server stores it.
fn normal(object: &ObjectRef, mut value: Value) -> Value {
    if object.is_secret() {
        encode(&mut value);
    }
    if let Some(fields) = value.as_object_mut() {
        fields.shift_remove("status");
    }
    if let Some(metadata) = value["metadata"].as_object_mut() {
        for field in
            ["creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"]
        {
            metadata.shift_remove(field);
        }
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            // All of the object once more, a Secret's data too.
            annotations.shift_remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
    without_null(&mut value);
    if object.is("", "Service") {
        protocols(value.pointer_mut("/spec/ports"));
        unassigned(&mut value, "clusterIP");
    }
    if object.is("", "PersistentVolumeClaim") {
        unassigned(&mut value, "volumeName");
    }
    for pod in ["/spec", "/spec/template/spec", "/spec/jobTemplate/spec/template/spec"] {
        for containers in ["containers", "initContainers"] {
            let containers = value.pointer_mut(pod).and_then(|it| it.get_mut(containers));
            for container in containers.and_then(Value::as_array_mut).into_iter().flatten() {
                protocols(container.get_mut("ports"));
            }
        }
    }
    value
}

/// `stringData` is never stored; what was written there ends up in `data`.
fn encode(value: &mut Value) {
    let Some(Value::Object(texts)) = value.as_object_mut().and_then(|it| it.shift_remove("stringData"))
    else {
        return;
    };
    let Some(data) = value.as_object_mut().map(|it| it.entry("data").or_insert_with(|| json!({}))) else {
        return;
    };
    if data.is_null() {
        *data = json!({});
    }
    for (key, text) in texts {
        if let (Value::String(text), Some(data)) = (text, data.as_object_mut()) {
            data.insert(key, Value::String(STANDARD.encode(text)));
        }
    }
}

/// Some write that the API server may choose as an empty text; what it chose is no difference then.
fn unassigned(value: &mut Value, field: &str) {
    if let Some(spec) = value["spec"].as_object_mut()
        && spec.get(field).is_some_and(|it| it == "")
    {
        spec.shift_remove(field);
    }
}

/// The protocol is part of a port's key, and servers up to 1.20 do not add the default in time.
fn protocols(ports: Option<&mut Value>) {
    for port in ports.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(port) = port.as_object_mut() {
            port.entry("protocol").or_insert_with(|| json!("TCP"));
        }
    }
}

fn without_null(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, it| !it.is_null());
            fields.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

/// Everything in one order: what says who it is first, the rest by name.
pub(crate) fn ordered(value: &Value) -> Value {
    const FIRST: [&str; 5] = ["apiVersion", "kind", "metadata", "name", "namespace"];
    match value {
        Value::Object(fields) => {
            let mut keys: Vec<_> = fields.keys().collect();
            let rank = |key: &str| FIRST.iter().position(|it| *it == key).unwrap_or(FIRST.len());
            keys.sort_by_key(|key| (rank(key), (*key).clone()));
            let sorted: Map<_, _> = keys.iter().map(|key| ((*key).clone(), ordered(&fields[*key]))).collect();
            Value::Object(sorted)
        }
        Value::Array(items) => items.iter().map(ordered).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lacks_a_name_is_no_object() {
        for (value, why) in [
            (json!("text"), "it is no mapping"),
            (json!({"kind": "Secret"}), "it has no `apiVersion`"),
            (json!({"apiVersion": 1, "kind": "Secret"}), "`apiVersion` is no text"),
            (json!({"apiVersion": "v1", "kind": "Secret"}), "Secret: it has no `metadata.name`"),
        ] {
            assert_eq!(Manifest::new(value).unwrap_err(), why);
        }
    }

    #[test]
    fn a_label_that_is_a_number_is_said_to_need_quotes() {
        let value =
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": {"port": 80}}});
        let why = Manifest::new(value).unwrap_err();
        assert_eq!(why, "Pod a: `metadata.labels.port` is no text; put it into quotes");
    }

    #[test]
    fn a_secret_has_one_form_and_is_not_printed() {
        let value = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "creationTimestamp": null},
            "stringData": {"password": "hunter2"}, "status": {}});
        let manifest = Manifest::new(value).unwrap();
        assert_eq!(manifest.value()["data"]["password"], "aHVudGVyMg==");
        assert!(manifest.value().get("stringData").is_none() && manifest.value().get("status").is_none());
        assert_eq!(format!("{manifest:?}"), "Manifest(Secret a)");
    }

    #[test]
    fn what_is_no_text_in_a_secret_is_refused() {
        for (field, held, why) in [
            (
                "stringData",
                json!({"port": 5432}),
                "Secret a: `stringData.port` is no text; put it into quotes",
            ),
            ("data", json!(["a"]), "Secret a: `data` is no mapping"),
        ] {
            let mut value = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}});
            value[field] = held;
            assert_eq!(Manifest::new(value).unwrap_err(), why);
        }
    }

    #[test]
    fn what_the_server_chooses_and_what_kubectl_noted_is_left_out() {
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "b": "c"}},
            "spec": {"clusterIP": "", "type": "ClusterIP"}});
        let value = Manifest::new(service).unwrap().value().clone();
        assert_eq!(value["spec"], json!({"type": "ClusterIP"}));
        assert_eq!(value["metadata"]["annotations"], json!({"b": "c"}));
        let headless = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"clusterIP": "None"}});
        assert_eq!(Manifest::new(headless).unwrap().value()["spec"]["clusterIP"], "None");
    }

    #[test]
    fn ports_have_a_protocol() {
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"},
            "spec": {"ports": [{"port": 80}, {"port": 53, "protocol": "UDP"}]}});
        let value = Manifest::new(service).unwrap().value().clone();
        assert_eq!(
            (&value["spec"]["ports"][0]["protocol"], &value["spec"]["ports"][1]["protocol"]),
            (&json!("TCP"), &json!("UDP"))
        );
    }
}
