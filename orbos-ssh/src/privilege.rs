use crate::{Output, Privilege, Sink, Source, quote};

impl Privilege {
    /// Returns what to give to the login shell so that `command` runs with these rights.
    pub(crate) fn wrap(self, command: &str) -> String {
        match self {
            // sudo's own words are looked at below, so they must not be translated.
            Self::Sudo => format!("LC_ALL=C sudo -n -- sh -c {}", quote(command)),
            Self::Login => command.to_owned(),
        }
    }

    /// Returns what to give to the login shell for a human's shell, or command, with these rights;
    /// `None`: a login shell as it is.
    pub(crate) fn wrap_for_human(self, command: Option<&str>) -> Option<String> {
        match (self, command) {
            // The human's language is kept.
            (Self::Sudo, Some(command)) => Some(format!("sudo -n -- sh -c {}", quote(command))),
            (Self::Sudo, None) => Some("exec sudo -n -i".to_owned()),
            (Self::Login, command) => command.map(str::to_owned),
        }
    }

    /// Tells whether it was sudo that refused, not the command that failed.
    pub(crate) fn is_refused(self, output: &Output) -> bool {
        const WORDS: [&str; 7] = [
            "a password is required",
            "a terminal is required",
            "no tty present",
            "interactive authentication is required",
            "is not in the sudoers file",
            "is not allowed to",
            "may not run sudo",
        ];
        self == Self::Sudo
            && output.status == 1
            && output.stdout.is_empty()
            && output.stderr_text().lines().any(|line| {
                (line.starts_with("sudo:") || line.contains("sudo"))
                    && WORDS.iter().any(|it| line.contains(it))
            })
    }
}

/// Keeps the beginning of what a streamed command says, to see whether it is
/// sudo that says it.
pub(crate) struct Watched<'a> {
    sink: &'a mut (dyn Sink + Send),
    said: Output,
}

const ENOUGH: usize = 1024;

impl<'a> Watched<'a> {
    pub(crate) fn new(sink: &'a mut (dyn Sink + Send)) -> Self {
        Self { sink, said: Output::default() }
    }

    pub(crate) fn said(self) -> Output {
        self.said
    }
}

impl Sink for Watched<'_> {
    fn take(&mut self, source: Source, bytes: &[u8]) {
        let said = match source {
            Source::Stdout => &mut self.said.stdout,
            Source::Stderr => &mut self.said.stderr,
        };
        let room = ENOUGH.saturating_sub(said.len());
        said.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.sink.take(source, bytes);
    }

    fn end(&mut self) {
        self.sink.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sudo_that_wants_a_password_is_told_from_a_failing_command() {
        let refused = |text: &str| Privilege::Sudo.is_refused(&Output::failed(1, text));
        assert!(refused("sudo: a password is required\n"));
        assert!(refused("sudo: sorry, a password is required to run sudo\n"));
        assert!(refused("sudo: interactive authentication is required\n"));
        assert!(refused(
            "sudo: a terminal is required to read the password; either use the -S option to read from standard \
             input or configure an askpass helper\nsudo: a password is required\n"
        ));
        assert!(refused("Sorry, user joe may not run sudo on web1.\n"));
        assert!(
            refused(
                "joe is not in the sudoers file.\nThis incident has been reported to the administrator: sudo\n"
            ) || refused("joe is not in the sudoers file.  This incident will be reported to sudo.\n")
        );
        assert!(!refused("cat: /etc/shadow: Permission denied\n"));
        assert!(!refused("curl: a password is required\n"));
        assert!(!Privilege::Sudo.is_refused(&Output::failed(2, "sudo: a password is required\n")));
        assert!(!Privilege::Login.is_refused(&Output::failed(1, "sudo: a password is required\n")));
    }

    #[test]
    fn a_command_is_quoted_once_for_the_login_shell() {
        assert_eq!(Privilege::Sudo.wrap("echo 'a' | wc"), r"LC_ALL=C sudo -n -- sh -c 'echo '\''a'\'' | wc'");
        assert_eq!(Privilege::Login.wrap("echo 'a' | wc"), "echo 'a' | wc");
    }
}
