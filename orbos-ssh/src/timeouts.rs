use std::time::Duration;

/// How long things may take; whatever takes longer is an error.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use orbos_ssh::Timeouts;
///
/// let patient = Timeouts { command: Duration::from_secs(3600), ..Timeouts::default() };
/// assert_eq!(patient.connect, Duration::from_secs(10));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a TCP connection, or the tunnel through a jump host, stands: 10 s.
    pub connect: Duration,
    /// Until versions and keys are exchanged: 15 s.
    pub handshake: Duration,
    /// Until the user is let in: 15 s.
    pub login: Duration,
    /// Until the machine accepts a command or answers an end: 15 s.
    pub open: Duration,
    /// From the start to the end of one command: 15 min.
    ///
    /// Does not count for the copying of files.
    pub command: Duration,
    /// How long the copying of a file may not proceed by a byte: 60 s. It may
    /// take as long as it proceeds.
    pub stall: Duration,
    /// How long a machine may be silent before it is asked whether it is still
    /// there: 15 s. Seconds are the unit, 2 s the least.
    pub keep_alive: Duration,
    /// How long a machine may be silent altogether, asked or not, while
    /// something runs on it: 60 s; noticed at most one `keep_alive` later. A slow command is not silence: the machine
    /// still answers.
    pub silence: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connect: seconds(10),
            handshake: seconds(15),
            login: seconds(15),
            open: seconds(15),
            command: seconds(15 * 60),
            stall: seconds(60),
            keep_alive: seconds(15),
            silence: seconds(60),
        }
    }
}
