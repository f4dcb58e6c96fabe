use super::{super::sketch, *};

fn options() -> Options {
    Options::new(super::super::Owner::boom("caos-system"))
}

/// A Deployment as it was applied, and as it should be.
fn deployment() -> (Resolved, Value) {
    let wanted = sketch::resolved(sketch::deployment("web", 2));
    let live = sketch::stored(&wanted);
    (wanted, live)
}

fn lines(comparison: &Comparison) -> Vec<String> {
    comparison.fields.iter().map(ToString::to_string).collect()
}

#[test]
fn what_was_applied_is_the_same() {
    let (wanted, mut live) = deployment();
    assert!(compare(&wanted, &live, &options()).is_same());
    live["spec"]["strategy"] = json!({"type": "RollingUpdate"});
    live["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = "Always".into();
    live["spec"]["template"]["spec"]["containers"]
        .as_array_mut()
        .unwrap()
        .insert(0, json!({"name": "injected"}));
    live["metadata"]["labels"]["others"] = "label".into();
    assert!(compare(&wanted, &live, &options()).is_same(), "defaults and what others add do not matter");
}

#[test]
fn what_is_left_out_when_it_is_stored_is_the_same() {
    let mut sparse = sketch::deployment("web", 0);
    sparse["spec"]["paused"] = false.into();
    sparse["spec"]["template"]["spec"]["containers"][0]["tty"] = false.into();
    sparse["spec"]["template"]["spec"]["containers"][0]["args"] = json!([]);
    let wanted = sketch::resolved(sparse);
    let mut live = sketch::stored(&wanted);
    live["spec"].as_object_mut().unwrap().remove("paused");
    let container = live["spec"]["template"]["spec"]["containers"][0].as_object_mut().unwrap();
    container.remove("tty");
    container.remove("args");
    assert!(compare(&wanted, &live, &options()).is_same());
}

#[test]
fn a_change_by_hand_is_taken_back() {
    let (wanted, mut live) = deployment();
    live["spec"]["replicas"] = 5.into();
    sketch::hand_over(&mut live, "f:replicas", "kubectl-edit", "Update");
    let comparison = compare(&wanted, &live, &options());
    assert_eq!(lines(&comparison), ["spec.replicas: 5 -> 2 (changed by kubectl-edit)"]);
    assert!(comparison.takes() && comparison.conflicts.is_empty());
    assert_eq!(comparison.body(&wanted)["spec"]["replicas"], 2);
}

#[test]
fn a_mapping_that_is_one_value_may_not_hold_more() {
    let network = |selector: Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "a"}, "spec": {"type": "ClusterIP", "selector": selector}});
    for ours in [json!({"app": "web"}), json!({})] {
        let wanted = sketch::resolved(network(ours.clone()));
        let mut live = sketch::stored(&wanted);
        live["spec"]["selector"]["by"] = "hand".into();
        sketch::hand_over(&mut live, "f:selector", "kubectl-edit", "Update");
        let comparison = compare(&wanted, &live, &options());
        let theirs = &live["spec"]["selector"];
        assert_eq!(
            lines(&comparison),
            [format!("spec.selector: {theirs} -> {ours} (changed by kubectl-edit)")]
        );
        assert!(comparison.takes());
    }
}

#[test]
fn what_an_applier_keeps_is_a_conflict_and_left_out() {
    for (manager, operation) in [("scaler", "Apply"), ("kube-controller-manager", "Update")] {
        let (wanted, mut live) = deployment();
        live["spec"]["replicas"] = 5.into();
        sketch::hand_over(&mut live, "f:replicas", manager, operation);
        let comparison = compare(&wanted, &live, &options());
        assert!(comparison.fields.is_empty() && comparison.stale);
        assert_eq!(comparison.conflicts.len(), 1);
        assert_eq!(comparison.conflicts[0].field.by.as_deref(), Some(manager));
        let body = comparison.body(&wanted);
        assert!(body["spec"].get("replicas").is_none() && body["spec"].get("template").is_some());
        // Once that is written down there is nothing left to do.
        live["metadata"]["annotations"][FINGERPRINT] = body["metadata"]["annotations"][FINGERPRINT].clone();
        assert!(compare(&wanted, &live, &options()).is_same());
        for take in [wanted.object.to_string(), "*".to_owned()] {
            let taking = Options { take: [take].into(), ..options() };
            assert_eq!(lines(&compare(&wanted, &live, &taking)).len(), 1);
        }
    }
}

#[test]
fn what_was_somebody_elses_before_stays_so() {
    let wanted = sketch::resolved(sketch::deployment("web", 2));
    let mut live = sketch::stored(&wanted);
    live["spec"]["replicas"] = 5.into();
    sketch::hand_over(&mut live, "f:replicas", "helm", "Update");
    live["metadata"]["labels"].as_object_mut().unwrap().remove(PART_OF);
    live["metadata"]["annotations"].as_object_mut().unwrap().remove(FINGERPRINT);
    let first = compare(&wanted, &live, &options());
    assert_eq!(first.conflicts.len(), 1, "not ours yet: {:?}", first.fields);
    let body = first.body(&wanted);
    live["metadata"]["labels"][PART_OF] = body["metadata"]["labels"][PART_OF].clone();
    live["metadata"]["annotations"][FINGERPRINT] = body["metadata"]["annotations"][FINGERPRINT].clone();
    let second = compare(&wanted, &live, &options());
    assert!(second.is_same() && second.conflicts.len() == 1, "what was left is not stolen later");
}

#[test]
fn a_field_that_is_no_longer_stated_is_given_up() {
    let before = sketch::resolved(sketch::deployment("web", 2));
    let live = sketch::stored(&before);
    let mut fewer = sketch::deployment("web", 2);
    fewer["spec"].as_object_mut().unwrap().remove("replicas");
    fewer["spec"]["template"]["spec"]["containers"][0].as_object_mut().unwrap().remove("args");
    let comparison = compare(&sketch::resolved(fewer), &live, &options());
    let expected =
        ["spec.replicas: 2 -> nothing", r#"spec.template.spec.containers[name=web].args: ["-v"] -> nothing"#];
    assert_eq!(lines(&comparison), expected);
}

#[test]
fn a_list_that_is_one_value_is_compared_with_all_of_its_items() {
    let rules = |rules: Value| json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "a"}, "rules": rules});
    let narrow =
        sketch::resolved(rules(json!([{"verbs": ["get"], "resources": ["pods"], "resourceNames": ["a"]}])));
    let live = sketch::stored(&narrow);
    let wide = sketch::resolved(rules(json!([{"verbs": ["get"], "resources": ["pods"]}])));
    let comparison = compare(&wide, &live, &options());
    assert!(
        comparison.stale && !comparison.is_same(),
        "what is gone inside of a list shows by the fingerprint"
    );
    let more =
        sketch::resolved(rules(json!([{"verbs": ["list"], "resources": ["pods"], "resourceNames": ["a"]}])));
    assert_eq!(lines(&compare(&more, &live, &options())), [r#"rules[0].verbs[0]: "get" -> "list""#]);
}

#[test]
fn what_a_secret_holds_is_not_shown() {
    let secret = |text: &str| {
        let it = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"password": text}});
        sketch::resolved(it)
    };
    let live = sketch::stored(&secret("hunter2"));
    let comparison = compare(&secret("hunter3"), &live, &options());
    assert_eq!(lines(&comparison), ["data.password: [secret] -> [secret]"]);
    let printed = format!("{comparison:?} {:?}", secret("hunter2"));
    assert!(!printed.contains("aHVudGVyM"), "{printed}");
}
