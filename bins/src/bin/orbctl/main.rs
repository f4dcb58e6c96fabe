//! Bootstraps, looks after and repairs an orb.
#![expect(clippy::print_stderr, reason = "why it ended is for humans")]

mod api;
mod boom;
mod check;
mod configure;
mod file;
mod kubeconfig;
mod nodes;
mod plan;
mod progress;
mod readsecret;
mod secrets;
mod status;
mod takeoff;
mod teardown;
mod terminal;
mod writesecret;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use orbos::{Code, OrbArgs, code_of, end_when_nobody_reads, explain, log_filter};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Bootstraps, looks after and repairs an orb.
#[derive(Debug, Parser)]
#[command(
    version,
    propagate_version = true,
    max_term_width = 110,
    after_help = "\
Examples:
  orbctl check                     read the files of the orb and say what is wrong with them
  orbctl plan --forecast           show everything that a take-off would do
  orbctl takeoff                   make it so
  orbctl status                    machines, members, endpoints, and what waits for what
  orbctl kubeconfig > ~/.kube/config"
)]
struct Args {
    #[command(flatten)]
    orb: OrbArgs,
    /// Log what is done; `debug` also every step on machines.
    #[arg(long, env = "ORBOS_LOG", global = true, hide_short_help = true, value_name = "LEVEL", value_parser = log_filter)]
    log: Option<Targets>,
    /// Log what is done; twice: every step on machines.
    #[arg(short, long, global = true, hide_short_help = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Accepted from scripts for the original; the repository always is the source.
    #[arg(long, global = true, hide = true)]
    gitops: bool,
    /// Accepted from scripts for the original; nothing is ever sent to anybody.
    #[arg(long, global = true, hide = true)]
    disable_analytics: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the orbconfig: where the orb's repository is and how to get in.
    Configure(configure::Args),
    Takeoff(takeoff::Args),
    Plan(plan::Args),
    Status(status::Args),
    Kubeconfig(kubeconfig::Args),
    Check(check::Args),
    Api(api::Args),
    Teardown(teardown::Args),
    /// The platform's tools: plan, diff, apply, render, status, vendor.
    #[command(subcommand)]
    Boom(boom::Command),
    /// List machines, run commands and open shells on them.
    #[command(visible_aliases = ["node", "machine", "machines"], subcommand)]
    Nodes(nodes::Command),
    /// Show, set, generate and rotate sealed values, and say who may open them.
    #[command(visible_alias = "secret", subcommand)]
    Secrets(secrets::Command),
    /// Print a secret, as the original did.
    Readsecret(readsecret::Args),
    /// Seal a secret into the orb's file, as the original did.
    Writesecret(writesecret::Args),
    /// Print or edit a file of the repository.
    #[command(subcommand)]
    File(file::Command),
}

fn main() -> ExitCode {
    end_when_nobody_reads();
    let command = examples_first(Args::command());
    let mut args = Args::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit());
    let verbose = ["error", "info", "debug"][usize::from(args.verbose.min(2))];
    let filter = args.log.take().unwrap_or_else(|| log_filter(verbose).expect("a level"));
    // Lines of a log and lines that are drawn again and again do not go together.
    args.orb.plain |=
        filter.iter().map(|it| it.1).chain(filter.default_level()).any(|it| it > LevelFilter::WARN);
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(log.with_filter(filter)).with(progress::layer()).init();
    let ended = tokio::runtime::Runtime::new().map_err(anyhow::Error::from).and_then(|runtime| {
        let ended = runtime.block_on(run(args));
        // Whoever still works in the background, as a request to a repository that does not answer, is left.
        runtime.shutdown_background();
        ended
    });
    match ended {
        Ok(code) => code.into(),
        Err(error) => {
            let code = code_of(&error);
            if code != Code::Unread {
                eprintln!("{}", explain(&error));
            }
            code.into()
        }
    }
}

/// What a command is like is shown before what it can be given.
fn examples_first(command: clap::Command) -> clap::Command {
    const TEMPLATE: &str = "{about-with-newline}\n{usage-heading} {usage}{after-help}\n\n{all-args}";
    command.help_template(TEMPLATE).mut_subcommands(examples_first)
}

async fn run(args: Args) -> anyhow::Result<Code> {
    match args.command {
        Command::Configure(it) => configure::run(&args.orb, it).await,
        Command::Secrets(it) => secrets::run(&args.orb, it).await,
        Command::Readsecret(it) => readsecret::run(&args.orb, it).await,
        Command::Writesecret(it) => writesecret::run(&args.orb, it).await,
        Command::Takeoff(it) => takeoff::run(&args.orb, it).await,
        Command::Plan(it) => plan::run(&args.orb, it).await,
        Command::Status(it) => status::run(&args.orb, it).await,
        Command::Kubeconfig(it) => kubeconfig::run(&args.orb, it).await,
        Command::Check(it) => check::run(&args.orb, it).await,
        Command::Api(it) => api::run(&args.orb, it).await,
        Command::Teardown(it) => teardown::run(&args.orb, it).await,
        Command::Boom(it) => boom::run(&args.orb, it).await,
        Command::Nodes(it) => nodes::run(&args.orb, it).await,
        Command::File(it) => file::run(&args.orb, it).await,
    }
}
