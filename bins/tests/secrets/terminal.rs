//! A human at a real terminal.

use std::{
    fs::File,
    io::{Read, Write},
    process::{Child, Command},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle, sleep},
    time::{Duration, Instant},
};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, tcgetattr},
};

use crate::fixture::{KUBECONFIG, Orb};

const SECRET: &str = "typed-by-hand-4f02";

/// `orbctl` on a terminal of its own.
pub(crate) struct Terminal {
    keys: File,
    screen: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
    program: Child,
}

impl Terminal {
    pub(crate) fn orbctl(orb: &Orb, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("there are terminals");
        grantpt(&keys).and_then(|()| unlockpt(&keys)).expect("it is ours");
        let name = ptsname(&keys, Vec::new()).expect("it has a name").into_string().expect("a plain one");
        let open = || File::options().read(true).write(true).open(&name).expect("it is ours");
        let mut command = Command::new("setsid");
        command.args(["--ctty", env!("CARGO_BIN_EXE_orbctl")]).args(arguments).env_clear();
        command.env("HOME", orb.home.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(environment.iter().copied()).stdin(open()).stdout(open()).stderr(open());
        let program = command.spawn().expect("setsid belongs to every Linux");
        drop(command);
        let (keys, screen) = (File::from(keys), Arc::<Mutex<Vec<u8>>>::default());
        let (mut from, to) = (keys.try_clone().expect("it is open"), Arc::clone(&screen));
        let reader = thread::spawn(move || {
            let mut bytes = [0; 1024];
            // Once nobody has the other side open any more, reading fails.
            while let Ok(length @ 1..) = from.read(&mut bytes) {
                to.lock().expect("nobody panics with it").extend(&bytes[..length]);
            }
        });
        Self { keys, screen, reader: Some(reader), program }
    }

    pub(crate) fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().expect("nobody panics with it")).into_owned()
    }

    /// Waits until it asks, checks that it shows nothing that is typed, and types.
    pub(crate) fn answer(&mut self, question: &str, answer: &str) {
        let begin = Instant::now();
        while !self.screen().contains(question) {
            assert!(begin.elapsed() < Duration::from_secs(60), "not asked: {}", self.screen());
            sleep(Duration::from_millis(10));
        }
        assert!(!self.shows(), "what is typed would be seen");
        self.keys.write_all(format!("{answer}\n").as_bytes()).expect("it is open");
    }

    fn shows(&self) -> bool {
        tcgetattr(&self.keys).expect("it is a terminal").local_modes.contains(LocalModes::ECHO)
    }

    /// The exit code, and everything that was to be seen.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let code = self.program.wait().expect("it is a child of this process").code();
        assert!(self.shows(), "what is typed next is seen again");
        self.reader.take().expect("it ends once").join().expect("it does not panic");
        (code, self.screen())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[test]
fn a_secret_is_asked_for_without_showing_it() {
    let orb = Orb::new();
    let mut terminal = Terminal::orbctl(&orb, &["secrets", "set", KUBECONFIG], &[]);
    terminal.answer(&format!("{KUBECONFIG} (not shown): "), SECRET);
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("is set, in commit ") && !screen.contains(SECRET), "{screen}");
    assert_eq!(orb.show(KUBECONFIG), SECRET, "and a pipe gets it without anything behind it");
}

#[test]
fn a_secret_is_shown_after_a_warning() {
    let orb = Orb::new();
    orb.set(KUBECONFIG, SECRET);
    for arguments in [["secrets", "show", KUBECONFIG].as_slice(), &["readsecret", KUBECONFIG]] {
        let (code, screen) = Terminal::orbctl(&orb, arguments, &[]).end();
        assert_eq!(
            (code, screen.as_str()),
            (Some(0), format!("warning: the secret stays in the terminal's scrollback\r\n{SECRET}").as_str())
        );
    }
}

#[test]
fn a_passphrase_for_a_recipient_and_for_a_key_is_asked_for() {
    let orb = Orb::new();
    orb.set(KUBECONFIG, SECRET);
    orb.orbctl(&["secrets", "rotate"]).ok();
    let mut terminal = Terminal::orbctl(&orb, &["secrets", "recipients", "add", "ops", "--passphrase"], &[]);
    terminal.answer("passphrase for ops (not shown): ", "correct horse");
    let (code, screen) = terminal.end();
    assert!(code == Some(0) && !screen.contains("horse"), "{screen}");
    orb.configure(&format!("url: {}\nmasterkey: correct horse\n", orb.url()));
    assert_eq!(orb.show(KUBECONFIG), SECRET);

    let key = crate::recipients::ssh_key(&orb, "alice", "ed25519", "hush");
    orb.orbctl(&["secrets", "recipients", "add", "alice", &format!("{key}.pub")]).ok();
    orb.configure(&format!("url: {}\n", orb.url()));
    let mut terminal =
        Terminal::orbctl(&orb, &["--identity", &key, "secrets", "recipients", "remove", "ops"], &[]);
    terminal.answer("alice (not shown): ", "hush");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "asked once, although the key is needed twice: {screen}");
    let known = [("ORB_IDENTITY", key.as_str()), ("ORB_IDENTITY_PASSPHRASE", "hush")];
    assert_eq!(orb.orbctl_with(&["secrets", "show", KUBECONFIG], &known, None).ok(), SECRET);
    let wrong = [("ORB_IDENTITY", key.as_str()), ("ORB_IDENTITY_PASSPHRASE", "hash")];
    let said = orb.orbctl_with(&["secrets", "show", KUBECONFIG], &wrong, None);
    assert!(said.code == Some(4) && said.stderr.contains("the passphrase does not open it"), "{said:?}");
}
