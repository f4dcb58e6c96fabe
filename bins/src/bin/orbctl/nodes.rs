//! `orbctl nodes`: machines, commands and shells on them.

use std::{
    io::{self, Read, Write},
    sync::Arc,
};

use anyhow::{Result, bail};
use futures::{StreamExt, stream};
use orbos::{Code, OrbArgs, Session, compose};
use orbos_infra::{Connection, Machine, MachineId, Orb, PoolRef, Purpose};
use orbos_ssh::{Lines, Shell, Source, command_line};
use orbos_state::{Error, Operator};

use crate::{status::print_table, terminal};

/// List machines, run commands and open shells on them.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List all machines.
    #[command(after_help = "\
Examples:
  orbctl nodes list
  orbctl nodes list --context rack.workers")]
    List {
        /// Only machines of this `provider.pool`.
        #[arg(long)]
        context: Option<String>,
    },
    /// Run a command as root on machines; its exit status is orbctl's.
    ///
    /// On several machines lines are prefixed with the machine, and the exit code is 0 if all ended with 0, 10
    /// if some did, else 1.
    #[command(after_help = "\
Examples:
  orbctl nodes exec rack.masters.m1 --command 'df -h | grep vdb'
  orbctl nodes exec w1 w2 -- systemctl is-active kubelet
  orbctl nodes exec --pool rack.workers --parallel 4 -- apt-get update")]
    Exec(Exec),
    /// Open a shell as root on a machine; without a terminal the script on standard input is run.
    #[command(after_help = "\
Examples:
  orbctl nodes shell rack.masters.m1
  orbctl nodes shell m1 < script.sh")]
    Shell {
        /// The machine as `provider.pool.name`, or an end of that which only one has.
        id: String,
    },
}

/// Which command on which machines.
#[derive(Debug, clap::Args)]
pub(crate) struct Exec {
    /// Machines as `provider.pool.name`, or ends of that which only one has.
    #[arg(required_unless_present = "pools")]
    ids: Vec<String>,
    /// All machines of this `provider.pool`; may be given several times.
    #[arg(long = "pool", value_name = "POOL")]
    pools: Vec<PoolRef>,
    /// The command, as for `sh -c`; without one a shell is opened.
    #[arg(long, short, conflicts_with = "words")]
    command: Option<String>,
    /// The command, word by word.
    #[arg(last = true, value_name = "COMMAND")]
    words: Vec<String>,
    /// On how many machines at the same time.
    #[arg(long, default_value_t = 16, value_name = "NUMBER")]
    parallel: usize,
}

pub(crate) async fn run(orb: &OrbArgs, command: Command) -> Result<Code> {
    let session = Session::open(orb)?;
    let composed = compose(session, orb, Purpose::Run)?;
    let resolved = composed.orbiter.resolve(&composed.session.snapshot().await?)?;
    let orb = &resolved.reconciler;
    match command {
        Command::List { context } => list(orb, context.as_deref()).await,
        Command::Exec(args) => exec(orb, args).await,
        Command::Shell { id } => shell(orb, &find(&machines(orb).await?, &id)?).await,
    }
}

async fn list(orb: &Orb, context: Option<&str>) -> Result<Code> {
    let mut rows = vec![["CONTEXT".to_string(), "ID".into(), "IP".into(), "STATE".into()]];
    for Known { id, machine, state } in machines(orb).await? {
        let address = machine.and_then(|it| it.address).map_or_else(|| "-".into(), |it| it.to_string());
        rows.push([id.pool.to_string(), id.to_string(), address, state]);
    }
    let wanted = |row: &&[String; 4]| context.is_none_or(|it| row[0] == it || row[0] == "CONTEXT");
    let shown: Vec<[&str; 4]> =
        rows.iter().filter(wanted).map(|it| [&*it[0], &*it[1], &*it[2], &*it[3]]).collect();
    print_table(&shown);
    Ok(Code::Done)
}

/// A machine that a provider knows.
#[derive(Clone, Debug)]
struct Known {
    id: MachineId,
    /// Absent: it does not answer.
    machine: Option<Machine>,
    /// How it is, or why it does not answer.
    state: String,
}

async fn machines(orb: &Orb) -> Result<Vec<Known>> {
    let mut all = Vec::new();
    for provider in orb.providers.values() {
        let inventory = provider.observe().await?;
        let known = |it: &Machine, state: &str| Known {
            id: it.id.clone(),
            machine: Some(it.clone()),
            state: state.into(),
        };
        all.extend(inventory.machines.values().map(|it| known(it, "in use")));
        all.extend(inventory.free.values().flatten().map(|it| known(it, "free")));
        let silent =
            |(id, why): (&MachineId, &String)| Known { id: id.clone(), machine: None, state: why.clone() };
        all.extend(inventory.unseen.iter().map(silent));
    }
    all.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(all)
}

/// The machine with this id, or the only one whose id ends so.
fn find(all: &[Known], text: &str) -> Result<Known> {
    let ends = |it: &&Known| {
        let id = it.id.to_string();
        id == text || id.ends_with(&format!(".{text}"))
    };
    let found: Vec<&Known> = all.iter().filter(ends).collect();
    match found[..] {
        [one] => Ok(one.clone()),
        [] => bail!(Error::invalid(text, "there is no such machine; see `orbctl nodes list`")),
        ref several => {
            let names: Vec<String> = several.iter().map(|it| it.id.to_string()).collect();
            bail!(Error::invalid(text, format!("it could be {}", names.join(" or "))))
        }
    }
}

async fn open(orb: &Orb, known: &Known) -> Result<Arc<dyn Shell>> {
    let Some(machine) = &known.machine else {
        bail!(Error::unreachable(format!("machine {}", known.id)).because(known.state.clone()));
    };
    Ok(orb.provider(&known.id.pool.provider)?.shell(machine, Connection::Shared).await?)
}

async fn exec(orb: &Orb, args: Exec) -> Result<Code> {
    let all = machines(orb).await?;
    let mut chosen: Vec<Known> = args.ids.iter().map(|it| find(&all, it)).collect::<Result<_>>()?;
    for pool in &args.pools {
        let members: Vec<&Known> = all.iter().filter(|it| it.id.pool == *pool).collect();
        if members.is_empty() {
            bail!(Error::invalid(pool.to_string(), "the pool has no machines; see `orbctl nodes list`"));
        }
        chosen.extend(members.into_iter().cloned());
    }
    chosen.sort_by(|one, other| one.id.cmp(&other.id));
    chosen.dedup_by(|one, other| one.id == other.id);
    let command = args
        .command
        .or_else(|| (!args.words.is_empty()).then(|| command_line(args.words.iter().map(String::as_str))));
    match (&chosen[..], command) {
        ([one], Some(command)) => one_machine(orb, one, &command).await,
        ([one], None) => shell(orb, one).await,
        (_, None) => bail!("a shell can be opened on one machine only; give a command with --command"),
        (several, Some(command)) => many_machines(orb, several, &command, args.parallel.max(1)).await,
    }
}

async fn one_machine(orb: &Orb, known: &Known, command: &str) -> Result<Code> {
    let shell = open(orb, known).await?;
    Ok(Code::of_remote(shell.stream(command, &mut pass_on).await?.status))
}

/// Bytes as they come.
fn pass_on(source: Source, bytes: &[u8]) {
    // Whoever read it does not any more.
    let _ = match source {
        Source::Stdout => io::stdout().write_all(bytes).and_then(|()| io::stdout().flush()),
        Source::Stderr => io::stderr().write_all(bytes),
    };
}

async fn many_machines(orb: &Orb, several: &[Known], command: &str, parallel: usize) -> Result<Code> {
    let width = several.iter().map(|it| it.id.to_string().len()).max().unwrap_or(0);
    let ended: Vec<bool> = stream::iter(several)
        .map(async |known| {
            let prefix = format!("{:width$}", known.id.to_string());
            let mut lines = Lines::new(|source, line: &str| {
                pass_on(source, format!("{prefix}  {line}\n").as_bytes());
            });
            let attempt =
                async { Ok::<_, anyhow::Error>(open(orb, known).await?.stream(command, &mut lines).await?) };
            let complaint = match attempt.await {
                Ok(output) if output.success() => return true,
                Ok(output) => format!("ended with {}", output.status),
                Err(error) => error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": "),
            };
            pass_on(Source::Stderr, format!("{prefix}  ! {complaint}\n").as_bytes());
            false
        })
        .buffer_unordered(parallel)
        .collect()
        .await;
    let failed = ended.iter().filter(|it| !**it).count();
    if failed > 0 {
        pass_on(Source::Stderr, format!("failed on {failed} of {} machines\n", several.len()).as_bytes());
    }
    Ok(match failed {
        0 => Code::Done,
        all if all == several.len() => Code::Failed,
        _ => Code::Partly,
    })
}

async fn shell(orb: &Orb, known: &Known) -> Result<Code> {
    let shell = open(orb, known).await?;
    if terminal::is_there() {
        return terminal::attach(&*shell, None).await;
    }
    let mut script = String::new();
    io::stdin().read_to_string(&mut script)?;
    Ok(Code::of_remote(shell.stream(&script, &mut pass_on).await?.status))
}
