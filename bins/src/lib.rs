//! What the programs of ORBOS do alike: find an orb, open its repository and its secrets, compose ORBITER.

mod check;
mod compose;
mod exit;
mod identity;
pub mod prompt;
pub mod secrets;
mod session;

pub use check::check;
pub use compose::{Composed, compose};
pub use exit::{Code, code_of};
pub use session::{MASTERKEY, OrbArgs, Session, Unlocked, keyring};
