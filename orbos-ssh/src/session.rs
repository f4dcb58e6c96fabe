mod places;

use std::{
    io,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use async_ssh2_lite::{
    AsyncChannel, AsyncSession, SessionConfiguration,
    ssh2::{ErrorCode, MethodType},
};
use tokio::{
    net::TcpStream,
    sync::{Mutex, Semaphore},
    time::{Instant, sleep, timeout},
};

use crate::{
    Cause, Error, HostKey, HostKeys, PrivateKey, Target, Timeouts, channel::Channel, standing::Standing,
    wire::Wire,
};

/// What sshd allows on one connection by default (`MaxSessions`).
const COMMANDS_AT_ONCE: usize = 10;

/// libssh2 keeps every answer to a keep-alive; before they are too many the
/// session makes room for a new one.
const MOST_KEEP_ALIVES: u32 = 1000;

/// A connection that is logged in, on which several commands can run at once.
pub(crate) struct Session {
    // Channels and the session itself are freed in a turn, see `Wire`.
    ssh: AsyncSession<Wire>,
    wire: Wire,
    target: Target,
    timeouts: Timeouts,
    // libssh2 opens one channel at a time.
    opening: Mutex<()>,
    // How many commands may run at once, and how many of them do not.
    all_places: std::sync::Mutex<usize>,
    places: Semaphore,
    keep_alives: AtomicU32,
    // Between looks it is here; who looks holds the lock.
    standing: Mutex<Option<Standing>>,
}

impl Session {
    /// Connects by TCP, without a jump host.
    pub(crate) async fn dial(target: &Target, timeouts: &Timeouts) -> Result<Wire, Error> {
        let address = target.address;
        let stream =
            within(timeouts.connect, || format!("connecting to {address}"), TcpStream::connect(address));
        Ok(Wire::tcp(stream.await?.map_err(|source| Error::Unreachable { address, source })?))
    }

    /// Exchanges keys with the machine at the other end, checks who it is and
    /// logs in.
    pub(crate) async fn open(
        wire: Wire,
        target: &Target,
        key: &PrivateKey,
        hosts: &dyn HostKeys,
        timeouts: &Timeouts,
    ) -> Result<Self, Error> {
        let mut session = Self::new(wire, target, timeouts)?;
        let host = target.host();
        let pinned = hosts.known(&host);
        session.handshake(pinned.as_ref()).await?;
        let seen = session.host_key()?;
        if let Some(pinned) = pinned.as_ref().filter(|it| **it != seen) {
            return Err(Error::HostKeyChanged { host, pinned: pinned.described(), seen: seen.described() });
        }
        session.login(key).await?;
        if pinned.is_none() {
            tracing::info!(%host, fingerprint = %seen.fingerprint(), "host key pinned");
            hosts.pin(&host, seen);
        }
        Ok(session)
    }

    fn new(wire: Wire, target: &Target, timeouts: &Timeouts) -> Result<Self, Error> {
        let mut configuration = SessionConfiguration::new();
        // The least libssh2 can do; when one is due is decided in `watch`.
        configuration.set_keepalive(true, 1);
        let ssh = AsyncSession::new(wire.clone(), configuration)
            .map_err(|error| Error::Handshake { address: target.address, source: cause(error).into() })?;
        Ok(Self {
            ssh,
            wire,
            target: target.clone(),
            timeouts: timeouts.clone(),
            opening: Mutex::default(),
            all_places: std::sync::Mutex::new(COMMANDS_AT_ONCE),
            places: Semaphore::new(COMMANDS_AT_ONCE),
            keep_alives: AtomicU32::new(0),
            standing: Mutex::default(),
        })
    }

    async fn handshake(&mut self, pinned: Option<&HostKey>) -> Result<(), Error> {
        let address = self.target.address;
        let failed =
            |error: async_ssh2_lite::Error| Error::Handshake { address, source: cause(error).into() };
        if let Some(pinned) = pinned {
            self.prefer(pinned.algorithm()).await.map_err(failed)?;
        }
        let what = || format!("exchanging keys with {address}");
        within(self.timeouts.handshake, what, self.ssh.handshake()).await?.map_err(failed)
    }

    /// A machine with several keys shows the one that is asked for first.
    async fn prefer(&self, algorithm: &str) -> Result<(), async_ssh2_lite::Error> {
        let all = self.ssh.supported_algs(MethodType::HostKey).await?;
        let wanted = |name: &&str| match algorithm {
            "ssh-rsa" => matches!(*name, "rsa-sha2-512" | "rsa-sha2-256"),
            other => *name == other,
        };
        let (mut order, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(wanted);
        order.extend(rest);
        self.ssh.method_pref(MethodType::HostKey, &order.join(",")).await
    }

    fn host_key(&self) -> Result<HostKey, Error> {
        let key = self.ssh.host_key().and_then(|(blob, _)| HostKey::from_wire(blob));
        key.ok_or_else(|| Error::Handshake {
            address: self.target.address,
            source: "the machine shows no host key".into(),
        })
    }

    async fn login(&self, key: &PrivateKey) -> Result<(), Error> {
        let Target { address, user, .. } = &self.target;
        let what = || format!("logging in at {address}");
        let login = self.ssh.userauth_pubkey_memory(user, None, key.text()?, key.passphrase()?);
        within(self.timeouts.login, what, login).await?.map_err(|error| match code(&error) {
            // LIBSSH2_ERROR_AUTHENTICATION_FAILED, _PUBLICKEY_UNVERIFIED
            Some(-18 | -19) => Error::Denied { user: user.clone(), address: *address },
            // LIBSSH2_ERROR_FILE, _METHOD_NOT_SUPPORTED, _ALGO_UNSUPPORTED, _KEYFILE_AUTH_FAILED
            Some(-16 | -33 | -51 | -48) => Error::BadKey { why: message(&error) },
            _ => self.closed("logging in", cause(error).into()),
        })
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    pub(crate) fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    pub(crate) fn wire(&self) -> &Wire {
        &self.wire
    }

    /// Tells whether nothing new should be started on it.
    pub(crate) fn is_over(&self) -> bool {
        self.wire.is_broken()
    }

    /// Opens a channel that the machine connects to another one.
    pub(crate) async fn tunnel_channel(&self, to: std::net::SocketAddr) -> Result<Channel, Error> {
        let host = to.ip().to_string();
        let opening = self.ssh.channel_direct_tcpip(&host, to.port(), None);
        self.channel("a tunnel", opening).await
    }

    async fn channel(
        &self,
        what: &str,
        opening: impl Future<Output = Result<AsyncChannel<Wire>, async_ssh2_lite::Error>>,
    ) -> Result<Channel, Error> {
        let address = self.target.address;
        let describe = || format!("opening {what} on {address}");
        within(self.timeouts.open, describe, async {
            let _alone = self.opening.lock().await;
            if self.is_over() {
                return Err(self.closed(what, "it is not in use any more".into()));
            }
            let unfinished = Unfinished::new(&self.wire);
            let channel = opening.await.map_err(|error| match code(&error) {
                // LIBSSH2_ERROR_CHANNEL_FAILURE: the machine said no.
                Some(-21) => Error::Refused { address, what: what.to_owned(), source: cause(error).into() },
                _ => self.closed(what, cause(error).into()),
            });
            if matches!(channel, Ok(_) | Err(Error::Refused { .. })) {
                unfinished.finish();
            }
            Ok(Channel::new(channel?, self.wire.clone()))
        })
        .await?
    }

    /// Runs until the machine was silent for too long, asking it meanwhile
    /// whether it is there.
    pub(crate) async fn watch(&self) -> Error {
        let Timeouts { keep_alive, silence, .. } = self.timeouts;
        let start = Instant::now();
        let mut asked: Option<Instant> = None;
        loop {
            let heard = self.wire.heard().max(start);
            asked = asked.filter(|it| *it > heard);
            // It must have had a chance to answer: maybe it was us who slept.
            if heard.elapsed() >= silence && asked.is_some_and(|it| it.elapsed() + keep_alive >= silence) {
                let what = format!("any answer of {}", self.target.address);
                return Error::Timeout { what, after: silence };
            }
            if heard.elapsed() >= keep_alive {
                if let Err(error) = self.keep_alive().await {
                    return self.closed("asking whether it is there", cause(error).into());
                }
                asked.get_or_insert_with(Instant::now);
            }
            sleep(keep_alive.max(Duration::from_millis(10))).await;
        }
    }

    async fn keep_alive(&self) -> Result<(), async_ssh2_lite::Error> {
        if self.keep_alives.fetch_add(1, Ordering::Relaxed) >= MOST_KEEP_ALIVES {
            self.wire.retire();
        }
        self.ssh.keepalive_send().await.map(drop)
    }

    pub(crate) fn closed(&self, what: &str, source: Cause) -> Error {
        Error::Closed { address: self.target.address, what: what.to_owned(), source }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("target", &self.target).finish_non_exhaustive()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Else libssh2 waits for answers to its closing words, and keeps the memory.
        self.wire.shut();
    }
}

/// Retires the session if what began is given up half-way: libssh2 may be in
/// the middle of it.
pub(crate) struct Unfinished<'a>(Option<&'a Wire>);

impl<'a> Unfinished<'a> {
    pub(crate) fn new(wire: &'a Wire) -> Self {
        Self(Some(wire))
    }

    pub(crate) fn finish(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(wire) = self.0 {
            wire.retire();
        }
    }
}

/// Waits for something, but not for longer than `after`.
pub(crate) async fn within<T>(
    after: Duration,
    what: impl FnOnce() -> String,
    future: impl Future<Output = T>,
) -> Result<T, Error> {
    timeout(after, future).await.map_err(|_| Error::Timeout { what: what(), after })
}

fn code(error: &async_ssh2_lite::Error) -> Option<i32> {
    match error.as_ssh2()?.code() {
        ErrorCode::Session(code) => Some(code),
        ErrorCode::SFTP(_) => None,
    }
}

fn message(error: &async_ssh2_lite::Error) -> String {
    error.as_ssh2().map_or_else(|| error.to_string(), |it| it.message().to_owned())
}

/// The parts of the client library's errors that help a reader.
pub(crate) fn cause(error: async_ssh2_lite::Error) -> io::Error {
    match error {
        async_ssh2_lite::Error::Io(error) => error,
        other => io::Error::other(message(&other)),
    }
}
