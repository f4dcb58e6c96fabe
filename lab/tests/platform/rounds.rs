//! Rounds of BOOM over a whole platform.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use super::site::{ALL, Site};
use orbos_state::Repository as _;

pub(crate) async fn all_tools_are_applied_to_an_empty_cluster_once(site: &Site<'_>) {
    let begin = Instant::now();
    let plans = site.settle().await;
    assert!(plans.starts_with("+ secret spec.monitoring.admin.password\n"), "{plans}");
    let ours = site.ours("");
    let kinds: BTreeSet<_> = ours.iter().map(|it| it.split(' ').next()).collect();
    let objects = ours.len();
    println!(
        "{objects} objects of all tools applied within {:?}, {:?}",
        begin.elapsed(),
        site.cluster.requests()
    );
    assert!(objects > 120, "{objects}");

    let files = site.repository.snapshot().await.unwrap();
    let current = files.text("caos-internal/boom/current.yaml").unwrap();
    assert!(current.contains("outcome: settled") && current.contains("application: grafana"), "{current}");
    assert!(!current.contains("password:"), "no secret:\n{current}");

    let begin = Instant::now();
    let idle = site.idle().await;
    println!(
        "nothing to do: {idle:?} for {objects} objects of {} kinds in {:?}",
        kinds.len(),
        begin.elapsed()
    );
    // The server's version, all definitions, the inventory, pods, as they are ill here; a list of each kind.
    assert!(idle.reads <= 4 + kinds.len() as u64, "{idle:?} for {} kinds", kinds.len());
    quiet(site).await;
}

/// Nothing is committed any more as soon as controllers have said all they have to say of pods without nodes.
async fn quiet(site: &Site<'_>) {
    let begin = Instant::now();
    loop {
        let before = site.repository.snapshot().await.unwrap().revision;
        site.idle().await;
        if site.repository.snapshot().await.unwrap().revision == before {
            return;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "every round commits something");
    }
}

pub(crate) async fn a_field_that_is_changed_by_hand_costs_one_patch(site: &Site<'_>) {
    site.kubectl(&["-n", "caos-system", "scale", "deployment", "grafana", "--replicas=3"]);
    site.kubectl(&[
        "-n",
        "caos-system",
        "patch",
        "service",
        "grafana",
        "--type=merge",
        "-p",
        r#"{"spec":{"type":"NodePort"}}"#,
    ]);
    let (round, cost) = site.round().await;
    let plan = round.plan.to_string();
    let changed: Vec<_> = plan.lines().filter(|it| !it.starts_with(' ')).collect();
    assert_eq!(changed, ["~ Service caos-system/grafana", "~ Deployment caos-system/grafana"], "{plan}");
    assert_eq!((round.failures().count(), cost.writes), (0, 2));
    assert_eq!(
        site.kubectl(&[
            "-n",
            "caos-system",
            "get",
            "deployment",
            "grafana",
            "-o",
            "jsonpath={.spec.replicas}"
        ]),
        "1"
    );
    site.idle().await;
}

pub(crate) async fn who_follows_asks_hardly_anything_and_misses_nothing(site: &Site<'_>) {
    let follower = site.following().await;
    follower.idle().await;
    let begin = Instant::now();
    let idle = follower.idle().await;
    println!("nothing to do, following: {idle:?} in {:?}", begin.elapsed());
    // The server's version, all definitions and those of ours, the inventory, and pods, as they are ill here.
    assert!(idle.reads <= 5, "{idle:?}");

    site.kubectl(&["-n", "caos-system", "scale", "deployment", "grafana", "--replicas=3"]);
    assert_eq!(told(&follower).await, ["~ Deployment caos-system/grafana"]);
    site.kubectl(&["-n", "caos-system", "delete", "service", "grafana"]);
    assert_eq!(told(&follower).await, ["+ Service caos-system/grafana"]);
    follower.idle().await;
    site.idle().await;
}

/// The changes of the first round that knows of something; the API server tells of it in its own time.
async fn told(follower: &Site<'_>) -> Vec<String> {
    let begin = Instant::now();
    loop {
        let (round, cost) = follower.round().await;
        if !round.plan.is_empty() {
            assert_eq!((round.failures().count(), cost.writes), (0, 1), "{}", round.plan);
            let plan = round.plan.to_string();
            return plan.lines().filter(|it| !it.starts_with(' ')).map(str::to_owned).collect();
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "nothing was told");
    }
}

pub(crate) async fn another_programs_field_is_reported_and_not_taken(site: &Site<'_>) {
    let foreign = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: grafana, namespace: caos-system}\nspec: {replicas: 2}\n";
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), foreign).unwrap();
    let path = file.path().to_str().unwrap();
    let apply = [
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager=scaler",
        "--validate=false",
        "-f",
        path,
    ];
    site.kubectl(&apply);
    let conflict = "… Deployment caos-system/grafana: spec.replicas is kept at 2 by scaler, 1 is wanted\n";
    site.round().await;
    let (round, cost) = site.round().await;
    assert_eq!((round.plan.to_string().as_str(), cost.writes), (conflict, 0));

    site.edit("spec:\n", "spec:\n  forceApply: true\n").await;
    let (round, _) = site.round().await;
    assert_eq!(round.failures().count(), 0, "{}", round.plan);
    assert_eq!(
        site.kubectl(&[
            "-n",
            "caos-system",
            "get",
            "deployment",
            "grafana",
            "-o",
            "jsonpath={.spec.replicas}"
        ]),
        "1"
    );
    site.edit("  forceApply: true\n", "").await;
    site.settle().await;
}

pub(crate) async fn a_tool_that_is_switched_off_goes_and_nothing_else(site: &Site<'_>) {
    let (all, gone) = (site.ours(""), site.ours("prometheus-systemd-exporter"));
    assert!(gone.len() >= 3, "{gone:?}");
    site.edit("systemdMetricsExporter: { deploy: true }", "systemdMetricsExporter: { deploy: false }").await;
    let plan = site.settle().await;
    // What Prometheus collected of it and shows goes too: those objects belong to Prometheus and Grafana.
    let left = site.ours("");
    let lost: Vec<_> = all.iter().filter(|it| !left.contains(it)).collect();
    assert!(gone.iter().all(|it| lost.contains(&it)), "{plan}");
    let of_others = |it: &&&String| !gone.contains(it) && !it.contains("systemd");
    assert_eq!(lost.iter().filter(of_others).count(), 0, "{lost:?}");
    site.edit("systemdMetricsExporter: { deploy: false }", "systemdMetricsExporter: { deploy: true }").await;
    site.settle().await;
    assert_eq!(site.ours(""), all);
}

pub(crate) async fn a_tool_that_cannot_be_rendered_keeps_what_it_has(site: &Site<'_>) {
    let before = site.ours("loki");
    site.edit(
        "logsPersisting: { deploy: true, clusterOutput: true }",
        "logsPersisting: { deploy: true, retention: 5m }",
    )
    .await;
    site.edit("alerting: { deploy: true }", "alerting: { deploy: true, replicaCount: 3 }").await;
    let (round, _) = site.round().await;
    let plan = round.plan.to_string();
    assert!(plan.contains("… tool logsPersisting: spec.logsPersisting.retention"), "{plan}");
    assert_eq!(site.ours("loki"), before, "nothing of it is deleted");
    let alertmanagers = site.kubectl(&[
        "-n",
        "caos-system",
        "get",
        "alertmanagers",
        "-o",
        "jsonpath={.items[*].spec.replicas}",
    ]);
    assert_eq!(alertmanagers, "3", "the others go on");
    site.write("boom.yml", ALL).await;
    site.settle().await;
}

pub(crate) async fn a_cluster_that_is_too_old_for_a_tool_is_named(site: &Site<'_>) {
    site.edit("spec:\n", "spec:\n  metricsServer: { deploy: true }\n").await;
    let (round, _) = site.round().await;
    let plan = round.plan.to_string();
    let expected = "… tool metricsServer: spec.metricsServer: API servers below Kubernetes 1.22 cannot";
    assert!(plan.contains(expected) && !plan.contains("Deployment kube-system/metrics-server"), "{plan}");
    site.edit("  metricsServer: { deploy: true }\n", "").await;
    site.settle().await;
}

pub(crate) async fn what_a_human_adds_comes_before_and_after(site: &Site<'_>) {
    let added = "  preApply: { deploy: true, folder: pre }\n  postApply: { deploy: true, folder: post }\n";
    site.edit("spec:\n", &format!("spec:\n{added}")).await;
    site.write(
        "pre/a.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: before, namespace: caos-system}\n",
    )
    .await;
    let application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: mine, namespace: caos-system}\nspec: {project: default}\n";
    site.write("post/a.yaml", application).await;
    let plan = site.settle().await;
    let at = |what: &str| plan.find(what).unwrap_or_else(|| panic!("no {what} in\n{plan}"));
    assert!(at("ConfigMap caos-system/before") < at("Application caos-system/mine"), "{plan}");

    site.write("post/a.yaml", "kind: nothing\n").await;
    let (round, _) = site.round().await;
    let plan = round.plan.to_string();
    assert!(
        plan.contains("tool postApply: spec.postApply.folder") && plan.contains("post/a.yaml:1"),
        "{plan}"
    );
    assert_eq!(site.ours("postApply"), ["Application caos-system/mine"], "not deleted by a mistake");

    site.edit(added, "").await;
    site.settle().await;
    assert!(site.ours("preApply").is_empty() && site.ours("postApply").is_empty());
}
