//! This side's terminal, handed over to a program on a machine.

use std::{
    io::{self, IsTerminal, Read, Stdin, Write},
    thread,
};

use anyhow::{Context, Result};
use orbos::Code;
use orbos_ssh::{Shell, Source, Terminal, TerminalEvent, TerminalSize};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

/// Whether a human sits here.
pub(crate) fn is_there() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Runs a command, or a login shell, on a terminal of its own on the machine, until it ends.
pub(crate) async fn attach(shell: &dyn Shell, command: Option<&str>) -> Result<Code> {
    let (send, events) = mpsc::channel(64);
    let mut terminated = signal(SignalKind::terminate())?;
    let mut sink = |_: Source, bytes: &[u8]| {
        let mut stdout = io::stdout();
        // Nobody is left to be told.
        let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
    };
    let kind = std::env::var("TERM").unwrap_or_else(|_| "dumb".into());
    let terminal = Terminal { kind, size: size(), events, sink: &mut sink };
    let raw = Raw::enter().context("using this terminal")?;
    watch_keys(send.clone());
    watch_size(send)?;
    let ended = tokio::select! {
        ended = shell.terminal(command, terminal) => Some(ended),
        _ = terminated.recv() => None,
    };
    drop(raw);
    Ok(match ended {
        Some(ended) => Code::of_remote(ended?.status),
        None => Code::Terminated,
    })
}

/// A thread, since a read of a terminal cannot be given up; it ends with the process.
fn watch_keys(send: mpsc::Sender<TerminalEvent>) {
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = io::stdin().lock().read(&mut buffer) {
            if send.blocking_send(TerminalEvent::Typed(buffer[..count].to_vec())).is_err() {
                return;
            }
        }
    });
}

fn watch_size(send: mpsc::Sender<TerminalEvent>) -> io::Result<()> {
    let mut changed = signal(SignalKind::window_change())?;
    tokio::spawn(async move {
        while changed.recv().await.is_some() {
            if send.send(TerminalEvent::Resized(size())).await.is_err() {
                return;
            }
        }
    });
    Ok(())
}

fn size() -> TerminalSize {
    let size = tcgetwinsize(io::stdout()).ok().filter(|it| it.ws_col > 0 && it.ws_row > 0);
    size.map_or(TerminalSize { columns: 80, rows: 24 }, |it| TerminalSize {
        columns: it.ws_col,
        rows: it.ws_row,
    })
}

/// A terminal that hands over every key; as it was before when dropped.
struct Raw {
    stdin: Stdin,
    before: Termios,
}

impl Raw {
    fn enter() -> io::Result<Self> {
        let stdin = io::stdin();
        let before = tcgetattr(&stdin)?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(&stdin, OptionalActions::Now, &raw)?;
        Ok(Self { stdin, before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // Nobody is left to be told.
        let _ = tcsetattr(&self.stdin, OptionalActions::Drain, &self.before);
    }
}
