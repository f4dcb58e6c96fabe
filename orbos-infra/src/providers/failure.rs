//! What a machine's failure means for a round.

use std::error::Error as _;

use orbos_ssh::Error as Ssh;
use orbos_state::Error;

/// Says what a machine's failure means: whether a human has to help, or trying again may.
pub fn failure(what: impl Into<String>, error: Ssh) -> Error {
    let denied = |what: String, why: &str, error| Error::denied(what, why).because(error);
    let what = what.into();
    match error {
        Ssh::Unreachable { .. }
        | Ssh::Timeout { .. }
        | Ssh::Handshake { .. }
        | Ssh::Closed { .. }
        | Ssh::Refused { .. } => Error::unreachable(what).because(error),
        Ssh::HostKeyChanged { .. } => denied(what, HOST_KEY, error),
        Ssh::Denied { .. } => denied(what, "the machine does not accept the key", error),
        Ssh::SudoPassword { .. } => {
            denied(what, "the user has to be able to use sudo without a password", error)
        }
        Ssh::Remote { status, said, .. } => match said.trim() {
            "" => Error::failed(what, format!("it ended with {status}")),
            said => Error::failed(what, said),
        },
        Ssh::BadKey { .. } => Error::invalid(what, "the private key cannot be used").because(error),
        _ => Error::failed(what, "the machine objects").because(error),
    }
}

/// The message and every cause below it; for machines that were not seen.
pub fn reason(error: &Ssh) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    if matches!(error, Ssh::HostKeyChanged { .. }) {
        text.push_str("; ");
        text.push_str(HOST_KEY);
    }
    text
}

const HOST_KEY: &str =
    "if the machine was set up again, forget its pinned host key; if not, somebody may be in between";
