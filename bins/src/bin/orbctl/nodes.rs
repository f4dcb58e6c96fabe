//! `orbctl nodes`: machines, commands and shells on them.
#![expect(clippy::print_stdout, reason = "what a machine says is the answer")]

use std::io::Write;

use anyhow::Result;
use orbos::{Code, Composed, OrbArgs, Session, compose};
use orbos_infra::{Connection, Machine, MachineId, Orb, Purpose};
use orbos_state::{Error, Operator};

use crate::status::print_table;

/// List machines, run commands and open shells on them.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List all machines.
    List {
        /// Only machines of this `provider.pool`.
        #[arg(long)]
        context: Option<String>,
    },
    /// Run a command as root on a machine, or a shell without one.
    Exec {
        /// The machine as `provider.pool.name`.
        id: MachineId,
        /// The command; absent: lines from standard input are run one after the other.
        #[arg(long, short)]
        command: Option<String>,
    },
    /// Open a shell as root on a machine.
    Shell {
        /// The machine as `provider.pool.name`.
        id: MachineId,
    },
}

pub(crate) async fn run(orb: &OrbArgs, command: Command) -> Result<Code> {
    let session = Session::open(orb)?;
    let cipher = session.reading_cipher().await?;
    let composed = compose(session, orb, cipher, Purpose::Run)?;
    let resolved = composed.orbiter.resolve(&composed.session.snapshot().await?)?;
    match command {
        Command::List { context } => list(&resolved.reconciler, context.as_deref()).await,
        Command::Exec { id, command: Some(command) } => exec(&resolved.reconciler, &id, &command).await,
        Command::Exec { id, command: None } | Command::Shell { id } => {
            shell(&composed, &resolved.reconciler, &id).await
        }
    }
}

async fn list(orb: &Orb, context: Option<&str>) -> Result<Code> {
    let mut rows = vec![["CONTEXT".to_string(), "ID".into(), "IP".into(), "STATE".into()]];
    for provider in orb.providers.values() {
        let inventory = provider.observe().await?;
        let row = |it: &Machine, state: &str| {
            let address = it.address.map_or_else(|| "-".into(), |it| it.to_string());
            [it.id.pool.to_string(), it.id.to_string(), address, state.into()]
        };
        rows.extend(inventory.machines.values().map(|it| row(it, "in use")));
        rows.extend(inventory.free.values().flatten().map(|it| row(it, "free")));
        rows.extend(
            inventory
                .unseen
                .iter()
                .map(|(id, why)| [id.pool.to_string(), id.to_string(), "-".into(), why.clone()]),
        );
    }
    let wanted = |row: &&[String; 4]| context.is_none_or(|it| row[0] == it || row[0] == "CONTEXT");
    let shown: Vec<[&str; 4]> =
        rows.iter().filter(wanted).map(|it| [&*it[0], &*it[1], &*it[2], &*it[3]]).collect();
    print_table(&shown);
    Ok(Code::Done)
}

async fn find(orb: &Orb, id: &MachineId) -> Result<Machine> {
    let inventory = orb.provider(&id.pool.provider)?.observe().await?;
    let mut free = inventory.free.values().flatten();
    let known = inventory.machines.get(id).or_else(|| free.find(|it| it.id == *id));
    let why = || match inventory.unseen.get(id) {
        Some(reason) => Error::unreachable(format!("machine {id}: {reason}")),
        None => Error::invalid(id.to_string(), "there is no such machine; see `orbctl nodes list`"),
    };
    Ok(known.cloned().ok_or_else(why)?)
}

async fn exec(orb: &Orb, id: &MachineId, command: &str) -> Result<Code> {
    let machine = find(orb, id).await?;
    let shell = orb.provider(&id.pool.provider)?.shell(&machine, Connection::Shared).await?;
    let output = shell.run(command).await?;
    std::io::stdout().write_all(&output.stdout)?;
    std::io::stderr().write_all(&output.stderr)?;
    Ok(if output.success() { Code::Done } else { Code::Failed })
}

/// Line by line: what the user types is run as root, with what it prints shown at once.
async fn shell(_: &Composed, orb: &Orb, id: &MachineId) -> Result<Code> {
    let machine = find(orb, id).await?;
    let shell = orb.provider(&id.pool.provider)?.shell(&machine, Connection::Shared).await?;
    let mut line = String::new();
    loop {
        print!("root@{}# ", id.name);
        std::io::stdout().flush()?;
        line.clear();
        if std::io::stdin().read_line(&mut line)? == 0 || matches!(line.trim(), "exit" | "logout") {
            return Ok(Code::Done);
        }
        let output = shell.run(&line).await?;
        std::io::stdout().write_all(&output.stdout)?;
        std::io::stderr().write_all(&output.stderr)?;
    }
}
