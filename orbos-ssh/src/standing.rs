//! The shell that stays on a machine between looks, so that none has to be started for the next one.

use sha2::{Digest, Sha256};

use crate::{
    Error, Output, Source,
    channel::Channel,
    exec::{Moves, OUTPUT, Step},
    quote, script,
    session::{Session, Unfinished, cause, within},
};

/// What is started.
const START: &str = "exec sh -s";

/// A shell that stays on a machine between looks.
pub(crate) struct Standing {
    channel: Channel,
    /// What stands before and after everything that a look says, on both outputs.
    mark: String,
    /// The digest of the script that it has; scripts are long, and every machine has another one. `None`: it was not started
    /// yet.
    script: Option<[u8; 32]>,
}

impl Standing {
    pub(crate) fn new(channel: Channel) -> Self {
        Self { channel, mark: script::beside(), script: None }
    }

    /// Runs a script in it; `None`: it has ended or does not answer, and nothing of what it said counts.
    pub(crate) async fn look(&mut self, session: &Session, script: &str) -> Result<Option<Output>, Error> {
        let unfinished = Unfinished::new(session.wire());
        let after = session.timeouts().command;
        let what = || format!("a command on {}", session.target().address);
        match within(after, what, self.whole(session, script)).await? {
            Ok(said) => {
                unfinished.finish();
                Ok(said)
            }
            Err(error) => {
                tracing::debug!(target = %session.target(), %error, "looking without the shell that stays");
                Ok(None)
            }
        }
    }

    async fn whole(&mut self, session: &Session, script: &str) -> Result<Option<Output>, Error> {
        let mut request = String::new();
        if self.script.is_none() {
            self.start(session).await?;
            request.push_str(&preamble(&self.mark));
        }
        let digest = Sha256::digest(script).into();
        if self.script != Some(digest) {
            request.push_str(&definition(script));
            self.script = Some(digest);
        }
        request.push_str("orbos_again\n");
        self.ask(session, request.as_bytes()).await
    }

    async fn start(&mut self, session: &Session) -> Result<(), Error> {
        let command = session.target().privilege.wrap(START);
        let starting = self.channel.parts().channel.exec(&command);
        let what = || format!("starting a command on {}", session.target().address);
        within(session.timeouts().open, what, starting)
            .await?
            .map_err(|error| session.closed("starting a command", cause(error).into()))
    }

    async fn ask(&mut self, session: &Session, mut request: &[u8]) -> Result<Option<Output>, Error> {
        let wire = self.channel.wire();
        let moves = Moves { session, wire: &wire, stall: None };
        let mut buffer = vec![0; OUTPUT];
        let mut said = Said::default();
        loop {
            match moves.step(self.channel.parts(), request, &mut buffer).await? {
                Step::Wrote(count) => request = &request[count..],
                Step::Deaf | Step::End => return Ok(None),
                Step::Read(Source::Stdout, count) => said.stdout.extend_from_slice(&buffer[..count]),
                Step::Read(Source::Stderr, count) => said.stderr.extend_from_slice(&buffer[..count]),
            }
            if let Some(output) = said.complete(&self.mark) {
                return Ok(Some(output));
            }
        }
    }
}

/// What it is told first.
fn preamble(mark: &str) -> String {
    format!(
        "orbos_again() {{ printf '%s\\n' {mark}; printf '%s\\n' {mark} >&2; orbos_look; \
         printf '\\n%s %s\\n' {mark} $?; printf '\\n%s 0\\n' {mark} >&2; }}\n"
    )
}

/// What it is told of a new script. One that it cannot read ends it, for a former one must not be taken for it.
fn definition(script: &str) -> String {
    let function = format!("orbos_look() (\nexec </dev/null\n{script}\n)");
    format!("eval {} || exit\n", quote(&function))
}

/// What was said so far.
#[derive(Default)]
struct Said {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Said {
    /// Takes out what a look said, if it is at its end on both outputs.
    fn complete(&mut self, mark: &str) -> Option<Output> {
        let (stdout, status) = between(&self.stdout, mark)?;
        let (stderr, _) = between(&self.stderr, mark)?;
        Some(Output { status, signal: None, stdout: stdout.to_vec(), stderr: stderr.to_vec() })
    }
}

/// What is between the marks, and the number after the last one; `None`: the last one is not there yet.
fn between<'a>(said: &'a [u8], mark: &str) -> Option<(&'a [u8], i32)> {
    let last = said.strip_suffix(b"\n")?;
    let line = last.iter().rposition(|it| *it == b'\n')?;
    let status = last[line + 1..].strip_prefix(mark.as_bytes())?.strip_prefix(b" ")?;
    let status = std::str::from_utf8(status).ok()?.parse().ok()?;
    let first = format!("{mark}\n");
    // Before it may be what the shell itself said when it started.
    let begin = said[..line].windows(first.len()).position(|it| it == first.as_bytes())? + first.len();
    Some((&said[begin..line.max(begin)], status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_between_the_marks() {
        let said = |text: &'static str| between(text.as_bytes(), "M");
        assert_eq!(said("M\nhello\nM 0\n"), Some((&b"hello"[..], 0)));
        assert_eq!(said("M\nhello\n\nM 3\n"), Some((&b"hello\n"[..], 3)));
        assert_eq!(said("M\n\nM 137\n"), Some((&b""[..], 137)));
        assert_eq!(said("a warning\nM\nx\nM 0\n"), Some((&b"x"[..], 0)));
    }

    #[test]
    fn an_end_that_has_not_arrived_is_waited_for() {
        for text in
            ["", "M", "M\n", "M\nhello", "M\nhello\n", "M\nhello\nM", "M\nhello\nM 0", "M\nhello\nM x\n"]
        {
            assert_eq!(between(text.as_bytes(), "M"), None, "{text:?}");
        }
    }
}
