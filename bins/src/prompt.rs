//! Questions to a human whose answer is not shown.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
};

use orbos_secrets::Secret;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// Asks on the terminal and does not show what is typed; absent if there is no terminal.
///
/// # Errors
///
/// If the terminal cannot be read.
pub fn hidden(question: &str) -> io::Result<Option<Secret>> {
    let Ok(terminal) = File::options().read(true).write(true).open("/dev/tty") else { return Ok(None) };
    let shown = tcgetattr(&terminal)?;
    let mut quiet = shown.clone();
    quiet.local_modes.remove(LocalModes::ECHO);
    let restore = Restore { terminal: &terminal, modes: shown };
    // Before the question, or a fast answer would be shown.
    tcsetattr(&terminal, OptionalActions::Flush, &quiet)?;
    (&terminal).write_all(question.as_bytes())?;
    // As long as a line of a terminal can be, so that no copy stays behind when it grows.
    let mut line = Vec::with_capacity(4096);
    BufReader::new(&terminal).read_until(b'\n', &mut line)?;
    drop(restore);
    (&terminal).write_all(b"\n")?;
    while line.last().is_some_and(|it| matches!(it, b'\n' | b'\r')) {
        line.pop();
    }
    Ok(Some(Secret::new(line)))
}

/// Shows what is typed again, whatever happened.
struct Restore<'a> {
    terminal: &'a File,
    modes: Termios,
}

impl Drop for Restore<'_> {
    fn drop(&mut self) {
        // Nobody is left to be told.
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.modes);
    }
}
