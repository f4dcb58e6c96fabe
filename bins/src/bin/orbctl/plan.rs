//! `orbctl plan`: what a take-off would do.
#![expect(clippy::print_stdout, reason = "the plan is the answer")]

use anyhow::Result;
use orbos::{Code, OrbArgs, Session, compose};
use orbos_infra::{HostChange, OrbChange, Purpose, forecast};
use orbos_state::{Change, Plan, look};
use serde::Serialize;

/// How many rounds are forecast at most.
const ROUNDS: usize = 200;

/// Show what a take-off would do; changes nothing.
///
/// Exit codes: 0 done; 4 no access; 6 a file is invalid; with --exit-code 3 if there is something to do, or
/// something waits.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "\
Examples:
  orbctl plan                         the next round
  orbctl plan --forecast              every round until nothing is left to do
  orbctl plan --exit-code -o json     for pipelines",
    after_long_help = "\
Examples:
  orbctl plan                         the next round
  orbctl plan --forecast              every round until nothing is left to do
  orbctl plan --exit-code -o json     for pipelines

JSON and YAML, to which fields are only added:
  {apiVersion: orbctl/v1, kind: Plan, orb, revision, settled: BOOL,
   rounds: [{stages: [[{effect: + ~ or -, change, machine?, steps?: [{effect, step}]}]],
             waiting: [{subject, reason}]}]}"
)]
pub(crate) struct Args {
    /// Show every round until nothing is left to do, as far as that can be foretold.
    #[arg(long)]
    forecast: bool,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    /// Exit with 3 if there is something to do, or something waits.
    #[arg(long)]
    exit_code: bool,
}

/// How to print an answer.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub(crate) enum Output {
    /// For humans.
    #[default]
    Text,
    /// For programs.
    Json,
    /// For programs and humans.
    Yaml,
}

#[derive(Serialize)]
struct Answer {
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    kind: &'static str,
    orb: String,
    revision: String,
    /// Whether there is nothing to do and nothing waits.
    settled: bool,
    rounds: Vec<Round>,
}

#[derive(Serialize)]
struct Round {
    /// One after the other; the changes of one happen at the same time.
    stages: Vec<Vec<Line>>,
    waiting: Vec<orbos_state::Waiting>,
}

#[derive(Serialize)]
struct Line {
    effect: String,
    change: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    machine: Option<String>,
    /// What is done on the machine, one after the other.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    steps: Vec<Step>,
}

#[derive(Serialize)]
struct Step {
    effect: String,
    step: String,
}

pub(crate) async fn run(orb: &OrbArgs, args: Args) -> Result<Code> {
    let session = Session::open(orb)?;
    let composed = compose(session, orb, Purpose::Run)?;
    let look = look(&composed.orbiter, composed.session.repository.as_ref()).await?;
    let rounds =
        if args.forecast { forecast(&look.goal, &look.observed, ROUNDS) } else { vec![look.plan.clone()] };
    let answer = Answer {
        api_version: "orbctl/v1",
        kind: "Plan",
        orb: composed.session.orb.clone(),
        revision: look.revision.as_str().to_string(),
        settled: look.plan.is_settled(),
        rounds: rounds.iter().map(round).collect(),
    };
    match args.output {
        Output::Json => println!("{}", serde_json::to_string_pretty(&answer)?),
        Output::Yaml => print!("{}", serde_yaml::to_string(&answer)?),
        Output::Text => print_text(&rounds, args.forecast),
    }
    Ok(if args.exit_code && !look.plan.is_settled() { Code::Differs } else { Code::Done })
}

fn step(change: &HostChange) -> Step {
    Step { effect: change.effect().to_string(), step: change.to_string() }
}

fn round(plan: &Plan<OrbChange>) -> Round {
    let line = |it: &OrbChange| Line {
        effect: it.effect().to_string(),
        change: match it {
            OrbChange::Host { machine, .. } => format!("host {machine}"),
            other => other.to_string(),
        },
        machine: it.machine().map(ToString::to_string),
        steps: match it {
            OrbChange::Host { changes, .. } => changes.iter().map(step).collect(),
            _ => Vec::new(),
        },
    };
    Round {
        stages: plan.stages().iter().map(|it| it.iter().map(line).collect()).collect(),
        waiting: plan.waiting().to_vec(),
    }
}

fn print_text(rounds: &[Plan<OrbChange>], numbered: bool) {
    for (plan, number) in rounds.iter().zip(1..) {
        if numbered {
            println!("round {number}");
        }
        print!("{plan}");
    }
    let changes: Vec<&OrbChange> = rounds.iter().flat_map(Plan::changes).collect();
    let count = |effect| changes.iter().filter(|it| it.effect() == effect).count();
    use orbos_state::Effect::{Create, Delete, Update};
    match (count(Create), count(Update), count(Delete)) {
        (0, 0, 0) if rounds.iter().all(|it| it.waiting().is_empty()) => println!("Nothing to do."),
        (0, 0, 0) => println!("Nothing to do now."),
        (create, update, delete) => println!("{create} to create, {update} to change, {delete} to remove."),
    }
}
