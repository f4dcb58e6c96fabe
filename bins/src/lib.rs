//! What the programs of ORBOS do alike: find an orb, open its repository and its secrets, compose ORBITER.

mod check;
mod compose;
mod diagnose;
mod exit;
mod identity;
mod migrate;
pub mod prompt;
pub mod secrets;
mod session;

pub use check::{check, folder};
pub use compose::{Composed, compose};
pub use diagnose::explain;
pub use exit::{Code, Unanswered, code_of, end_when_nobody_reads};
pub use migrate::migrate;
pub use session::{MASTERKEY, OrbArgs, Session, Unlocked, keyring};
