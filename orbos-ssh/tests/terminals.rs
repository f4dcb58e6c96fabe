//! Terminals on a real OpenSSH server on loopback.

use std::{sync::Arc, time::Duration};

use orbos_ssh::{
    Connect, Error, KnownHosts, Output, Shell, Source, SshConnect, Terminal, TerminalEvent, TerminalSize,
    testing::{ScriptedShell, Sshd},
};
use tokio::sync::mpsc;

const SIZE: TerminalSize = TerminalSize { columns: 97, rows: 31 };

/// A human who waits for what the program says before the next key.
struct Human {
    events: mpsc::Sender<TerminalEvent>,
    said: mpsc::UnboundedReceiver<String>,
    seen: String,
}

impl Human {
    async fn types(&self, keys: &str) {
        self.events.send(TerminalEvent::Typed(keys.into())).await.expect("the program still runs");
    }

    async fn sees(&mut self, text: &str) {
        let waiting = async {
            while !self.seen.contains(text) {
                self.seen += &self.said.recv().await.expect("the program still runs");
            }
        };
        if tokio::time::timeout(Duration::from_secs(20), waiting).await.is_err() {
            panic!("no {text:?} in {:?}", self.seen);
        }
        let end = self.seen.find(text).expect("it was just seen") + text.len();
        self.seen.drain(..end);
    }
}

async fn sit_down<F: Future<Output = ()>>(
    shell: &dyn Shell,
    command: Option<&str>,
    act: impl FnOnce(Human) -> F,
) -> Result<Output, Error> {
    let (events, heard) = mpsc::channel(16);
    let (say, said) = mpsc::unbounded_channel();
    let mut sink = |source: Source, bytes: &[u8]| {
        assert_eq!(source, Source::Stdout);
        let _ = say.send(String::from_utf8_lossy(bytes).into_owned());
    };
    let terminal = Terminal { kind: "xterm-256color".into(), size: SIZE, events: heard, sink: &mut sink };
    let human = act(Human { events, said, seen: String::new() });
    let (ended, ()) = tokio::join!(shell.terminal(command, terminal), human);
    ended
}

async fn connected(sshd: &Sshd) -> Arc<dyn Shell> {
    SshConnect::new(Arc::new(KnownHosts::new()))
        .connect(&sshd.target(), &sshd.key())
        .await
        .expect("it is there")
}

#[tokio::test]
async fn a_program_has_a_terminal_of_the_asked_kind_and_size() {
    let sshd = Sshd::start();
    let shell = connected(&sshd).await;
    let ended =
        sit_down(&*shell, Some("tty && stty size && echo kind=$TERM; exit 7"), async |mut human: Human| {
            human.sees("/dev/pts/").await;
            human.sees("31 97").await;
            human.sees("kind=xterm-256color").await;
        });
    assert_eq!(ended.await.unwrap(), Output { status: 7, ..Output::default() });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_human_types_and_interrupts_and_makes_the_window_larger() {
    let sshd = Sshd::start();
    let shell = connected(&sshd).await;
    // What is typed differs from what is waited for, as a terminal echoes.
    let ended = sit_down(&*shell, None, async |mut human: Human| {
        // Without editing of its own: that reads ahead, and changes what the Enter key means in between.
        human.types("set +o emacs; PS1='re''ady '\r").await;
        human.sees("ready ").await;
        // Once the program has answered, Ctrl-C is for it and not for the shell.
        human.types("sed -u s/o/w/\r").await;
        human.sees("s/o/w/").await;
        human.types("noun\r").await;
        human.sees("nwun").await;
        human.types("\u{3}").await;
        human.sees("ready ").await;
        let larger = TerminalSize { columns: 120, rows: 50 };
        human.events.send(TerminalEvent::Resized(larger)).await.unwrap();
        human.types("stty size; read x; echo \"<$x>\"\r").await;
        human.sees("50 120").await;
        human.types("grüezi\r").await;
        human.sees("<grüezi>").await;
        human.types("exit 5\r").await;
    });
    let ended = tokio::time::timeout(Duration::from_secs(60), ended).await.expect("the shell ends");
    assert_eq!(ended.unwrap().status, 5);
    assert_eq!(shell.run("echo still here").await.unwrap().stdout_text(), "still here");
    assert_eq!(sshd.connections(), 1, "the connection serves others afterwards");
}

#[tokio::test]
async fn much_output_arrives_whole_and_a_killed_program_says_so() {
    let sshd = Sshd::start();
    let shell = connected(&sshd).await;
    let mut count = 0;
    let mut sink = |_: Source, bytes: &[u8]| count += bytes.iter().filter(|it| **it == b'\n').count();
    let (_events, heard) = mpsc::channel(1);
    let terminal = Terminal { kind: "dumb".into(), size: SIZE, events: heard, sink: &mut sink };
    let ended = shell.terminal(Some("seq 200000; kill -9 $$"), terminal).await.unwrap();
    assert_eq!((ended.status, ended.signal.as_deref(), count), (137, Some("KILL"), 200_000));
}

#[tokio::test]
async fn a_human_who_leaves_does_not_end_the_program() {
    let sshd = Sshd::start();
    let shell = connected(&sshd).await;
    let ended = sit_down(&*shell, Some("sleep 0.3; exit 4"), async |human: Human| drop(human));
    assert_eq!(ended.await.unwrap().status, 4);
}

#[tokio::test]
async fn a_machine_that_goes_away_is_an_error() {
    let sshd = Sshd::start();
    let shell = connected(&sshd).await;
    let ended = sit_down(&*shell, Some("echo here; sleep 600"), async |mut human: Human| {
        human.sees("here").await;
        sshd.drop_connections();
    });
    let error = ended.await.unwrap_err();
    assert!(matches!(error, Error::Closed { .. }), "{error:?}");
}

#[tokio::test]
async fn shells_without_terminals_say_so() {
    let shell = ScriptedShell::new();
    let ended = sit_down(&shell, None, async |_: Human| ()).await;
    assert!(matches!(ended, Err(Error::NoTerminal)), "{ended:?}");
}
