//! Shells for tests: one that follows a script, the suite every shell passes,
//! and a real OpenSSH server on loopback.
//!
//! Needs the feature `testing`. What is here panics where a test should fail.

mod scripted;
mod sshd;
mod suite;

pub use scripted::{Call, ScriptedShell};
pub use sshd::{KeyKind, Sshd, SshdOptions, generate_key};
pub use suite::shell_suite;
