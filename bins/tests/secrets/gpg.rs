//! Keys that GnuPG makes, in a home of their own.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use tempfile::TempDir;

use crate::fixture::{run, said, text};

/// A home of GnuPG with one key; its agent is stopped at the end.
pub(crate) struct Gpg {
    home: TempDir,
    passphrase: String,
}

impl Gpg {
    pub(crate) fn new(address: &str, passphrase: &str) -> Self {
        let home = TempDir::new().expect("a temporary folder");
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).expect("it is ours");
        // A passphrase is stretched for a tenth of a second otherwise; in a build without optimisation, a minute.
        let settings = "s2k-count 65536\nallow-loopback-pinentry\n";
        fs::write(home.path().join("gpg-agent.conf"), settings).expect("it is ours");
        let gpg = Self { home, passphrase: passphrase.to_owned() };
        gpg.run(&["--quick-generate-key", address, "future-default", "default", "never"]);
        gpg
    }

    pub(crate) fn home(&self) -> &str {
        text(self.home.path())
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let options = ["--homedir", self.home(), "--batch", "--quiet", "--pinentry-mode", "loopback"];
        let passphrase = ["--passphrase", &self.passphrase];
        run("gpg", &[&options, passphrase.as_slice(), arguments].concat(), None)
    }

    /// The armored public key.
    pub(crate) fn public(&self) -> String {
        self.run(&["--armor", "--export"])
    }

    /// The armored private key, with its passphrase.
    pub(crate) fn private(&self) -> String {
        self.run(&["--armor", "--export-secret-keys"])
    }

    pub(crate) fn fingerprint(&self) -> String {
        let listed = self.run(&["--with-colons", "--list-keys"]);
        let line = listed.lines().find(|it| it.starts_with("fpr:")).expect("a fingerprint");
        line.split(':').nth(9).expect("ten fields").to_owned()
    }

    pub(crate) fn decrypt(&self, armored: &str) -> Vec<u8> {
        let mut command = Command::new("gpg");
        command.args(["--homedir", self.home(), "--batch", "--quiet", "--pinentry-mode", "loopback"]);
        command.args(["--passphrase", &self.passphrase, "--decrypt"]).envs(std::env::vars());
        let said = said(command, Some(armored));
        assert_eq!(said.code, Some(0), "{said:?}");
        said.stdout
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        // There may be none.
        let _ = Command::new("gpgconf").args(["--homedir", self.home(), "--kill", "all"]).output();
    }
}
