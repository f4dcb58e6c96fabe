//! An orb in a local repository, machines of a lab, and the programs of ORBOS as a user starts them.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    thread,
    time::{Duration, Instant},
};

use orbos_lab::{Lab, Machine};
use tempfile::TempDir;

use crate::orbiter_yml::orbiter_yml;

/// The machines of the control plane come first, then those of the workers.
pub(crate) struct Scene {
    pub(crate) lab: Lab,
    home: TempDir,
    bundle: PathBuf,
    pub(crate) planes: usize,
    pub(crate) workers: usize,
    _turn: MutexGuard<'static, ()>,
}

/// Clusters are heavy: one after the other, whatever `--test-threads` says.
static TURN: Mutex<()> = Mutex::new(());

/// How a program ended and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None`: a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\n--- stdout\n{}\n--- stderr\n{}", self.out, self.err);
        self
    }

    /// Asserts that a text was printed, on stdout or stderr.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        let said = self.out.contains(text) || self.err.contains(text);
        assert!(said, "nothing says {text:?}\n--- stdout\n{}\n--- stderr\n{}", self.out, self.err);
        self
    }
}

impl Scene {
    /// Boots `planes` machines m1, m2 … for the control plane and `workers` more after them, and makes the orb.
    pub(crate) fn new(stem: &str, planes: usize, workers: usize) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let lab = Lab::new(stem).expect("a lab: it needs root on Debian 12, see lab/README.md");
        let bundle = lab.bundle();
        let home = TempDir::new().expect("a temporary folder");
        let scene = Self { lab, home, bundle, planes, workers, _turn: turn };
        thread::scope(|scope| {
            for number in 1..=planes + workers {
                let machine = scene.machine(number);
                scope.spawn(move || machine.start().expect("it boots"));
            }
        });
        scene.make_orb();
        scene
    }

    fn make_orb(&self) {
        let repository = self.path("orb.git");
        git(&["init", "--quiet", "--bare", "--initial-branch=master", &text(&repository)]);
        git(&["clone", "--quiet", &text(&repository), &text(&self.path("orb"))]);
        self.desire("the orb", |_| orbiter_yml(self));
        self.orbctl(&["configure", "--repourl", &format!("file://{}", text(&repository))]).exits(0);
        self.set_bootstrap_key(&self.lab.bootstrap_key());
    }

    pub(crate) fn set_bootstrap_key(&self, file: &Path) {
        let path = "providers.lab.spec.keys.bootstrapkeyprivate";
        self.orbctl(&["secrets", "set", path, "--file", &text(file)]).exits(0);
    }

    /// A path below the test's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Uses another bundle from now on.
    pub(crate) fn use_bundle(&mut self, bundle: PathBuf) {
        self.bundle = bundle;
    }

    /// The n-th machine, counted from 1.
    pub(crate) fn machine(&self, number: usize) -> Machine {
        let last = u8::try_from(10 + number).expect("there are few machines");
        self.lab.machine(&format!("m{number}"), self.lab.address(last))
    }

    pub(crate) fn machines(&self) -> impl Iterator<Item = Machine> {
        (1..=self.planes + self.workers).map(|number| self.machine(number))
    }

    /// The n-th machine as `orbctl` names it.
    pub(crate) fn id(&self, number: usize) -> String {
        let pool = if number <= self.planes { "masters" } else { "workers" };
        format!("lab.{pool}.m{number}")
    }

    /// What the machine says as root, by another way than ORBOS goes.
    pub(crate) fn root(&self, number: usize, command: &str) -> String {
        let said = self.machine(number).ssh_command("root").arg(command).output().expect("ssh is there");
        let words = |it: &[u8]| String::from_utf8_lossy(it).trim_end().to_owned();
        assert!(
            said.status.success(),
            "m{number}: {command}\n{}\n{}",
            words(&said.stdout),
            words(&said.stderr)
        );
        words(&said.stdout)
    }

    /// Whether the bootstrap key opens the machine for the user `orbiter`.
    pub(crate) fn is_open_to_bootstrap_key(&self, number: usize) -> bool {
        self.machine(number).ssh("true").is_ok()
    }

    fn program(&self, name: &str) -> Command {
        let mut command = self.lab.command(programs().join(name));
        command
            .args(["--orbconfig", &text(&self.path("config")), "--bundle", &text(&self.bundle)])
            .env_remove("ORBOS_LOG")
            .stdin(Stdio::null());
        command
    }

    /// Runs `orbctl` in the lab's network to its end.
    pub(crate) fn orbctl(&self, arguments: &[&str]) -> Ended {
        ended(self.program("orbctl").args(arguments))
    }

    /// Runs one round of `orbiter`.
    pub(crate) fn orbiter_once(&self) -> Ended {
        ended(self.program("orbiter").arg("--once"))
    }

    /// Takes off and kills `orbctl` some time after it printed a line with `moment` in it. Returns what it said.
    pub(crate) fn takeoff_killed(&self, moment: &str, after: Duration) -> String {
        let mut child = self
            .program("orbctl")
            .arg("takeoff")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("orbctl starts");
        let lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let mut said = String::new();
        for line in lines {
            let line = line.expect("it is text");
            println!("     | {line}");
            said.push_str(&line);
            said.push('\n');
            if line.contains(moment) {
                thread::sleep(after);
                child.kill().expect("it runs");
                let status = child.wait().expect("it was started");
                assert_eq!(status.code(), None, "it ended before it was killed:\n{said}");
                return said;
            }
        }
        let status = child.wait().expect("it was started");
        panic!("{moment:?} never came, {status}:\n{said}");
    }

    /// Takes off to the end, with a line for every step.
    #[track_caller]
    pub(crate) fn takeoff(&self) -> Ended {
        let ended = self.orbctl(&["takeoff", "--timeout", "15m"]);
        ended.err.lines().for_each(|line| println!("     | {line}"));
        ended.exits(0).says("settled after")
    }

    /// The newest revision of the repository.
    pub(crate) fn head(&self) -> String {
        git(&["-C", &text(&self.path("orb.git")), "rev-parse", "HEAD"])
    }

    /// A file of the repository as it is now.
    pub(crate) fn file(&self, path: &str) -> String {
        git(&["-C", &text(&self.path("orb.git")), "show", &format!("HEAD:{path}")])
    }

    /// Edits `orbiter.yml` as a human does: pull, change, commit, push.
    pub(crate) fn desire(&self, why: &str, change: impl Fn(&str) -> String) {
        let folder = text(&self.path("orb"));
        if git(&["-C", &folder, "ls-remote", "origin"]).contains("refs/heads") {
            git(&["-C", &folder, "pull", "--quiet", "--rebase", "origin", "master"]);
        }
        let file = self.path("orb").join("orbiter.yml");
        let before = fs::read_to_string(&file).unwrap_or_default();
        let after = change(&before);
        assert_ne!(before, after, "{why}: nothing would change");
        fs::write(&file, after).expect("it can be written");
        git(&["-C", &folder, "add", "orbiter.yml"]);
        let me = ["-c", "user.name=A human", "-c", "user.email=human@example.com"];
        git(&[&["-C", &folder], &me[..], &["commit", "--quiet", "-m", why]].concat());
        git(&["-C", &folder, "push", "--quiet", "origin", "HEAD:master"]);
    }

    /// Asks the cluster as its user, from outside of it, with the kubeconfig that `orbctl` prints.
    pub(crate) fn kubectl(&self, arguments: &str) -> String {
        let said = self.try_kubectl(arguments).exits(0);
        said.out.trim_end().to_owned()
    }

    pub(crate) fn try_kubectl(&self, arguments: &str) -> Ended {
        let file = self.path("kubeconfig");
        fs::write(&file, self.orbctl(&["kubeconfig"]).exits(0).out).expect("it can be written");
        let mut command = self.lab.command(self.lab.kubectl("v1.20.4"));
        command.args(["--request-timeout=10s", "--kubeconfig", &text(&file)]);
        ended(command.args(arguments.split_whitespace()).env("HOME", self.home.path()))
    }

    /// Runs a program of this computer in the lab's network.
    pub(crate) fn outside(&self, program: &str, arguments: &[&str]) -> Ended {
        ended(self.lab.command(program).args(arguments))
    }
}

/// Where `orbctl` and `orbiter` are: in the folder that `ORBOS_BIN` names, or else built now.
fn programs() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        if let Some(folder) = env::var_os("ORBOS_BIN") {
            return folder.into();
        }
        let test = env::current_exe().expect("this program has a path");
        let folder = test.ancestors().nth(2).expect("it is in target/PROFILE/deps").to_owned();
        let target = folder.parent().expect("it is in target/PROFILE");
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--package", "orbos", "--bins", "--target-dir"]).arg(target);
        if folder.ends_with("release") {
            build.arg("--release");
        }
        ended(build.current_dir(env!("CARGO_MANIFEST_DIR"))).exits(0);
        folder
    })
}

/// Tries until it works.
#[track_caller]
pub(crate) fn until(what: &str, patience: Duration, mut works: impl FnMut() -> bool) -> Duration {
    let begin = Instant::now();
    while !works() {
        assert!(begin.elapsed() < patience, "not within {patience:?}: {what}");
        thread::sleep(Duration::from_millis(200));
    }
    begin.elapsed()
}

/// A part of a story, with its name and the time it took.
pub(crate) fn stage<T>(name: &str, part: impl FnOnce() -> T) -> T {
    println!("== {name}");
    let begin = Instant::now();
    let done = part();
    println!("   {:.1} s  {name}", begin.elapsed().as_secs_f64());
    done
}

fn ended(command: &mut Command) -> Ended {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let words = |it: Vec<u8>| String::from_utf8_lossy(&it).into_owned();
    Ended { code: output.status.code(), out: words(output.stdout), err: words(output.stderr) }
}

fn git(arguments: &[&str]) -> String {
    ended(Command::new("git").args(arguments)).exits(0).out.trim_end().to_owned()
}

pub(crate) fn text(path: &Path) -> String {
    path.to_str().expect("paths of tests are text").to_owned()
}
