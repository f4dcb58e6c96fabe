//! `orbctl status`: machines, members, endpoints, and what waits for what.
#![expect(clippy::print_stdout, reason = "the status is the answer")]

use anyhow::Result;
use orbos::{Code, OrbArgs, Session, compose};
use orbos_infra::{OrbGoal, OrbObserved, Purpose};
use orbos_state::{Plan, look};
use serde::Serialize;

use crate::plan::Output;

/// Show machines, members, endpoints, and what waits for what.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "\
Examples:
  orbctl status
  orbctl status -o json",
    after_long_help = "\
Examples:
  orbctl status
  orbctl status -o json

JSON and YAML, to which fields are only added:
  {apiVersion: orbctl/v1, kind: Status, orb, revision, toDo: NUMBER,
   machines: [{id, address, state, tier, version}], endpoints: [{name, address, heldBy}],
   waiting: [{subject, reason}]}"
)]
pub(crate) struct Args {
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Serialize)]
struct Answer {
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    kind: &'static str,
    orb: String,
    revision: String,
    machines: Vec<Machine>,
    endpoints: Vec<Endpoint>,
    #[serde(rename = "toDo")]
    to_do: usize,
    waiting: Vec<orbos_state::Waiting>,
}

#[derive(Serialize)]
struct Machine {
    id: String,
    address: String,
    state: String,
    tier: String,
    version: String,
}

#[derive(Serialize)]
struct Endpoint {
    name: String,
    address: String,
    #[serde(rename = "heldBy")]
    held_by: String,
}

pub(crate) async fn run(orb: &OrbArgs, args: Args) -> Result<Code> {
    let session = Session::open(orb)?;
    let composed = compose(session, orb, Purpose::Run)?;
    let look = look(&composed.orbiter, composed.session.repository.as_ref()).await?;
    let answer = Answer {
        api_version: "orbctl/v1",
        kind: "Status",
        orb: composed.session.orb.clone(),
        revision: look.revision.as_str().to_string(),
        machines: machines(&look.observed),
        endpoints: endpoints(&look.goal, &look.observed),
        to_do: look.plan.changes().count(),
        waiting: look.plan.waiting().to_vec(),
    };
    match args.output {
        Output::Json => println!("{}", serde_json::to_string_pretty(&answer)?),
        Output::Yaml => print!("{}", serde_yaml::to_string(&answer)?),
        Output::Text => print_text(&answer, &look.plan),
    }
    Ok(Code::Done)
}

fn machines(observed: &OrbObserved) -> Vec<Machine> {
    let used = observed.providers.values().flat_map(|it| it.machines.values());
    let free = observed.providers.values().flat_map(|it| it.free.values().flatten());
    let row = |it: &orbos_infra::Machine, used: bool| {
        let member = observed.clusters.values().find_map(|cluster| cluster.members.get(&it.id));
        let host = observed.hosts.contains_key(&it.id);
        let state = match member {
            _ if !used => "free".into(),
            _ if !host => observed.why_unseen(&format!("machine {}", it.id)).into(),
            None => "no member".into(),
            Some(member) => match (member.ready.reason(), member.serving) {
                (None, true) => "ready".into(),
                (None, false) => "drained".into(),
                (Some(reason), _) => format!("not ready: {reason}"),
            },
        };
        Machine {
            id: it.id.to_string(),
            address: it.address.map_or_else(|| "-".into(), |it| it.to_string()),
            state,
            tier: member.map_or_else(|| "-".into(), |it| it.tier.to_string()),
            version: member.map_or_else(|| "-".into(), |it| it.version.to_string()),
        }
    };
    let unseen = observed.providers.values().flat_map(|it| &it.unseen).map(|(id, reason)| {
        let member = observed.clusters.values().find_map(|cluster| cluster.members.get(id));
        Machine {
            id: id.to_string(),
            address: "-".into(),
            state: reason.clone(),
            tier: member.map_or_else(|| "-".into(), |it| it.tier.to_string()),
            version: member.map_or_else(|| "-".into(), |it| it.version.to_string()),
        }
    });
    let mut rows: Vec<Machine> =
        used.map(|it| row(it, true)).chain(free.map(|it| row(it, false))).chain(unseen).collect();
    rows.sort_by(|one, other| one.id.cmp(&other.id));
    rows
}

fn endpoints(goal: &OrbGoal, observed: &OrbObserved) -> Vec<Endpoint> {
    let all = goal.providers.values().flat_map(|it| it.endpoints.values());
    all.map(|it| {
        let managed = observed.providers.values().find_map(|inventory| inventory.endpoints.get(&it.name));
        let address = it.address.as_ref().or(managed);
        let holder = observed.hosts.iter().find(|(_, host)| {
            address.is_some_and(|address| host.interfaces.values().any(|it| it.contains(address)))
        });
        Endpoint {
            name: it.name.clone(),
            address: address.map_or_else(|| "-".into(), |address| format!("{address}:{}", it.frontend_port)),
            held_by: holder.map_or_else(|| "nobody".into(), |(id, _)| id.to_string()),
        }
    })
    .collect()
}

fn print_text(answer: &Answer, plan: &Plan<orbos_infra::OrbChange>) {
    let rows: Vec<[&str; 5]> = std::iter::once(["MACHINE", "ADDRESS", "TIER", "VERSION", "STATE"])
        .chain(answer.machines.iter().map(|it| [&*it.id, &*it.address, &*it.tier, &*it.version, &*it.state]))
        .collect();
    print_table(&rows);
    println!();
    let rows: Vec<[&str; 3]> = std::iter::once(["ENDPOINT", "ADDRESS", "HELD BY"])
        .chain(answer.endpoints.iter().map(|it| [&*it.name, &*it.address, &*it.held_by]))
        .collect();
    print_table(&rows);
    println!();
    for waiting in plan.waiting() {
        println!("{waiting}");
    }
    match answer.to_do {
        0 if plan.waiting().is_empty() => println!("Settled: nothing to do."),
        0 => println!("Nothing to do now."),
        1 => println!("1 change to make: orbctl plan"),
        changes => println!("{changes} changes to make: orbctl plan"),
    }
}

/// Columns as wide as their widest cell.
pub(crate) fn print_table<const N: usize>(rows: &[[&str; N]]) {
    let width = |column: usize| rows.iter().map(|it| it[column].chars().count()).max().unwrap_or(0);
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .enumerate()
            .map(|(column, cell)| format!("{cell:<width$}", width = width(column)))
            .collect();
        println!("{}", cells.join("  ").trim_end());
    }
}
