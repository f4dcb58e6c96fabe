//! What left goes, and nothing else ever does.

use super::site::{Site, TOOL, without};
use orbos_lab::Api;

pub(crate) async fn what_left_goes_and_nothing_else(api: &Api) {
    // The objects of the part before are still there, with the same owner.
    let site = Site::new(api, "drift").await;
    site.applied(TOOL).await;
    let all = || {
        let kinds = "deployments,statefulsets,cronjobs,services,configmaps,secrets,serviceaccounts,networkpolicies,\
            poddisruptionbudgets,clusterroles,clusterrolebindings,customresourcedefinitions,namespaces,flows";
        let names = site.kubectl(&[
            "get",
            kinds,
            "-A",
            "-o",
            "jsonpath={range .items[*]}{.kind} {.metadata.namespace}/{.metadata.name}{'\\n'}{end}",
        ]);
        names.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let before = all();
    let fewer = without(TOOL, "kind: CronJob");
    let plan = site.applied(&fewer).await;
    assert!(
        plan.starts_with("- CronJob tool/backup\n~ ConfigMap drift-system/boom: inventory of "),
        "{plan}"
    );
    let after = all();
    let gone: Vec<_> = before.iter().filter(|it| !after.contains(it)).collect();
    assert_eq!(gone, ["CronJob tool/backup"]);
    site.settled(&fewer).await;

    // Somebody else's object in the namespace, and one that only looks like ours.
    site.kubectl(&["-n", "tool", "create", "configmap", "theirs"]);
    let id = site.options.owner.id();
    site.kubectl(&[
        "-n",
        "tool",
        "label",
        "configmap",
        "theirs",
        &format!("applyset.kubernetes.io/part-of={id}"),
    ]);
    site.settled(&fewer).await;
    let plan = site.plan("").await;
    let lost = "… Namespace tool: not deleted, since PersistentVolumeClaim tool/data-store-0, ConfigMap tool/theirs would be lost";
    assert!(plan.contains(lost), "{plan}");
    assert!(!plan.lines().any(|it| it.starts_with("- ")), "{plan}");

    site.kubectl(&["-n", "tool", "delete", "configmap", "theirs"]);
    // What a StatefulSet made outlives it, as its data does.
    site.kubectl(&["-n", "tool", "delete", "pvc", "--all"]);
    let mut off = site.goal("");
    off.options.guard.allowed.insert("*".to_owned());
    off.options.guard.allowed.insert("Namespace tool".to_owned());
    let round = site.cluster.sync(&off, &()).await.unwrap();
    let failures: Vec<_> = round.failures().map(|(it, why)| format!("{it}: {}", why.chain())).collect();
    assert!(failures.is_empty(), "{failures:#?}");
    for object in [&["namespace", "tool"][..], &["crd", "flows.tool.example.com"], &["clusterrole", "tool"]] {
        assert!(!site.is_there(object), "{object:?}");
    }
    assert!(site.is_there(&["clusterrole", "cluster-admin"]) && site.is_there(&["namespace", "default"]));
    site.settled("").await;
}

pub(crate) async fn the_guard_refuses_what_would_be_lost(api: &Api) {
    let site = Site::new(api, "guard").await;
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: default}\n\
        spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n";
    let config =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: guarded, namespace: default}\ndata: {a: '1'}\n";
    let definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
        metadata: {name: things.guard.example.com}\nspec: {group: guard.example.com, scope: Cluster, \
        names: {kind: Thing, plural: things}, versions: [{name: v1, served: true, storage: true, \
        schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]}\n";
    let all = format!("{claim}---\n{config}---\n{definition}");
    site.applied(&all).await;
    site.settled(&all).await;
    let thing = "apiVersion: guard.example.com/v1\nkind: Thing\nmetadata: {name: one}\n";
    site.kubectl_with(&["create", "-f", "-"], thing).unwrap();

    let (round, cost) = site.sync("").await;
    let plan = round.plan.to_string();
    assert!(
        plan.contains("… PersistentVolumeClaim default/data: not deleted, since its data would be lost"),
        "{plan}"
    );
    let lost =
        "… CustomResourceDefinition things.guard.example.com: not deleted, since Thing one would be lost";
    assert!(plan.contains(lost), "{plan}");
    assert!(
        plan.contains("… ConfigMap default/guarded: not deleted, since not all that should go may go"),
        "{plan}"
    );
    assert_eq!(cost.writes, 0, "{plan}");

    let mut allowed = site.goal("");
    let names = ["PersistentVolumeClaim default/data", "CustomResourceDefinition things.guard.example.com"];
    allowed.options.guard.allowed.extend(names.map(str::to_owned));
    let round = site.cluster.sync(&allowed, &()).await.unwrap();
    assert_eq!(round.failures().count(), 0, "{}", round.plan);
    assert!(!site.is_there(&["-n", "default", "pvc", "data"]));
}
