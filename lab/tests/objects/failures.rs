//! What fails stays with its object, and the next round goes on.

use std::time::{Duration, Instant};

use super::site::{Site, TOOL, without};
use orbos_k8s::objects::{Cluster, Goal};
use orbos_lab::Api;
use orbos_state::Round;
use tokio::time::{sleep, timeout};

fn config(name: &str, namespace: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {namespace}}}\ndata: {{a: '1'}}\n---\n"
    )
}

fn failures(round: &Round<Cluster>) -> Vec<String> {
    round.failures().map(|(it, why)| format!("{}: {}", it.object(), why.chain())).collect()
}

pub(crate) async fn one_object_fails_and_the_others_go_on(api: &Api) {
    let site = Site::new(api, "failing").await;
    site.applied(&config("old", "default")).await;
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: failing, namespace: default}\nspec:\n  \
        replicas: 0\n  selector: {matchLabels: {app: a}}\n  template: {metadata: {labels: {app: b}}, \
        spec: {containers: [{name: a, image: a}]}}\n---\n";
    let yaml = [&config("fine", "default"), &config("lost", "nowhere"), deployment].concat();
    let (round, _) = site.sync(&yaml).await;
    let failed = failures(&round);
    // The namespace is missing, the selector does not match; deleting waits until the rest is fine.
    assert_eq!(failed.len(), 3, "{failed:#?}");
    assert!(
        failed[0].contains("ConfigMap nowhere/lost") && failed[0].contains("\"nowhere\" not found"),
        "{failed:#?}"
    );
    assert!(
        failed[1].contains("Deployment default/failing") && failed[1].contains("selector"),
        "{failed:#?}"
    );
    assert!(
        failed[2].starts_with("ConfigMap default/old: ") && failed[2].contains("not tried"),
        "{failed:#?}"
    );
    assert!(site.is_there(&["-n", "default", "configmap", "fine"]), "the others went on");
    assert!(site.is_there(&["-n", "default", "configmap", "old"]));

    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: nowhere}\n---\n";
    let fixed = [namespace, &yaml.replace("labels: {app: b}", "labels: {app: a}")].concat();
    site.applied(&fixed).await;
    site.settled(&fixed).await;
    assert!(!site.is_there(&["-n", "default", "configmap", "old"]));
}

pub(crate) async fn a_kind_that_is_never_served_is_named(api: &Api) {
    let site = Site::new(api, "unserved").await;
    let definition = |plural: &str, group: &str| {
        format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: {plural}.{group}}}\n\
             spec: {{group: {group}, scope: Namespaced, names: {{kind: Same, plural: {plural}}}, versions: [{{name: v1, \
             served: true, storage: true, schema: {{openAPIV3Schema: {{type: object}}}}}}]}}\n---\n"
        )
    };
    let first = definition("ones", "unserved.example.com");
    site.kubectl_with(&["apply", "-f", "-"], &first).unwrap();
    site.kubectl(&["wait", "--for=condition=Established", "--timeout=60s", "crd/ones.unserved.example.com"]);
    let second = definition("others", "unserved.example.com");
    let object = "apiVersion: unserved.example.com/v1\nkind: Same\nmetadata: {name: a, namespace: default}\n";
    let yaml = [&second, &config("beside", "default"), object].concat();
    let (round, _) = site.sync(&yaml).await;
    let failed = failures(&round);
    assert!(failed[0].contains("CustomResourceDefinition others.unserved.example.com"), "{failed:#?}");
    assert!(failed[0].contains("is already in use"), "{failed:#?}");
    assert!(site.is_there(&["-n", "default", "configmap", "beside"]), "the others went on");
}

pub(crate) async fn no_permission_for_one_kind_concerns_that_kind(api: &Api) {
    let site = Site::new(api, "denied").await;
    site.kubectl(&["create", "namespace", "denied"]);
    site.kubectl(&["-n", "denied", "create", "serviceaccount", "half"]);
    let rules = ["--verb=*", "--resource=configmaps,namespaces"];
    site.kubectl(&[&["create", "clusterrole", "half"], &rules[..]].concat());
    site.kubectl(&[
        "create",
        "clusterrolebinding",
        "half",
        "--clusterrole=half",
        "--serviceaccount=denied:half",
    ]);
    let half = loop {
        // Its token is made by a controller.
        if !site.field(&["-n", "denied", "serviceaccount", "half"], ".secrets").is_empty() {
            break site.as_account("denied", "half").await;
        }
        sleep(Duration::from_millis(100)).await;
    };
    let secret =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: denied}\nstringData: {a: hunter2}\n";
    let goal: Goal = site.goal(&[&config("a", "denied"), secret].concat());
    let round = half.sync(&goal, &()).await.unwrap();
    let plan = round.plan.to_string();
    assert!(failures(&round).is_empty() && plan.contains("+ ConfigMap denied/a\n"), "{plan}");
    assert!(plan.contains("… Secret denied/a: not seen: looking at Secret was refused: "), "{plan}");
    assert!(site.is_there(&["-n", "denied", "configmap", "a"]) && !plan.contains("hunter2"));
    // With permission the rest follows.
    let round = site.cluster.sync(&goal, &()).await.unwrap();
    assert!(failures(&round).is_empty() && site.is_there(&["-n", "denied", "secret", "a"]), "{}", round.plan);
}

pub(crate) async fn stopped_at_any_moment_it_ends_where_it_would_have(api: &Api) {
    let fewer = without(&without(TOOL, "kind: CronJob"), "kind: NetworkPolicy");
    let mut reached = 0;
    for (moment, yaml) in
        [15, 30, 50, 70, 100, 140, 190, 250, 320, 400].into_iter().zip([TOOL, &fewer].into_iter().cycle())
    {
        // Each one is a new program; the request under way is dropped as a killed one's would be.
        let site = Site::new(api, "stopped").await;
        let goal = site.goal(yaml);
        let ended = timeout(Duration::from_millis(moment), site.cluster.sync(&goal, &())).await;
        reached += usize::from(ended.is_err());
    }
    println!("stopped {reached} of 10 times half-way");
    assert!(reached > 0);
    let site = Site::new(api, "stopped").await;
    site.applied(TOOL).await;
    site.settled(TOOL).await;
    let selector = format!("applyset.kubernetes.io/part-of={}", site.options.owner.id());
    let kinds = "namespaces,crd,flows,sa,clusterroles,clusterrolebindings,cm,secrets,svc,pdb,netpol,deploy,sts,cronjobs";
    let names = site.kubectl(&["get", kinds, "-A", "-l", &selector, "-o", "name"]);
    assert_eq!(names.lines().count(), 14, "{names}");

    let begin = Instant::now();
    let mut off = site.goal("");
    let allowed = ["*", "Namespace tool", "CustomResourceDefinition flows.tool.example.com"];
    off.options.guard.allowed.extend(allowed.map(str::to_owned));
    let round = site.cluster.sync(&off, &()).await.unwrap();
    assert_eq!(failures(&round), [""; 0]);
    println!("taken away within {:?}", begin.elapsed());
}

pub(crate) async fn a_namespace_that_is_being_deleted_is_waited_for(api: &Api) {
    let site = Site::new(api, "leaving").await;
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: leaving}\n---\n";
    let yaml = [namespace, &config("beside", "default")].concat();
    site.applied(&yaml).await;
    let held = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: held, namespace: leaving, finalizers: [example.com/held]}\n";
    site.kubectl_with(&["create", "-f", "-"], held).unwrap();
    site.kubectl(&["delete", "namespace", "leaving", "--wait=false"]);

    let more = [yaml, config("a", "leaving"), config("another", "default")].concat();
    let (round, _) = site.sync(&more).await;
    let plan = round.plan.to_string();
    assert!(failures(&round).is_empty() && plan.contains("+ ConfigMap default/another\n"), "{plan}");
    assert!(plan.contains("… ConfigMap leaving/a: Namespace leaving is being deleted\n"), "{plan}");
    assert!(plan.contains("… Namespace leaving: it is being deleted"), "{plan}");

    site.kubectl(&[
        "-n",
        "leaving",
        "patch",
        "configmap",
        "held",
        "--type=merge",
        "-p",
        r#"{"metadata": {"finalizers": null}}"#,
    ]);
    site.kubectl(&["wait", "--for=delete", "--timeout=60s", "namespace/leaving"]);
    site.applied(&more).await;
    site.settled(&more).await;
}
