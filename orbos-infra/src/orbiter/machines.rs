//! Operating systems of real machines, over SSH.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use async_trait::async_trait;
use orbos_ssh::Shell;
use orbos_state::Result;

use crate::{
    bundle::Bundle,
    host::{HostChange, HostGoal, HostSeen},
    hosts::{self, HostContext, Kept, Reconnect},
    machine::{Machine, MachineId},
    provider::{Connection, Provider},
    reconciler::Hosts,
};

/// Looks at and changes operating systems through the shells that providers give.
///
/// It remembers what machines need not read again as long as it did not change, so it is worth keeping over rounds.
#[derive(Debug)]
pub struct SshHosts {
    bundle: Option<Arc<Bundle>>,
    /// Some kilobytes a machine. Names of machines are derived, so there are never many more than machines.
    kept: Mutex<BTreeMap<MachineId, Kept>>,
}

impl SshHosts {
    /// Packages and artifacts come from the bundle; without one, machines download them.
    pub fn new(bundle: Option<Arc<Bundle>>) -> Self {
        Self { bundle, kept: Mutex::default() }
    }

    fn take(&self, id: &MachineId) -> Option<Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
    }

    fn keep(&self, id: &MachineId, kept: Option<Kept>) {
        if let Some(kept) = kept {
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), kept);
        }
    }
}

#[async_trait]
impl Hosts for SshHosts {
    async fn observe(&self, provider: &dyn Provider, machine: &Machine, goal: &HostGoal) -> Result<HostSeen> {
        let shell = provider.shell(machine, Connection::Shared).await?;
        let mut kept = self.take(&machine.id);
        let seen = hosts::observe_again(shell.as_ref(), goal, SystemTime::now(), &mut kept).await;
        self.keep(&machine.id, kept);
        seen
    }

    async fn apply(&self, provider: &dyn Provider, machine: &Machine, change: &HostChange) -> Result<()> {
        let shell = provider.shell(machine, Connection::Shared).await?;
        let again = Again { provider, machine };
        hosts::apply(shell.as_ref(), change, &HostContext { bundle: self.bundle.clone(), reconnect: &again })
            .await
    }
}

#[derive(Debug)]
struct Again<'a> {
    provider: &'a dyn Provider,
    machine: &'a Machine,
}

#[async_trait]
impl Reconnect for Again<'_> {
    async fn fresh(&self) -> Result<Arc<dyn Shell>> {
        self.provider.shell(self.machine, Connection::Fresh).await
    }
}
