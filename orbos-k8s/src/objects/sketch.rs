//! Objects as an API server stores them, in a few words; for tests.

use serde_json::{Map, Value, json};

use super::{
    Apis, GroupKind, Manifest, Owner, Served,
    compare::new_body,
    resolve::{Placed, Resolved},
};

pub(crate) fn owner() -> Owner {
    Owner::boom("caos-system")
}

pub(crate) fn apis() -> Apis {
    let mut apis = Apis::new();
    for (kind, namespaced) in [
        ("Namespace", false),
        ("Secret", true),
        ("ConfigMap", true),
        ("Service", true),
        ("PersistentVolumeClaim", true),
        ("Deployment.apps", true),
        ("StatefulSet.apps", true),
        ("ClusterRole.rbac.authorization.k8s.io", false),
        ("CustomResourceDefinition.apiextensions.k8s.io", false),
    ] {
        let kind = GroupKind::parse(kind);
        let plural = format!("{}s", kind.kind.to_lowercase());
        apis.add(&kind, Served { version: "v1".into(), plural, namespaced });
    }
    apis
}

pub(crate) fn deployment(name: &str, replicas: u32) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "a", "labels": {"app": name}},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": name, "image": "busybox:1", "args": ["-v"]}]}}}})
}

pub(crate) fn config(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "a"}, "data": {"a": "1"}})
}

pub(crate) fn resolved(value: Value) -> Resolved {
    placed(value).resolved(&owner())
}

pub(crate) fn placed(value: Value) -> Placed {
    Placed::new(&Manifest::new(value).unwrap(), &apis(), &owner()).unwrap()
}

/// The object after it was applied.
pub(crate) fn stored(wanted: &Resolved) -> Value {
    let mut value = new_body(wanted);
    let mut fields = fields("", &value);
    let mine = fields.as_object_mut().unwrap();
    mine.retain(|key, _| !["f:apiVersion", "f:kind"].contains(&key.as_str()));
    for field in ["f:name", "f:namespace"] {
        mine["f:metadata"].as_object_mut().unwrap().remove(field);
    }
    value["metadata"]["uid"] = format!("uid of {}", wanted.object).into();
    value["metadata"]["managedFields"] =
        json!([{"manager": "boom", "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": fields}]);
    value
}

/// Gives a field of the object's spec to somebody else.
pub(crate) fn hand_over(object: &mut Value, field: &str, manager: &str, operation: &str) {
    let fields = &mut object["metadata"]["managedFields"];
    fields[0]["fieldsV1"]["f:spec"].as_object_mut().unwrap().remove(field);
    let entry = json!({"manager": manager, "operation": operation, "fieldsV1": {"f:spec": {field: {}}}});
    fields.as_array_mut().unwrap().push(entry);
}

fn fields(name: &str, value: &Value) -> Value {
    match value {
        Value::Object(all) => {
            all.iter().map(|(key, it)| (format!("f:{key}"), fields(key, it))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) if name == "containers" => {
            let key = |it: &Value| format!("k:{}", json!({"name": it["name"]}));
            let item = |it: &Value| {
                let mut inside = fields("", it);
                inside["."] = json!({});
                (key(it), inside)
            };
            items.iter().map(item).collect::<Map<_, _>>().into()
        }
        _ => json!({}),
    }
}
