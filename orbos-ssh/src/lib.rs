#![doc = include_str!("../README.md")]

mod error;
mod hosts;
mod key;
mod quote;
mod shell;
mod target;
mod timeouts;

pub use error::{Cause, Error};
pub use hosts::{BadHostKey, HostKey, HostKeys, KnownHosts};
pub use key::PrivateKey;
pub use orbos_secrets::Secret;
pub use quote::{command_line, quote};
pub use shell::{Lines, Output, Shell, Sink, Source};
pub use target::{Connect, Privilege, Target};
pub use timeouts::Timeouts;
