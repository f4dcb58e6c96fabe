//! `orbctl boom status`: how every tool does.
#![expect(clippy::print_stdout, reason = "the status is the answer")]

use std::collections::BTreeMap;

use anyhow::Result;
use orbos::{Code, OrbArgs, Platform, PlatformArgs};
use orbos_platform::{ToolState, versions::VERSION_SET};
use orbos_state::look;
use serde::Serialize;

use crate::{plan::Output, status::print_table};

/// Show how every tool does, and what waits for what; changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orbctl boom status
  orbctl boom status -o json")]
pub(crate) struct Args {
    #[command(flatten)]
    platform: PlatformArgs,
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
    kubernetes: String,
    #[serde(rename = "versionSet")]
    version_set: &'static str,
    tools: BTreeMap<&'static str, ToolState>,
    #[serde(rename = "toDo")]
    to_do: usize,
    waiting: Vec<orbos_state::Waiting>,
}

pub(crate) async fn run(orb: &OrbArgs, args: Args) -> Result<Code> {
    let platform = Platform::open(orb, &args.platform)?;
    let (boom, _) = platform.boom().await?;
    let look = look(&boom, platform.repository.as_ref()).await?;
    let answer = Answer {
        api_version: "orbctl/v1",
        kind: "BoomStatus",
        orb: platform.orb.clone(),
        revision: look.revision.as_str().to_owned(),
        kubernetes: look.observed.facts.version.text.clone(),
        version_set: VERSION_SET,
        tools: look.observed.tools(),
        to_do: look.plan.changes().count(),
        waiting: look.plan.waiting().to_vec(),
    };
    match args.output {
        Output::Json => println!("{}", serde_json::to_string_pretty(&answer)?),
        Output::Yaml => print!("{}", serde_yaml::to_string(&answer)?),
        Output::Text => print_text(&answer),
    }
    Ok(Code::Done)
}

fn print_text(answer: &Answer) {
    let mut rows = vec![["TOOL", "APPLICATION", "STATE", "BECAUSE"]];
    for (name, tool) in &answer.tools {
        rows.push([name, tool.application, tool.state, tool.because.first().map_or("", String::as_str)]);
        rows.extend(tool.because.iter().skip(1).map(|why| ["", "", "", why.as_str()]));
    }
    print_table(&rows);
    println!();
    answer.waiting.iter().for_each(|it| println!("{it}"));
    match answer.to_do {
        0 if answer.waiting.is_empty() => println!("Settled: nothing to do."),
        0 => println!("Nothing to do now."),
        1 => println!("1 change to make: orbctl boom plan"),
        changes => println!("{changes} changes to make: orbctl boom plan"),
    }
}
