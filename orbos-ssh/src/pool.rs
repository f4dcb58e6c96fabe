use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures::future::BoxFuture;
use tokio::time::Instant;

use crate::{
    Connect, Error, HostKeys, PrivateKey, Shell, Target, Timeouts, remote::RemoteShell, session::Session,
    tunnel::tunnel, wire::Wire,
};

/// Connects to real machines by SSH, and keeps the connections.
///
/// One connection per target and key is made when it is first needed, used by
/// everybody and over all rounds, with up to ten commands at once, and made
/// again when it is found dead. Clones share the connections.
///
/// # Examples
///
/// ```no_run
/// use std::sync::Arc;
///
/// use orbos_ssh::{Connect, Error, KnownHosts, PrivateKey, SshConnect, Target};
///
/// # async fn example(key: PrivateKey) -> Result<(), Error> {
/// let hosts = Arc::new(KnownHosts::new());
/// let ssh = SshConnect::new(hosts.clone());
/// let target = Target::new(([10, 0, 0, 7], 22).into(), "orbiter");
/// let shell = ssh.connect(&target, &key).await?;
/// shell.write("/etc/motd", b"kept by ORBOS\n", 0o644).await?;
/// let pinned = hosts.to_string(); // to be recorded
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SshConnect {
    pool: Arc<Pool>,
}

struct Pool {
    settings: Arc<Settings>,
    entries: Mutex<Entries>,
}

type Entries = HashMap<(Target, [u8; 32]), Arc<Entry>>;

struct Settings {
    hosts: Arc<dyn HostKeys>,
    timeouts: Timeouts,
}

/// The one connection to a target with a key, or the place for it.
pub(crate) struct Entry {
    target: Target,
    key: PrivateKey,
    jump: Option<Arc<Entry>>,
    settings: Arc<Settings>,
    place: tokio::sync::Mutex<Place>,
    used: Mutex<Instant>,
}

#[derive(Default)]
struct Place {
    session: Option<Arc<Session>>,
    /// When connecting last ended without a session, and why.
    failure: Option<(Instant, Error)>,
}

impl SshConnect {
    /// Starts without connections, with the default time-outs.
    #[must_use]
    pub fn new(hosts: Arc<dyn HostKeys>) -> Self {
        Self::with_timeouts(hosts, Timeouts::default())
    }

    /// Starts without connections.
    #[must_use]
    pub fn with_timeouts(hosts: Arc<dyn HostKeys>, timeouts: Timeouts) -> Self {
        let settings = Arc::new(Settings { hosts, timeouts });
        Self { pool: Arc::new(Pool { settings, entries: Mutex::default() }) }
    }

    /// Closes connections nobody used for this long, except those on which
    /// something runs. Shells that were handed out connect again when used.
    pub fn close_idle(&self, unused_for: Duration) {
        self.entries().retain(|_, entry| {
            if entry.used().elapsed() >= unused_for {
                entry.close_unless_busy();
            }
            entry.is_connected() || Arc::strong_count(entry) > 1
        });
    }

    /// Returns how many connections are kept, dead ones that nobody noticed included.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.entries().values().filter(|it| it.is_connected()).count()
    }

    fn entry(&self, target: &Target, key: &PrivateKey) -> Arc<Entry> {
        let jump = target.jump.as_ref().map(|jump| self.entry(jump, key));
        let entry = || {
            Arc::new(Entry {
                target: target.clone(),
                key: key.clone(),
                jump,
                settings: self.pool.settings.clone(),
                place: tokio::sync::Mutex::default(),
                used: Mutex::new(Instant::now()),
            })
        };
        self.entries().entry((target.clone(), key.digest())).or_insert_with(entry).clone()
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.pool.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Connect for SshConnect {
    async fn connect(&self, target: &Target, key: &PrivateKey) -> Result<Arc<dyn Shell>, Error> {
        let entry = self.entry(target, key);
        entry.session().await?;
        Ok(Arc::new(RemoteShell::new(entry)))
    }
}

impl fmt::Debug for SshConnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SshConnect").field("connections", &self.connections()).finish_non_exhaustive()
    }
}

impl Entry {
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Returns the connection, and whether it was just made.
    pub(crate) async fn session(&self) -> Result<(Arc<Session>, bool), Error> {
        let asked = Instant::now();
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = asked;
        // Held while connecting, so that everybody waits for the same connection.
        let mut place = self.place.lock().await;
        if let Some(session) = place.session.as_ref().filter(|it| !it.is_over()) {
            return Ok((session.clone(), false));
        }
        // Who waited while it failed would else wait as long again, one after the other.
        if let Some((_, error)) = place.failure.as_ref().filter(|(when, _)| *when > asked) {
            return Err(error.again());
        }
        place.session = None;
        match self.open().await {
            Ok(session) => {
                let session = Arc::new(session);
                *place = Place { session: Some(session.clone()), failure: None };
                Ok((session, true))
            }
            Err(error) => {
                place.failure = Some((Instant::now(), error.again()));
                Err(error)
            }
        }
    }

    async fn open(&self) -> Result<Session, Error> {
        let Settings { hosts, timeouts } = &*self.settings;
        let wire = match &self.jump {
            None => Session::dial(&self.target, timeouts).await?,
            Some(jump) => jump.tunnel_to(&self.target).await?,
        };
        Session::open(wire, &self.target, &self.key, &**hosts, timeouts).await
    }

    // Boxed, since a jump host may be behind a jump host.
    fn tunnel_to<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Wire, Error>> {
        Box::pin(async move {
            let (session, fresh) = self.session().await?;
            match tunnel(session.clone(), target.address).await {
                Err(error) if !fresh && !matches!(error, Error::Unreachable { .. }) => {
                    session.wire().retire();
                    tunnel(self.session().await?.0, target.address).await
                }
                result => result,
            }
        })
    }

    fn close_unless_busy(&self) {
        if let Ok(mut place) = self.place.try_lock()
            && place.session.as_ref().is_some_and(|it| Arc::strong_count(it) == 1)
        {
            place.session = None;
        }
    }

    // A connection that is being made counts.
    fn is_connected(&self) -> bool {
        self.place.try_lock().map_or(true, |place| place.session.is_some())
    }

    fn used(&self) -> Instant {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("target", &self.target).finish_non_exhaustive()
    }
}
