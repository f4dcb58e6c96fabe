//! How a machine's operating system is looked at and changed over SSH.
//!
//! What is composed for the machine, and how its answers are read, are pure functions; only `observe` and
//! `apply` talk to a machine. What a machine need not read again is remembered by ORBITER alone, in memory.

mod apply;
mod artifacts;
pub mod balancing;
mod firewall;
mod kept;
mod kernel;
mod observe;
mod packages;
mod parse;
mod permit;
mod routes;
mod script;
mod services;

use std::sync::Arc;

use async_trait::async_trait;
use orbos_ssh::Shell;
use orbos_state::Result;

use crate::bundle::Bundle;

pub use apply::apply;
pub use firewall::{FIREWALL_PACKAGES, firewall_text};
pub use kept::Kept;
pub use observe::{observe, observe_again};

/// What changes on a machine may need besides a shell.
#[derive(Clone, Debug)]
pub struct HostContext<'a> {
    /// Where packages and artifacts come from; `None`: machines download them.
    pub bundle: Option<Arc<Bundle>>,
    /// How to prove that the machine can still be reached.
    pub reconnect: &'a dyn Reconnect,
}

/// Proves that a machine still lets ORBITER in.
#[async_trait]
pub trait Reconnect: std::fmt::Debug + Send + Sync {
    /// A shell over a connection that is opened now.
    ///
    /// # Errors
    ///
    /// If the machine cannot be reached anew.
    async fn fresh(&self) -> Result<Arc<dyn Shell>>;
}

/// A command that takes away what ORBOS noted on a machine for itself, and what it set for the next boot. For
/// machines that are given back, when nothing else of ORBOS is left on them.
pub fn forget_command() -> String {
    let (sysctls, modules, managed) =
        (observe::files::SYSCTLS, observe::files::MODULES, observe::files::MANAGED);
    // A machine on which ORBOS never worked is not touched.
    format!("[ ! -e {managed} ] || rm -rf {sysctls} {modules} {}", script::STATE)
}

const SUPPORTED: [&str; 4] = ["debian-12", "debian-13", "ubuntu-22.04", "ubuntu-24.04"];

/// Whether machines with this operating system can be changed; `os` as in
/// [`HostSeen`](crate::HostSeen).
///
/// # Errors
///
/// The reason, in words for a human.
pub fn supported(os: &str) -> Result<(), String> {
    if SUPPORTED.contains(&os) {
        return Ok(());
    }
    Err(format!("its operating system {os} is not supported; {} are", SUPPORTED.join(", ")))
}

#[cfg(test)]
mod tests;
