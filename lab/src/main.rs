//! `orbos-lab`: real machines on this computer, from the command line.
#![expect(clippy::print_stdout, reason = "a command line answers on standard output")]

use std::{
    ffi::OsString,
    io,
    os::unix::process::CommandExt,
    process::{Command, Stdio},
    thread,
};

use anyhow::{Context, Result, bail, ensure};
use clap::{Parser, Subcommand};
use orbos_lab::{Lab, Machine, State};

/// Real machines on this computer, to try ORBOS on. Needs root and Debian 12.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// Which lab; several can run at once
    #[arg(long, env = "LAB_NAME", default_value = "lab", global = true)]
    lab: String,
    #[command(subcommand)]
    command: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Build the machine image, Kubernetes and the bundle, unless they are there
    Prepare,
    /// Boot machines m1, m2 …; those that run already stay as they are
    Up {
        /// How many
        #[arg(value_parser = clap::value_parser!(u8).range(0..=99))]
        machines: u8,
    },
    /// Destroy the lab's machines and the lab
    Down,
    /// Show the lab's machines, and where the bundle and the key to the machines are
    List,
    /// Log in to a machine, or run a command there
    Ssh {
        /// The machine
        name: String,
        /// As whom
        #[arg(long, short = 'l', default_value = "orbiter")]
        user: String,
        /// What to run instead of a shell
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Run a command on this computer in the lab's network, where the machines can be reached
    Run {
        /// The program and its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<OsString>,
    },
    /// Switch a machine on again
    Start {
        /// The machine
        name: String,
    },
    /// Shut a machine down
    Stop {
        /// The machine
        name: String,
    },
    /// Switch a machine off without shutting it down
    PowerCut {
        /// The machine
        name: String,
    },
    /// Drop all packets from and to a machine
    Isolate {
        /// The machine
        name: String,
    },
    /// Let a machine's packets pass again
    Rejoin {
        /// The machine
        name: String,
    },
    /// Destroy one machine with its disk
    Destroy {
        /// The machine
        name: String,
    },
}

fn main() -> Result<()> {
    let Cli { lab, command } = Cli::parse();
    match command {
        Verb::Prepare => Ok(Lab::prepare_telling(io::stderr().into())?),
        Verb::Up { machines } => up(&lab, machines),
        Verb::Down => Ok(open(&lab)?.destroy()?),
        Verb::List => list(&open(&lab)?),
        Verb::Ssh { name, user, command } => replace(find(&lab, &name)?.ssh_command(&user).args(command)),
        Verb::Run { command } => {
            let (program, arguments) = command.split_first().context("which command?")?;
            replace(open(&lab)?.command(program).args(arguments))
        }
        Verb::Start { name } => Ok(find(&lab, &name)?.start()?),
        Verb::Stop { name } => Ok(find(&lab, &name)?.stop()?),
        Verb::PowerCut { name } => Ok(find(&lab, &name)?.power_cut()?),
        Verb::Isolate { name } => Ok(find(&lab, &name)?.isolate()?),
        Verb::Rejoin { name } => Ok(find(&lab, &name)?.rejoin()?),
        Verb::Destroy { name } => Ok(find(&lab, &name)?.destroy()?),
    }
}

fn open(lab: &str) -> Result<Lab> {
    Lab::open(lab)
        .with_context(|| format!("there is no lab {lab}; `orbos-lab up 3` makes one with three machines"))
}

fn find(lab: &str, name: &str) -> Result<Machine> {
    let mut machines = open(lab)?.machines()?;
    let Some(index) = machines.iter().position(|machine| machine.name() == name) else {
        let names: Vec<&str> = machines.iter().map(Machine::name).collect();
        bail!("lab {lab} has no machine {name}, but {}", names.join(", "));
    };
    Ok(machines.swap_remove(index))
}

/// Becomes the other program, so that its terminal, signals and exit code are ours.
fn replace(command: &mut Command) -> Result<()> {
    let error = command.stdin(Stdio::inherit()).exec();
    Err(error).with_context(|| format!("running {}", command.get_program().to_string_lossy()))
}

fn up(name: &str, count: u8) -> Result<()> {
    Lab::prepare_telling(io::stderr().into())?;
    let lab = Lab::lasting(name)?;
    let machines = (1..=count).map(|number| lab.machine(&format!("m{number}"), lab.address(10 + number)));
    let booting: Vec<_> = machines
        .filter(|machine| machine.state() != State::On)
        .map(|machine| thread::spawn(move || machine.start()))
        .collect();
    let failed =
        booting.into_iter().filter_map(|thread| thread.join().expect("booting does not panic").err());
    let failed: Vec<String> = failed.map(|error| error.to_string()).collect();
    ensure!(failed.is_empty(), failed.join("\n"));
    list(&lab)
}

fn list(lab: &Lab) -> Result<()> {
    println!("lab {}, network {}/24", lab.name(), lab.network());
    for machine in lab.machines()? {
        let state = match machine.state() {
            State::Absent => "absent",
            State::Off => "off",
            State::On => "on",
        };
        let isolated = if machine.is_isolated() { ", isolated" } else { "" };
        println!("  {:<16} {:<15} {state}{isolated}", machine.name(), machine.address());
    }
    println!("user    orbiter");
    println!("key     {}", lab.bootstrap_key().display());
    println!("bundle  {}", lab.bundle().display());
    Ok(())
}
