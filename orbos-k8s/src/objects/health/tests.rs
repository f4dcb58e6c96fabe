use serde_json::json;

use super::*;

fn of(object: Value) -> String {
    health(&object, &[]).to_string()
}

fn with_conditions(api: &str, kind: &str, conditions: Value) -> Value {
    json!({"apiVersion": api, "kind": kind, "metadata": {"name": "a", "generation": 2}, "status": {"conditions": conditions}})
}

#[test]
fn workloads_say_how_many_pods_are_missing() {
    let of = |kind: &str, status: Value| {
        of(json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "a", "generation": 2},
            "spec": {"replicas": 2}, "status": status}))
    };
    assert_eq!(of("Deployment", json!({})), "waiting: deployment a: its newest form was not looked at yet");
    let seen = |more: Value| {
        let mut status = json!({"observedGeneration": 2});
        status.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        status
    };
    let old = seen(json!({"replicas": 2, "availableReplicas": 2}));
    assert_eq!(of("Deployment", old), "waiting: deployment a: 0 of 2 pods are up to date");
    let both = seen(json!({"replicas": 3, "updatedReplicas": 2, "availableReplicas": 3}));
    assert_eq!(of("Deployment", both), "waiting: deployment a: 1 pods of before are still there");
    let fine = seen(json!({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "readyReplicas": 2}));
    assert_eq!((of("Deployment", fine.clone()), of("StatefulSet", fine)), ("ready".into(), "ready".into()));
    let daemon =
        seen(json!({"desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 1}));
    assert_eq!(of("DaemonSet", daemon), "waiting: daemonset a: 1 of 3 pods are available");
    let stuck = seen(json!({"conditions": [{"type": "Progressing", "status": "False"}]}));
    assert_eq!(of("Deployment", stuck), "failed: deployment a: 0 of 2 pods are up to date");
}

#[test]
fn the_reason_is_the_pods() {
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"},
        "spec": {"selector": {"matchLabels": {"job": "a"}}}, "status": {}});
    let pod = |name: &str, label: &str, status: Value| json!({"metadata": {"name": name, "labels": {"job": label}}, "status": status});
    let crash = json!({"containerStatuses": [{"name": "c", "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"exitCode": 3}}}]});
    let lonely = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes"}]});
    let why = |pods: &[Value]| health(&job, pods).to_string();
    assert_eq!(why(&[]), "waiting: job a: it has not finished");
    assert_eq!(why(&[pod("x", "other", crash.clone())]), "waiting: job a: it has not finished");
    assert_eq!(
        why(&[pod("x", "a", crash)]),
        "waiting: job a: pod x: container c ends with 3 again and again"
    );
    assert_eq!(why(&[pod("x", "a", lonely)]), "waiting: job a: pod x: no node takes it: 0/3 nodes");
}

#[test]
fn other_kinds_have_their_own_signs() {
    let job = |kind: &str| {
        with_conditions("batch/v1", "Job", json!([{"type": kind, "status": "True", "message": "why"}]))
    };
    assert_eq!((of(job("Complete")), of(job("Failed"))), ("ready".into(), "failed: job a: why".into()));
    let claim = |phase: &str| json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "a"}, "status": {"phase": phase}});
    assert_eq!(of(claim("Bound")), "ready");
    assert_eq!(of(claim("Pending")), "waiting: persistentvolumeclaim a: no volume is bound to it");
    let mut service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"type": "ClusterIP"}});
    assert_eq!(of(service.clone()), "ready");
    service["spec"]["type"] = "LoadBalancer".into();
    assert_eq!(of(service), "waiting: service a: no load balancer was given to it");
    assert_eq!(of(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}})), "ready");
}

#[test]
fn definitions_and_their_objects_say_it_by_conditions() {
    let definition = |established: &str| {
        with_conditions(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            json!([
            {"type": "NamesAccepted", "status": "True"}, {"type": "Established", "status": established, "message": "not yet"}]),
        )
    };
    assert_eq!(of(definition("True")), "ready");
    assert_eq!(
        of(definition("False")),
        "waiting: customresourcedefinition a: its kind is not served: not yet"
    );
    let flow = |name: &str, status: &str| {
        of(with_conditions(
            "example.com/v1",
            "Flow",
            json!([{"type": name, "status": status, "reason": "Bad"}]),
        ))
    };
    assert_eq!(
        (flow("Ready", "True"), flow("Ready", "False")),
        ("ready".into(), "waiting: flow a: Bad".into())
    );
    assert_eq!(flow("Stalled", "True"), "failed: flow a: Bad");
    assert_eq!(flow("Something", "False"), "ready");
}
