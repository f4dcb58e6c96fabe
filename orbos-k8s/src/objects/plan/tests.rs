use std::sync::Arc;

use serde_json::json;

use super::{
    super::{Guard, Kept, Manifest, sketch},
    *,
};

fn manifests(values: &[Value]) -> Manifests {
    let mut all = Manifests::new();
    values.iter().for_each(|it| all.add(Manifest::new(it.clone()).unwrap()).unwrap());
    all
}

fn options() -> Options {
    Options::new(sketch::owner())
}

fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

/// A cluster on which these objects were applied.
fn cluster(values: &[Value]) -> Live {
    let mut live = Live { apis: sketch::apis(), ..Live::default() };
    if values.is_empty() {
        return live;
    }
    for value in values {
        let resolved = sketch::resolved(value.clone());
        live.objects.insert(resolved.object.clone(), Arc::new(sketch::stored(&resolved)));
    }
    live.inventory = Some(of(live.objects.keys(), &options()));
    live
}

fn text(desired: &[Value], live: &Live) -> String {
    plan(&manifests(desired), live, &options()).to_string()
}

#[test]
fn an_empty_cluster_gets_everything_in_order() {
    let desired = [sketch::deployment("web", 1), sketch::config("a"), namespace("a")];
    let plan = plan(&manifests(&desired), &cluster(&[]), &options());
    let expected = "+ Namespace caos-system\n\
        ~ ConfigMap caos-system/boom: inventory of ConfigMap, Namespace, Deployment.apps; namespaces a, caos-system\n\
        + Namespace a\n+ ConfigMap a/a\n+ Deployment a/web\n";
    assert_eq!(plan.to_string(), expected);
    assert_eq!(plan.stages().len(), 5);
}

#[test]
fn what_was_applied_leaves_nothing_to_do() {
    let desired = [sketch::deployment("web", 1), sketch::config("a"), namespace("a")];
    assert!(plan(&manifests(&desired), &cluster(&desired), &options()).is_settled());
}

#[test]
fn what_left_goes_and_what_others_made_stays() {
    let before = [sketch::deployment("web", 1), sketch::config("a"), sketch::config("b"), namespace("a")];
    let mut live = cluster(&before);
    // A controller copied the label, as that of Endpoints does.
    let mut copied = sketch::stored(&sketch::resolved(sketch::config("copied")));
    copied["metadata"]["managedFields"][0]["manager"] = "kube-controller-manager".into();
    live.objects.insert(sketch::resolved(sketch::config("copied")).object, Arc::new(copied));
    let expected = "- Deployment a/web\n- ConfigMap a/b\n\
        ~ ConfigMap caos-system/boom: inventory of ConfigMap, Namespace; namespaces a, caos-system\n";
    assert_eq!(text(&[sketch::config("a"), namespace("a")], &live), expected);
}

#[test]
fn immutable_fields_are_shown_before_anything_is_deleted() {
    let live = cluster(&[sketch::deployment("web", 1), namespace("a")]);
    let mut other = sketch::deployment("web", 1);
    other["spec"]["selector"]["matchLabels"]["app"] = "site".into();
    other["spec"]["template"]["metadata"]["labels"]["app"] = "site".into();
    let expected = "~ Deployment a/web: deleted and created again, since spec.selector.matchLabels.app cannot change\n    \
        spec.selector.matchLabels.app: \"web\" -> \"site\"\n    \
        spec.template.metadata.labels.app: \"web\" -> \"site\"\n";
    assert_eq!(text(&[other, namespace("a")], &live), expected);
}

#[test]
fn a_difference_behind_what_is_shown_of_a_value_counts() {
    let config = |end: &str| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "long", "namespace": "a"},
            "immutable": true, "data": {"text": format!("{}{end}", "a".repeat(200))}})
    };
    let live = cluster(&[config("b"), namespace("a")]);
    let changed = text(&[config("c"), namespace("a")], &live);
    assert!(
        changed.contains("ConfigMap a/long: deleted and created again, since data.text cannot change"),
        "{changed}"
    );
}

#[test]
fn the_guard_refuses_what_cannot_be_had_again() {
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "a"},
        "spec": {"storageClassName": "fast"}});
    let live = cluster(&[claim.clone(), sketch::config("a"), namespace("a")]);
    let refused = text(&[namespace("a")], &live);
    let expected = "… PersistentVolumeClaim a/data: not deleted, since its data would be lost; it has to be allowed by name\n\
        … ConfigMap a/a: not deleted, since not all that should go may go\n";
    assert_eq!(refused, expected);
    let mut options = options();
    options.guard.allowed.insert("PersistentVolumeClaim a/data".to_owned());
    let allowed = plan(&manifests(&[namespace("a")]), &live, &options);
    assert_eq!(allowed.changes().filter(|it| matches!(it, ObjectChange::Delete { .. })).count(), 2);

    let mut other = claim;
    other["spec"]["storageClassName"] = "slow".into();
    let refused = text(&[other, sketch::config("a"), namespace("a")], &live);
    assert!(refused.starts_with("… PersistentVolumeClaim a/data: not deleted"), "{refused}");
}

#[test]
fn the_guard_refuses_too_much_at_once() {
    let all: Vec<_> = (0..20).map(|it| sketch::config(&format!("c{it}"))).collect();
    let live = cluster(&all);
    let refused = plan(&manifests(&all[..5]), &live, &options());
    assert!(refused.is_empty());
    assert_eq!(
        refused.waiting()[0].reason,
        "15 of 20 objects would be deleted, more than 50 %; it has to be allowed"
    );
    assert_eq!(plan(&manifests(&all[..11]), &live, &options()).stages()[0].len(), 9);
    let allowed = Guard { allowed: ["*".to_owned()].into(), ..Guard::default() };
    assert!(!plan(&manifests(&[]), &live, &Options { guard: allowed, ..options() }).is_empty());
}

#[test]
fn not_seen_is_not_empty() {
    let mut live = cluster(&[sketch::config("a"), sketch::config("b"), namespace("a")]);
    live.objects.retain(|it, _| it.kind != "ConfigMap");
    live.unseen.insert(GroupKind::new("", "ConfigMap"), "forbidden".to_owned());
    let expected = "… ConfigMap a/a: not seen: forbidden\n… ConfigMap: not seen: forbidden\n";
    assert_eq!(text(&[sketch::config("a"), namespace("a")], &live), expected);
}

#[test]
fn what_is_being_deleted_is_waited_for() {
    let desired = [sketch::config("a"), sketch::deployment("web", 1), namespace("a")];
    let mut live = cluster(&desired);
    let web = sketch::resolved(sketch::deployment("web", 1)).object;
    let going = Arc::make_mut(live.objects.get_mut(&web).unwrap());
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    going["metadata"]["finalizers"] = json!(["a/b"]);
    assert_eq!(text(&desired, &live), "… Deployment a/web: it is being deleted, which waits for a/b\n");
    let home = ObjectRef::of_namespace("a");
    Arc::make_mut(live.objects.get_mut(&home).unwrap())["metadata"]["deletionTimestamp"] =
        "2026-01-01T00:00:00Z".into();
    let all = text(&desired, &live);
    assert!(all.contains("… ConfigMap a/a: Namespace a is being deleted\n"), "{all}");
}

#[test]
fn what_the_cluster_cannot_have_is_said_and_the_rest_goes_on() {
    let flow =
        json!({"apiVersion": "example.com/v1", "kind": "Flow", "metadata": {"name": "f", "namespace": "a"}});
    let desired = [flow, sketch::config("a"), namespace("a")];
    let plan = text(&desired, &cluster(&desired[1..]));
    assert_eq!(plan, "… Flow a/f: the cluster knows no kind Flow in example.com/v1\n");
}

#[test]
fn what_belongs_to_another_set_stays_there() {
    let desired = [sketch::config("a"), namespace("a")];
    let mut live = cluster(&desired);
    let config = sketch::resolved(sketch::config("a")).object;
    Arc::make_mut(live.objects.get_mut(&config).unwrap())["metadata"]["labels"][PART_OF] =
        "applyset-x-v1".into();
    assert_eq!(text(&desired, &live), "… ConfigMap a/a: it is part of another set, applyset-x-v1\n");
    live.foreign = Some("it belongs to kubectl".to_owned());
    assert_eq!(text(&desired, &live), "… ConfigMap caos-system/boom: it belongs to kubectl\n");
}

#[test]
fn a_namespace_is_not_made_anew_over_what_is_in_it() {
    let live = cluster(&[sketch::config("a"), namespace("a")]);
    let mut other = namespace("a");
    other["metadata"]["labels"] = json!({"team": "other"});
    let mut options = options();
    options.recreate.insert("Namespace a".to_owned());
    let wanted = manifests(&[sketch::config("a"), other]);
    let refused =
        "… Namespace a: not deleted, since everything in it would be lost; it has to be allowed by name";
    assert!(plan(&wanted, &live, &options).to_string().contains(refused));
    options.guard.allowed.insert("Namespace a".to_owned());
    assert!(plan(&wanted, &live, &options).to_string().contains("~ Namespace a: deleted and created again"));
}

#[test]
fn another_value_of_a_secret_is_a_change() {
    let secret = |value: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "a"}, "data": {"key": value}});
    let live = cluster(&[secret("YQ=="), namespace("a")]);
    let expected = "~ Secret a/s\n    data.key: [secret] -> [secret]\n";
    assert_eq!(text(&[secret("Yg=="), namespace("a")], &live), expected);
}

/// One object of every rank, in a namespace that only they need, and a kind with an object ahead.
fn ranked() -> Vec<Manifest> {
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "flows.example.com"}, "spec": {"group": "example.com", "scope": "Namespaced",
        "names": {"kind": "Flow", "plural": "flows"}, "versions": [{"name": "v1", "served": true}]}});
    let flow =
        json!({"apiVersion": "example.com/v1", "kind": "Flow", "metadata": {"name": "f", "namespace": "a"}});
    let of = |value, rank| Manifest::new(value).unwrap().with_rank(rank);
    vec![
        of(sketch::config("behind"), Rank::Behind),
        of(sketch::deployment("web", 1), Rank::Among),
        of(namespace("b"), Rank::Among),
        of(flow, Rank::Ahead),
        of(definition, Rank::Among),
        of(namespace("a"), Rank::Behind),
    ]
}

#[test]
fn all_of_a_rank_comes_before_the_next_and_what_it_needs_with_it() {
    let mut all = Manifests::new();
    ranked().into_iter().for_each(|it| all.add(it).unwrap());
    let plan = plan(&all, &cluster(&[]), &options());
    let stages: Vec<_> = plan.stages().iter().skip(2).map(|it| it[0].object().to_string()).collect();
    let expected = [
        "Namespace a",
        "CustomResourceDefinition flows.example.com",
        "Flow a/f",
        "Namespace b",
        "Deployment a/web",
        "ConfigMap a/behind",
    ];
    assert_eq!(stages, expected);
    let text = all.render(super::super::Secrets::Veiled);
    let kinds: Vec<_> = text.lines().filter_map(|it| it.strip_prefix("kind: ")).collect();
    let order = ["Namespace", "CustomResourceDefinition", "Flow", "Namespace", "Deployment", "ConfigMap"];
    assert_eq!(kinds, order, "a rendered file has the same order");
}

#[test]
fn deleting_goes_through_the_ranks_the_other_way_round() {
    let values: Vec<_> = ranked().iter().map(|it| it.value().clone()).collect();
    let flows = |it: &&Value| it["kind"] != "Flow" && it["kind"] != "CustomResourceDefinition";
    let live = cluster(&values.iter().filter(flows).cloned().collect::<Vec<_>>());
    let plan = plan(&Manifests::new(), &live, &options());
    let expected = "- ConfigMap a/behind\n- Deployment a/web\n- Namespace a\n- Namespace b\n";
    assert!(plan.to_string().starts_with(expected), "{plan}");
}

#[test]
fn what_nobody_could_say_anything_about_stays_with_what_it_stands_on() {
    let of = |mut value: Value, tool: &str| {
        value["metadata"]["labels"]["boom.caos.ch/application"] = tool.into();
        value
    };
    let before = [
        of(sketch::deployment("web", 1), "grafana"),
        of(sketch::config("loki"), "loki"),
        namespace("a"),
        namespace("b"),
    ];
    let live = cluster(&before);
    let kept = Kept {
        label: "boom.caos.ch/application".into(),
        value: "grafana".into(),
        reason: "its theme is unknown".into(),
    };
    let options = Options { kept: vec![kept], ..options() };
    let plan = plan(&Manifests::new(), &live, &options);
    let expected = "- ConfigMap a/loki\n- Namespace b\n\
        ~ ConfigMap caos-system/boom: inventory of Namespace, Deployment.apps; namespaces a, caos-system\n\
        … Deployment a/web: kept, since its theme is unknown\n\
        … Namespace a: kept, since Deployment a/web is kept\n";
    assert_eq!(plan.to_string(), expected);
    let silent = Options {
        kept: options.kept.iter().map(|it| Kept { reason: String::new(), ..it.clone() }).collect(),
        ..options
    };
    let quiet = super::plan(&Manifests::new(), &live, &silent);
    assert!(quiet.waiting().is_empty() && quiet.changes().count() == plan.changes().count(), "{quiet}");
    // Once it is known again, it goes or stays as everything else.
    assert!(text(&[], &live).contains("- Deployment a/web\n"));
}

#[test]
fn the_definition_of_what_is_kept_stays() {
    let [definition, flow] = [ranked()[4].value().clone(), ranked()[3].value().clone()];
    let mut live = cluster(std::slice::from_ref(&definition));
    live.apis = live.apis.with_definitions(&manifests(&[definition]));
    let flow = Placed::new(&Manifest::new(flow).unwrap(), &live.apis, &sketch::owner()).unwrap();
    let flow = flow.resolved(&sketch::owner());
    let mut there = sketch::stored(&flow);
    there["metadata"]["labels"]["tool"] = "logging".into();
    live.objects.insert(flow.object, Arc::new(there));
    let kept = Kept { label: "tool".into(), value: "logging".into(), reason: "x".into() };
    let options = Options { kept: vec![kept], ..options() };
    let plan = plan(&Manifests::new(), &live, &options);
    assert!(!plan.changes().any(|it| matches!(it, ObjectChange::Delete { .. })), "{plan}");
    let why = "… CustomResourceDefinition flows.example.com: kept, since Flow a/f is kept\n";
    assert!(plan.to_string().contains(why), "{plan}");
}

#[test]
fn what_is_spared_stays_without_a_word() {
    let live = cluster(&[namespace("a"), sketch::config("a"), sketch::config("b")]);
    let options = Options { spared: ["ConfigMap a/a".to_owned()].into(), ..options() };
    let plan = plan(&manifests(&[namespace("a")]), &live, &options);
    assert_eq!(plan.to_string(), "- ConfigMap a/b\n");
}
