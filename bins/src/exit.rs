//! What the exit code of a program says.

use orbos_state::Error;

/// What the exit code of a program says; 2 is wrong usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Done, or nothing to do: 0.
    Done,
    /// It failed: 1.
    Failed,
    /// There is something to do; only with `--exit-code`: 3.
    Differs,
    /// No access: repository, machine, secret: 4.
    NoAccess,
    /// Somebody else changed the same meanwhile: 5.
    Conflict,
    /// The desired state is invalid: 6.
    Invalid,
    /// A confirmation is needed that nobody could give: 8.
    Unconfirmed,
    /// Not settled before the time was over: 9.
    Unsettled,
    /// Some of several failed: 10.
    Partly,
    /// Stopped by the user: 130.
    Interrupted,
    /// Nobody reads any more what it prints: 141.
    Unread,
    /// Asked to end by another program: 143.
    Terminated,
    /// What a command on a machine ended with.
    Remote(u8),
}

impl Code {
    /// The number.
    pub fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Differs => 3,
            Self::NoAccess => 4,
            Self::Conflict => 5,
            Self::Invalid => 6,
            Self::Unconfirmed => 8,
            Self::Unsettled => 9,
            Self::Partly => 10,
            Self::Interrupted => 130,
            Self::Unread => 141,
            Self::Terminated => 143,
            Self::Remote(status) => status,
        }
    }

    /// What a command on a machine ended with; statuses that no exit code can say are 255.
    pub fn of_remote(status: i32) -> Self {
        Self::Remote(u8::try_from(status).unwrap_or(u8::MAX))
    }
}

/// Makes the program end quietly, with [`Code::Unread`], when nobody reads any more what it prints, as in
/// `orbctl plan | head`; otherwise printing would panic.
pub fn end_when_nobody_reads() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let unread = |it: &str| it.starts_with("failed printing to std") && it.contains("Broken pipe");
        if panic.payload_as_str().is_some_and(unread) {
            std::process::exit(Code::Unread.number().into());
        }
        usual(panic);
    }));
}

impl From<Code> for std::process::ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code.number())
    }
}

/// A question that nobody is there to answer.
#[derive(Debug)]
pub struct Unanswered {
    /// What was asked.
    pub question: String,
    /// The flag that answers it.
    pub flag: &'static str,
}

impl std::fmt::Display for Unanswered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, but there is no terminal to ask on; use {}", self.question, self.flag)
    }
}

impl std::error::Error for Unanswered {}

/// The code for an error: what helps decides.
pub fn code_of(error: &anyhow::Error) -> Code {
    if error.is::<Unanswered>() {
        return Code::Unconfirmed;
    }
    if let Some(error) = error.downcast_ref::<orbos_ssh::Error>() {
        return of_ssh(error);
    }
    let unread = |it: &std::io::Error| it.kind() == std::io::ErrorKind::BrokenPipe;
    if error.downcast_ref().is_some_and(unread) {
        return Code::Unread;
    }
    match error.downcast_ref::<Error>() {
        Some(Error::Invalid { .. } | Error::Unsupported { .. }) => Code::Invalid,
        Some(Error::Denied { .. } | Error::Unreachable { .. }) => Code::NoAccess,
        Some(Error::Conflict { .. }) => Code::Conflict,
        _ => Code::Failed,
    }
}

fn of_ssh(error: &orbos_ssh::Error) -> Code {
    use orbos_ssh::Error;
    match error {
        Error::Unreachable { .. }
        | Error::Timeout { .. }
        | Error::Handshake { .. }
        | Error::HostKeyChanged { .. }
        | Error::Denied { .. }
        | Error::BadKey { .. }
        | Error::SudoPassword { .. } => Code::NoAccess,
        _ => Code::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_helps_decides_the_code() {
        let code = |error: Error| code_of(&error.into()).number();
        assert_eq!(code(Error::invalid("a", "b")), 6);
        assert_eq!(code(Error::unsupported("a", "b")), 6);
        assert_eq!(code(Error::denied("a", "b")), 4);
        assert_eq!(code(Error::unreachable("a")), 4);
        assert_eq!(code(Error::conflict("a")), 5);
        assert_eq!(code(Error::failed("a", "b")), 1);
        let unanswered = Unanswered { question: "this destroys".into(), flag: "--yes" };
        assert_eq!(code_of(&unanswered.into()).number(), 8);
        let denied = orbos_ssh::Error::BadKey { why: "it is none".into() };
        assert_eq!(code_of(&denied.into()).number(), 4);
        assert_eq!((Code::of_remote(7).number(), Code::of_remote(300).number()), (7, 255));
    }
}
