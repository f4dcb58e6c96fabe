//! `orbctl boom render`: the objects of all tools, without a cluster.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the objects are the answer")]

use anyhow::Result;
use orbos::{Code, OrbArgs, Platform, PlatformArgs};
use orbos_k8s::objects::{Manifest, Secrets};
use orbos_platform::versions::KUBERNETES;
use serde_json::{Value, json};

use super::warn;
use crate::plan::Output;

/// Print the objects of all tools; asks no cluster. In place of secrets stands `[secret]`.
///
/// Exit codes: 0 done; 1 a tool cannot be rendered; 4 the repository cannot be read; 6 a file is invalid.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orbctl boom render
  orbctl boom render --file boom.yml --kubernetes 1.34 | less
  orbctl boom render --file boom.yml --output json | jq '.items[].kind'")]
pub(crate) struct Args {
    #[command(flatten)]
    platform: PlatformArgs,
    /// The version of Kubernetes that it is for, like 1.35. Default: the newest that the tools are tested with.
    #[arg(long, value_parser = minor, value_name = "VERSION")]
    kubernetes: Option<u32>,
    /// Print definitions of kinds too.
    #[arg(long)]
    definitions: bool,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// The minor version of `1.35`, `v1.35` or `1.35.2`.
fn minor(text: &str) -> Result<u32, String> {
    let parts: Vec<_> = text.trim_start_matches('v').split('.').collect();
    match parts[..] {
        ["1", minor, ..] => minor.parse().map_err(|_| format!("`{text}` is no version like 1.35")),
        _ => Err(format!("`{text}` is no version like 1.35")),
    }
}

pub(crate) async fn run(orb: &OrbArgs, args: Args) -> Result<Code> {
    let platform = Platform::open(orb, &args.platform)?;
    let files = platform.repository.snapshot().await?;
    warn(&platform, &files)?;
    let goal = platform.settings.goal_without_secrets(&files)?;
    let rendering = goal.rendered(args.kubernetes.unwrap_or(*KUBERNETES.end()), args.definitions);
    match args.output {
        Output::Json => {
            let items: Vec<Value> = rendering.manifests.iter().map(Manifest::veiled).collect();
            let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
            println!("{}", serde_json::to_string_pretty(&list)?);
        }
        // A stream of documents, as kubectl takes them.
        Output::Yaml | Output::Text => print!("{}", rendering.manifests.render(Secrets::Veiled)),
    }
    for (tool, failure) in &rendering.failed {
        eprintln!("error: tool {tool}: {}", failure.error);
    }
    Ok(if rendering.failed.is_empty() { Code::Done } else { Code::Failed })
}
