//! `orbctl secrets list`.
#![expect(clippy::print_stdout, reason = "the list is the answer")]

use anyhow::Result;
use orbos::{
    Code, Session,
    secrets::{Inventory, Item},
};
use orbos_secrets::{Content, SlotKind};
use serde::Serialize;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only those that are missing.
    #[arg(long)]
    missing: bool,
    /// As JSON, for programs.
    #[arg(long)]
    json: bool,
}

/// One line of the list.
#[derive(Debug, Serialize)]
struct Row {
    path: String,
    source: &'static str,
    state: &'static str,
    format: &'static str,
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    original_name: Option<String>,
}

pub(crate) async fn run(session: &Session, args: &Args) -> Result<Code> {
    let inventory = Inventory::read(&session.orb, &session.snapshot().await?);
    inventory.complete()?;
    let mut rows: Vec<Row> = inventory.items.iter().map(row).collect();
    rows.extend(inventory.references.iter().map(|it| Row {
        path: format!("{}:{}", it.file, it.path),
        source: "kubernetes",
        state: if it.wrong.is_some() { "invalid" } else { "reference" },
        format: "-",
        what: format!("key `{}` of the Kubernetes secret `{}`", it.existing.key, it.existing.name),
        original_name: None,
    }));
    rows.retain(|it| !args.missing || it.state == "missing");
    if args.json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(Code::Done);
    }
    let head = ["PATH", "SOURCE", "STATE", "FORMAT", "WHAT"].map(str::to_owned);
    let lines: Vec<[String; 5]> = [head].into_iter().chain(rows.into_iter().map(columns)).collect();
    let widths: [usize; 4] =
        std::array::from_fn(|at| lines.iter().map(|it| it[at].chars().count()).max().unwrap_or(0));
    for [path, source, state, format, what] in &lines {
        let [one, two, three, four] = widths;
        println!("{path:one$}  {source:two$}  {state:three$}  {format:four$}  {what}");
    }
    Ok(Code::Done)
}

fn row(item: &Item) -> Row {
    let source = match item.slot.map(|it| it.kind) {
        Some(SlotKind::Generated(_)) => "generated",
        Some(SlotKind::Supplied) => "supplied",
        Some(SlotKind::Stored) => "stored",
        None => "unknown",
    };
    let (state, format) = match &item.content {
        Content::Missing => ("missing", "-"),
        Content::Sealed(sealed) if sealed.is_original() => ("set", "old"),
        Content::Sealed(_) => ("set", "new"),
        Content::Existing => ("reference", "-"),
        Content::Both => ("both", "-"),
        Content::Unsealed => ("not sealed", "-"),
    };
    let what = item.slot.map_or("no known kind says what it is", |it| it.what).to_owned();
    Row { path: item.address(), source, state, format, what, original_name: item.original_name() }
}

fn columns(row: Row) -> [String; 5] {
    let Row { path, source, state, format, what, original_name: _ } = row;
    [path, source.to_owned(), state.to_owned(), format.to_owned(), what]
}
