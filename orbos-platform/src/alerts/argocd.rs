//! Argo CD.

use super::{
    AlertGroup,
    rule::{Severity::Warning, alert},
};

pub(super) fn groups() -> Vec<AlertGroup> {
    let app = "{{ $labels.namespace }}/{{ $labels.name }}";
    let rules = vec![
        alert(
            "ArgoAppDegraded",
            Warning,
            "15m",
            "argocd_app_info{health_status=~\"Degraded|Missing|Unknown\"} == 1",
        )
        .says(
            "An application is not healthy",
            &format!("Application {app} is {{{{ $labels.health_status }}}}."),
        ),
        alert("ArgoAppOutOfSync", Warning, "15m", "argocd_app_info{sync_status!=\"Synced\"} == 1").says(
            "An application is not what its repository says",
            &format!("Application {app} is {{{{ $labels.sync_status }}}} for 15 minutes."),
        ),
        alert(
            "ArgoSyncFails",
            Warning,
            "0m",
            "sum by (namespace, name) (increase(argocd_app_sync_total{phase=~\"Error|Failed\"}[15m])) > 0",
        )
        .says("An application cannot be synchronised", &format!("Synchronising {app} failed.")),
        alert(
            "ArgoGitFetchFails",
            Warning,
            "15m",
            "sum by (repo) (increase(argocd_git_fetch_fail_total[10m])) > 0",
        )
        .says("A repository cannot be read", "{{ $labels.repo }} cannot be fetched."),
    ];
    vec![AlertGroup { name: "orbos-argocd", tool: "reconciling", needs: &["argocd"], rules }]
}
