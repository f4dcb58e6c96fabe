//! Repositories, keys and an sshd of one's own; everything below a temporary folder, everything ended on
//! drop.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use orbos_secrets::Secret;
use orbos_state::GitRepository;
use tempfile::TempDir;

/// A folder with a bare repository in it.
pub(crate) struct Bare {
    pub(crate) folder: TempDir,
}

impl Bare {
    pub(crate) fn new() -> Self {
        Self::with_branch("main")
    }

    pub(crate) fn with_branch(branch: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let path = folder.path().join("orb.git");
        run("git", &["init", "-q", "--bare", "-b", branch, &text(&path)]);
        Self { folder }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("orb.git")
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let path = text(&self.path());
        run("git", &[&["-C", path.as_str()], arguments].concat())
    }

    /// A hook of the server.
    pub(crate) fn hook(&self, name: &str, script: &str) {
        let path = self.path().join("hooks").join(name);
        fs::write(&path, script).expect("hooks can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("hooks can be made executable");
    }

    pub(crate) fn on_disk(&self) -> GitRepository {
        GitRepository::open(&format!("file://{}", self.path().display()), "unused")
            .expect("a path is an address")
    }
}

/// An sshd on loopback that lets one key in as the user who runs the tests.
pub(crate) struct Sshd {
    folder: TempDir,
    pub(crate) port: u16,
    child: Child,
}

impl Sshd {
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        for name in ["client", "host"] {
            keygen(&folder.path().join(name), "ed25519");
        }
        fs::copy(folder.path().join("client.pub"), folder.path().join("authorized_keys"))
            .expect("keys can be copied");
        let port = free_port();
        let child = listen(folder.path(), port);
        Self { folder, port, child }
    }

    /// Ends it and starts it again on the same port.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.child = listen(self.folder.path(), self.port);
    }

    pub(crate) fn stop(&mut self) {
        // Only fails if it has ended already.
        let _ = self.child.kill();
        self.child.wait().expect("it is a child of this process");
    }

    pub(crate) fn change_host_key(&self) {
        for name in ["host", "host.pub"] {
            fs::remove_file(self.folder.path().join(name)).expect("the old key is there");
        }
        keygen(&self.folder.path().join("host"), "ed25519");
    }

    /// As `ssh-keygen -l` prints it.
    pub(crate) fn fingerprint(&self) -> String {
        let printed = run("ssh-keygen", &["-lf", &text(&self.folder.path().join("host.pub"))]);
        printed.split_whitespace().nth(1).expect("size, fingerprint, comment").to_owned()
    }

    pub(crate) fn key(&self) -> Secret {
        read_key(&self.folder.path().join("client"))
    }

    pub(crate) fn another_key(&self, kind: &str) -> Secret {
        let path = self.folder.path().join(format!("another-{kind}"));
        keygen(&path, kind);
        read_key(&path)
    }

    pub(crate) fn let_in(&self, kind: &str) {
        let more =
            fs::read_to_string(self.folder.path().join(format!("another-{kind}.pub"))).expect("it was made");
        let path = self.folder.path().join("authorized_keys");
        let known = fs::read_to_string(&path).expect("it was made");
        fs::write(path, known + &more).expect("it can be written");
    }

    pub(crate) fn url(&self, path: &Path) -> String {
        format!("ssh://{}@127.0.0.1:{}{}", run("id", &["-un"]).trim(), self.port, path.display())
    }

    pub(crate) fn repository(&self, bare: &Bare) -> GitRepository {
        self.repository_in(bare, "clone.git")
    }

    pub(crate) fn repository_in(&self, bare: &Bare, clone: &str) -> GitRepository {
        GitRepository::open(&self.url(&bare.path()), bare.folder.path().join(clone))
            .expect("it is an address")
            .with_key(self.key())
            .with_timeout(Duration::from_secs(120))
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop();
    }
}

fn listen(folder: &Path, port: u16) -> Child {
    let config = format!(
        "ListenAddress 127.0.0.1\nPort {port}\nHostKey {0}/host\nAuthorizedKeysFile {0}/authorized_keys\n\
         PidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\n\
         KbdInteractiveAuthentication no\nMaxStartups 200\nLogLevel INFO\n",
        folder.display()
    );
    fs::write(folder.join("sshd_config"), config).expect("a temporary folder can be written to");
    // Where sshd shuts itself in before somebody has signed in; only root can make it, and only root needs it.
    let _ = fs::create_dir_all("/run/sshd");
    let mut child = Command::new("/usr/sbin/sshd")
        .args(["-D", "-e", "-f"])
        .arg(folder.join("sshd_config"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssh-server is installed");
    let lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    let (ready, wait) = mpsc::channel();
    std::thread::spawn(move || {
        let mut log = Vec::new();
        for line in lines.map_while(Result::ok) {
            let listens = line.contains("Server listening");
            log.push(line);
            // Nobody waits any more once it was ready.
            let _ = ready.send((listens, log.clone()));
        }
    });
    loop {
        match wait.recv_timeout(Duration::from_secs(60)) {
            Ok((true, _)) => return child,
            Ok((false, _)) => {}
            Err(error) => panic!("sshd does not listen: {error}"),
        }
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    listener.local_addr().expect("it is bound").port()
}

fn keygen(path: &Path, kind: &str) {
    run("ssh-keygen", &["-q", "-t", kind, "-N", "", "-C", "test", "-f", &text(path)]);
}

fn read_key(path: &Path) -> Secret {
    Secret::from_text(fs::read_to_string(path).expect("it was made"))
}

fn text(path: &Path) -> String {
    path.to_str().expect("temporary folders have plain names").to_owned()
}

pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "somebody")
        .env("GIT_AUTHOR_EMAIL", "somebody@example.com")
        .env("GIT_COMMITTER_NAME", "somebody")
        .env("GIT_COMMITTER_EMAIL", "somebody@example.com")
        .output()
        .expect("the program is installed");
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it prints text")
}
