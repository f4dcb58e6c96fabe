//! Connections to machines, kept over all rounds.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use orbos_ssh::{Connect, Error, HostKeys, PrivateKey, Shell, SshConnect, Target, Timeouts};

type Make = Box<dyn Fn() -> Arc<dyn Connect> + Send + Sync>;

/// Connections to machines, kept over all rounds.
///
/// Every machine has a pool of its own, so that what is known of one can be forgotten: once other keys are
/// valid there, a connection that is still open says nothing about who gets in.
///
/// ```
/// use std::sync::Arc;
///
/// use orbos_infra::providers::Connections;
/// use orbos_ssh::{KnownHosts, Timeouts};
///
/// let connections = Connections::ssh(Arc::new(KnownHosts::new()), Timeouts::default());
/// assert_eq!(format!("{connections:?}"), "Connections { machines: 0 }");
/// ```
pub struct Connections {
    make: Make,
    shared: Mutex<BTreeMap<Target, Arc<dyn Connect>>>,
}

impl Connections {
    /// Connections from whatever makes pools; all pools have to know the same host keys.
    pub fn new(make: impl Fn() -> Arc<dyn Connect> + Send + Sync + 'static) -> Self {
        Self { make: Box::new(make), shared: Mutex::default() }
    }

    /// Connections by SSH.
    pub fn ssh(hosts: Arc<dyn HostKeys>, timeouts: Timeouts) -> Self {
        Self::new(move || Arc::new(SshConnect::with_timeouts(Arc::clone(&hosts), timeouts.clone())))
    }

    /// A shell over a connection that is open already, or over a new one that is kept.
    ///
    /// # Errors
    ///
    /// If the machine cannot be connected to with this key.
    pub async fn shared(&self, target: &Target, key: &PrivateKey) -> Result<Arc<dyn Shell>, Error> {
        let pool = self.lock().entry(target.clone()).or_insert_with(|| (self.make)()).clone();
        pool.connect(target, key).await
    }

    /// A shell over a new connection, which ends with the shell.
    ///
    /// # Errors
    ///
    /// If the machine cannot be connected to with this key.
    pub async fn fresh(&self, target: &Target, key: &PrivateKey) -> Result<Arc<dyn Shell>, Error> {
        (self.make)().connect(target, key).await
    }

    /// Forgets the connections to a machine; those still in use end with their shells.
    pub fn forget(&self, target: &Target) {
        self.lock().remove(target);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Target, Arc<dyn Connect>>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").field("machines", &self.lock().len()).finish()
    }
}
