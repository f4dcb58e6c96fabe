mod socket;

use std::{
    cell::Cell,
    io,
    os::fd::{AsRawFd, RawFd},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use async_ssh2_lite::{
    AsyncSessionStream,
    ssh2::{BlockDirections, Error as Ssh2Error, Session},
};
use async_trait::async_trait;
use tokio::{
    io::Interest,
    net::{TcpStream, UnixStream},
    sync::Notify,
    time::{Instant, sleep},
};

use self::socket::Socket;

/// The socket below one libssh2 session, shared by everything that uses the
/// session.
///
/// The streams that come with async-ssh2-lite ask libssh2 again every
/// millisecond and know one waiting task only. This one waits for the socket,
/// with any number of tasks:
///
/// * `turn` is held for every call into libssh2, which also makes dropping a
///   channel safe: ssh2 frees channels without taking its session's lock.
/// * Readiness is forgotten in the call that found nothing to do.
/// * Every call reads whatever has arrived, for all channels, and may do so
///   before the reactor saw it and woke who waits for it. So a call counts
///   `calls` up and makes the others look again; except one that was itself
///   made to look again and found nothing, else that would never end. What such
///   a one read for others they find by looking again after a pause, which only
///   those take who are not alone.
/// * A packet of which a part is sent must be completed by who began it;
///   `sender` is its ticket, and the others wait. If it gave up, the session is
///   `broken`.
#[derive(Clone, Debug)]
pub(crate) struct Wire(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    socket: Socket,
    turn: Mutex<Turn>,
    changed: Notify,
    /// How many operations go on.
    active: AtomicUsize,
    tickets: AtomicU64,
    broken: AtomicBool,
    /// What the last call into libssh2 that blocked waits for; only valid in a turn.
    blocked: AtomicU8,
    heard: Mutex<Instant>,
}

#[derive(Debug, Default)]
struct Turn {
    sender: Option<u64>,
    calls: u64,
}

/// One operation on the session, from its first try to its end.
struct Ticket<'a> {
    number: u64,
    wire: &'a Wire,
}

/// What a call into libssh2 waits for.
struct Blocked {
    inbound: bool,
    outbound: bool,
}

const RECEIVES: u8 = 1;
const SENDS: u8 = 2;

/// What one try of an operation came to.
enum Try<R> {
    Done(R),
    /// Nothing to do before the socket is ready for this, or more calls than this were made.
    Blocked(Interest, u64),
}

impl<'a> Ticket<'a> {
    fn new(wire: &'a Wire) -> Self {
        wire.0.active.fetch_add(1, Ordering::AcqRel);
        Self { number: wire.0.tickets.fetch_add(1, Ordering::Relaxed), wire }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.wire.0.active.fetch_sub(1, Ordering::AcqRel);
        let mut turn = self.wire.turn();
        if turn.sender == Some(self.number) {
            // Half a packet is on its way and nobody will send the rest.
            turn.sender = None;
            self.wire.shut();
        }
    }
}

/// Why an operation is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    /// For the first time, or since the socket is ready.
    Fresh,
    /// Since somebody else did something, or after a pause.
    Nudged,
}

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// An error that may mean that a call would have to wait.
pub(crate) trait WouldBlock {
    fn would_block(&self) -> bool;
}

impl WouldBlock for async_ssh2_lite::Error {
    fn would_block(&self) -> bool {
        self.as_ssh2().is_some_and(async_ssh2_lite::util::ssh2_error_is_would_block)
    }
}

impl WouldBlock for io::Error {
    fn would_block(&self) -> bool {
        self.kind() == io::ErrorKind::WouldBlock
    }
}

impl Wire {
    pub(crate) fn tcp(stream: TcpStream) -> Self {
        Self::new(Socket::tcp(stream))
    }

    pub(crate) fn local(stream: UnixStream) -> Self {
        Self::new(Socket::Local(stream))
    }

    fn new(socket: Socket) -> Self {
        Self(Arc::new(Shared {
            socket,
            turn: Mutex::default(),
            changed: Notify::new(),
            active: AtomicUsize::new(0),
            tickets: AtomicU64::new(1),
            broken: AtomicBool::new(false),
            blocked: AtomicU8::new(0),
            heard: Mutex::new(Instant::now()),
        }))
    }

    /// Tells whether no new operation may begin on the session.
    pub(crate) fn is_broken(&self) -> bool {
        self.0.broken.load(Ordering::Acquire)
    }

    /// Lets what runs go on, but nothing new begin.
    pub(crate) fn retire(&self) {
        self.0.broken.store(true, Ordering::Release);
    }

    /// Ends the connection, so that libssh2 waits for nobody when it frees the session.
    pub(crate) fn shut(&self) {
        self.retire();
        self.0.socket.shut();
    }

    /// When the peer was last heard of.
    pub(crate) fn heard(&self) -> Instant {
        *self.0.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls into libssh2 alone, as for dropping a channel.
    pub(crate) fn alone<R>(&self, call: impl FnOnce() -> R) -> R {
        let _turn = self.turn();
        call()
    }

    /// Tells, inside a call of [`drive`](Self::drive), whether the last call
    /// into libssh2 that blocked has a packet half sent. Then it must be
    /// repeated before anything else.
    pub(crate) fn is_sending(&self) -> bool {
        self.0.blocked.load(Ordering::Relaxed) & SENDS != 0
    }

    /// Repeats a non-blocking call into libssh2 until it does not have to wait
    /// any more.
    pub(crate) async fn drive<R, E: WouldBlock + From<io::Error>>(
        &self,
        mut call: impl FnMut() -> Result<R, E>,
    ) -> Result<R, E> {
        let ticket = Ticket::new(self);
        let (mut reason, mut pause) = (Reason::Fresh, FIRST_PAUSE);
        loop {
            let (interest, calls) = match self.attempt(&ticket, reason, &mut call) {
                Try::Done(result) => return result,
                Try::Blocked(interest, calls) => (interest, calls),
            };
            reason = self.wait(interest, calls, &mut pause).await?;
        }
    }

    fn attempt<R, E: WouldBlock>(
        &self,
        ticket: &Ticket<'_>,
        reason: Reason,
        call: &mut impl FnMut() -> Result<R, E>,
    ) -> Try<Result<R, E>> {
        let mut turn = self.turn();
        if turn.sender.is_some_and(|it| it != ticket.number) {
            return Try::Blocked(Interest::READABLE, turn.calls);
        }
        let mut outcome = None;
        let forgot = self.forgetting(&mut || {
            let result = call();
            let waits = matches!(&result, Err(error) if error.would_block());
            outcome = Some(result);
            Blocked { inbound: waits && !self.only_sends(), outbound: waits && self.is_sending() }
        });
        let result = outcome.expect("`forgetting` makes the call");
        let waits = matches!(&result, Err(error) if error.would_block());
        let sends = waits && self.is_sending();
        let sent = turn.sender.is_some() && !sends;
        turn.sender = sends.then_some(ticket.number);
        if forgot || sent || !waits || reason == Reason::Fresh {
            turn.calls += 1;
            self.0.changed.notify_waiters();
        }
        let calls = turn.calls;
        match (waits, sends) {
            (false, _) => Try::Done(result),
            (true, false) => Try::Blocked(Interest::READABLE, calls),
            (true, true) => Try::Blocked(Interest::READABLE | Interest::WRITABLE, calls),
        }
    }

    /// Makes a call and forgets the socket's readiness for what the call
    /// blocked on: exactly the readiness from before the call, so that nothing
    /// that came meanwhile gets lost. Tells whether it forgot anything.
    fn forgetting(&self, call: &mut dyn FnMut() -> Blocked) -> bool {
        let forgot = Cell::new(false);
        let answer = |blocked: bool| {
            forgot.set(forgot.get() || blocked);
            if blocked { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
        };
        let mut while_writable = || {
            let mut called = None;
            let _ = self.0.socket.try_io(Interest::WRITABLE, &mut || answer(called.insert(call()).outbound));
            called.unwrap_or_else(&mut *call)
        };
        let mut called = false;
        let _ = self.0.socket.try_io(Interest::READABLE, &mut || {
            called = true;
            *self.0.heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            answer(while_writable().inbound)
        });
        if !called {
            while_writable();
        }
        forgot.get()
    }

    fn only_sends(&self) -> bool {
        self.0.blocked.load(Ordering::Relaxed) == SENDS
    }

    fn note(&self, session: &Session) {
        let blocked = match session.block_directions() {
            BlockDirections::None => 0,
            BlockDirections::Inbound => RECEIVES,
            BlockDirections::Outbound => SENDS,
            BlockDirections::Both => RECEIVES | SENDS,
        };
        self.0.blocked.store(blocked, Ordering::Relaxed);
    }

    async fn wait(&self, interest: Interest, calls: u64, pause: &mut Duration) -> io::Result<Reason> {
        let changed = self.0.changed.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        if self.turn().calls != calls {
            return Ok(Reason::Nudged);
        }
        self.0.socket.answer_at_once();
        let alone = self.0.active.load(Ordering::Acquire) <= 1;
        tokio::select! {
            () = changed => Ok(Reason::Nudged),
            ready = self.0.socket.ready(interest) => {
                ready?;
                *pause = FIRST_PAUSE;
                Ok(Reason::Fresh)
            }
            () = sleep(*pause), if !alone => {
                *pause = LONGEST_PAUSE.min(*pause * 2);
                Ok(Reason::Nudged)
            }
        }
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.0.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsRawFd for Wire {
    fn as_raw_fd(&self) -> RawFd {
        self.0.socket.as_raw_fd()
    }
}

#[async_trait]
impl AsyncSessionStream for Wire {
    async fn x_with<R>(
        &self,
        mut op: impl FnMut() -> Result<R, Ssh2Error> + Send,
        session: &Session,
        _expected: BlockDirections,
        _pause: Option<Duration>,
    ) -> Result<R, async_ssh2_lite::Error> {
        self.drive(|| {
            let result = op();
            self.note(session);
            Ok(result?)
        })
        .await
    }

    /// Only tries; to be called in [`drive`](Wire::drive), which waits.
    fn poll_x_with<R>(
        &self,
        _context: &mut Context<'_>,
        mut op: impl FnMut() -> Result<R, io::Error> + Send,
        session: &Session,
        _expected: BlockDirections,
        _pause: Option<Duration>,
    ) -> Poll<Result<R, io::Error>> {
        let result = op();
        self.note(session);
        Poll::Ready(result)
    }
}
