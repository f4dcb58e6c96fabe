use serde_json::json;

use super::*;

const FIELD: &str = "spec.page.patches";

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": "page", "namespace": "caos-system" },
        "spec": { "replicas": 1, "template": { "spec": {
            "containers": [
                {
                    "name": "page",
                    "image": "page:1",
                    "args": ["--one", "--two"],
                    "env": [{ "name": "A", "value": "1" }, { "name": "B", "value": "2" }],
                    "ports": [{ "name": "http", "containerPort": 80, "protocol": "TCP" }],
                    "volumeMounts": [{ "name": "data", "mountPath": "/data", "readOnly": true }],
                },
                { "name": "helper", "image": "helper:1" },
            ],
            "volumes": [{ "name": "data", "emptyDir": {} }],
        } } },
    })
}

fn service() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": "page", "namespace": "caos-system" },
        "spec": { "ports": [
            { "name": "dns", "port": 53, "protocol": "UDP" },
            { "name": "dns-tcp", "port": 53, "protocol": "TCP" },
        ] },
    })
}

fn objects() -> Vec<Manifest> {
    let role = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": { "name": "page" } });
    [deployment(), service(), role].map(|it| Manifest::new(it).expect("it is an object")).into()
}

fn patched(patches: Value) -> Result<Vec<Value>, String> {
    let patches: Vec<Patch> = serde_json::from_value(patches).expect("they are patches");
    let objects = apply(&patches, FIELD, objects()).map_err(|it| it.to_string())?;
    Ok(objects.iter().map(|it| it.value().clone()).collect())
}

/// The pods of the Deployment after a merge patch.
fn pods(merge: Value) -> Result<Value, String> {
    let merge = json!({ "spec": { "template": { "spec": merge } } });
    let objects = patched(json!([{ "target": { "kind": "Deployment" }, "merge": merge }]))?;
    Ok(objects[0]["spec"]["template"]["spec"].clone())
}

#[test]
fn a_merge_patch_sets_adds_and_deletes_fields() {
    let merge = json!({ "spec": { "replicas": 3, "paused": true, "template": null } });
    let objects =
        patched(json!([{ "target": { "kind": "Deployment" }, "merge": merge }])).expect("it can be applied");
    assert_eq!(objects[0]["spec"], json!({ "replicas": 3, "paused": true }));
    assert_eq!(objects[1], service(), "others stay as they are");
}

#[test]
fn containers_and_what_they_have_are_merged_by_their_keys() {
    let pods = pods(json!({ "containers": [
        { "name": "page", "env": [{ "name": "B", "value": "3" }, { "name": "C", "value": "4" }] },
        { "name": "page", "ports": [{ "containerPort": 80, "name": "web" }, { "containerPort": 80, "protocol": "UDP" }] },
        { "name": "page", "volumeMounts": [{ "mountPath": "/data", "readOnly": null }] },
        { "name": "new", "image": "new:1", "tty": null },
    ] }));
    let containers = &pods.expect("it can be applied")["containers"];
    let mut expected = deployment()["spec"]["template"]["spec"]["containers"].clone();
    expected[0]["env"] =
        json!([{ "name": "A", "value": "1" }, { "name": "B", "value": "3" }, { "name": "C", "value": "4" }]);
    expected[0]["ports"] = json!([
        { "name": "web", "containerPort": 80, "protocol": "TCP" },
        { "containerPort": 80, "protocol": "UDP" },
    ]);
    expected[0]["volumeMounts"] = json!([{ "name": "data", "mountPath": "/data" }]);
    expected.as_array_mut().expect("it is a list").push(json!({ "name": "new", "image": "new:1" }));
    assert_eq!(containers, &expected);
}

#[test]
fn other_lists_with_keys_are_merged_too() {
    let more = json!({
        "hostAliases": [{ "ip": "10.0.0.1", "hostnames": ["a"] }],
        "imagePullSecrets": [{ "name": "mirror" }],
        "initContainers": [{ "name": "first", "image": "first:1" }],
        "topologySpreadConstraints": [{ "topologyKey": "zone", "maxSkew": 1 }],
        "volumes": [{ "name": "data", "emptyDir": null, "persistentVolumeClaim": { "claimName": "data" } }],
    });
    let twice = json!([
        { "target": { "kind": "Deployment" }, "merge": { "spec": { "template": { "spec": more } } } },
        { "target": { "kind": "Deployment" }, "merge": { "spec": { "template": { "spec": {
            "hostAliases": [{ "ip": "10.0.0.1", "hostnames": ["b"] }],
            "imagePullSecrets": [{ "name": "mirror" }],
            "initContainers": [{ "name": "first", "image": "first:2" }],
            "topologySpreadConstraints": [{ "topologyKey": "zone", "maxSkew": 2 }],
        } } } } },
    ]);
    let pods = patched(twice).expect("they can be applied")[0]["spec"]["template"]["spec"].clone();
    assert_eq!(pods["hostAliases"], json!([{ "ip": "10.0.0.1", "hostnames": ["b"] }]));
    assert_eq!(pods["imagePullSecrets"], json!([{ "name": "mirror" }]));
    assert_eq!(pods["initContainers"], json!([{ "name": "first", "image": "first:2" }]));
    assert_eq!(pods["topologySpreadConstraints"], json!([{ "topologyKey": "zone", "maxSkew": 2 }]));
    assert_eq!(
        pods["volumes"],
        json!([{ "name": "data", "persistentVolumeClaim": { "claimName": "data" } }])
    );
}

#[test]
fn lists_without_keys_are_replaced() {
    let pods =
        pods(json!({ "containers": [{ "name": "page", "args": ["--three"] }] })).expect("it can be applied");
    assert_eq!(pods["containers"][0]["args"], json!(["--three"]));
}

#[test]
fn an_item_goes_when_it_is_said() {
    let pods =
        pods(json!({ "containers": [{ "name": "helper", "$patch": "delete" }] })).expect("it can be applied");
    assert_eq!(pods["containers"].as_array().map(Vec::len), Some(1));
}

#[test]
fn items_that_cannot_be_merged_are_named() {
    let at = "spec.page.patches[0]: Deployment caos-system/page: `merge.spec.template.spec.containers[0]";
    for (item, why) in [
        (json!({ "image": "page:2" }), "` has no `name`, by which items of this list are known"),
        (json!({ "name": "none", "$patch": "delete" }), "` is not there, so it cannot be deleted"),
        (json!({ "name": "page", "$patch": "replace" }), ".$patch` can be `delete` only"),
    ] {
        assert_eq!(pods(json!({ "containers": [item] })).unwrap_err(), format!("{at}{why}"));
    }
}

#[test]
fn ports_of_a_service_are_known_by_port_and_protocol() {
    let merge = json!({ "spec": { "ports": [{ "port": 53, "nodePort": 30053 }, { "port": 80 }] } });
    let objects =
        patched(json!([{ "target": { "kind": "Service" }, "merge": merge }])).expect("it can be applied");
    assert_eq!(
        objects[1]["spec"]["ports"],
        json!([
            { "name": "dns", "port": 53, "protocol": "UDP" },
            { "name": "dns-tcp", "port": 53, "protocol": "TCP", "nodePort": 30053 },
            { "port": 80, "protocol": "TCP" },
        ])
    );
}

#[test]
fn a_json_patch_is_applied_step_by_step() {
    let json = json!([
        { "op": "test", "path": "/spec/replicas", "value": 1 },
        { "op": "replace", "path": "/spec/replicas", "value": 2 },
        { "op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--three" },
        { "op": "remove", "path": "/spec/template/spec/volumes" },
    ]);
    let objects =
        patched(json!([{ "target": { "kind": "Deployment" }, "json": json }])).expect("it can be applied");
    assert_eq!(objects[0]["spec"]["replicas"], 2);
    let pods = &objects[0]["spec"]["template"]["spec"];
    assert_eq!(pods["containers"][0]["args"], json!(["--one", "--two", "--three"]));
    assert!(pods.get("volumes").is_none());
}

#[test]
fn a_json_patch_that_fails_names_the_step() {
    let json = json!([{ "op": "add", "path": "/a", "value": 1 }, { "op": "remove", "path": "/spec/none" }]);
    let error = patched(json!([{ "target": { "kind": "Deployment" }, "json": json }])).unwrap_err();
    assert!(
        error.starts_with("spec.page.patches[0]: Deployment caos-system/page: `json[1]` at `/spec/none`: "),
        "{error}"
    );
    let error =
        patched(json!([{ "target": { "kind": "Deployment" }, "json": [{ "op": "move" }] }])).unwrap_err();
    assert!(error.starts_with("spec.page.patches[0]: `json[0]` is no operation: "), "{error}");
}

#[test]
fn a_target_means_all_objects_to_which_everything_applies() {
    let labelled = |target: Value| {
        let merge = json!({ "metadata": { "labels": { "own": "yes" } } });
        let objects = patched(json!([{ "target": target, "merge": merge }])).expect("it can be applied");
        let labelled = objects.iter().filter(|it| it["metadata"]["labels"]["own"] == "yes");
        labelled.filter_map(|it| it["kind"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(labelled(json!({ "name": "*" })), ["Deployment", "Service", "ClusterRole"]);
    assert_eq!(labelled(json!({ "name": "pa*", "namespace": "caos-system" })), ["Deployment", "Service"]);
    assert_eq!(labelled(json!({ "group": "" })), ["Service"]);
    assert_eq!(labelled(json!({ "group": "apps", "kind": "Deployment" })), ["Deployment"]);
}

#[test]
fn what_targets_nothing_is_told_what_is_near() {
    let error = patched(json!([
        { "target": { "kind": "Service" }, "merge": {} },
        { "target": { "kind": "Deployment", "name": "pages" }, "merge": {} },
    ]));
    assert_eq!(
        error.unwrap_err(),
        "spec.page.patches[1]: `target` means no object (kind `Deployment`, name `pages`); nearest: \
         `Deployment caos-system/page`, `Service caos-system/page`, `ClusterRole page`"
    );
}

#[test]
fn a_patch_says_where_and_one_thing() {
    let target = json!({ "kind": "Service" });
    for (patch, why) in [
        (json!({ "merge": {} }), "`target` says nothing; `name: \"*\"` stands for all objects"),
        (json!({ "target": target }), "there is neither `merge` nor `json`; one of them says what changes"),
        (
            json!({ "target": target, "merge": {}, "json": [] }),
            "there are both `merge` and `json`; make two patches of them",
        ),
        (json!({ "target": target, "merge": [] }), "`merge` is no mapping"),
        (json!({ "target": target, "json": [] }), "`json` has no operation"),
    ] {
        assert_eq!(patched(json!([patch])).unwrap_err(), format!("{FIELD}[0]: {why}"));
    }
}

#[test]
fn a_patch_does_not_make_another_object() {
    for (merge, field) in [
        (json!({ "apiVersion": "v2" }), "apiVersion"),
        (json!({ "kind": "Pod" }), "kind"),
        (json!({ "metadata": { "name": "other" } }), "metadata.name"),
        (json!({ "metadata": { "namespace": null } }), "metadata.namespace"),
        (json!({ "metadata": null }), "metadata.name"),
    ] {
        let error = patched(json!([{ "target": { "kind": "Service" }, "merge": merge }])).unwrap_err();
        assert_eq!(
            error,
            format!(
                "{FIELD}[0]: Service caos-system/page: `{field}` would change; a patch cannot make another object of it"
            )
        );
    }
}

#[test]
fn a_patch_that_ruins_an_object_is_an_error() {
    let merge = json!({ "metadata": { "labels": { "port": 80 } } });
    let error = patched(json!([{ "target": { "kind": "Service" }, "merge": merge }])).unwrap_err();
    assert!(error.contains("`metadata.labels.port` is no text"), "{error}");
}
