use serde_json::json;

use super::*;

fn migrated(version: &str, body: Value) -> Value {
    let Value::Object(body) = body else { panic!("a body is a mapping") };
    migrate(version, body).unwrap_or_else(|wrong| panic!("{}: {}", wrong.path, wrong.message)).into()
}

fn refused(version: &str, body: Value) -> String {
    let Value::Object(body) = body else { panic!("a body is a mapping") };
    let wrong = migrate(version, body).expect_err("it is refused");
    format!("{}: {}", wrong.path, wrong.message)
}

#[test]
fn the_newest_version_has_two_names() {
    let body = json!({ "spec": { "monitoring": { "deploy": true } } });
    for version in ["caos.ch/v1", "boom.caos.ch/v1"] {
        assert_eq!(migrated(version, body.clone()), body);
    }
    assert!(refused("caos.ch/v2", body).starts_with("apiVersion: Boom has no version"));
}

#[test]
fn what_was_said_of_log_collection_is_said_of_its_parts() {
    let old = json!({ "spec": { "logCollection": {
        "deploy": true, "fluentdStorage": { "size": "5Gi" }, "nodeSelector": { "a": "b" },
        "tolerations": [{ "operator": "Exists", "tolerationseconds": 30 }],
    } } });
    let new = json!({ "spec": { "logCollection": {
        "deploy": true, "fluentd": { "pvc": { "size": "5Gi" } },
        "operator": { "nodeSelector": { "a": "b" }, "tolerations": [{ "operator": "Exists", "tolerationSeconds": 30 }] },
    } } });
    assert_eq!(migrated("caos.ch/v1beta2", old), new);
}

#[test]
fn two_values_for_one_place_are_refused() {
    let storage = json!({ "size": "5Gi" });
    for (spec, why) in [
        (
            json!({ "logging-operator": { "fluentdStorage": storage, "fluentd": { "pvc": storage } } }),
            "spec.logging-operator.fluentdStorage: `fluentd.pvc` is written too",
        ),
        (json!({ "grafana": {}, "monitoring": {} }), "spec.grafana: `monitoring` is written too"),
        (
            json!({ "boomVersion": "v3", "boom": { "version": "v4" } }),
            "spec.boomVersion: `boom.version` is written too",
        ),
    ] {
        let said = refused("caos.ch/v1beta1", json!({ "spec": spec }));
        assert!(said.starts_with(why), "{said}");
    }
}

#[test]
fn a_secret_with_two_keys_becomes_two_references() {
    let admin = |admin: Value| json!({ "spec": { "grafana": { "admin": admin } } });
    let secret = json!({ "name": "s", "idKey": "u", "secretKey": "p", "internalName": "i" });
    assert_eq!(
        migrated("boom.caos.ch/v1beta1", admin(json!({ "existingSecret": secret })))["spec"]["monitoring"]["admin"],
        json!({
            "existingUsername": { "name": "s", "key": "u", "internalName": "i" },
            "existingPassword": { "name": "s", "key": "p", "internalName": "i" },
        })
    );
    let unknown = refused("caos.ch/v1beta1", admin(json!({ "existingSecret": { "name": "s", "key": "u" } })));
    assert_eq!(unknown, "spec.grafana.admin.existingSecret.key: unknown field `key`");
}

#[test]
fn a_pull_secret_of_one_image_is_one_of_all() {
    let old = json!({ "spec": { "reconciling": { "customImage": { "imagePullSecret": "s" } } } });
    let new = json!({ "spec": { "reconciling": { "customImage": {} }, "images": { "pullSecrets": ["s"] } } });
    assert_eq!(migrated("caos.ch/v1beta2", old), new);
}

#[test]
fn what_is_bound_to_its_place_is_not_moved() {
    let sealed = |encryption: &str| {
        json!({ "spec": { "argocd": { "repositories": [
            { "name": "a", "password": { "encryption": encryption, "encoding": "Base64", "value": "AA==" } },
        ] } } })
    };
    let said = refused("caos.ch/v1beta1", sealed("AES256-GCM"));
    assert!(
        said.starts_with("spec.argocd.repositories[0].password: the value is sealed for this place"),
        "{said}"
    );
    migrated("caos.ch/v1beta1", sealed("AES256"));
}
