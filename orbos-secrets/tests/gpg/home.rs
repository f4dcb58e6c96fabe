use orbos_secrets::{Folder, GpgProgram, PasswordStore, Secret};
use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};
use tempfile::TempDir;

/// A home with keys of its own; its agent is stopped at the end.
pub(crate) struct Home(TempDir);

impl Home {
    /// Every address gets a key without a passphrase.
    pub(crate) fn new(addresses: &[&str]) -> Self {
        let home = Self(TempDir::new().expect("a temporary folder"));
        fs::set_permissions(home.0.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .expect("our folder");
        // A passphrase is stretched for a tenth of a second otherwise; in a build without optimisation, a minute.
        fs::write(home.path().join("gpg-agent.conf"), "s2k-count 65536\n").expect("our folder");
        for address in addresses {
            let key = [
                "--batch",
                "--passphrase",
                "",
                "--quick-generate-key",
                address,
                "default",
                "default",
                "never",
            ];
            home.run("gpg", &key, b"");
        }
        home
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn run(&self, program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let mut child = Command::new(program)
            .args(arguments)
            .env("GNUPGHOME", self.0.path())
            .env("PASSWORD_STORE_DIR", self.0.path().join("store"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{program}: {error}; this test needs `apt-get install pass gnupg age`")
            });
        child.stdin.take().expect("stdin is piped").write_all(input).expect("it reads its input");
        let output = child.wait_with_output().expect("it ends");
        assert!(
            output.status.success(),
            "{program} {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }

    pub(crate) fn fingerprint(&self, address: &str) -> String {
        let listed = self.run("gpg", &["--batch", "--with-colons", "--list-keys", address], b"");
        let text = String::from_utf8(listed).expect("gpg lists in ASCII");
        let line = text.lines().find(|line| line.starts_with("fpr:")).expect("a fingerprint");
        line.split(':').nth(9).expect("ten fields").to_owned()
    }

    pub(crate) fn import_from(&self, other: &Self, address: &str) {
        let key = other.run("gpg", &["--batch", "--export", address], b"");
        self.run("gpg", &["--batch", "--import"], &key);
    }

    pub(crate) fn folder(&self) -> Folder {
        Folder::new(self.0.path().join("store"))
    }

    pub(crate) fn store(&self) -> PasswordStore<Folder> {
        PasswordStore::new(self.folder()).with_openpgp(GpgProgram::new().with_home(self.0.path()))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", self.0.path()).output();
    }
}

pub(crate) fn text(text: &str) -> Secret {
    Secret::from_text(text)
}
