//! What is under way, as lines; knows no terminal.

use std::time::{Duration, Instant};

/// Everything that is under way.
#[derive(Debug)]
pub(super) struct Board {
    begin: Instant,
    done: usize,
    failed: usize,
    open: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    /// The change on one line.
    change: String,
    /// The machine it happens on, if it is about one.
    machine: Option<String>,
    begin: Instant,
    step: Option<Step>,
}

/// A step of a change on a machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Step {
    /// On which machine.
    pub machine: String,
    /// What is done.
    pub what: String,
    /// The how manyth.
    pub number: u64,
    /// Of how many.
    pub of: u64,
    /// How long it took and whether it worked; absent: it begins.
    pub ended: Option<(Duration, bool)>,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.of {
            0 | 1 => f.write_str(&self.what),
            of => write!(f, "{}/{of} {}", self.number, self.what),
        }
    }
}

impl Board {
    pub(super) fn new(begin: Instant) -> Self {
        Self { begin, done: 0, failed: 0, open: Vec::new() }
    }

    pub(super) fn begin(&mut self, change: String, machine: Option<String>, now: Instant) {
        self.open.push(Open { change, machine, begin: now, step: None });
    }

    pub(super) fn end(&mut self, change: &str, worked: bool) {
        if let Some(index) = self.open.iter().position(|it| it.change == change) {
            self.open.remove(index);
        }
        *if worked { &mut self.done } else { &mut self.failed } += 1;
    }

    pub(super) fn step(&mut self, step: &Step) {
        let machine = Some(&step.machine);
        let found = self.open.iter_mut().find(|it| it.machine.as_ref() == machine);
        if let Some(open) = found.filter(|_| step.ended.is_none()) {
            open.step = Some(step.clone());
        }
    }

    /// What is under way, for one line: the changes with their steps.
    pub(super) fn names(&self, now: Instant) -> Vec<String> {
        let line = |it: &Open| {
            let step = it.step.as_ref().map(|step| format!(" {step}")).unwrap_or_default();
            format!("{}{step} ({})", it.change, short(now - it.begin))
        };
        self.open.iter().map(line).collect()
    }

    /// One line for each machine or change, then one for the whole; never more than `height`, nor longer
    /// than `width`.
    pub(super) fn lines(&self, now: Instant, width: usize, height: usize) -> Vec<String> {
        let name = |it: &Open| it.machine.clone().unwrap_or_default();
        let names = self.open.iter().map(|it| name(it).chars().count()).max().unwrap_or(0);
        let row = |it: &Open| {
            let what = match &it.step {
                Some(step) => step.to_string(),
                None => it.change.clone(),
            };
            let time = short(now - it.begin);
            let room = width.saturating_sub(names + time.len().max(6) + 6);
            format!("  {:names$}  {:room$}  {time:>6}", name(it), cut(&what, room))
        };
        let room = height.saturating_sub(2).max(1);
        let mut lines: Vec<String> = self.open.iter().take(room).map(row).collect();
        if self.open.len() > room {
            lines.push(format!("  and {} more", self.open.len() - room));
        }
        let failed = if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        let elapsed = short(now - self.begin);
        lines.push(format!("  {} done{failed}, {} under way, {elapsed}", self.done, self.open.len()));
        lines.iter().map(|it| cut(it, width)).collect()
    }
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// Like `4s` or `3m12s`.
pub(super) fn short(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds => format!("{}m{:02}s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(machines: u64, now: Instant) -> Board {
        let mut board = Board::new(now);
        for number in 1..=machines {
            board.begin(
                format!("~ host rack.workers.w{number}: 3 steps"),
                Some(format!("rack.workers.w{number}")),
                now,
            );
        }
        board
    }

    #[test]
    fn every_machine_has_one_line_with_its_step() {
        let begin = Instant::now();
        let mut board = board(2, begin);
        let step = Step {
            machine: "rack.workers.w2".into(),
            what: "install haproxy".into(),
            number: 2,
            of: 3,
            ended: None,
        };
        board.step(&step);
        let lines = board.lines(begin + Duration::from_secs(72), 72, 24);
        let expected = [
            "  rack.workers.w1  ~ host rack.workers.w1: 3 steps                 1m12s",
            "  rack.workers.w2  2/3 install haproxy                             1m12s",
            "  0 done, 2 under way, 1m12s",
        ];
        assert_eq!(lines, expected);
        board.end("~ host rack.workers.w1: 3 steps", true);
        board.end("~ host rack.workers.w2: 3 steps", false);
        assert_eq!(board.lines(begin, 72, 24), ["  1 done, 1 failed, 0 under way, 0s"]);
    }

    #[test]
    fn many_machines_fit_on_a_small_terminal() {
        let begin = Instant::now();
        let board = board(40, begin);
        for (width, height) in [(80, 24), (20, 5), (1, 1)] {
            let lines = board.lines(begin, width, height);
            assert!(lines.len() <= height.max(3), "{lines:?}");
            assert!(lines.iter().all(|it| it.chars().count() <= width), "{lines:?}");
        }
        let lines = board.lines(begin, 80, 24);
        assert_eq!(lines[22..], ["  and 18 more", "  0 done, 40 under way, 0s"]);
    }
}
