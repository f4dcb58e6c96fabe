//! `orbctl boom plan` and `orbctl boom diff`: what applying would do.
#![expect(clippy::print_stdout, reason = "the plan is the answer")]

use anyhow::Result;
use orbos::{Code, OrbArgs, Platform, PlatformArgs};
use orbos_k8s::objects::FieldChange;
use orbos_platform::PlatformChange;
use orbos_state::{Change, Look, look};
use serde::Serialize;

use super::warn;
use crate::plan::Output;

/// Show which objects applying would create, change and delete; changes nothing.
///
/// Exit codes: 0 done; 4 no access; 6 a file is invalid; with --exit-code 3 if there is something to do, or something waits.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orbctl boom plan                              the orb's boom.yml on the orb's cluster
  orbctl boom plan --file boom.yml --exit-code  a file on the cluster of KUBECONFIG, for pipelines")]
pub(crate) struct Args {
    #[command(flatten)]
    platform: PlatformArgs,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    /// Exit with 3 if there is something to do, or something waits.
    #[arg(long)]
    exit_code: bool,
}

/// Show which fields of which objects applying would change; changes nothing. Secrets are not shown.
///
/// Exit codes as those of `orbctl boom plan`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orbctl boom diff
  orbctl boom diff --output json")]
pub(crate) struct DiffArgs {
    #[command(flatten)]
    args: Args,
}

#[derive(Serialize)]
struct Answer {
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    kind: &'static str,
    orb: String,
    revision: String,
    settled: bool,
    stages: Vec<Vec<Line>>,
    waiting: Vec<orbos_state::Waiting>,
}

#[derive(Serialize)]
struct Line {
    effect: String,
    change: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldChange>,
}

pub(crate) async fn run(orb: &OrbArgs, args: Args) -> Result<Code> {
    answer(orb, args, false).await
}

pub(crate) async fn diff(orb: &OrbArgs, args: DiffArgs) -> Result<Code> {
    answer(orb, args.args, true).await
}

async fn answer(orb: &OrbArgs, args: Args, with_fields: bool) -> Result<Code> {
    let platform = Platform::open(orb, &args.platform)?;
    warn(&platform, &platform.repository.snapshot().await?)?;
    let (boom, _) = platform.boom().await?;
    let look = look(&boom, platform.repository.as_ref()).await?;
    match args.output {
        Output::Json => {
            println!("{}", serde_json::to_string_pretty(&document(&platform, &look, with_fields))?)
        }
        Output::Yaml => print!("{}", serde_yaml::to_string(&document(&platform, &look, with_fields))?),
        Output::Text => print_text(&look, with_fields),
    }
    Ok(if args.exit_code && !look.plan.is_settled() { Code::Differs } else { Code::Done })
}

fn document(platform: &Platform, look: &Look<orbos_platform::Platform>, with_fields: bool) -> Answer {
    let line = |it: &PlatformChange| Line {
        effect: it.effect().to_string(),
        change: headline(it),
        fields: match it {
            PlatformChange::Object(change) if with_fields => change.fields().to_vec(),
            _ => Vec::new(),
        },
    };
    Answer {
        api_version: "orbctl/v1",
        kind: if with_fields { "BoomDiff" } else { "BoomPlan" },
        orb: platform.orb.clone(),
        revision: look.revision.as_str().to_owned(),
        settled: look.plan.is_settled(),
        stages: look.plan.stages().iter().map(|it| it.iter().map(line).collect()).collect(),
        waiting: look.plan.waiting().to_vec(),
    }
}

/// A change without its fields.
pub(super) fn headline(change: &PlatformChange) -> String {
    let text = change.to_string();
    text.lines().next().unwrap_or_default().trim_end_matches(':').to_owned()
}

fn print_text(look: &Look<orbos_platform::Platform>, with_fields: bool) {
    for change in look.plan.changes() {
        match with_fields {
            true => println!("{} {change}", change.effect()),
            false => println!("{} {}", change.effect(), headline(change)),
        }
    }
    look.plan.waiting().iter().for_each(|it| println!("{it}"));
    use orbos_state::Effect::{Create, Delete, Update};
    let count = |effect| look.plan.changes().filter(|it| it.effect() == effect).count();
    match (count(Create), count(Update), count(Delete)) {
        (0, 0, 0) if look.plan.waiting().is_empty() => println!("Nothing to do."),
        (0, 0, 0) => println!("Nothing to do now."),
        (create, update, delete) => println!("{create} to create, {update} to change, {delete} to remove."),
    }
}
