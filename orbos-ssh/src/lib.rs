#![doc = include_str!("../README.md")]

mod channel;
mod error;
mod exec;
mod hosts;
mod key;
mod pool;
mod privilege;
mod quote;
mod remote;
mod script;
mod session;
mod shell;
mod standing;
mod target;
mod terminal;
#[cfg(feature = "testing")]
pub mod testing;
mod timeouts;
mod tunnel;
mod wire;

pub use error::{Cause, Error};
pub use hosts::{BadHostKey, HostKey, HostKeys, KnownHosts};
pub use key::PrivateKey;
pub use orbos_secrets::Secret;
pub use pool::SshConnect;
pub use quote::{command_line, quote};
pub use shell::{Lines, Output, Shell, Sink, Source};
pub use target::{Connect, Privilege, Target};
pub use terminal::{Terminal, TerminalEvent, TerminalSize};
pub use timeouts::Timeouts;
