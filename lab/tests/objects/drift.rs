//! Objects become as they should be, and are kept so.

use std::time::{Duration, Instant};

use super::site::{Site, TOOL};
use orbos_lab::Api;
use orbos_state::Reconciler;
use tokio::time::sleep;

pub(crate) async fn everything_is_applied_once_and_kept(api: &Api) {
    let site = Site::new(api, "drift").await;
    let plan = site.plan(TOOL).await;
    assert!(
        plan.starts_with("+ Namespace drift-system\n~ ConfigMap drift-system/boom: inventory of "),
        "{plan}"
    );
    assert!(!site.is_there(&["namespace", "tool"]), "a preview changes nothing");
    let (round, cost) = site.sync(TOOL).await;
    let failures: Vec<_> = round.failures().map(|(it, why)| format!("{it}: {}", why.chain())).collect();
    assert!(failures.is_empty(), "{failures:#?}");
    // Each object, the inventory's namespace and the inventory.
    assert_eq!(cost.writes, 14 + 2, "{}", round.plan);
    println!("applied {} objects with {cost:?}", round.plan.changes().count());

    println!("the round behind it costs {:?}", site.settled(TOOL).await);
    let idle = site.settled(TOOL).await;
    println!("an idle round costs {idle:?}");
    assert_eq!(idle.reads, 14 + 1, "one list for each kind, and the inventory");
    let restarted = Site::new(api, "drift").await;
    println!("the first one of a program {:?}", restarted.settled(TOOL).await);

    facts(&site).await;
    by_hand(&site).await;
    health(&site).await;

    let changed = TOOL.replace("replicas: 2", "replicas: 3").replace(", resourceNames: [a]", "");
    let changed = changed.replace("hunter2", "hunter3").replace(", b.conf: ''", "");
    let plan = site.applied(&changed).await;
    assert!(plan.contains("~ Deployment tool/tool\n    spec.replicas: 2 -> 3\n"), "{plan}");
    assert!(plan.contains("~ ConfigMap tool/tool\n    data[b.conf]: \"\" -> nothing\n"), "{plan}");
    assert!(plan.contains("~ Secret tool/tool\n    data.password: [secret] -> [secret]\n"), "{plan}");
    assert!(plan.contains("~ ClusterRole tool: something that is no longer stated"), "{plan}");
    assert!(!plan.contains("aHVudGVyM"), "{plan}");
    assert_eq!(plan.lines().filter(|it| it.starts_with('~')).count(), 4, "{plan}");
    assert_eq!(site.field(&["clusterrole", "tool"], ".rules[0].resourceNames"), "");
    site.settled(&changed).await;
}

async fn facts(site: &Site<'_>) {
    let before = site.cluster.requests().reads;
    let facts = site.cluster.facts().await.unwrap();
    assert_eq!(site.cluster.requests().reads - before, 2);
    let version = (facts.version.major, facts.version.minor, facts.version.text.as_str());
    assert_eq!(version, (1, 20, "v1.20.2"));
    let flows = &facts.definitions["flows.tool.example.com"];
    assert!(flows.is_of(&site.options.owner) && flows.versions == ["v1"], "{flows:?}");

    let held = site.cluster.secret("tool", "tool").await.unwrap().unwrap();
    assert_eq!(held["password"].expose(), b"hunter2");
    assert_eq!(format!("{held:?}"), "{\"password\": [secret]}");
    assert_eq!(site.cluster.secret("tool", "other").await.unwrap(), None);
}

/// What somebody changes is taken back, one write for each object.
async fn by_hand(site: &Site<'_>) {
    let edits: [(&[&str], &str, &str); 4] = [
        (
            &["-n", "tool", "deployment", "tool"],
            r#"{"spec": {"replicas": 7}}"#,
            "spec.replicas: 7 -> 2 (changed by ",
        ),
        (
            &["-n", "tool", "deployment", "tool"],
            r#"{"spec": {"template": {"spec": {"containers": [{"name": "tool", "image": "other"}]}}}}"#,
            r#"spec.template.spec.containers[name=tool].image: "other" -> "example.com/tool:1""#,
        ),
        (
            &["-n", "tool", "configmap", "tool"],
            r#"{"data": {"a.conf": null}}"#,
            r#"data[a.conf]: nothing -> "level = info""#,
        ),
        (
            &["-n", "tool", "secret", "tool"],
            r#"{"data": {"password": "b3RoZXI="}}"#,
            "data.password: [secret] -> [secret]",
        ),
    ];
    for (object, patch, expected) in edits {
        site.kubectl(&[&["patch"], object, &["-p", patch]].concat());
        let (round, cost) = site.sync(TOOL).await;
        let plan = round.plan.to_string();
        assert!(plan.contains(expected) && round.failures().count() == 0, "{plan}");
        assert_eq!((round.plan.changes().count(), cost.writes), (1, 1), "{plan}");
        site.settled(TOOL).await;
    }
    // What others add is none of our business.
    site.kubectl(&["-n", "tool", "label", "deployment", "tool", "added=label"]);
    site.settled(TOOL).await;
    site.kubectl(&["-n", "tool", "delete", "service", "tool"]);
    let (round, cost) = site.sync(TOOL).await;
    assert_eq!((round.plan.to_string().as_str(), cost.writes), ("+ Service tool/tool\n", 1));
}

/// There is no node, so nothing can run.
async fn health(site: &Site<'_>) {
    let begin = Instant::now();
    loop {
        let observed = site.cluster.observe(&site.goal(TOOL)).await.unwrap();
        let health = site.cluster.health(&observed).await.unwrap();
        let of = |name: &str| health.iter().find(|(it, _)| it.to_string() == name).unwrap().1.to_string();
        assert_eq!(of("Service tool/tool"), "ready");
        assert_eq!(of("CustomResourceDefinition flows.tool.example.com"), "ready");
        let tool = of("Deployment tool/tool");
        // Its controller and the scheduler take their time.
        if tool.starts_with("waiting: deployment tool: pod tool-") && tool.contains("no node") {
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "{tool}");
        sleep(Duration::from_millis(100)).await;
    }
}

pub(crate) async fn a_foreign_field_manager_is_respected(api: &Api) {
    let site = Site::new(api, "foreign").await;
    let yaml = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: default}\nspec:\n  replicas: 2\n  \
        selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    \
        spec: {containers: [{name: web, image: 'web:1'}]}\n";
    site.applied(yaml).await;
    let web = ["-n", "default", "deployment", "web"];
    let foreign = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: default}\nspec: {replicas: 5}\n";
    let apply = [
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager=scaler",
        "--validate=false",
        "-f",
        "-",
    ];
    site.kubectl_with(&apply, foreign).unwrap();

    let conflict = "… Deployment default/web: spec.replicas is kept at 5 by scaler, 2 is wanted\n";
    let (round, _) = site.sync(yaml).await;
    assert!(round.plan.to_string().contains(conflict), "{}", round.plan);
    assert_eq!((round.failures().count(), site.field(&web, ".spec.replicas").as_str()), (0, "5"));
    let (round, cost) = site.sync(yaml).await;
    assert_eq!(
        (round.plan.to_string().as_str(), cost.writes),
        (conflict, 0),
        "reported, and nothing written"
    );

    // The rest of the object is still ours.
    let newer = yaml.replace("web:1", "web:2");
    site.sync(&newer).await;
    assert_eq!(site.field(&web, ".spec.template.spec.containers[0].image"), "web:2");
    assert_eq!(site.field(&web, ".spec.replicas"), "5");

    let mut taking = site.goal(&newer);
    taking.options.take.insert("Deployment default/web".to_owned());
    let round = site.cluster.sync(&taking, &()).await.unwrap();
    assert_eq!((round.failures().count(), site.field(&web, ".spec.replicas").as_str()), (0, "2"));
    site.settled(&newer).await;
    site.applied("").await;
}

pub(crate) async fn immutable_fields_are_shown_and_recreated(api: &Api) {
    let site = Site::new(api, "immutable").await;
    let yaml = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: store, namespace: default}\nspec:\n  replicas: 1\n  \
        serviceName: one\n  selector: {matchLabels: {app: store}}\n  template:\n    metadata: {labels: {app: store}}\n    \
        spec: {containers: [{name: store, image: 'store:1'}]}\n";
    site.applied(yaml).await;
    let store = ["-n", "default", "statefulset", "store"];
    let before = site.field(&store, ".metadata.uid");
    let other = yaml.replace("serviceName: one", "serviceName: two");
    let shown = "~ StatefulSet default/store: deleted and created again, since spec.serviceName cannot change\n    \
        spec.serviceName: \"one\" -> \"two\"\n";
    assert_eq!(site.plan(&other).await, shown);
    assert_eq!(site.field(&store, ".metadata.uid"), before, "shown first");
    assert_eq!(site.applied(&other).await, shown);
    assert_ne!(site.field(&store, ".metadata.uid"), before);
    assert_eq!(site.field(&store, ".spec.serviceName"), "two");
    site.settled(&other).await;
    site.applied("").await;
}

pub(crate) async fn many_objects_cost_few_requests(api: &Api) {
    let site = Site::new(api, "many").await;
    let config = |it| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: many-{it}, namespace: default}}\ndata: {{a: '1'}}\n"
        )
    };
    let yaml = (0..300).map(config).collect::<Vec<_>>().join("---\n");
    let begin = Instant::now();
    site.applied(&yaml).await;
    println!("applied 300 objects within {:?}", begin.elapsed());
    let begin = Instant::now();
    let idle = site.settled(&yaml).await;
    println!("an idle round over them costs {idle:?} and {:?}", begin.elapsed());
    assert_eq!(idle.reads, 2, "one list, and the inventory");
    let (round, _) = site.sync("").await;
    assert!(
        round.plan.is_empty() && !round.plan.waiting().is_empty(),
        "the guard refuses to delete all of them"
    );
    let mut off = site.goal("");
    off.options.guard.allowed.insert("*".to_owned());
    let round = site.cluster.sync(&off, &()).await.unwrap();
    assert_eq!(round.failures().count(), 0);
    site.settled("").await;
}

/// Of this kind there is none at all before.
pub(crate) async fn many_missing_objects_cost_few_requests(api: &Api) {
    let site = Site::new(api, "missing").await;
    let class = |it| {
        format!(
            "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {{name: missing-{it}}}\nprovisioner: none\n"
        )
    };
    let yaml = (0..20).map(class).collect::<Vec<_>>().join("---\n");
    for _ in 0..2 {
        let before = site.cluster.requests().reads;
        site.plan(&yaml).await;
        let reads = site.cluster.requests().reads - before;
        println!("looking at 20 objects that are missing costs {reads} requests");
        assert!(reads <= 7, "{reads}: the inventory, its namespace, discovery, and two lists");
    }
}

pub(crate) async fn what_was_there_before_is_taken_in_and_not_over(api: &Api) {
    let site = Site::new(api, "before").await;
    site.kubectl(&["-n", "default", "create", "configmap", "before", "--from-literal=a=theirs"]);
    let yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: before, namespace: default}\ndata: {a: ours, b: ours}\n";
    let conflict =
        "… ConfigMap default/before: data.a is kept at \"theirs\" by kubectl-create, \"ours\" is wanted\n";
    let (round, _) = site.sync(yaml).await;
    assert!(round.failures().count() == 0 && round.plan.to_string().ends_with(conflict), "{}", round.plan);
    let data = || site.field(&["-n", "default", "configmap", "before"], ".data");
    assert_eq!(data(), r#"{"a":"theirs","b":"ours"}"#);
    let (round, cost) = site.sync(yaml).await;
    assert_eq!((round.plan.to_string().as_str(), cost.writes), (conflict, 0), "nor is it in the next round");
    assert_eq!(data(), r#"{"a":"theirs","b":"ours"}"#);
}
