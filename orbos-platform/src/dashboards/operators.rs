//! BOOM and ORBITER.

use super::{
    board::Board,
    panel::{Panel, series, stat},
    unit::Unit::{Count, Seconds},
};
use crate::alerts::limits;

/// The same question to both operators.
fn both(title: &'static str, unit: super::unit::Unit, expr: impl Fn(&str) -> String) -> Panel {
    series(title, unit).query("BOOM", expr("boom")).query("ORBITER", expr("orbiter"))
}

pub(super) fn board() -> Board {
    let failed = |it: &str| {
        format!("sum(increase({it}_rounds_failed_total[1h])) + sum(increase({it}_changes_failed_total[1h]))")
    };
    let glance = vec![
        stat("BOOM failed within an hour", Count, failed("boom")).limit(limits::NONE),
        stat("ORBITER failed within an hour", Count, failed("orbiter")).limit(limits::NONE),
        stat("Repository away", Count, "max(max(boom_repository_away) or max(orbiter_repository_away))")
            .limit(limits::NOT_ONE),
        stat("Machines", Count, "max(orbiter_machines)"),
        stat("Members not ready", Count, "max(orbiter_members) - max(orbiter_members_ready)")
            .limit(limits::NONE),
        stat("Do not answer", Count, "max(orbiter_unseen)").limit(limits::NONE),
    ];
    let below = vec![
        both("Rounds within 15 minutes", Count, |it| format!("sum(increase({it}_rounds_total[15m]))")),
        both("Duration of rounds", Seconds, |it| format!("max({it}_round_seconds)")),
        both("Changes within 15 minutes", Count, |it| format!("sum(increase({it}_changes_total[15m]))"))
            .about("What was not as it should be, and was changed."),
        both("Changes that failed within 15 minutes", Count, |it| {
            format!("sum(increase({it}_changes_failed_total[15m]))")
        }),
        both("Changes of the newest plan", Count, |it| format!("max({it}_plan_changes)")),
        both("What waits in the newest plan", Count, |it| format!("max({it}_plan_waiting)")),
    ];
    Board {
        uid: "orbos-operators",
        title: "Operators",
        about: "What BOOM and ORBITER do.",
        tool: "metricsPersisting",
        needs: &[],
        variables: Vec::new(),
        related: &[("Orb", "orbos-overview"), ("Nodes", "orbos-nodes")],
        rows: vec![("", glance), ("Over time", below)],
    }
}
