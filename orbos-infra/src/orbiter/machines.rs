//! Operating systems of real machines, over SSH.

use std::{sync::Arc, time::SystemTime};

use async_trait::async_trait;
use orbos_ssh::Shell;
use orbos_state::Result;

use crate::{
    bundle::Bundle,
    host::{HostChange, HostGoal, HostSeen},
    hosts::{self, HostContext, Reconnect},
    machine::Machine,
    provider::{Connection, Provider},
    reconciler::Hosts,
};

/// Looks at and changes operating systems through the shells that providers give.
#[derive(Clone, Debug)]
pub struct SshHosts {
    bundle: Option<Arc<Bundle>>,
}

impl SshHosts {
    /// Packages and artifacts come from the bundle; without one, machines download them.
    pub fn new(bundle: Option<Arc<Bundle>>) -> Self {
        Self { bundle }
    }
}

#[async_trait]
impl Hosts for SshHosts {
    async fn observe(&self, provider: &dyn Provider, machine: &Machine, goal: &HostGoal) -> Result<HostSeen> {
        let shell = provider.shell(machine, Connection::Shared).await?;
        hosts::observe(shell.as_ref(), goal, SystemTime::now()).await
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
