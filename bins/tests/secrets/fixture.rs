//! An orb in a temporary home.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// A master key of the original, and what it sealed with it.
pub(crate) const MASTERKEY: &str = "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5";
pub(crate) const OLD_VALUE: &str = "QwBjkOJ0QeenQSZTM_G9n2oqZY1ZBzUPHYnFbA==";
pub(crate) const OLD_SECRET: &str = "s3cr3t-t0ken";

pub(crate) const BOOTSTRAP: &str = "providers.rack.spec.keys.bootstrapkeyprivate";
pub(crate) const MAINTENANCE: &str = "providers.rack.spec.keys.maintenancekeyprivate";
pub(crate) const KUBECONFIG: &str = "clusters.k8s.spec.kubeconfig";

/// As a human writes it, with a value that the original sealed.
pub(crate) const ORBITER: &str = "\
# our first orb
kind: orbiter.caos.ch/Orb
version: v0
clusters:
  k8s:
    kind: orbiter.caos.ch/KubernetesCluster
    version: v0
    spec: { versions: { kubernetes: v1.20.2 } } # soon v1.21

providers:
  rack:
    kind: orbiter.caos.ch/StaticProvider
    version: v1
    spec:
      keys:
        # from the vendor
        bootstrapkeyprivate:
          encryption: 'AES256' # old

          encoding: Base64
          value: QwBjkOJ0QeenQSZTM_G9n2oqZY1ZBzUPHYnFbA==
";

pub(crate) struct Orb {
    pub(crate) home: TempDir,
}

/// What a program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Said {
    pub(crate) fn out(&self) -> String {
        String::from_utf8(self.stdout.clone()).expect("text was asked for")
    }

    /// What it answered, if it went well.
    pub(crate) fn ok(&self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out()
    }
}

impl Orb {
    /// With the file above and an orbconfig.
    pub(crate) fn new() -> Self {
        Self::with(&[("orbiter.yml", ORBITER)])
    }

    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let orb = Self { home: TempDir::new().expect("a temporary folder") };
        run("git", &["init", "-q", "--bare", "-b", "main", text(&orb.repository())], None);
        orb.commit(files);
        orb.configure(&format!("url: {}\nmasterkey: {MASTERKEY}\n", orb.url()));
        orb
    }

    pub(crate) fn repository(&self) -> PathBuf {
        self.home.path().join("orb.git")
    }

    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.repository().display())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Writes the orbconfig.
    pub(crate) fn configure(&self, config: &str) {
        fs::create_dir_all(self.path(".orb")).expect("a folder");
        self.write(".orb/config", config);
    }

    /// Writes a file for its owner only.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("a temporary folder can be written to");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
        path
    }

    /// Commits files as somebody else would.
    pub(crate) fn commit(&self, files: &[(&str, &str)]) {
        self.by_hand(|work| {
            for (path, content) in files {
                let path = work.join(path);
                fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder");
                fs::write(path, content).expect("a temporary folder can be written to");
            }
        });
    }

    /// Commits what is changed in a clone.
    pub(crate) fn by_hand(&self, change: impl FnOnce(&Path)) {
        let work = TempDir::new().expect("a temporary folder");
        let folder = text(work.path());
        run("git", &["clone", "-q", text(&self.repository()), folder], None);
        change(work.path());
        run("git", &["-C", folder, "add", "--all", "."], None);
        run("git", &["-C", folder, "commit", "-q", "-m", "by hand"], None);
        run("git", &["-C", folder, "push", "-q", "origin", "HEAD:main"], None);
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        run("git", &[&["-C", text(&self.repository())], arguments].concat(), None)
    }

    pub(crate) fn file(&self, path: &str) -> String {
        self.git(&["show", &format!("main:{path}")])
    }

    pub(crate) fn commits(&self) -> usize {
        self.git(&["rev-list", "--count", "main"]).trim().parse().expect("a number")
    }

    pub(crate) fn orbctl(&self, arguments: &[&str]) -> Said {
        self.orbctl_with(arguments, &[], None)
    }

    pub(crate) fn orbctl_with(
        &self,
        arguments: &[&str],
        environment: &[(&str, &str)],
        stdin: Option<&str>,
    ) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orbctl"));
        command.args(arguments).env_clear().env("HOME", self.home.path());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(environment.iter().copied());
        said(command, stdin)
    }

    pub(crate) fn set(&self, path: &str, secret: &str) {
        self.orbctl_with(&["secrets", "set", path, "--stdin"], &[], Some(secret)).ok();
    }

    pub(crate) fn show(&self, path: &str) -> String {
        self.orbctl(&["secrets", "show", path]).ok()
    }
}

/// Without a terminal, so that nothing waits for a human.
pub(crate) fn said(mut command: Command, stdin: Option<&str>) -> Said {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Command::new("setsid");
    child.arg("--wait").arg(command.get_program()).args(command.get_args()).env_clear();
    for (name, value) in command.get_envs() {
        child.env(name, value.unwrap_or_default());
    }
    child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().expect("setsid belongs to every Linux");
    // Whoever does not read closes the pipe, which is fine.
    let _ = child.stdin.take().expect("it is piped").write_all(stdin.unwrap_or_default().as_bytes());
    let output = child.wait_with_output().expect("it is a child of this process");
    Said {
        code: output.status.code(),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}

pub(crate) fn run(program: &str, arguments: &[&str], stdin: Option<&str>) -> String {
    let mut command = Command::new(program);
    command.args(arguments).envs(std::env::vars());
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "somebody").env(format!("GIT_{who}_EMAIL"), "s@example.com");
    }
    let said = said(command, stdin);
    assert_eq!(said.code, Some(0), "{program} {arguments:?}: {said:?}");
    String::from_utf8_lossy(&said.stdout).into_owned()
}
