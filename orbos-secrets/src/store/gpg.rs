use crate::{Error, OpenPgp, Result, Secret};
use std::{
    ffi::OsStr,
    io::{Read, Write},
    path::PathBuf,
    process::{Command, Output, Stdio},
    thread,
};
use zeroize::Zeroizing;

/// OpenPGP by the `gpg` program with its own keys and agent; the agent may ask for a passphrase or a card's PIN.
#[derive(Clone, Debug)]
pub struct GpgProgram {
    program: PathBuf,
    home: Option<PathBuf>,
}

impl Default for GpgProgram {
    fn default() -> Self {
        Self::new()
    }
}

impl GpgProgram {
    /// The `gpg` in `PATH` with the keys of the user.
    pub fn new() -> Self {
        Self { program: "gpg".into(), home: None }
    }

    /// With the keys in another folder than the user's.
    #[must_use]
    pub fn with_home(self, home: impl Into<PathBuf>) -> Self {
        Self { home: Some(home.into()), ..self }
    }

    fn run<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>, input: &[u8]) -> Result<Output> {
        let failed = |error: std::io::Error| Error::Gpg {
            why: format!("running {}: {error}; install GnuPG", self.program.display()),
        };
        let mut command = Command::new(&self.program);
        if let Some(home) = &self.home {
            command.arg("--homedir").arg(home);
        }
        let mut child = command
            .args(["--batch", "--quiet", "--yes", "--no-tty"])
            .args(arguments)
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (mut stdin, mut stderr) =
            (child.stdin.take().expect("stdin is piped"), child.stderr.take().expect("stderr is piped"));
        let mut stdout = child.stdout.take().expect("stdout is piped");
        // All three at once: gpg stops reading while nobody takes what it writes.
        let (mut output, mut errors) =
            (Zeroizing::new(Vec::with_capacity(2 * input.len() + 4096)), Vec::new());
        let read = thread::scope(|scope| {
            // When gpg refuses a recipient it ends without reading; its message says more than the broken pipe.
            scope.spawn(move || drop(stdin.write_all(input)));
            scope.spawn(|| drop(stderr.read_to_end(&mut errors)));
            stdout.read_to_end(&mut output)
        });
        let status = child.wait().map_err(failed)?;
        read.map_err(failed)?;
        Ok(Output { status, stdout: std::mem::take(&mut *output), stderr: errors })
    }
}

impl OpenPgp for GpgProgram {
    fn encrypt(&self, recipients: &[String], contents: &Secret) -> Result<Vec<u8>> {
        // Keys come from the keyring only: none is fetched from a server for an address.
        let options = ["--encrypt", "--no-encrypt-to", "--compress-algo=none", "--no-auto-key-locate"];
        let mut arguments: Vec<String> = options.map(str::to_owned).into();
        for recipient in recipients {
            if recipient.starts_with('-') || recipient.contains(char::is_control) {
                return Err(Error::Recipient {
                    name: recipient.clone(),
                    why: "it is not a name of a key".into(),
                });
            }
            arguments.extend(["--recipient".to_owned(), recipient.clone()]);
        }
        // A fingerprint says which key is meant; an address could be that of anybody's key.
        if recipients.iter().all(|recipient| is_fingerprint(recipient)) {
            arguments.push("--trust-model=always".into());
        }
        let output = self.run(&arguments, contents.expose())?;
        if output.status.success() { Ok(output.stdout) } else { Err(explain(&output)) }
    }

    fn decrypt(&self, file: &[u8]) -> Result<Secret> {
        let output = self.run(["--decrypt"], file)?;
        let opened = Secret::new(output.stdout);
        if output.status.success() {
            return Ok(opened);
        }
        Err(explain(&Output { stdout: Vec::new(), ..output }))
    }
}

fn is_fingerprint(recipient: &str) -> bool {
    let digits = recipient.strip_prefix("0x").unwrap_or(recipient);
    digits.len() >= 40 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// The first line that says why, with what to do about it.
fn explain(output: &Output) -> Error {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<_> = text.lines().map(|line| line.trim_start_matches("gpg: ").trim()).collect();
    let why = lines.join("; ");
    let advice = [
        ("No secret key", "none of the private keys at hand is among its recipients"),
        ("No public key", "import the recipient's public key with `gpg --import`"),
        ("There is no assurance", "name the recipient by the fingerprint of 40 digits, or sign its key"),
        ("Unusable public key", "the recipient's key has expired or was revoked; ask for a new one"),
        ("no valid OpenPGP data", "the file is damaged; restore it from the repository's history"),
    ];
    let advice = advice.iter().find(|(sign, _)| why.contains(sign)).map_or("", |(_, advice)| advice);
    Error::Gpg { why: if advice.is_empty() { why } else { format!("{advice} ({why})") } }
}
