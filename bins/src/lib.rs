//! What the programs of ORBOS do alike: find an orb, open its repository and its secrets, compose ORBITER and BOOM.

mod check;
mod compose;
mod diagnose;
mod exit;
mod fetch;
mod identity;
mod kubeconfig;
mod kustomize;
mod lease;
mod log;
mod migrate;
mod operator;
mod platform;
pub mod prompt;
mod rounds;
pub mod secrets;
mod serve;
mod session;
mod stop;

pub use check::{check, check_all, folder};
pub use compose::{Composed, compose};
pub use diagnose::explain;
pub use exit::{Code, Unanswered, code_of, end_when_nobody_reads};
pub use fetch::Https;
pub use kubeconfig::kubeconfig;
pub use lease::{Held, hold, wait_for};
pub use log::log_filter;
pub use migrate::migrate;
pub use operator::{OperatorArgs, code_of_round, operate};
pub use platform::{Platform, PlatformArgs};
pub use rounds::{Gauges, Metrics, Rounds, Tally};
pub use serve::{Watched, serve};
pub use session::{MASTERKEY, OrbArgs, Session, Unlocked, keyring};
pub use stop::{Stop, stop_signals};
