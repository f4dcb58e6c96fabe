//! What the exit code of a program says.

use orbos_state::Error;

/// What the exit code of a program says; 2 is wrong usage, 130 is an interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    /// Done, or nothing to do.
    Done = 0,
    /// It failed.
    Failed = 1,
    /// There is something to do; only with `--exit-code`.
    Differs = 3,
    /// No access: repository, machine, secret.
    NoAccess = 4,
    /// Somebody else changed the same meanwhile.
    Conflict = 5,
    /// The desired state is invalid.
    Invalid = 6,
    /// A confirmation is needed that nobody could give.
    Unconfirmed = 8,
    /// Not settled before the time was over.
    Unsettled = 9,
    /// Stopped by the user.
    Interrupted = 130,
}

impl From<Code> for std::process::ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// The code for an error: what helps decides.
pub fn code_of(error: &anyhow::Error) -> Code {
    match error.downcast_ref::<Error>() {
        Some(Error::Invalid { .. } | Error::Unsupported { .. }) => Code::Invalid,
        Some(Error::Denied { .. } | Error::Unreachable { .. }) => Code::NoAccess,
        Some(Error::Conflict { .. }) => Code::Conflict,
        _ => Code::Failed,
    }
}
