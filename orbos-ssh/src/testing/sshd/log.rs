use std::{
    io::{BufRead as _, BufReader},
    process::ChildStderr,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// What a process said so far, and whether it has ended.
#[derive(Default)]
pub(super) struct Log {
    lines: Mutex<(Vec<String>, bool)>,
    changed: Condvar,
}

impl Log {
    pub(super) fn read(&self, stderr: ChildStderr) {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            self.lock().0.push(line.trim_end().to_owned());
            self.changed.notify_all();
        }
        self.lock().1 = true;
        self.changed.notify_all();
    }

    /// Waits until the log is so; `false` if it ends without, or nothing happens.
    pub(super) fn wait(&self, until: impl Fn(&[String]) -> bool) -> bool {
        let waited =
            self.changed.wait_timeout_while(self.lock(), PATIENCE, |(lines, ended)| !until(lines) && !*ended);
        let (lines, _) = &*waited.unwrap_or_else(PoisonError::into_inner).0;
        until(lines)
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.lock().0.clone()
    }

    fn lock(&self) -> MutexGuard<'_, (Vec<String>, bool)> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
