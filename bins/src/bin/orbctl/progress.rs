//! Progress for humans, on stderr: lines that come and go on a terminal, plain ones elsewhere.
#![expect(clippy::print_stderr, reason = "this is where orbctl talks to humans")]

use std::{
    collections::BTreeMap,
    io::IsTerminal,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use orbos_infra::{Orb, OrbChange, OrbObserved};
use orbos_state::{Change, Listener, Plan, Result, Round, Waiting};
use tokio::sync::Notify;

/// Shows what happens, and knows whether the user wants it to stop.
pub(crate) struct Progress {
    begin: Instant,
    bars: Option<MultiProgress>,
    open: Mutex<BTreeMap<String, ProgressBar>>,
    told: Mutex<Vec<Waiting>>,
    interrupts: Arc<Interrupts>,
}

#[derive(Default)]
struct Interrupts {
    count: AtomicU8,
    notify: Notify,
}

impl Progress {
    /// Begins to listen for Ctrl-C: the first one ends after the stage under way, the second at once.
    pub(crate) fn start() -> Self {
        let interrupts = Arc::<Interrupts>::default();
        let heard = Arc::clone(&interrupts);
        tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                if heard.count.fetch_add(1, Ordering::SeqCst) > 0 {
                    std::process::exit(130);
                }
                eprintln!("! finishing what is under way, then stopping; press Ctrl-C again to abort");
                heard.notify.notify_waiters();
            }
        });
        let plain = !std::io::stderr().is_terminal() || std::env::var_os("CI").is_some();
        Self {
            begin: Instant::now(),
            bars: (!plain).then(MultiProgress::new),
            open: Mutex::default(),
            told: Mutex::default(),
            interrupts,
        }
    }

    /// Whether Ctrl-C was pressed.
    pub(crate) fn interrupted(&self) -> bool {
        self.interrupts.count.load(Ordering::SeqCst) > 0
    }

    /// Waits for Ctrl-C.
    pub(crate) async fn interruption(&self) {
        self.interrupts.notify.notified().await;
    }

    /// Says a line.
    pub(crate) fn say(&self, line: &str) {
        match &self.bars {
            Some(bars) => bars.suspend(|| eprintln!("{line}")),
            None => eprintln!("{} {line}", clock(self.begin.elapsed())),
        }
    }

    pub(crate) fn settled(&self, took: Duration) {
        self.say(&format!("settled after {}", clock(took)));
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

/// The change on one line.
fn headline(change: &OrbChange) -> String {
    match change {
        OrbChange::Host { machine, changes } if changes.len() > 1 => {
            format!("host {machine}: {} steps", changes.len())
        }
        other => other.to_string(),
    }
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
        let line = format!("{} {}", change.effect(), headline(change));
        match &self.bars {
            Some(bars) => {
                let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}");
                let bar = bars.add(ProgressBar::new_spinner().with_message(line.clone()));
                if let Ok(style) = style {
                    bar.set_style(style);
                }
                bar.enable_steady_tick(Duration::from_millis(200));
                self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(line, bar);
            }
            None => self.say(&format!("start   {line}")),
        }
    }

    fn finished(&self, change: &OrbChange, result: &Result<()>, took: Duration) {
        let line = format!("{} {}", change.effect(), headline(change));
        if let Some(bar) = self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&line) {
            bar.finish_and_clear();
        }
        match result {
            Ok(()) => self.say(&format!("done    {line} ({})", clock(took))),
            Err(error) => self.say(&format!("failed  {line} ({}): {}", clock(took), error.chain())),
        }
    }

    fn stop(&self) -> bool {
        self.interrupted()
    }
}
