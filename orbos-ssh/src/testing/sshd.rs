mod log;

use std::{
    collections::BTreeMap,
    fmt, fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread::JoinHandle,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use self::log::Log;
use crate::{PrivateKey, Privilege, Secret, Target};

/// A real OpenSSH server on a free port of loopback, for one test.
///
/// Needs `sshd` and `ssh-keygen`. Lets the user who runs the test in with one
/// key, writes to a temporary directory only, and ends with everything it
/// started when it is dropped. Run by root, sshd wants a directory `/run/sshd`,
/// which is made if it is not there.
///
/// # Examples
///
/// ```no_run
/// use std::sync::Arc;
///
/// use orbos_ssh::{Connect, KnownHosts, SshConnect, testing::Sshd};
///
/// # async fn example() -> Result<(), orbos_ssh::Error> {
/// let sshd = Sshd::start();
/// let ssh = SshConnect::new(Arc::new(KnownHosts::new()));
/// let shell = ssh.connect(&sshd.target(), &sshd.key()).await?;
/// assert_eq!(shell.run("echo hello").await?.stdout_text(), "hello");
/// # Ok(())
/// # }
/// ```
pub struct Sshd {
    directory: TempDir,
    address: SocketAddr,
    user: String,
    listener: Child,
    log: Arc<Log>,
    reader: Option<JoinHandle<()>>,
}

/// The kinds of keys SSH knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Ed25519.
    Ed25519,
    /// ECDSA on the curve P-256.
    Ecdsa,
    /// RSA with 2048 bits.
    Rsa,
}

impl KeyKind {
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Ed25519 => &["-t", "ed25519"],
            Self::Ecdsa => &["-t", "ecdsa", "-b", "256"],
            Self::Rsa => &["-t", "rsa", "-b", "2048"],
        }
    }
}

/// How an [`Sshd`] should differ from the usual.
#[derive(Clone, Debug)]
pub struct SshdOptions {
    /// The kinds of its host keys; Ed25519 by default.
    pub host_keys: Vec<KeyKind>,
    /// The kind of the key that may log in; Ed25519 by default.
    pub login_key: KeyKind,
    /// More lines of `sshd_config`, which win over the usual ones.
    pub config: Vec<String>,
    /// More environment for its commands, or other. `HOME` is its own empty
    /// directory by default, so that no login files of the user take part.
    pub environment: BTreeMap<String, String>,
    /// The port; a free one by default.
    pub port: Option<u16>,
}

impl Default for SshdOptions {
    fn default() -> Self {
        Self {
            host_keys: vec![KeyKind::Ed25519],
            login_key: KeyKind::Ed25519,
            config: Vec::new(),
            environment: BTreeMap::new(),
            port: None,
        }
    }
}

impl Sshd {
    /// Starts a usual one and waits until it listens.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&SshdOptions::default())
    }

    /// Starts one and waits until it listens.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    #[must_use]
    pub fn with(options: &SshdOptions) -> Self {
        // Somebody else may take a free port before sshd does.
        let tries = if options.port.is_some() { 1 } else { 5 };
        (0..tries).find_map(|_| Self::try_with(options)).expect("sshd starts and gets a port")
    }

    fn try_with(options: &SshdOptions) -> Option<Self> {
        let directory = tempfile::tempdir().expect("there is room for a temporary directory");
        generate_key(directory.path(), "login", options.login_key);
        let port = options.port.unwrap_or_else(free_port);
        write_config(directory.path(), options, port);
        if rustix::process::getuid().is_root() {
            fs::create_dir_all("/run/sshd").expect("root may make /run/sshd");
        }
        let mut listener = Command::new("/usr/sbin/sshd")
            .arg("-De")
            .arg("-f")
            .arg(directory.path().join("sshd_config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("sshd is installed at /usr/sbin/sshd");
        let log = Arc::new(Log::default());
        let stderr = listener.stderr.take().expect("it is piped");
        let reader = std::thread::spawn({
            let log = log.clone();
            move || log.read(stderr)
        });
        let sshd = Self {
            directory,
            address: ([127, 0, 0, 1], port).into(),
            user: user(),
            listener,
            log,
            reader: Some(reader),
        };
        sshd.log.wait(|lines| lines.iter().any(|it| it.contains("Server listening on"))).then_some(sshd)
    }

    /// Returns where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns it as a target: the user who runs the test, without sudo.
    #[must_use]
    pub fn target(&self) -> Target {
        Target::new(self.address, &self.user).with_privilege(Privilege::Login)
    }

    /// Returns the key that may log in.
    ///
    /// # Panics
    ///
    /// If somebody removed it.
    #[must_use]
    pub fn key(&self) -> PrivateKey {
        PrivateKey::new(Secret::new(fs::read(self.path("login")).expect("it was made at the start")))
    }

    /// Returns the directory all its files are in, its `sshd_config` too.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Returns how many connections it accepted.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.log.lines().iter().filter(|it| it.starts_with("Connection from ")).count()
    }

    /// Returns what it logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lines().join("\n")
    }

    /// Stops all its processes as if the machine hung: connections stay, and nobody answers.
    pub fn freeze(&self) {
        self.signal_all(Signal::STOP);
    }

    /// Lets its processes go on.
    pub fn thaw(&self) {
        self.signal_all(Signal::CONT);
    }

    /// Ends all its connections, but goes on listening.
    pub fn drop_connections(&self) {
        for pid in descendants(self.listener.id()) {
            signal(pid, Signal::KILL);
        }
    }

    fn signal_all(&self, which: Signal) {
        signal(self.listener.id(), which);
        for pid in descendants(self.listener.id()) {
            signal(pid, which);
        }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        // First the listener must not start more.
        signal(self.listener.id(), Signal::STOP);
        self.drop_connections();
        let _ = self.listener.kill();
        let _ = self.listener.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

impl fmt::Debug for Sshd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sshd").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Makes a key pair without a passphrase, `name` and `name.pub`, and returns the private key.
///
/// # Panics
///
/// If `ssh-keygen` is not installed or cannot write to the directory.
pub fn generate_key(directory: &Path, name: &str, kind: KeyKind) -> PrivateKey {
    let path = directory.join(name);
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-N", "", "-C", "test"]).args(kind.arguments()).arg("-f").arg(&path);
    let output = keygen.output().expect("ssh-keygen is installed");
    assert!(output.status.success(), "{output:?}");
    PrivateKey::new(Secret::new(fs::read(&path).expect("ssh-keygen made it")))
}

fn write_config(directory: &Path, options: &SshdOptions, port: u16) {
    let place = directory.display();
    let mut lines = options.config.clone();
    for (index, kind) in options.host_keys.iter().enumerate() {
        let name = format!("host-{index}");
        generate_key(directory, &name, *kind);
        lines.push(format!("HostKey {place}/{name}"));
    }
    lines.extend([
        format!("ListenAddress 127.0.0.1:{port}"),
        format!("AuthorizedKeysFile {place}/login.pub"),
        "PidFile none".to_owned(),
    ]);
    let home = directory.join("home");
    fs::create_dir(&home).expect("the directory was just made");
    let mut environment = BTreeMap::from([("HOME".to_owned(), home.display().to_string())]);
    environment.extend(options.environment.clone());
    // Only the first such line counts.
    let environment: Vec<_> = environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    lines.push(format!("SetEnv {}", environment.join(" ")));
    let usual = ["UsePAM no", "StrictModes no", "PermitRootLogin yes", "PasswordAuthentication no"];
    let roomy =
        ["KbdInteractiveAuthentication no", "UseDNS no", "LogLevel VERBOSE", "MaxStartups 1000:1:1000"];
    lines.extend(usual.into_iter().chain(roomy).map(str::to_owned));
    fs::write(directory.join("sshd_config"), lines.join("\n") + "\n").expect("the directory was just made");
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    listener.local_addr().expect("it is bound").port()
}

fn user() -> String {
    let output = Command::new("id").arg("-un").output().expect("there is `id`");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn descendants(pid: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children: Vec<u32> = children.split_ascii_whitespace().filter_map(|it| it.parse().ok()).collect();
    children.iter().flat_map(|&it| std::iter::once(it).chain(descendants(it))).collect()
}

fn signal(pid: u32, which: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It may be gone already.
        let _ = kill_process(pid, which);
    }
}
