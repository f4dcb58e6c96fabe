//! Progress for humans, on stderr: a line for each machine on a terminal, plain ones elsewhere.
#![expect(clippy::print_stderr, reason = "this is where orbctl talks to humans")]

mod board;
mod steps;

use std::{
    io::{self, IsTerminal},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use orbos::Code;
use orbos_infra::{Orb, OrbChange, OrbObserved};
use orbos_state::{Change, Listener, Plan, Result, Round, Waiting};
use rustix::termios::tcgetwinsize;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinHandle,
};

use board::{Board, Step, short};
pub(crate) use steps::layer;

/// How often lines on a terminal are drawn again.
const REDRAW: Duration = Duration::from_millis(200);

/// After so much silence a plain log says what is under way.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Shows what happens, and knows whether the user wants it to stop.
pub(crate) struct Progress {
    shared: Arc<Shared>,
    told: Mutex<Vec<Waiting>>,
    stopped: watch::Receiver<Option<Code>>,
    tasks: [JoinHandle<()>; 2],
}

/// What is shown.
struct Shared {
    begin: Instant,
    board: Mutex<Board>,
    /// When something was said last.
    said: Mutex<Instant>,
    /// Lines that are drawn again and again; absent: plain ones.
    live: Option<ProgressBar>,
}

impl Progress {
    /// Begins to listen for Ctrl-C and SIGTERM: the first one ends after the stage under way, the second at
    /// once. `plain` lines are also used where there is no terminal that can do more.
    pub(crate) fn start(plain: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|it| it == "dumb");
        let plain = plain || dumb || !io::stderr().is_terminal() || std::env::var_os("CI").is_some();
        let live = (!plain).then(|| {
            let style = ProgressStyle::with_template("{msg}").expect("it is one");
            ProgressBar::new_spinner().with_style(style)
        });
        let shared = Arc::new(Shared::new(live));
        steps::show(Arc::downgrade(&shared));
        let (stop, stopped) = watch::channel(None);
        let tasks =
            [tokio::spawn(listen(Arc::clone(&shared), stop)), tokio::spawn(keep_alive(Arc::clone(&shared)))];
        Self { shared, told: Mutex::default(), stopped, tasks }
    }

    /// The exit code, if the user or another program wants it to end.
    pub(crate) fn interrupted(&self) -> Option<Code> {
        *self.stopped.borrow()
    }

    /// Waits until somebody wants it to end.
    pub(crate) async fn interruption(&self) {
        let mut stopped = self.stopped.clone();
        if stopped.wait_for(Option::is_some).await.is_err() {
            // Nobody listens any more, so nobody can want it.
            std::future::pending().await
        }
    }

    /// Says a line.
    pub(crate) fn say(&self, line: &str) {
        self.shared.say(line);
    }

    pub(crate) fn settled(&self, took: Duration) {
        self.say(&format!("settled after {}", short(took)));
    }

    /// Names what failed, with every cause.
    pub(crate) fn failed(&self, round: &Round<Orb>) {
        for (change, error) in round.failures() {
            self.say(&format!("failed  {}: {}", headline(change), error.chain()));
        }
    }

    /// Names what waits, and for what.
    pub(crate) fn waits(&self, round: &Round<Orb>) {
        round.plan.waiting().iter().for_each(|it| self.say(&it.to_string()));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        if let Some(live) = &self.shared.live {
            live.finish_and_clear();
        }
    }
}

/// Asks for an end with the first signal, ends with the second.
async fn listen(shared: Arc<Shared>, stop: watch::Sender<Option<Code>>) {
    let (Ok(mut interrupts), Ok(mut terminations)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    loop {
        let code = tokio::select! {
            _ = interrupts.recv() => Code::Interrupted,
            _ = terminations.recv() => Code::Terminated,
        };
        if stop.borrow().is_some() {
            if let Some(live) = &shared.live {
                live.finish_and_clear();
            }
            std::process::exit(code.number().into());
        }
        let what = match shared.names() {
            names if names.is_empty() => "what is under way".into(),
            names => names.join(", "),
        };
        shared.say(&format!("! finishing {what}, then stopping; press Ctrl-C again to abort"));
        stop.send_replace(Some(code));
    }
}

async fn keep_alive(shared: Arc<Shared>) {
    let mut ticks = tokio::time::interval(REDRAW);
    loop {
        ticks.tick().await;
        shared.tick();
    }
}

impl Shared {
    fn new(live: Option<ProgressBar>) -> Self {
        let begin = Instant::now();
        Self { begin, board: Mutex::new(Board::new(begin)), said: Mutex::new(begin), live }
    }

    #[cfg(test)]
    fn plain() -> Self {
        Self::new(None)
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, change: String, machine: Option<String>) {
        self.board().begin(change, machine, Instant::now());
    }

    fn names(&self) -> Vec<String> {
        self.board().names(Instant::now())
    }

    fn say(&self, line: &str) {
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        match &self.live {
            Some(live) => live.suspend(|| eprintln!("{line}")),
            None => eprintln!("{} {line}", clock(self.begin.elapsed())),
        }
    }

    fn step(&self, step: &Step) {
        self.board().step(step);
        if let (None, Some((took, worked))) = (&self.live, step.ended) {
            let word = if worked { "step" } else { "failed" };
            self.say(&format!("{word:7} {}: {step} ({:.1}s)", step.machine, took.as_secs_f64()));
        }
    }

    fn tick(&self) {
        let now = Instant::now();
        if let Some(live) = &self.live {
            let (width, height) = size();
            let lines = self.board().lines(now, width, height);
            return live.set_message(lines.join("\n"));
        }
        let quiet = now.saturating_duration_since(*self.said.lock().unwrap_or_else(PoisonError::into_inner));
        let names = self.names();
        if quiet >= HEARTBEAT && !names.is_empty() {
            self.say(&format!("still   {}", names.join(", ")));
        }
    }
}

/// Columns, and lines that may be used.
fn size() -> (usize, usize) {
    let size = tcgetwinsize(io::stderr()).ok().filter(|it| it.ws_col > 0 && it.ws_row > 0);
    size.map_or((80, 20), |it| (it.ws_col.into(), usize::from(it.ws_row).saturating_sub(4)))
}

/// The change on one line.
fn headline(change: &OrbChange) -> String {
    match change {
        OrbChange::Host { machine, changes } if changes.len() > 1 => {
            format!("host {machine}: {} steps", changes.len())
        }
        other => other.to_string(),
    }
}

fn line(change: &OrbChange) -> String {
    format!("{} {}", change.effect(), headline(change))
}

/// Minutes and seconds.
fn clock(time: Duration) -> String {
    format!("{:02}:{:04.1}", time.as_secs() / 60, time.as_secs_f64() % 60.0)
}

impl Listener<Orb> for Progress {
    fn planned(&self, _: &OrbObserved, plan: &Plan<OrbChange>) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for waiting in plan.waiting().iter().filter(|it| !told.contains(it)) {
            self.say(&waiting.to_string());
        }
        *told = plan.waiting().to_vec();
    }

    fn started(&self, change: &OrbChange) {
        let line = line(change);
        self.shared.begin(line.clone(), change.machine().map(ToString::to_string));
        if self.shared.live.is_none() {
            self.say(&format!("start   {line}"));
        }
    }

    fn finished(&self, change: &OrbChange, result: &Result<()>, took: Duration) {
        let line = line(change);
        self.shared.board().end(&line, result.is_ok());
        let took = format!("{:.1}s", took.as_secs_f64());
        match result {
            Ok(()) => self.say(&format!("done    {line} ({took})")),
            Err(error) => self.say(&format!("failed  {line} ({took}): {}", error.chain())),
        }
    }

    fn stop(&self) -> bool {
        self.interrupted().is_some()
    }
}
