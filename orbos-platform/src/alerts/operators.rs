//! BOOM and ORBITER.

use serde_json::Value;

use super::{
    AlertGroup,
    rule::{
        Severity::{Critical, Warning},
        alert, health,
    },
};

/// The names of one operator's alerts, and how its metrics begin.
struct Operator {
    shown: &'static str,
    metrics: &'static str,
    fails: &'static str,
    stands_still: &'static str,
    repository_away: &'static str,
}

pub(super) fn groups() -> Vec<AlertGroup> {
    let boom = operator(&Operator {
        shown: "BOOM",
        metrics: "boom",
        fails: "BoomChangesFail",
        stands_still: "BoomStandsStill",
        repository_away: "BoomRepositoryAway",
    });
    let mut orbiter = operator(&Operator {
        shown: "ORBITER",
        metrics: "orbiter",
        fails: "OrbiterChangesFail",
        stands_still: "OrbiterStandsStill",
        repository_away: "OrbiterRepositoryAway",
    });
    orbiter.push(alert("OrbiterUnseen", Warning, "15m", "max(orbiter_unseen) > 0").says(
        "Machines or providers do not answer ORBITER",
        "{{ $value }} providers, machines or clusters do not answer; nothing is done about them.",
    ));
    let tool = "metricsPersisting";
    vec![
        AlertGroup { name: "orbos-boom", tool, needs: &["boom"], rules: boom },
        AlertGroup { name: "orbos-orbiter", tool, needs: &["orbiter"], rules: orbiter },
    ]
}

fn operator(operator: &Operator) -> Vec<Value> {
    let Operator { shown, metrics, .. } = operator;
    let failing = format!(
        "sum(increase({metrics}_changes_failed_total[15m])) + sum(increase({metrics}_rounds_failed_total[15m]))"
    );
    let rounds = format!(
        "sum(increase({metrics}_rounds_total[10m])) - sum(increase({metrics}_rounds_failed_total[10m]))"
    );
    vec![
        health(
            metrics,
            format!("1 - 0.5 * ({failing} > bool 0) - 0.5 * (max({metrics}_repository_away) > bool 0)"),
        ),
        alert(operator.fails, Warning, "15m", format!("{failing} > 0")).says(
            &format!("{shown} cannot do what it should"),
            &format!("{shown} failed {{{{ $value | humanize }}}} times within 15 minutes."),
        ),
        alert(operator.stands_still, Critical, "10m", format!("{rounds} < 0.5")).says(
            &format!("{shown} stands still"),
            &format!("No round of {shown} ended well within 10 minutes."),
        ),
        alert(operator.repository_away, Critical, "10m", format!("max({metrics}_repository_away) > 0")).says(
            &format!("{shown} does not reach its repository"),
            &format!("The Git repository does not answer {shown}; changes of it have no effect."),
        ),
    ]
}
